/* SPDX-License-Identifier: MIT */
#include "frames.h"

int count_frames(void) {
    return -1;
}
