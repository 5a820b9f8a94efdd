/* SPDX-License-Identifier: MIT */
/*
 * Tests on a host of a simulated world (TEST_IN_FIBER=sim: main.c). They are linked so that what they call of the C library for
 * sockets, threads, time and signals is in world_numbers.c and world_calls.c: outside of a world that calls the C library
 * itself, inside it the simulated host. A far end made of plain libc calls is a socket of that host then, with a number in
 * place of a descriptor; a thread is a strand; a signal hits the host; and what cannot be had there skips the test.
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

/* world_numbers.c: sockets of the host in place of descriptors. */

#define FIRST_NUMBER (1 << 20)

/* What stands for the descriptor of SOCK, which keeps it: good as long as the socket is open. -1: it is closed. */
int number_of_sock(hawser_sock *sock);
/* The same for hawser_server_fileno. */
int number_of_server(hawser_server *server);
/* A socket of the library's made of what stands for NUMBER, which is no more then; and the other way round. */
hawser_sock *sock_of_number(int number);
int number_from(hawser_sock *sock);

#endif
