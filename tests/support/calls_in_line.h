/* SPDX-License-Identifier: MIT */
/*
 * The calls that stand in line (sched/waiters.h), and what each needs around it: a scene in which it has to wait, and what lets
 * it go on.
 */
#ifndef TESTS_CALLS_IN_LINE_H
#define TESTS_CALLS_IN_LINE_H

#include "threads.h"

#include "base/task.h"

#include <hawser/channel.h>
#include <hawser/sync.h>

struct scene {
    const struct waiting_call *waiting;
    hawser_mutex *mutex, *spare; /* the first is locked */
    hawser_cond *cond;
    hawser_semaphore *semaphore;
    hawser_waitgroup *waitgroup;
    hawser_channel *empty, *full, *meeting; /* of integers; the last two of capacity 1, full, and 0 */
    int item;
    double seconds; /* the deadline around the call */
    _Atomic(hawser__task *) task;
};

struct waiting_call {
    const char *name, *sentence, *waits_for; /* the last for hawser_dump */
    long (*call)(struct scene *scene);
    void (*ready)(struct scene *scene);
    long expected;
    bool kept; /* what READY does is there for those who come later, too */
};

extern const struct waiting_call calls_in_line[]; /* the last one has no name */

struct scene open_scene(const struct waiting_call *waiting, double seconds);
void close_scene(struct scene *scene);

/* The body of a runner, which makes the call of a scene. */
long call_in_scene(void *scene);

/* RUN has made the call, which has failed with CODE, as a whole. */
void check_call_failed(const struct waiting_call *waiting, const runner *run, int code);

#endif
