/* SPDX-License-Identifier: MIT */
/*
 * The current task: what a call leaves behind for the one who made it, and what it waits with.
 *
 * Today every task is a plain thread. A fiber will carry the same record, and the scheduler will only switch which one
 * hawser__task_current() returns; nothing above needs to know.
 */
#ifndef HAWSER__TASK_H
#define HAWSER__TASK_H

#include <hawser/common.h>
#include <stdatomic.h>

#define HAWSER__SENTENCE 512

typedef struct hawser__task {
    char sentence[HAWSER__SENTENCE];   /* of the last failure */
    uint64_t moved;                    /* bytes that the last failing call had moved */
    void *attempts;                    /* of the last create_connection: net/dial.c, owned here until the task ends */
    size_t attempt_count;
    void *lent;                        /* the buffer that lending reads hand out; made when first needed */
    atomic_int wake_fd;                /* eventfd that ends a wait; -1 until the first wait */
    atomic_bool woken;                 /* a wake-up not yet consumed */
    atomic_int interrupted;            /* signal that ends the task's waits, 0 = none */
    bool registered;                   /* the thread's end will release this record */
} hawser__task;

/* The record of the calling task; never NULL. Kept out of line so that no caller can hold a thread's address over a switch. */
hawser__task *hawser__task_current(void);

/* How many forks lie between this process and the first: what other threads were doing at a fork did not come along. */
unsigned hawser__fork_generation(void);

#endif
