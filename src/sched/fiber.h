/* SPDX-License-Identifier: MIT */
/*
 * The inside of a fiber. The record lies at the top of the fiber's own stack, in the page that is in use anyway. Only its worker
 * touches it, except for `posted`, the task's marks, and the links that group.c guards with the group's lock.
 *
 *   start --> READY --> RUNNING --> ENDED         READY: in its worker's queue
 *               ^          |                      RUNNING: one a worker
 *               +- PARKED <+                      PARKED: somebody will wake it
 */
#ifndef HAWSER__FIBER_H
#define HAWSER__FIBER_H

#include "base/task.h"
#include "fiber/context.h"
#include "fiber/stack.h"
#include "sched/inbox.h"
#include "sched/timers.h"

#include <hawser/group.h>

#define HAWSER__FIBER_NAME 32

typedef struct hawser__fiber hawser__fiber;
typedef struct hawser__worker hawser__worker;

struct hawser__links {
    hawser__fiber *next, *previous;
};

enum hawser__fiber_state { HAWSER__READY_TO_RUN, HAWSER__RUNNING, HAWSER__PARKED, HAWSER__ENDED };

struct hawser__fiber {
    hawser__context context;
    hawser__worker *worker;
    hawser__fiber *next;                /* in the worker's queue */
    enum hawser__fiber_state state;
    int saved_errno;
    bool expired;                       /* its timer ran out */
    atomic_bool posted;                 /* `post` is in the worker's inbox, or about to be */
    hawser__timer timer;
    int64_t since;                      /* when it was parked, on the worker's clock, which is read once a turn */
    hawser__task task;
    hawser__post post;                  /* its start, and later its wake-ups, from other threads */
    struct hawser__links all;           /* in the worker's list of fibers */
    struct hawser__links members;       /* in the group's list */
    hawser_group *group;                /* NULL: the run's own */
    hawser_fn fn;
    void *arg;
    uint64_t number;
    hawser__stacks *stacks;             /* the pool, and the slot, that this lies in */
    void *stack;
    size_t stack_size;
    char name[HAWSER__FIBER_NAME];      /* "": that of fn, if it can be found */
};

/* Starts a fiber on WORKER, from any thread. 0; -ENOMEM, -EAGAIN (too many), -ECANCELED (the run or the group is). */
int hawser__fiber_start(hawser__worker *worker, const hawser_go_options *options, hawser_fn fn, void *arg);

/* The fiber has ended and does not run any more: it leaves its group, and gives back all that it had, now or when the last post
 * for it has been handled, which calls hawser__fiber_recycle. */
void hawser__fiber_end(hawser__fiber *fiber);
void hawser__fiber_recycle(hawser__fiber *fiber);

void hawser__fiber_setname(hawser__fiber *fiber, const char *name);

/* The calling fiber; NULL on a plain thread. */
hawser__fiber *hawser__fiber_current(void);

#endif
