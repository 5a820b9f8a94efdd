/* SPDX-License-Identifier: MIT */
/*
 * Tests on a host of a simulated world (TEST_IN_FIBER=sim: main.c). They are linked so that what they call of the C library for
 * sockets, threads, time and signals is in world_numbers.c and world_calls.c: outside of a world that calls the C library
 * itself, inside it the simulated host. A far end made of plain libc calls is a socket of that host then, and its descriptor
 * a number as simulated hosts have them; a thread is a strand; a signal hits the host; and what cannot be had there skips the test.
 */
#ifndef TESTS_WORLD_H
#define TESTS_WORLD_H

#include <stdbool.h>

#include <hawser/server.h>

bool in_world(void);

/* In a world the test is skipped, for the reason WHY. Elsewhere, and for other tasks than the test's own, nothing happens. */
void skip_in_world(const char *why);

/* The calling task is the test's own. */
void note_test_task(void);

/* The strand that calls, and whether one waits: all of its fibers do then. */
void *current_strand(void);
bool strand_waits(const void *strand);

/* The whole calling thread rests until the virtual clock shows so many seconds. What would end a wait of the library's is left
 * for those. */
void rest_until(double seconds);

/* The names of HOSTS, lines of one address and one name, are looked up as well. NULL: none. */
void name_hosts_in_world(const char *hosts);

#endif
