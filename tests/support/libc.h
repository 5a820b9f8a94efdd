/* SPDX-License-Identifier: MIT */
/*
 * Where the C library under a test decides, and not the library being tested. Such a test says in words what it needs, and is
 * skipped, visibly, where that is not to be had.
 */
#ifndef TESTS_LIBC_H
#define TESTS_LIBC_H

#include <stdbool.h>

bool libc_is_gnu(void);

/* Skips the test, or the rest of it, unless this is the GNU C library; prints WHY it is needed. */
void needs_gnu_libc(const char *why);

#endif
