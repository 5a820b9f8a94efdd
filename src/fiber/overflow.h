/* SPDX-License-Identifier: MIT */
/*
 * What happens when a fiber overflows its stack: the guard raises SIGSEGV, the handler runs on an alternate stack,
 * writes one line, puts the old action back and lets the signal do what it would have done. Any other SIGSEGV goes straight
 * to the old action.
 */
#ifndef HAWSER__OVERFLOW_H
#define HAWSER__OVERFLOW_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>

/* Writes into TEXT (SIZE bytes) a line, with or without its end, about the fiber that has left its stack: ADDRESS lies in its
 * guard, or SP, where its stack pointer is (NULL: not known on this processor), nowhere in its stack. False when there is none.
 * Called in the signal handler on the thread that faulted. */
typedef bool hawser__overflow_describe(const void *address, const void *sp, char *text, size_t size);

/* Handles SIGSEGV and SIGBUS from now on, unless somebody else does already. Counted: the last end restores. 0 or -errno. */
int hawser__overflow_begin(hawser__overflow_describe *describe);
void hawser__overflow_end(void);
/* For the child of a fork, while it has one thread; there called by itself. Once more does no harm: for who wants to begin or
 * end in such a child before it is. */
void hawser__overflow_after_fork(void);
/* Whether ACTION is the handler that this puts in. */
bool hawser__overflow_has(const struct sigaction *action);

/* The stack pointer in the CONTEXT that a signal handler is given. NULL: not known on this processor. */
const void *hawser__overflow_stack_pointer(const void *context);

/* An alternate signal stack for the calling thread, unless it has one. 0 or -errno; *RET is for the end. */
int hawser__overflow_thread_begin(void **ret);
void hawser__overflow_thread_end(void *stack);

#endif
