/* SPDX-License-Identifier: MIT */
/*
 * Every public call that can wait, as a table: how to bring about that it has to, the call, and how to let it finish. What is
 * tested with each of them is in tests/unit/test_blocking_calls.c: signals, timeouts, interruption, closing by another thread.
 */
#ifndef TESTS_BLOCKING_CALLS_H
#define TESTS_BLOCKING_CALLS_H

#include "support.h"

typedef struct situation {
    const struct blocking_call *blocking;
    hawser_sock *sock; /* the one that waits; NULL for calls without a socket */
    hawser_file *file;
    hawser_sock *made; /* by accept and create_connection */
    int far;           /* the plain other end, or a client */
    int fds[2];        /* a pipe or a regular file, where the call needs one */
    black_hole hole;
    int port;
    double timeout; /* of the call */
    runner *run;    /* the thread that makes it, while there is one */
} situation;

typedef struct blocking_call {
    const char *name;
    void (*prepare)(situation *s);
    int64_t (*call)(situation *s);
    void (*ready)(situation *s); /* NULL: nothing but time ends it */
    int64_t expected;            /* result when ready */
    int at_once;                 /* errno with a timeout of 0; 0 = the call knows no such timeout */
    bool closable;               /* hawser_close by another thread ends it with EBADF */
} blocking_call;

extern const blocking_call blocking_calls[];
extern const size_t blocking_call_count;

/* It needs descriptors, which a simulated world has not. */
bool needs_descriptors(const blocking_call *blocking);

/* A situation in which CALL has to wait, at most for TIMEOUT; and its end. */
situation situation_for(const blocking_call *blocking, double timeout);
void leave_situation(situation *s);

/* For start(): makes the call of a situation. */
long make_call(void *argument);

#endif
