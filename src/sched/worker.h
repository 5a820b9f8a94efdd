/* SPDX-License-Identifier: MIT */
/*
 * A worker: one thread that runs fibers. It owns its queue, timers and fibers without a lock; other threads reach it through its
 * inbox, and end its sleep through its port.
 *
 * A fiber that parks or ends switches straight to the next one in the queue; the loop on the thread's own stack runs only when
 * the queue is empty, or `turns` switches have gone by without a look at the inbox, the timers and the port.
 */
#ifndef HAWSER__WORKER_H
#define HAWSER__WORKER_H

#include "base/lock.h"
#include "base/thread.h"
#include "sched/engine.h"
#include "sched/fiber.h"

typedef struct hawser__run hawser__run;

/* Pools for stacks of 2^n bytes. */
#define HAWSER__STACK_CLASSES 48

/* Memory blocks of one size that are free, the last used first. */
#define HAWSER__SPARES 16
struct hawser__spares {
    void *blocks[HAWSER__SPARES];
    int count;
};

struct hawser__worker {
    hawser__context loop;               /* the thread itself */
    _Atomic(hawser__fiber *) running;   /* NULL: the loop */
    hawser__fiber *first, **last;       /* the queue */
    unsigned turns;                     /* switches until the loop has to look around */
    unsigned spending;                  /* operations that the running fiber may do before it has to let others run */
    hawser__fiber *ended;               /* the fiber that ended just now: whoever goes on sees to what is left of it */
    int64_t now;                        /* the clock when the loop last looked */
    hawser__timers timers;
    hawser__inbox inbox;
    atomic_bool asleep;                 /* it waits in its port, or is about to */
    atomic_uint watched_switches;       /* counts switches, for the watchdog */
    hawser__engine *engine;
    hawser__port *port;
    hawser__run *run;
    int number;                         /* 1 ... */
    bool gone;                          /* it stayed with the parent at a fork */
    hawser__thread thread;                   /* of the workers from 2 on */
    hawser__lock naming;                /* held while somebody else reads the name of a fiber here, or it changes or goes */
    unsigned heard;                     /* the run's alarms that this worker has answered */
    unsigned cancellations;             /* those of the run that it has passed on */
    hawser__fiber *fibers;              /* all of them */
    atomic_size_t population;           /* those, and the ones in the inbox that have not started */
    _Atomic(hawser__stacks *) stacks[HAWSER__STACK_CLASSES];
    struct hawser__spares loans, pieces;   /* buffers that nobody has: see lend.c */
    int trims;                          /* looks at the free stacks that are due, the next one at next_trim */
    int64_t next_trim;
};

/* The worker of the calling thread; NULL on a plain thread. Out of line for the reason that hawser__task_current is. */
hawser__worker *hawser__worker_current(void);
/* From now on WORKER is. The one that was. For a machine whose threads take turns on one. */
hawser__worker *hawser__worker_switch(hawser__worker *worker);

/* 0 or a negative code; nothing is left behind on failure. */
int hawser__worker_open(hawser__worker *worker, hawser__run *run, int number, hawser__engine *engine);
/* No fiber is left. */
void hawser__worker_close(hawser__worker *worker);

/* Runs fibers on the calling thread until the run is over. */
void hawser__worker_loop(hawser__worker *worker);

/* Hands POST to WORKER, from any thread, and makes sure that it looks. */
void hawser__worker_post(hawser__worker *worker, hawser__post *post);

/* FIBER, which is not in it, goes to the end of the queue. On its worker only. */
void hawser__worker_ready(hawser__worker *worker, hawser__fiber *fiber);

/* How a fiber's task is woken, from any thread. */
void hawser__worker_wake(hawser__task *task);

/* Marks every fiber, once for each cancellation of the run. On the worker. */
void hawser__worker_cancel(hawser__worker *worker);

/* Wakes every fiber whose wait is to be cut. On the worker. */
void hawser__worker_stir(hawser__worker *worker);

/* The calling fiber stops. PARKED: until it is woken or DEADLINE; READY: until its turn comes again. errno is kept. */
void hawser__worker_park(hawser__fiber *self, hawser__deadline deadline);
void hawser__worker_yield(hawser__fiber *self);

/* In the child of a fork: of the worker's fibers only the one that forked is left. */
void hawser__worker_after_fork(hawser__worker *worker);
/* A worker that stayed with the parent. Its descriptors are closed; its memory, which it may have been changing, is left alone. */
void hawser__worker_give_up(hawser__worker *worker);

/* The calling fiber has ended. Whoever is switched to calls hawser__worker_arrive, from a stack that is not the ended one's. */
_Noreturn void hawser__worker_leave(hawser__fiber *self);
void hawser__worker_arrive(hawser__worker *worker);

/* An operation went through without waiting. Now and then a fiber whose operations all do has to let others run. */
void hawser__worker_spend(void);
/* One that took long by itself did: they run now. */
void hawser__worker_give_way(void);

#endif
