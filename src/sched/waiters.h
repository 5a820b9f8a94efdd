/* SPDX-License-Identifier: MIT */
/*
 * The tasks that wait in line at a lock, a channel or the like, first come first served. Each waiter is on its own task's
 * stack; nothing is allocated.
 *
 *     the waiter: add, drop the lock, wait
 *     the granter: take, drop the lock, grant
 *
 * 1. A line, and `listed` of those in it, belong to the lock of its object. Whoever takes a waiter off the line has decided for
 *    it: it was granted, whatever it finds out meanwhile about its deadline. Who finds itself off the line no longer gives up.
 * 2. Waking may cost a system call, so it happens when the lock has been dropped. LET_GO is the last that the granter writes,
 *    and the waiter does not leave before: its task and its stack are there as long as somebody touches them.
 * 3. The object itself is not touched after the lock was dropped, so that a waiter that has been granted may free it.
 */
#ifndef HAWSER__WAITERS_H
#define HAWSER__WAITERS_H

#include "base/lock.h"
#include "base/task.h"

enum hawser__progress { HAWSER__WAITING, HAWSER__WOKEN, HAWSER__LET_GO };

typedef struct hawser__waiter {
    struct hawser__waiter *next, *previous;
    hawser__task *task;
    bool listed;
    atomic_int progress;   /* enum hawser__progress */
} hawser__waiter;

typedef struct hawser__waiters {
    hawser__waiter *first, *last;
} hawser__waiters;

/* WAITER goes to the end of LINE. Under the lock. */
static inline void hawser__waiters_add(hawser__waiters *line, hawser__waiter *waiter) {
    waiter->next = NULL;
    waiter->previous = line->last;
    waiter->listed = true;
    *(line->last ? &line->last->next : &line->first) = waiter;
    line->last = waiter;
}

/* WAITER leaves LINE, if it is in it still: true. Under the lock. */
static inline bool hawser__waiters_remove(hawser__waiters *line, hawser__waiter *waiter) {
    if (!waiter->listed)
        return false;
    waiter->listed = false;
    *(waiter->previous ? &waiter->previous->next : &line->first) = waiter->next;
    *(waiter->next ? &waiter->next->previous : &line->last) = waiter->previous;
    return true;
}

/* The first of LINE, off it; NULL when nobody waits. Under the lock. Every waiter that was taken is granted. */
static inline hawser__waiter *hawser__waiters_take(hawser__waiters *line) {
    hawser__waiter *waiter = line->first;
    if (waiter)
        hawser__waiters_remove(line, waiter);
    return waiter;
}

/* All of LINE, off it, joined by `next`. Under the lock. */
hawser__waiter *hawser__waiters_take_all(hawser__waiters *line);

/* Lets a waiter that was taken go on. Without the lock. */
void hawser__waiter_grant(hawser__waiter *waiter);
/* The same for all that were taken; NULL is none. */
void hawser__waiters_grant_all(hawser__waiter *first);

/* Waits, without LOCK, until WAITER is granted: 0. When the task's deadline passes (-EAGAIN, -ETIMEDOUT), or it is cancelled
 * (-ECANCELED), and WAITER is on LINE still, it leaves that. WHAT and OBJECT are for hawser_dump. */
int hawser__waiters_wait(hawser__waiters *line, hawser__waiter *waiter, hawser__lock *lock, const char *what,
                         const void *object);

/* Waits until WAITER is granted, whatever happens. */
void hawser__waiter_wait_through(hawser__waiter *waiter, const char *what, const void *object);

/* WAITER has been taken: returns when its granter has let go of it. */
void hawser__waiter_settle(hawser__waiter *waiter);

#endif
