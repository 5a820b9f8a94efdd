/* SPDX-License-Identifier: MIT */
/*
 * What is going to happen in a simulated world, and when: a heap of events in the order of their times, and of their making
 * where the times are the same. Nothing else moves the clock on.
 */
#ifndef HAWSER__EVENT_H
#define HAWSER__EVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct hawser__event hawser__event;
struct hawser__event {
    int64_t at;                             /* virtual nanoseconds */
    uint64_t number;                        /* of all events, in the order in which they were asked for */
    size_t place;                           /* in the heap, 1 ...; 0 = nowhere */
    void (*happen)(hawser__event *event);   /* it is off the heap, and may be freed */
};

typedef struct hawser__events {
    hawser__event **heap;
    size_t count, room;
    uint64_t asked;
} hawser__events;

/* EVENT, whose `happen` is set, is to happen at AT; one that waits already is moved. 0; -ENOMEM. */
int hawser__events_add(hawser__events *events, hawser__event *event, int64_t at);
/* Does nothing for an event that is not waiting. */
void hawser__events_remove(hawser__events *events, hawser__event *event);
/* The next one; NULL = none. */
hawser__event *hawser__events_first(const hawser__events *events);
void hawser__events_done(hawser__events *events);

#endif
