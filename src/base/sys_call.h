/* SPDX-License-Identifier: MIT */
/*
 * RETURN_CALL is the whole pattern of a system call: ask the fault hook, make the call, turn errno into the result, and leave
 * errno as the caller had it (a later success must not be betrayed by what was tried in between). For the files of base alone.
 */
#ifndef HAWSER__SYS_CALL_H
#define HAWSER__SYS_CALL_H

#include "base/fault.h"

#include <errno.h>
#include <stdint.h>

static inline int hawser__sys_fault(const char *name) {
    return hawser__faults && hawser__faults->syscall ? hawser__faults->syscall(name) : 0;
}

#define RETURN_CALL(name, call)                                                                                               \
    do {                                                                                                                      \
        int saved = errno, injected = hawser__sys_fault(name);                                                                \
        if (injected)                                                                                                         \
            return -injected;                                                                                                 \
        int64_t result = (int64_t)(call);                                                                                     \
        if (result < 0)                                                                                                       \
            result = -errno;                                                                                                  \
        errno = saved;                                                                                                        \
        return (__typeof__(call))result;                                                                                      \
    } while (0)

#endif
