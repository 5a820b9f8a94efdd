/* SPDX-License-Identifier: MIT */
#include "frames.h"

#include <execinfo.h>

int count_frames(void) {
    void *frames[100];
    return backtrace(frames, 100);
}
