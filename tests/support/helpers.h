/* SPDX-License-Identifier: MIT */
/* Threads that outlive their work by a moment: those of the offload pool, of a server's pool, of the test before. */
#ifndef TESTS_HELPERS_H
#define TESTS_HELPERS_H

#include "leaks.h"

#include <stdbool.h>

/* Whether the pool has no thread now; for wait_until. */
bool no_helpers(void *unused);

/* Waits until then; false when it took too long. */
bool helpers_gone(void);

/* A census when no thread is there but the program's first ones: a thread that only just ends, a helper or another, still has
 * what it then frees. And the comparison with it. */
census quiet_census(void);
void assert_nothing_is_left(census before);

#endif
