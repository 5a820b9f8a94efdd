/* SPDX-License-Identifier: MIT */
/*
 * A run: the workers of one hawser_run, and what they share. It is over when the last fiber has ended.
 *
 * `busy` counts the workers that have fibers. A fiber is counted on its worker before it is handed over, by a task that lives under
 * a fiber of the run, so `busy` cannot fall to 0 while one is under way.
 */
#ifndef HAWSER__RUN_H
#define HAWSER__RUN_H

#include "base/error.h"
#include "sched/worker.h"

struct hawser__run {
    hawser_run_options options;
    hawser__task principal;             /* signals that fibers asked for come to this */
    int count, opened;                  /* workers; those that have to be closed */
    atomic_int busy;
    atomic_bool over;
    atomic_bool cancelled;
    atomic_uint cancellations;          /* so many times */
    atomic_uint alarms;                 /* each: the fibers whose wait is to be cut are woken */
    hawser_fn fn;                       /* the first fiber, */
    void *arg;
    int result;                         /* what it returned */
    struct hawser__failure failure;     /* and left behind */
    _Atomic uint64_t fibers;            /* started so far */
    uint64_t number;                    /* 1 ..., as runs of the process began */
    struct hawser__run *next;           /* all runs of the process: see runs_lock in run.c */
    struct hawser__watchdog *watchdog;  /* NULL: nobody looks */
    struct hawser__worker workers[];
};

/* hawser_run on ENGINE. */
int hawser__run_on(hawser__engine *engine, hawser_fn fn, void *arg, const hawser_run_options *options);

/* Counts a fiber on WORKER, or takes one away. */
int hawser__run_count(hawser__worker *worker);
void hawser__run_uncount(hawser__worker *worker);

static inline bool hawser__run_is_over(const hawser__run *run) {
    return atomic_load_explicit(&run->over, memory_order_acquire);
}

static inline unsigned hawser__run_alarms(const hawser__run *run) {
    return atomic_load(&run->alarms);
}

/* Wakes the fibers of RUN whose wait is to be cut; async-signal-safe. */
void hawser__run_alarm(hawser__run *run);

/* The worker for NUMBER of hawser_go_on (0: the calling fiber's); NULL = there is none. */
hawser__worker *hawser__run_worker(hawser__run *run, int number);

/* What the calling worker's fiber died of, as fiber/overflow.h asks it. */
bool hawser__run_describe_overflow(const void *address, const void *sp, char *text, size_t size);

/* The runs on ENGINE, all of whose threads are gone in the middle of their work, are forgotten with their fibers and stacks. What
 * they had allocated is the caller's to free. */
void hawser__runs_drop(const hawser__engine *engine);

/* Calls VISIT for each run of the process; none begins or ends meanwhile. */
void hawser__runs_visit(void (*visit)(hawser__run *run, void *arg), void *arg);

#endif
