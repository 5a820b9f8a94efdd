/* SPDX-License-Identifier: MIT */
/* frames_libc.c where the C library walks stacks, frames_none.c where it does not. */
#ifndef TESTS_FRAMES_H
#define TESTS_FRAMES_H

/* How many frames a backtrace from here has, 100 at most; -1 when nobody can say. */
int count_frames(void);

#endif
