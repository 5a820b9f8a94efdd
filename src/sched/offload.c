/* SPDX-License-Identifier: MIT */
/*
 * Helper threads, made when needed, and gone when they have had nothing to do for a while: a thread costs 15 microseconds to
 * make, so keeping one for 10 ms saves that where it is spent often, and where not it does not matter.
 *
 *   QUEUED --a helper has it--> STARTED --run--> DONE
 *     |                           |               |
 *     +---- deadline, or ---------+ (owned)       |
 *           cancelled --> the waiter leaves <-----+
 *
 * A job belongs to its waiter. An owned one whose waiter leaves while it is STARTED belongs to its helper from then on; a
 * borrowed one cannot be left then.
 *
 * Each kind of work has a lane: a queue, and places of its own. Functions of the program may block for hours, and a name server
 * that does not answer holds a look-up for half a minute; if they shared their places, either could keep the other, and reads
 * of files, from ever running. The threads are shared all the same: whoever is free takes what comes.
 *
 * Invariants, under `lock`:
 *  1. Each helper holds a place of one lane, or is idle, or is on its way out and counted no more.
 *  2. Jobs are in a lane's queue only while all its places are taken, or while no thread can be made and a helper runs that can
 *     come to them. A helper that itself waits for a job does not count as one: two could wait for each other.
 *  3. A job's waiter is woken only while job->waiter is set, and it leaves only after clearing that: no task is touched that
 *     has gone away.
 *  4. A child after fork has no helpers and empty queues; a helper that forks is none in the child.
 */
#include "sched/offload.h"

#include "base/error.h"
#include "base/machine.h"
#include "base/thread.h"
#include "base/wake.h"
#include "sched/park.h"

#include <hawser/offload.h>

#include <errno.h>
#include <pthread.h>

#define PLACES 8
#define PLACES_MAX 1024
#define IDLE_TIME (HAWSER__SECOND / 100)

struct lane {
    hawser__job *first, **end;
    int taken;
};

struct helper {
    struct helper *next;   /* the one that was idle before */
    hawser__condition called;
    hawser__job *job;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static struct lane lanes[HAWSER__WORKS];
static struct helper *idle;   /* the last one first, so that those whom nobody needs go */
static int helpers, waiting_helpers, places = PLACES;
static _Thread_local bool helping __attribute__((tls_model("initial-exec")));

/* Fork. */

static void before_fork(void) {
    pthread_mutex_lock(&lock);
}

static void after_fork_in_parent(void) {
    pthread_mutex_unlock(&lock);
}

static void empty_lanes(void) {
    for (int i = 0; i < HAWSER__WORKS; i++)
        lanes[i] = (struct lane){.end = &lanes[i].first};
}

/* The helpers stayed with the parent. So did those who wait for the jobs in the queues; what these hold is lost here. */
static void after_fork_in_child(void) {
    helpers = waiting_helpers = 0;
    idle = NULL;
    empty_lanes();
    pthread_mutex_unlock(&lock);
}

static void prepare(void) {
    empty_lanes();
    pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
}

/* Queues. */

static void enqueue(hawser__job *job) {
    struct lane *lane = &lanes[job->work];
    job->next = NULL;
    *lane->end = job;
    lane->end = &job->next;
}

static void unqueue(hawser__job *job) {
    struct lane *lane = &lanes[job->work];
    hawser__job **at = &lane->first;
    while (*at != job)
        at = &(*at)->next;
    *at = job->next;
    if (lane->end == &job->next)
        lane->end = at;
}

/* The first job of LANE gets a place. */
static hawser__job *take(struct lane *lane) {
    hawser__job *job = lane->first;
    unqueue(job);
    job->state = HAWSER__STARTED;
    lane->taken++;
    return job;
}

static bool has_work(const struct lane *lane) {
    return lane->first && lane->taken < places;
}

/* Helpers. */

/* Ends JOB. Returns it when its waiter has left. */
static hawser__job *finish(hawser__job *job) {
    job->state = HAWSER__DONE;
    if (!job->waiter)
        return job;
    hawser__task_wake(job->waiter);
    return NULL;
}

/* The lanes in turn from the one after WORK: no lane can keep the helpers to itself when they are few. */
static hawser__job *take_next(enum hawser__work work) {
    for (int i = 1; i <= HAWSER__WORKS; i++) {
        struct lane *lane = &lanes[(work + i) % HAWSER__WORKS];
        if (has_work(lane))
            return take(lane);
    }
    return NULL;
}

static void leave_idle(struct helper *self) {
    struct helper **at = &idle;
    while (*at != self)
        at = &(*at)->next;
    *at = self->next;
}

/* Whoever calls an idle helper takes it off the list. */
static hawser__job *idle_for_a_while(struct helper *self) {
    hawser__deadline end = hawser__clock_monotonic() + IDLE_TIME;
    self->job = NULL;
    self->next = idle;
    idle = self;
    int result = 0;
    while (!self->job && result == 0)
        result = hawser__condition_wait(&self->called, &lock, end);
    if (!self->job)
        leave_idle(self);
    return self->job;
}

/* Gives back the place that a job of WORK had; the next job, or NULL when the helper is to go. */
static hawser__job *next_job(struct helper *self, enum hawser__work work) {
    lanes[work].taken--;
    hawser__job *job = take_next(work);
    if (!job)
        job = idle_for_a_while(self);
    if (!job)
        helpers--;
    return job;
}

static void serve(struct helper *self, hawser__job *job) {
    unsigned generation = hawser__fork_generation();
    while (job) {
        enum hawser__work work = job->work;
        job->run(job);
        if (hawser__fork_generation() != generation)
            return;
        pthread_mutex_lock(&lock);
        hawser__job *orphan = finish(job);
        pthread_mutex_unlock(&lock);
        if (orphan)
            orphan->release(orphan);
        pthread_mutex_lock(&lock);
        job = next_job(self, work);
        pthread_mutex_unlock(&lock);
    }
}

static void *help(void *argument) {
    struct helper self = {.job = NULL};
    helping = true;
    hawser__condition_open(&self.called);
    serve(&self, argument);
    hawser__condition_close(&self.called);
    return NULL;
}

/* The thread is made under the lock: a place that is counted, and then comes to nothing, would leave the queue to nobody. It
 * may run its job at once, but not end it, before that has left the queue here. */
static int hire(struct lane *lane) {
    int saved = errno, code = hawser__thread_start(help, lane->first);
    errno = saved;
    if (code < 0)
        return code;
    take(lane);
    helpers++;
    return 0;
}

static void call_idle(struct lane *lane) {
    struct helper *helper = idle;
    idle = helper->next;
    helper->job = take(lane);
    hawser__condition_signal(&helper->called, false);
}

/* Finds helpers for what is queued in LANE; a negative code when there are too few and no more can be had. */
static int staff(struct lane *lane) {
    int code = 0;
    while (code == 0 && has_work(lane)) {
        if (idle)
            call_idle(lane);
        else
            code = hire(lane);
    }
    return code;
}

/* On another machine: every job has a thread of its own, and takes as long as that machine says. */
static void *work_alone(void *argument) {
    hawser__job *job = argument;
    hawser__deadline end = hawser__clock_monotonic() + hawser__machine_here->work_time();
    while (hawser__park(NULL, 0, end) == 0)
        ;
    job->run(job);
    pthread_mutex_lock(&lock);
    hawser__job *orphan = finish(job);
    pthread_mutex_unlock(&lock);
    if (orphan)
        orphan->release(orphan);
    return NULL;
}

static int submit_elsewhere(hawser__job *job) {
    job->state = HAWSER__STARTED;
    return hawser__thread_start(work_alone, job);
}

/* Waiting. */

static int submit(hawser__job *job) {
    if (hawser__machine_here)
        return submit_elsewhere(job);
    pthread_once(&once, prepare);
    pthread_mutex_lock(&lock);
    enqueue(job);
    int code = staff(&lanes[job->work]);
    bool hopeless = code < 0 && job->state == HAWSER__QUEUED && helpers <= waiting_helpers + helping;
    if (hopeless)
        unqueue(job);
    else
        waiting_helpers += helping;
    pthread_mutex_unlock(&lock);
    return hopeless ? code : 0;
}

/* Whether the waiter of JOB could leave: it can when the job is done, and *CODE is then 0, or when *CODE says that it does not
 * want to wait, unless a borrowed job runs. *OURS: the job is nobody else's any more. */
static bool try_leave(hawser__job *job, int *code, bool *ours) {
    pthread_mutex_lock(&lock);
    bool done = job->state == HAWSER__DONE;
    bool leaves = done || (*code < 0 && (job->release || job->state == HAWSER__QUEUED));
    *ours = job->state != HAWSER__STARTED;
    if (done) {
        *code = 0;
        hawser__task_take_wake(job->waiter);   /* it may have come after the wait */
    } else if (leaves && *ours) {
        unqueue(job);
    }
    if (leaves) {
        job->waiter = NULL;
        waiting_helpers -= helping;
    }
    pthread_mutex_unlock(&lock);
    return leaves;
}

static int wait_for(hawser__job *job, const char *what, int64_t object, hawser__deadline deadline) {
    int code = 0;
    bool ours;
    while (!try_leave(job, &code, &ours)) {
        if (code == 0)
            code = hawser__wait(what, object, deadline);
        else
            hawser__wait_through(what, object);
    }
    if (ours && job->release)
        job->release(job);
    return code;
}

/* Why a wait until DEADLINE need not begin; 0 = it may. */
static int refuse(hawser__deadline deadline) {
    if (deadline == HAWSER__NOW)
        return -EAGAIN;
    int code = hawser__interrupt_check();
    return code == 0 && hawser__clock_monotonic() >= deadline ? -ETIMEDOUT : code;
}

int hawser__offload(hawser__job *job, const char *what, int64_t object, hawser__deadline deadline) {
    int code = refuse(deadline);
    job->waiter = hawser__task_current();
    if (code == 0 && !job->waiter->fiber)
        (void)hawser__task_wake_fd(job->waiter);   /* made before a helper may look at it; the wait copes without */
    if (code == 0)
        code = submit(job);
    if (code == 0)
        return wait_for(job, what, object, deadline);
    if (job->release)
        job->release(job);
    return code;
}

bool hawser__offload_helping(void) {
    return helping && !hawser__task_current()->fiber;
}

int hawser__offload_helpers(void) {
    pthread_mutex_lock(&lock);
    int n = helpers;
    pthread_mutex_unlock(&lock);
    return n;
}

int hawser_offload_set_threads(int threads) {
    if (threads < 1 || threads > PLACES_MAX)
        return hawser__fail_sentence(EINVAL, "set offload threads to %d: must be 1 to %d", threads, PLACES_MAX);
    pthread_once(&once, prepare);
    pthread_mutex_lock(&lock);
    places = threads;
    for (int i = 0; i < HAWSER__WORKS; i++)
        (void)staff(&lanes[i]);
    pthread_mutex_unlock(&lock);
    return 0;
}
