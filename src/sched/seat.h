/* SPDX-License-Identifier: MIT */
/*
 * A seat: where one task sits down to wait for something that any thread may bring about.
 *
 *     the waiter: take, look whether it has happened already, wait, leave
 *     the waker:  make it happen, then wake
 *
 * Both do their two steps in that order, so one of them always sees the other. A task that has left is never touched again: the
 * waker holds the seat while it wakes, and leaving waits for that, which is a few instructions and at most one write to an
 * eventfd.
 *
 * A watch can sit there instead. Whoever comes to wake it empties the seat, fires it and touches the seat no more, which may be
 * gone by then; taking it back waits for a shot that is under way.
 */
#ifndef HAWSER__SEAT_H
#define HAWSER__SEAT_H

#include "base/task.h"
#include "sched/engine.h"

#include <stdint.h>

typedef struct hawser__seat {
    _Atomic uintptr_t sitter;   /* the task; its lowest bit is set while it is held, the second one if it is a watch */
} hawser__seat;

/* The calling task sits down. Nobody else does at the same time. */
void hawser__seat_take(hawser__seat *seat);

/* Whoever sits leaves. Call it after the wait, woken or not. */
void hawser__seat_leave(hawser__seat *seat);

/* Wakes the task that sits there, which stays seated; or fires the watch, with ENDED. */
void hawser__seat_tell(hawser__seat *seat, bool ended);

/* The same where only tasks sit. */
void hawser__seat_wake(hawser__seat *seat);

/* The same in two steps, for those who keep lists of watches: hold wakes a task (NULL), or gives the watch, which fire fires.
 * In between nobody else can fire it or take it back, and those who come to do so wait. try_hold does not wait for others, and
 * leaves tasks alone. */
hawser__watch *hawser__seat_hold(hawser__seat *seat);
hawser__watch *hawser__seat_try_hold(hawser__seat *seat);
void hawser__seat_fire(hawser__seat *seat, hawser__watch *held, bool ended);

/* WATCH sits down where nobody sits; those who come to wake it wait until the caller has looked whether it has happened
 * already, and says that it stays, after which the seat is not the caller's any more, or not. */
void hawser__seat_put(hawser__seat *seat, hawser__watch *watch);
void hawser__seat_keep(hawser__seat *seat, bool stays);

bool hawser__seat_is_watched(const hawser__seat *seat);

/* True: WATCH sat there and will not fire. False: it has fired, and that is over unless the caller is inside of it. The caller
 * holds nothing that FIRE could wait for. */
bool hawser__seat_take_back(hawser__seat *seat, hawser__watch *watch);

#endif
