/* SPDX-License-Identifier: MIT */
/*
 * Mutexes. `holder` alone says who has the lock: 0, or a task, with IN_LINE set when somebody may be waiting. Without waiters
 * locking and unlocking are one compare-and-swap each; with them the lock is handed to the first, and is never free in between,
 * so nobody can come from behind.
 *
 * 1. holder goes from 0 to a task by whoever finds it 0, and from a task to 0 by that task alone, without IN_LINE.
 * 2. IN_LINE is set and cleared, and the line changed, under `lock`. It may stay behind when the last of the line gave up.
 * 3. Unlocking touches the mutex last with the step that lets another have it: who has it then may free it.
 */
#include "sched/mutex.h"

#include "base/error.h"
#include "base/mem.h"

#define FREE ((uintptr_t)0)
#define IN_LINE ((uintptr_t)1)

struct hawser_mutex {
    _Atomic uintptr_t holder;
    hawser__lock lock;
    hawser__waiters line;
};

/* A compare-and-swap: FROM becomes TO. A process with one thread does without its price, as in base/lock.h. */
static inline bool swap(_Atomic uintptr_t *word, uintptr_t from, uintptr_t to) {
    if (HAWSER__THREADED)
        return atomic_compare_exchange_strong_explicit(word, &from, to, memory_order_acq_rel, memory_order_relaxed);
    if (atomic_load_explicit(word, memory_order_relaxed) != from)
        return false;
    atomic_store_explicit(word, to, memory_order_relaxed);
    return true;
}

hawser_mutex *hawser_mutex_new(void) {
    hawser_mutex *mutex = hawser__zalloc(sizeof *mutex);
    if (!mutex)
        hawser__fail(ENOMEM, "make mutex");
    return mutex;
}

static inline bool take_free(hawser_mutex *mutex, const hawser__task *task) {
    return swap(&mutex->holder, FREE, (uintptr_t)task);
}

bool hawser__mutex_is_held(const hawser_mutex *mutex, const hawser__task *task) {
    return (atomic_load_explicit(&mutex->holder, memory_order_relaxed) & ~IN_LINE) == (uintptr_t)task;
}

bool hawser__mutex_line_up(hawser_mutex *mutex, hawser__waiter *waiter) {
    uintptr_t holder;
    hawser__lock_take(&mutex->lock);
    do
        holder = atomic_load_explicit(&mutex->holder, memory_order_relaxed);
    while (!swap(&mutex->holder, holder, holder == FREE ? (uintptr_t)waiter->task : holder | IN_LINE));
    if (holder != FREE)
        hawser__waiters_add(&mutex->line, waiter);
    hawser__lock_drop(&mutex->lock);
    return holder == FREE;
}

/* Sent before it stands in line: a slow peer must not make all those behind it wait. */
static int wait_in_line(hawser_mutex *mutex, hawser__task *task) {
    hawser__waiter waiter = {.task = task};
    (void)hawser__task_send_held(task);
    return hawser__mutex_line_up(mutex, &waiter)
               ? 0
               : hawser__waiters_wait(&mutex->line, &waiter, &mutex->lock, "mutex", mutex);
}

int hawser_mutex_lock(hawser_mutex *mutex) {
    hawser__task *task = hawser__task_current();
    int code = hawser__task_cut(task) ? -ECANCELED : 0;
    if (code == 0 && !take_free(mutex, task))
        code = hawser__mutex_is_held(mutex, task) ? -EDEADLK : wait_in_line(mutex, task);
    return code < 0 ? hawser__fail(code, code == -EDEADLK ? "lock mutex that the caller holds already" : "lock mutex") : 0;
}

int hawser_mutex_trylock(hawser_mutex *mutex) {
    return take_free(mutex, hawser__task_current()) ? 0 : hawser__fail(EBUSY, "lock mutex");
}

void hawser__mutex_lock_through(hawser_mutex *mutex, hawser__task *task) {
    hawser__waiter waiter = {.task = task};
    if (!take_free(mutex, task) && !hawser__mutex_line_up(mutex, &waiter))
        hawser__waiter_wait_through(&waiter, "mutex", mutex);
}

/* The first in line has the lock from now on, and the caller no longer: true. When nobody is in line the caller keeps it,
 * without IN_LINE. */
static bool hand_on(hawser_mutex *mutex, uintptr_t self) {
    hawser__lock_take(&mutex->lock);
    hawser__waiter *next = hawser__waiters_take(&mutex->line);
    uintptr_t holder = next ? (uintptr_t)next->task | (mutex->line.first ? IN_LINE : 0) : self;
    atomic_store_explicit(&mutex->holder, holder, memory_order_release);
    hawser__lock_drop(&mutex->lock);
    if (next)
        hawser__waiter_grant(next);
    return next != NULL;
}

void hawser__mutex_release(hawser_mutex *mutex, const hawser__task *task) {
    while (!swap(&mutex->holder, (uintptr_t)task, FREE) && !hand_on(mutex, (uintptr_t)task))
        ;
}

int hawser_mutex_unlock(hawser_mutex *mutex) {
    hawser__task *task = hawser__task_current();
    if (swap(&mutex->holder, (uintptr_t)task, FREE))
        return 0;
    if (!hawser__mutex_is_held(mutex, task))
        return hawser__fail(EPERM, "unlock mutex that the caller does not hold");
    hawser__mutex_release(mutex, task);
    return 0;
}

void hawser_mutex_free(hawser_mutex *mutex) {
    hawser__free(mutex);
}
