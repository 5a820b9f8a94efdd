/* SPDX-License-Identifier: MIT */
/*
 * Timers of one worker: a 4-ary heap with the times in the array, so that sifting mostly reads the array and not the timers, each
 * of which lies on a stack of its own.
 *
 * A wait with a deadline must not fail for want of memory, so room is made when a fiber is started, by whoever starts it: the
 * array for more timers is put beside (under the lock), and the worker moves into it when it needs it.
 */
#ifndef HAWSER__TIMERS_H
#define HAWSER__TIMERS_H

#include "base/clock.h"
#include "base/lock.h"

#include <stdbool.h>
#include <stddef.h>

typedef struct hawser__timer {
    size_t place;   /* in the heap, counted from 1; 0 = it does not run */
} hawser__timer;

struct hawser__timer_entry {
    hawser__deadline at;
    hawser__timer *timer;
};

typedef struct hawser__timers {
    struct hawser__timer_entry *heap;
    size_t count, room;
    atomic_size_t capacity;              /* the larger of room and spare_room; never shrinks */
    hawser__lock lock;                   /* guards the rest */
    struct hawser__timer_entry *spare;   /* a larger array, not in use yet */
    size_t spare_room;
} hawser__timers;

void hawser__timers_done(hawser__timers *timers);

/* Makes sure that there is room for COUNT timers. From any thread. 0 or -ENOMEM. */
int hawser__timers_reserve(hawser__timers *timers, size_t count);

/* TIMER runs out at AT. It does not run yet, and there is room for it. */
void hawser__timers_add(hawser__timers *timers, hawser__timer *timer, hawser__deadline at);
/* Nothing happens when it does not run. */
void hawser__timers_remove(hawser__timers *timers, hawser__timer *timer);

/* When the first runs out; HAWSER__NEVER without any. */
hawser__deadline hawser__timers_first(const hawser__timers *timers);
/* The first, taken out, if it has run out by NOW; else NULL. */
hawser__timer *hawser__timers_take(hawser__timers *timers, int64_t now);

#endif
