/* SPDX-License-Identifier: MIT */
/*
 * The fault seam: a test installs hooks and decides which system call or allocation fails. NULL in production, where it costs
 * one load and one branch a call.
 */
#ifndef HAWSER__FAULT_H
#define HAWSER__FAULT_H

#include <stdbool.h>

struct hawser__faults {
    int (*syscall)(const char *name);              /* 0 = make the call; an errno = fail with it instead */
    bool (*alloc)(void);                           /* true = fail */
    void (*count)(int delta);                      /* +1 after each allocation, -1 after each free of something */
};

extern const struct hawser__faults *hawser__faults;

#endif
