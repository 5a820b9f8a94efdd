/* SPDX-License-Identifier: MIT */
/*
 * Semaphores. A permit that is released while somebody waits goes to the first in line and never into the count, so there are
 * waiters only while the count is 0.
 */
#include "base/error.h"
#include "base/mem.h"
#include "sched/park.h"
#include "sched/waiters.h"

#include <hawser/sync.h>

struct hawser_semaphore {
    hawser__lock lock;
    size_t permits;
    hawser__waiters line;
};

hawser_semaphore *hawser_semaphore_new(size_t permits) {
    hawser_semaphore *semaphore = hawser__zalloc(sizeof *semaphore);
    if (semaphore)
        semaphore->permits = permits;
    else
        hawser__fail(ENOMEM, "make semaphore");
    return semaphore;
}

/* Takes a permit: true. Without one, WAITER goes in line if it is not NULL. */
static bool take(hawser_semaphore *semaphore, hawser__waiter *waiter) {
    hawser__lock_take(&semaphore->lock);
    bool taken = semaphore->permits > 0;
    if (taken)
        semaphore->permits--;
    else if (waiter)
        hawser__waiters_add(&semaphore->line, waiter);
    hawser__lock_drop(&semaphore->lock);
    return taken;
}

/* What the task holds back is sent before it stands in line: a slow peer must not make those behind it wait. */
static int wait_in_line(hawser_semaphore *semaphore) {
    hawser__waiter waiter = {.task = hawser__task_current()};
    (void)hawser__task_send_held(waiter.task);
    if (take(semaphore, &waiter))
        return 0;
    return hawser__waiters_wait(&semaphore->line, &waiter, &semaphore->lock, "semaphore", semaphore);
}

int hawser_semaphore_acquire(hawser_semaphore *semaphore) {
    int code = hawser__interrupt_check();
    if (code == 0 && !take(semaphore, NULL))
        code = wait_in_line(semaphore);
    return code < 0 ? hawser__fail(code, "acquire semaphore") : 0;
}

int hawser_semaphore_tryacquire(hawser_semaphore *semaphore) {
    return take(semaphore, NULL) ? 0 : hawser__fail(EAGAIN, "acquire semaphore");
}

void hawser_semaphore_release(hawser_semaphore *semaphore) {
    hawser__lock_take(&semaphore->lock);
    hawser__waiter *first = hawser__waiters_take(&semaphore->line);
    if (!first && semaphore->permits < SIZE_MAX)
        semaphore->permits++;
    hawser__lock_drop(&semaphore->lock);
    if (first)
        hawser__waiter_grant(first);
}

void hawser_semaphore_free(hawser_semaphore *semaphore) {
    hawser__free(semaphore);
}
