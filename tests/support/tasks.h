/* SPDX-License-Identifier: MIT */
/*
 * Several tasks at the same time, as plain threads, as fibers, and both: what is promised between tasks has to hold in every
 * arrangement. The bodies report by their results, since only the test's own thread may fail the test.
 */
#ifndef TESTS_TASKS_H
#define TESTS_TASKS_H

#include "base/task.h"

#include <stddef.h>

enum arrangement {
    THREADS,     /* a plain thread each */
    ONE_WORKER,  /* fibers of one worker, alone in the process as far as this test goes */
    TWO_WORKERS, /* fibers, every other one on worker 2 */
    MIXED,       /* every third a plain thread, the others fibers of two workers */
    ARRANGEMENTS
};
extern const char *const arrangement_names[ARRANGEMENTS];

#define MOST_MEMBERS 16

typedef struct member {
    long (*body)(void *argument);
    void *argument;
    long result;
} member;

/* Runs the bodies of COUNT members side by side, returns when all have ended, and fails the test when they could not start.
 * Each has an enclosing deadline of WAIT_LIMIT, so that one which waits in vain ends with ETIMEDOUT. */
void run_members(enum arrangement arrangement, member *members, size_t count);

/* The same body and argument COUNT times. The sum of the results. */
long run_crowd(enum arrangement arrangement, size_t count, long (*body)(void *argument), void *argument);

/* Cancels TASK as a group does. It must live until this has returned, which one that ends by it does by calling
 * outlive_canceller first. */
void cancel_task(hawser__task *task);
void outlive_canceller(void);

/* Numbers that look random, different for each call of this and the same in each run. */
unsigned next_number(unsigned *state);

#endif
