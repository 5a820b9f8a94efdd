/* SPDX-License-Identifier: MIT */
/*
 * The current task: what a call leaves behind for the one who made it, and what it waits with.
 *
 * A task is a plain thread or a fiber. A thread's record is in thread-local storage, a fiber's on its stack; the scheduler
 * says at every switch which one hawser__task_current() returns, and nothing above needs to know.
 */
#ifndef HAWSER__TASK_H
#define HAWSER__TASK_H

#include "base/clock.h"

#include <hawser/common.h>
#include <stdatomic.h>

#define HAWSER__SENTENCE 512

typedef struct hawser__task hawser__task;

/* Output that a task holds back, in its list until it is sent: before the task waits, at the latest. */
struct hawser__held {
    struct hawser__held *next;
    bool (*send)(struct hawser__held *held);   /* it is off the list; true: the task had to wait for it */
};

struct hawser__task {
    /* What the next wait needs is together: a parked fiber touches as few cache lines as can be. */
    atomic_bool woken;                 /* a wake-up not yet consumed */
    atomic_bool cancelled;             /* its waits fail with ECANCELED */
    bool registered;                   /* a thread: its end will release this record */
    bool listens;                      /* a fiber: it asked for a signal, so its waits end when one comes to its principal */
    atomic_int interrupted;            /* signal that ends the waits of all whose principal this is, 0 = none */
    hawser__task *principal;           /* whose interruptions count: a thread's own, a fiber's, if it listens, that of its run;
                                        * NULL = itself */
    void (*wake)(hawser__task *task);  /* a fiber: how it is woken; NULL = a thread, by wake_fd. Threads of other machines
                                        * (machine.h) have their own */
    struct hawser__fiber *fiber;       /* the scheduler's; NULL = a plain thread */
    hawser__deadline deadline;         /* of hawser_deadline_push */
    struct hawser__held *held;         /* what is sent before the next wait */
    struct hawser__defer *defers;      /* what runs at its end, the last asked for first: sched/defer.h */
    bool may_defer;                    /* somebody runs them */
    const void *serves;                /* the server whose handler or hook this is, or was started by; NULL = none */
    const char *waits_for;             /* static text: "recv", "mutex"; NULL = it does not wait */
    int64_t waits_on;                  /* a descriptor or address that goes with it; -1 = none */
    uint64_t moved;                    /* bytes that the last failing call had moved */
    void *attempts;                    /* of the last create_connection: net/dial.c, owned here until the task ends */
    size_t attempt_count;
    void *lent;                        /* the buffer that lending reads hand out, while this task has it */
    atomic_int wake_fd;                /* a thread: eventfd that ends a wait; -1 until the first wait */
    bool told;                         /* there has been a failure: `sentence` is about it */
    char *sentence;                    /* HAWSER__SENTENCE bytes, which are not touched before the first failure */
};

/* The record of the calling task; never NULL. Kept out of line so that no caller can hold a thread's address over a switch. */
hawser__task *hawser__task_current(void);

/* From now on TASK is the calling thread's current one; NULL = the thread's own. For the scheduler. */
void hawser__task_switch(hawser__task *task);
/* From now on the thread's own is TASK; NULL = as it was born. For a machine whose threads take turns on one. */
void hawser__task_settle(hawser__task *task);

/* A fiber's record before its first use, and after its last; SENTENCE is room for HAWSER__SENTENCE bytes. */
void hawser__task_init(hawser__task *task, char *sentence);
void hawser__task_done(hawser__task *task);

/* Whether waits of TASK are to fail with ECANCELED: it is cancelled, or interrupted by a signal. */
static inline bool hawser__task_cut(const hawser__task *task) {
    const hawser__task *principal = task->listens ? task->principal : task;
    return atomic_load_explicit(&task->cancelled, memory_order_relaxed) ||
           atomic_load_explicit(&principal->interrupted, memory_order_relaxed);
}

/* The earlier of DEADLINE and the calling task's own (hawser_deadline_push). */
hawser__deadline hawser__task_deadline(hawser__deadline deadline);

/* Sends what TASK, the calling one, holds back. True: it had to wait for that, so a wake-up may have been consumed. */
bool hawser__task_send_held(hawser__task *task);

/* How many forks lie between this process and the first: what other threads were doing at a fork did not come along. */
extern atomic_uint hawser__forks;

static inline unsigned hawser__fork_generation(void) {
    return atomic_load_explicit(&hawser__forks, memory_order_relaxed);
}

#endif
