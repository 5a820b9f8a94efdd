/* SPDX-License-Identifier: MIT */
#include "base/fault.h"

#include <stddef.h>

const struct hawser__faults *hawser__faults = NULL;
