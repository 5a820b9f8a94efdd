/* SPDX-License-Identifier: MIT */
/*
 * Parking: how the calling task waits. On a plain thread that is poll, on the descriptors given and on the task's wake
 * descriptor.
 */
#ifndef HAWSER__PARK_H
#define HAWSER__PARK_H

#include "base/clock.h"
#include "base/task.h"

#include <poll.h>

/* The most descriptors one wait can watch. */
#define HAWSER__PARK_MAX 64

/* Waits until one of the N descriptors is ready (their count), somebody woke the task (0), DEADLINE passed (-ETIMEDOUT or
 * -EAGAIN), the task was interrupted (-ECANCELED), or the system refused (-errno). A wake-up that came earlier counts. FDS
 * may be NULL with N 0. */
int hawser__park(struct pollfd *fds, size_t n, hawser__deadline deadline);

/* -ECANCELED when the calling task is interrupted, else 0. */
int hawser__interrupt_check(void);

#endif
