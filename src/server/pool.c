/* SPDX-License-Identifier: MIT */
#include "server/pool.h"

#include "base/mem.h"
#include "base/thread.h"
#include "base/wake.h"
#include "server/connection.h"

#include <errno.h>
#include <pthread.h>

#define IDLE_TIME (10 * HAWSER__SECOND)

struct job {
    struct job *next;
    hawser_fn fn;
    void *arg;
};

/* A thread at work; the record is on its stack. */
struct worker {
    struct worker *next, **previous;
    hawser__task *task;
};

struct hawser__pool {
    hawser_server *server;
    pthread_mutex_t lock;                    /* guards the rest */
    hawser__condition work, empty;
    struct job *first, **last;
    struct worker *busy;
    int threads, idle, most, queued;
    bool cancelled, over;
};

int hawser__pool_open(hawser_server *server) {
    struct hawser__pool *pool = hawser__zalloc(sizeof *pool);
    if (!pool)
        return hawser__fail(ENOMEM, "serve with threads");
    pool->server = server;
    pool->most = server->options.workers;
    pool->last = &pool->first;
    pthread_mutex_init(&pool->lock, NULL);
    hawser__condition_open(&pool->work);
    hawser__condition_open(&pool->empty);
    server->pool = pool;
    return 0;
}

/* Under the lock. NULL: the thread has waited for long, or is not needed any more. */
static struct job *next_job(struct hawser__pool *pool) {
    hawser__deadline end = hawser__clock_monotonic() + IDLE_TIME;
    int result = 0;
    pool->idle++;
    while (!pool->first && !pool->over && result == 0)
        result = hawser__condition_wait(&pool->work, &pool->lock, end);
    pool->idle--;
    struct job *job = pool->first;
    if (job) {
        pool->queued--;
        pool->first = job->next;
        if (!pool->first)
            pool->last = &pool->first;
    }
    return job;
}

static void enter(struct hawser__pool *pool, struct worker *self) {
    self->next = pool->busy;
    self->previous = &pool->busy;
    if (pool->busy)
        pool->busy->previous = &self->next;
    pool->busy = self;
    atomic_store(&self->task->cancelled, pool->cancelled);
}

static void leave(struct worker *self) {
    *self->previous = self->next;
    if (self->next)
        self->next->previous = self->previous;
    atomic_store(&self->task->cancelled, false);
}

/* The thread's wake descriptor is made before anybody may want to wake it. */
static void *work(void *argument) {
    struct hawser__pool *pool = argument;
    struct worker self = {.task = hawser__task_current()};
    struct job *job;
    (void)hawser__task_wake_fd(self.task);
    pthread_mutex_lock(&pool->lock);
    while ((job = next_job(pool))) {
        enter(pool, &self);
        pthread_mutex_unlock(&pool->lock);
        job->fn(job->arg);
        hawser__free(job);
        pthread_mutex_lock(&pool->lock);
        leave(&self);
    }
    if (--pool->threads == 0)
        hawser__condition_signal(&pool->empty, false);
    pthread_mutex_unlock(&pool->lock);
    return NULL;
}

/* Under the lock. 0; a negative code when there is no thread at all to wait for. */
static int grow(struct hawser__pool *pool) {
    if (pool->idle > pool->queued || pool->threads >= pool->most)
        return 0;
    pool->threads++;
    int result = hawser__thread_start(work, pool);
    if (result < 0)
        pool->threads--;
    return pool->threads > 0 ? 0 : result;
}

static int enqueue(struct hawser__pool *pool, struct job *job) {
    pthread_mutex_lock(&pool->lock);
    int result = grow(pool);
    if (result == 0) {
        *pool->last = job;
        pool->last = &job->next;
        pool->queued++;
        hawser__condition_signal(&pool->work, false);
    }
    pthread_mutex_unlock(&pool->lock);
    return result;
}

int hawser__pool_submit(hawser_server *server, hawser_fn fn, void *arg) {
    struct job *job = hawser__alloc(sizeof *job);
    int result = -ENOMEM;
    if (job) {
        *job = (struct job){.fn = fn, .arg = arg};
        result = enqueue(server->pool, job);
    }
    if (result < 0)
        hawser__free(job);
    return result < 0 ? hawser__fail(result, "start a thread") : 0;
}

/* Those in line are cancelled when their turn comes. */
void hawser__pool_cancel(hawser_server *server) {
    struct hawser__pool *pool = server->pool;
    if (!pool)
        return;
    pthread_mutex_lock(&pool->lock);
    pool->cancelled = true;
    for (struct worker *worker = pool->busy; worker; worker = worker->next) {
        atomic_store(&worker->task->cancelled, true);
        hawser__task_wake(worker->task);
    }
    pthread_mutex_unlock(&pool->lock);
}

void hawser__pool_free(hawser_server *server) {
    struct hawser__pool *pool = server->pool;
    if (!pool)
        return;
    pthread_mutex_lock(&pool->lock);
    pool->over = true;
    hawser__condition_signal(&pool->work, true);
    while (pool->threads > 0)
        (void)hawser__condition_wait(&pool->empty, &pool->lock, HAWSER__NEVER);
    pthread_mutex_unlock(&pool->lock);
    pthread_mutex_destroy(&pool->lock);
    hawser__condition_close(&pool->work);
    hawser__condition_close(&pool->empty);
    hawser__free(pool);
    server->pool = NULL;
}
