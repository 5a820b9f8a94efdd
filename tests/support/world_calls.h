/* SPDX-License-Identifier: MIT */
/*
 * The linker gives every call of NAME in a test program to __wrap_NAME, and the C library's own has the name __real_NAME:
 * cmake/tests.cmake, which has the list as well.
 */
#ifndef TESTS_WORLD_CALLS_H
#define TESTS_WORLD_CALLS_H

#include "world.h"

#include <errno.h>
#include <sys/types.h>

/* The head of __wrap_NAME, with the declarations of both. */
#define WRAPPED(type, name, ...)                                                                                               \
    type __real_##name(__VA_ARGS__);                                                                                           \
    type __wrap_##name(__VA_ARGS__);                                                                                           \
    type __wrap_##name(__VA_ARGS__)

/* A negative code becomes -1 and errno, as the C library has it. */
static inline ssize_t as_in_libc(ssize_t result) {
    if (result < 0)
        errno = (int)-result;
    return result < 0 ? -1 : result;
}

#endif
