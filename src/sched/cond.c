/* SPDX-License-Identifier: MIT */
/*
 * Conditions. A notification does not wake the sleeper to let it fight for the mutex: it puts it in line there, or gives it the
 * mutex when that is free. So it is woken once, when it has the mutex, and many that are notified at once come one after the
 * other, in the order in which they waited.
 *
 *   in the condition's line --notified--> in the mutex's line --its turn--> holds the mutex
 *         |                                                                   ^
 *         +--deadline, or cancelled: leaves the line, locks the mutex itself -+
 *
 * `notified` belongs to the condition's lock. From then on the sleeper waits for the mutex, and nothing cuts that short.
 *
 * A sleeper that holds output back (base/task.h) sends it when it has given the mutex up. Who is notified while it does is not
 * put in line for the mutex, where a slow peer of its own would make all others wait: it locks the mutex itself when it has
 * done.
 */
#include "sched/mutex.h"

#include "base/error.h"
#include "base/mem.h"
#include "sched/park.h"

enum stage { ASLEEP, SENDING, NOTIFIED_WHILE_SENDING };

struct sleeper {
    hawser__waiter waiter;   /* first: a waiter in a condition's line is a sleeper */
    hawser_mutex *mutex;
    bool notified;
    atomic_int stage;
};

struct hawser_cond {
    hawser__lock lock;
    hawser__waiters line;
};

hawser_cond *hawser_cond_new(void) {
    hawser_cond *cond = hawser__zalloc(sizeof *cond);
    if (!cond)
        hawser__fail(ENOMEM, "make condition");
    return cond;
}

/* The sleeper leaves the line; false when it has been notified meanwhile. */
static bool give_up(hawser_cond *cond, struct sleeper *sleeper) {
    hawser__lock_take(&cond->lock);
    bool notified = sleeper->notified;
    if (!notified)
        hawser__waiters_remove(&cond->line, &sleeper->waiter);
    hawser__lock_drop(&cond->lock);
    return !notified;
}

/* Holds the mutex when it returns. Once that was given to it the condition is not touched: whoever notified may have freed
 * it. */
static int sleep_on(hawser_cond *cond, struct sleeper *sleeper) {
    hawser__deadline deadline = hawser__task_deadline(HAWSER__NEVER);
    int code;
    do
        code = hawser__wait("condition", (int64_t)(uintptr_t)cond, deadline);
    while (code >= 0 && atomic_load_explicit(&sleeper->waiter.progress, memory_order_relaxed) == HAWSER__WAITING);
    if (code < 0 && give_up(cond, sleeper)) {
        hawser__mutex_lock_through(sleeper->mutex, sleeper->waiter.task);
        return code;
    }
    hawser__waiter_wait_through(&sleeper->waiter, "mutex", sleeper->mutex);
    return 0;
}

/* False: it was notified meanwhile, and has the mutex. The condition may be gone then. */
static bool send_before_sleep(struct sleeper *sleeper) {
    int sending = SENDING;
    (void)hawser__task_send_held(sleeper->waiter.task);
    if (atomic_compare_exchange_strong(&sleeper->stage, &sending, ASLEEP))
        return true;
    hawser__mutex_lock_through(sleeper->mutex, sleeper->waiter.task);
    return false;
}

/* The sleeper is in line before the mutex is given up: whoever changes the condition after that finds it there. */
static int wait_on(hawser_cond *cond, hawser_mutex *mutex, hawser__task *task) {
    struct sleeper sleeper = {.waiter = {.task = task}, .mutex = mutex, .stage = task->held ? SENDING : ASLEEP};
    hawser__lock_take(&cond->lock);
    hawser__waiters_add(&cond->line, &sleeper.waiter);
    hawser__lock_drop(&cond->lock);
    hawser__mutex_release(mutex, task);
    if (task->held && !send_before_sleep(&sleeper))
        return 0;
    return sleep_on(cond, &sleeper);
}

int hawser_cond_wait(hawser_cond *cond, hawser_mutex *mutex) {
    hawser__task *task = hawser__task_current();
    int code = hawser__mutex_is_held(mutex, task) ? hawser__interrupt_check() : -EPERM;
    if (code == 0)
        code = wait_on(cond, mutex, task);
    return code < 0 ? hawser__fail(code, "wait for condition") : 0;
}

static void pass_on(hawser__waiter *waiter) {
    struct sleeper *sleeper = (struct sleeper *)waiter;
    int sending = SENDING;
    if (atomic_compare_exchange_strong(&sleeper->stage, &sending, NOTIFIED_WHILE_SENDING))
        return;
    if (hawser__mutex_line_up(sleeper->mutex, waiter))
        hawser__waiter_grant(waiter);
}

void hawser_cond_notify(hawser_cond *cond) {
    hawser__lock_take(&cond->lock);
    hawser__waiter *first = hawser__waiters_take(&cond->line);
    if (first)
        ((struct sleeper *)first)->notified = true;
    hawser__lock_drop(&cond->lock);
    if (first)
        pass_on(first);
}

void hawser_cond_notify_all(hawser_cond *cond) {
    hawser__lock_take(&cond->lock);
    hawser__waiter *first = hawser__waiters_take_all(&cond->line);
    for (hawser__waiter *waiter = first; waiter; waiter = waiter->next)
        ((struct sleeper *)waiter)->notified = true;
    hawser__lock_drop(&cond->lock);
    while (first) {
        hawser__waiter *next = first->next;   /* the mutex's line uses `next` for itself */
        pass_on(first);
        first = next;
    }
}

void hawser_cond_free(hawser_cond *cond) {
    hawser__free(cond);
}
