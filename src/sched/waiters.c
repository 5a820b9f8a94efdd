/* SPDX-License-Identifier: MIT */
#include "sched/waiters.h"

#include "base/wake.h"
#include "sched/park.h"

#include <sched.h>

#define SPINS 100

hawser__waiter *hawser__waiters_take_all(hawser__waiters *line) {
    hawser__waiter *first = line->first;
    for (hawser__waiter *waiter = first; waiter; waiter = waiter->next)
        waiter->listed = false;
    *line = (hawser__waiters){0};
    return first;
}

/* WOKEN comes before the wake-up, so that a task that is awake knows whether to go on waiting. */
void hawser__waiter_grant(hawser__waiter *waiter) {
    atomic_store_explicit(&waiter->progress, HAWSER__WOKEN, memory_order_release);
    hawser__task_wake(waiter->task);
    atomic_store_explicit(&waiter->progress, HAWSER__LET_GO, memory_order_release);
}

void hawser__waiters_grant_all(hawser__waiter *first) {
    while (first) {
        hawser__waiter *next = first->next;
        hawser__waiter_grant(first);
        first = next;
    }
}

/* Only ever found undone when the granter is on another thread, a few instructions (or a write to an eventfd) away from it. */
void hawser__waiter_settle(hawser__waiter *waiter) {
    for (int spins = 0; atomic_load_explicit(&waiter->progress, memory_order_acquire) != HAWSER__LET_GO; spins++)
        if (spins >= SPINS)
            sched_yield();
}

static bool withdraw(hawser__waiters *line, hawser__waiter *waiter, hawser__lock *lock) {
    hawser__lock_take(lock);
    bool was_listed = hawser__waiters_remove(line, waiter);
    hawser__lock_drop(lock);
    return was_listed;
}

int hawser__waiters_wait(hawser__waiters *line, hawser__waiter *waiter, hawser__lock *lock, const char *what,
                         const void *object) {
    hawser__deadline deadline = waiter->task->deadline;
    int code;
    do {
        code = hawser__wait(what, (int64_t)(uintptr_t)object, deadline);
        if (code < 0 && withdraw(line, waiter, lock))
            return code;
    } while (code >= 0 && atomic_load_explicit(&waiter->progress, memory_order_relaxed) == HAWSER__WAITING);
    hawser__waiter_settle(waiter);
    return 0;
}

void hawser__waiter_wait_through(hawser__waiter *waiter, const char *what, const void *object) {
    while (atomic_load_explicit(&waiter->progress, memory_order_relaxed) == HAWSER__WAITING)
        hawser__wait_through(what, (int64_t)(uintptr_t)object);
    hawser__waiter_settle(waiter);
}
