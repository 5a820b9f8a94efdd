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
 */
#ifndef HAWSER__SEAT_H
#define HAWSER__SEAT_H

#include "base/task.h"

#include <stdint.h>

typedef struct hawser__seat {
    _Atomic uintptr_t sitter;   /* the task; its lowest bit is set while it is being woken */
} hawser__seat;

/* The calling task sits down. Nobody else does at the same time. */
void hawser__seat_take(hawser__seat *seat);

/* Whoever sits leaves. Call it after the wait, woken or not. */
void hawser__seat_leave(hawser__seat *seat);

/* Wakes whoever sits there; it stays seated. */
void hawser__seat_wake(hawser__seat *seat);

#endif
