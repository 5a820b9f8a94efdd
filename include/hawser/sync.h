/* SPDX-License-Identifier: MIT */
/*
 * Locks and signals between tasks: fibers of any worker, and plain threads. A task that has to wait parks.
 *
 * Waiting is bounded by the task's deadline (deadline.h) and ends with ECANCELED when the task is cancelled or interrupted,
 * so the results have to be looked at. Waiters are served in the order they came. Fibers of one worker that do not wait in
 * between need no lock at all. All objects are made with new and freed with free, which accepts NULL and expects that nobody
 * is inside.
 */
#ifndef HAWSER_SYNC_H
#define HAWSER_SYNC_H

#include <hawser/common.h>

HAWSER_BEGIN

/* A lock with an owner (Python: threading.Lock, asyncio.Lock). */
typedef struct hawser_mutex hawser_mutex;
/* NULL with ENOMEM. */
hawser_mutex *hawser_mutex_new(void);
/* 0; -1 with EDEADLK (the caller has it already), ETIMEDOUT, EAGAIN, ECANCELED: the lock is then not held. */
int hawser_mutex_lock(hawser_mutex *mutex);
/* 0; -1 with EBUSY (taken, also by the caller). */
int hawser_mutex_trylock(hawser_mutex *mutex);
/* 0; -1 with EPERM (the caller does not hold it). Hands the lock to the first that waits. */
int hawser_mutex_unlock(hawser_mutex *mutex);
void hawser_mutex_free(hawser_mutex *mutex);

/* A condition to wait for under a mutex (Python: threading.Condition). */
typedef struct hawser_cond hawser_cond;
/* NULL with ENOMEM. */
hawser_cond *hawser_cond_new(void);
/* Gives MUTEX up, waits for a notification, and takes MUTEX again: that is held afterwards in any case, and taking it back
 * is not cut short. 0; -1 with ETIMEDOUT, EAGAIN, ECANCELED, EPERM (MUTEX is not held). Look at the condition again: another
 * task may have been faster. */
int hawser_cond_wait(hawser_cond *cond, hawser_mutex *mutex);
/* Wakes the task that has waited longest. Whether MUTEX is held is up to the caller. */
void hawser_cond_notify(hawser_cond *cond);
/* Wakes all of them. */
void hawser_cond_notify_all(hawser_cond *cond);
void hawser_cond_free(hawser_cond *cond);

/* A count of permits (Python: threading.Semaphore). */
typedef struct hawser_semaphore hawser_semaphore;
/* NULL with ENOMEM. */
hawser_semaphore *hawser_semaphore_new(size_t permits);
/* Takes a permit, waits for one. 0; -1 with ETIMEDOUT, EAGAIN, ECANCELED. */
int hawser_semaphore_acquire(hawser_semaphore *semaphore);
/* 0; -1 with EAGAIN: there is none. */
int hawser_semaphore_tryacquire(hawser_semaphore *semaphore);
/* Gives a permit back, or makes a new one. Never waits. */
void hawser_semaphore_release(hawser_semaphore *semaphore);
void hawser_semaphore_free(hawser_semaphore *semaphore);

/* A count of things that are under way (Go: sync.WaitGroup). A group (group.h) counts fibers by itself. */
typedef struct hawser_waitgroup hawser_waitgroup;
/* NULL with ENOMEM. */
hawser_waitgroup *hawser_waitgroup_new(void);
/* COUNT more are under way. 0; -1 with ERANGE: more than SIZE_MAX. */
int hawser_waitgroup_add(hawser_waitgroup *waitgroup, size_t count);
/* One of them is done. 0; -1 with ERANGE: there was none. */
int hawser_waitgroup_done(hawser_waitgroup *waitgroup);
/* Waits until none is left. 0; -1 with ETIMEDOUT, EAGAIN, ECANCELED. */
int hawser_waitgroup_wait(hawser_waitgroup *waitgroup);
void hawser_waitgroup_free(hawser_waitgroup *waitgroup);

HAWSER_END

#endif
