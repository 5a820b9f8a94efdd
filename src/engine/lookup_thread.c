/* SPDX-License-Identifier: MIT */
/*
 * libc's resolver blocks and cannot be cancelled, so it gets threads of its own: at most 8, made when needed, gone when nothing
 * is left to do. A look-up that finds all of them busy queues; whichever helper is free first takes the next in line.
 *
 *   QUEUED --helper free--> RUNNING --answered--> DONE        A job belongs to its waiter, until the waiter leaves while it is
 *     |                        |                    |         RUNNING: from then on it belongs to its helper.
 *     +--------deadline, or interrupted---> the waiter leaves
 *
 * Invariants, under `lock`:
 *  1. `helpers` threads run; jobs are in the queue only while there are HAWSER__LOOKUP_THREADS of them.
 *  2. A job's waiter is woken only while job->waiter is set, and it leaves only after clearing that: no task is touched that
 *     has gone away.
 *  3. A child after fork has no helpers and an empty queue.
 */
#include "engine/lookup_thread.h"

#include "base/mem.h"
#include "base/thread.h"
#include "base/wake.h"
#include "sched/park.h"

#include <errno.h>
#include <pthread.h>

struct job {
    struct job *next;
    hawser__lookup *lookup;
    hawser__task *waiter;   /* NULL once it has left */
    enum { QUEUED, RUNNING, DONE } state;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static struct job *queue, **queue_end = &queue;
static int helpers;

static void before_fork(void) {
    pthread_mutex_lock(&lock);
}

static void after_fork_in_parent(void) {
    pthread_mutex_unlock(&lock);
}

/* The helpers stayed with the parent. So did those who wait for the jobs in the queue; what these hold is lost to the child. */
static void after_fork_in_child(void) {
    helpers = 0;
    queue = NULL;
    queue_end = &queue;
    pthread_mutex_unlock(&lock);
}

static void prepare(void) {
    pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
}

static struct job *job_new(hawser__lookup *lookup) {
    struct job *job = hawser__zalloc(sizeof *job);
    if (job) {
        job->lookup = hawser__lookup_ref(lookup);
        job->waiter = hawser__task_current();
    }
    return job;
}

static void job_free(struct job *job) {
    if (job)
        hawser__lookup_unref(job->lookup);
    hawser__free(job);
}

static void enqueue(struct job *job) {
    *queue_end = job;
    queue_end = &job->next;
}

static void unqueue(struct job *job) {
    struct job **at = &queue;
    while (*at != job)
        at = &(*at)->next;
    *at = job->next;
    if (queue_end == &job->next)
        queue_end = at;
}

/* Ends JOB. Returns it when its waiter has left, to be freed by the helper. */
static struct job *finish(struct job *job) {
    job->state = DONE;
    if (!job->waiter)
        return job;
    hawser__task_wake(job->waiter);
    return NULL;
}

/* The next job in line; without one the calling helper counts no longer. */
static struct job *take_next(void) {
    struct job *job = queue;
    if (job) {
        unqueue(job);
        job->state = RUNNING;
    } else {
        helpers--;
    }
    return job;
}

static void *help(void *argument) {
    struct job *job = argument;
    while (job) {
        hawser__lookup_run(job->lookup);
        pthread_mutex_lock(&lock);
        struct job *orphan = finish(job);
        pthread_mutex_unlock(&lock);
        job_free(orphan);
        pthread_mutex_lock(&lock);
        job = take_next();
        pthread_mutex_unlock(&lock);
    }
    return NULL;
}

/* The thread is made under the lock: a place that is counted, and then comes to nothing, would leave the queue to nobody. */
static int submit(struct job *job) {
    int code = 0;
    pthread_once(&once, prepare);
    pthread_mutex_lock(&lock);
    if (helpers == HAWSER__LOOKUP_THREADS) {
        enqueue(job);
    } else {
        job->state = RUNNING;
        code = hawser__thread_start(help, job);
        helpers += code == 0;
    }
    pthread_mutex_unlock(&lock);
    return code;
}

/* The waiter leaves: with the answer if there is one by now, else with CODE. Returns what it leaves with; frees the job if that
 * is up to it. */
static int leave(struct job *job, int code) {
    pthread_mutex_lock(&lock);
    bool ours = job->state != RUNNING;
    if (job->state == DONE) {
        code = 0;
        hawser__task_take_wake(job->waiter);   /* it may have come after the park */
    } else if (job->state == QUEUED) {
        unqueue(job);
    }
    job->waiter = NULL;
    pthread_mutex_unlock(&lock);
    if (ours)
        job_free(job);
    return code;
}

static bool is_done(const struct job *job) {
    pthread_mutex_lock(&lock);
    bool done = job->state == DONE;
    pthread_mutex_unlock(&lock);
    return done;
}

int hawser__lookup_on_thread(hawser__lookup *lookup, hawser__deadline deadline) {
    int code = deadline == HAWSER__NOW ? -EAGAIN : hawser__interrupt_check();
    if (code < 0)
        return code;
    struct job *job = job_new(lookup);
    if (!job)
        return -ENOMEM;
    (void)hawser__task_wake_fd(job->waiter);   /* made before a helper may look at it; park copes without */
    code = submit(job);
    if (code < 0) {
        job_free(job);
        return code;
    }
    do {
        code = hawser__park(NULL, 0, deadline);   /* 0: woken, by the helper or by somebody before */
    } while (code >= 0 && !is_done(job));
    return leave(job, code);
}

int hawser__lookup_helpers(void) {
    pthread_mutex_lock(&lock);
    int n = helpers;
    pthread_mutex_unlock(&lock);
    return n;
}
