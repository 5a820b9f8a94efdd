/* SPDX-License-Identifier: MIT */
/* The threads of the offload pool, which outlive their work by a moment. */
#ifndef TESTS_HELPERS_H
#define TESTS_HELPERS_H

#include "leaks.h"

#include <stdbool.h>

/* Whether the pool has no thread now; for wait_until. */
bool no_helpers(void *unused);

/* Waits until then; false when it took too long. */
bool helpers_gone(void);

/* A census, and the comparison with it, when no helper is there that counts. */
census quiet_census(void);
void assert_nothing_is_left(census before);

#endif
