/* SPDX-License-Identifier: MIT */
/*
 * Waiting: the calling task stops until somebody wakes it (base/wake.h). A fiber parks and its worker runs others; a plain
 * thread waits in poll. All waits of the library come down to these calls.
 *
 * A wake-up is a hint: whoever waits looks again at what it waits for, and waits again if need be. One that came before the
 * wait counts. What the task holds back (base/task.h) is sent before it waits; if that took a wait of its own, this one ends as
 * if woken, because the wake-up meant for it may have been consumed.
 */
#ifndef HAWSER__PARK_H
#define HAWSER__PARK_H

#include "base/clock.h"
#include "base/task.h"

#include <poll.h>

/* Waits until woken (0), DEADLINE (-ETIMEDOUT; -EAGAIN when it is HAWSER__NOW), or until the task is cancelled or interrupted
 * (-ECANCELED; at once if it is already). WHAT, static text, and OBJECT, a descriptor or address or -1, tell hawser_dump. The
 * task's own deadline is not looked at: callers pass hawser__task_deadline(). */
int hawser__wait(const char *what, int64_t object, hawser__deadline deadline);

/* Waits until woken; neither deadlines nor cancellation cut it short. */
void hawser__wait_through(const char *what, int64_t object);

/* The most descriptors that a plain thread's wait can watch. */
#define HAWSER__PARK_MAX 64

/* A plain thread's wait: as hawser__wait, or until one of the N descriptors is ready (their count), or the system refuses
 * (-errno). FDS may be NULL with N 0. */
int hawser__park(struct pollfd *fds, size_t n, hawser__deadline deadline);

/* -ECANCELED when the calling task is cancelled or interrupted, else 0. */
int hawser__interrupt_check(void);

#endif
