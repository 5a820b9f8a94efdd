/* SPDX-License-Identifier: MIT */
/* Look-ups on helper threads: what an engine with a real network behind it uses for its resolve. */
#ifndef HAWSER__LOOKUP_THREAD_H
#define HAWSER__LOOKUP_THREAD_H

#include "base/clock.h"
#include "sched/lookup.h"

/* The most helper threads at once. */
#define HAWSER__LOOKUP_THREADS 8

/* Runs LOOKUP on a helper thread while the calling task is parked. 0 when it has been answered, well or badly
 * (lookup->error); -ETIMEDOUT at DEADLINE, -ECANCELED when the task is interrupted, -ENOMEM when there is no memory or no
 * thread; -EAGAIN at once with HAWSER__NOW. In each of these cases the look-up is abandoned: its helper, if there is one, ends
 * by itself and gives back its own reference; the caller's stays the caller's. */
int hawser__lookup_on_thread(hawser__lookup *lookup, hawser__deadline deadline);

/* How many helpers run at this moment. For tests. */
int hawser__lookup_helpers(void);

#endif
