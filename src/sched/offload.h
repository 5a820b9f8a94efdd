/* SPDX-License-Identifier: MIT */
/*
 * The pool: what blocks its thread runs on a helper thread, while the task that asked waits. Look-ups, the disk and
 * hawser_offload come here, and nothing else of the library makes threads for work.
 */
#ifndef HAWSER__OFFLOAD_H
#define HAWSER__OFFLOAD_H

#include "base/clock.h"
#include "base/task.h"

/* Kinds of work. Each has as many places as hawser_offload_set_threads says, whatever the others do. */
enum hawser__work { HAWSER__WORK_FUNCTION, HAWSER__WORK_LOOKUP, HAWSER__WORK_DISK, HAWSER__WORKS };

/*
 * One piece of work; put it first in a record with what RUN needs, everything else zeroed.
 *
 * An owned job has RELEASE, and what it works on belongs to it, so the task may leave while it runs. A borrowed one has none:
 * it works on the task's own memory (it may lie on the stack), and once it runs the task waits for its end.
 */
typedef struct hawser__job hawser__job;
struct hawser__job {
    enum hawser__work work;
    void (*run)(hawser__job *job);       /* on a helper */
    void (*release)(hawser__job *job);   /* once, when neither pool nor task will look at it any more */
    hawser__job *next;                   /* from here on the pool's */
    hawser__task *waiter;                /* NULL once it has left */
    enum { HAWSER__QUEUED, HAWSER__STARTED, HAWSER__DONE } state;
};

/* Has JOB run while the calling task waits; WHAT and OBJECT are for hawser__wait. 0 when it has run. -ETIMEDOUT at DEADLINE,
 * -EAGAIN at once with HAWSER__NOW, -ECANCELED, -ENOMEM when no thread can be had: a borrowed job has then not been started and
 * never will be, an owned one is left to itself. The task's own deadline is the caller's to mind. */
int hawser__offload(hawser__job *job, const char *what, int64_t object, hawser__deadline deadline);

/* Whether the calling task is a helper: it may block, and should not wait for a place that it may hold itself. */
bool hawser__offload_helping(void);

/* How many helpers there are at this moment. For tests. */
int hawser__offload_helpers(void);

#endif
