/* SPDX-License-Identifier: MIT */
/*
 * Calls made slow on demand: while the gate is shut, every getaddrinfo of the library stops in front of it, on whichever
 * thread, inside the library's call. Nothing is timed; a test waits until as many as it expects stand there.
 */
#ifndef TESTS_GATE_H
#define TESTS_GATE_H

#include <pthread.h>
#include <stdbool.h>

/* Puts the gate, open, in front of getaddrinfo. Before the first test; the hooks of faults.h go on working. */
void build_gate(void);

/* To CALL instead, on the threads of the offload pool alone. While nobody is near it. */
void move_gate(const char *call);

void shut_gate(void);
void open_gate(void);
/* One of those who stand there may go on. */
void let_one_through(void);
/* Opens the gate for a child after fork, without anybody here taking notice until open_gate(). */
void leave_gate_ajar(void);

/* Wait until N stand inside, or have come to the gate since it was shut; false when it took too long. */
bool wait_inside(int n);
bool wait_entered(int n);

/* Calls that came to the gate since it was shut, and the most that stood there at once. */
int gate_entered(void);
int gate_most(void);
/* The thread that came last. */
pthread_t gate_last(void);

/* The next poll of this thread fails with ERROR, after the gate was opened and HOLDS() had become true. */
void fail_poll_when(bool (*holds)(void *argument), int error);

#endif
