/* SPDX-License-Identifier: MIT */
/*
 * Counting what a test could leave behind: allocations of the library, open descriptors, live threads.
 *
 * Take a census before, do the work on a thread that is joined (a task keeps its wake descriptor and its list of attempts until
 * its thread ends), and compare afterwards. In a simulated world sockets of the host count as
 * descriptors, and threads do not.
 */
#ifndef TESTS_LEAKS_H
#define TESTS_LEAKS_H

#include <stdbool.h>

typedef struct census {
    long allocations, descriptors, threads;
} census;

census take_census(void);

/* Whether all threads have ended that were not there at the program's first census; for wait_until. */
bool only_first_threads(void *unused);

/* NULL when nothing more is held now than in BEFORE, else what is. Threads that are just ending get a bounded time to do so.
 * Static text. */
const char *compare_census(census before);

/* Open descriptors of this process, or sockets of a simulated host. */
long open_descriptors(void);

/* For the fault hooks: an allocation came (+1) or went (-1). */
void count_allocation(int delta);

#endif
