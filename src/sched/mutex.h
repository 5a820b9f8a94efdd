/* SPDX-License-Identifier: MIT */
/* What a condition needs of a mutex beyond the public calls. */
#ifndef HAWSER__MUTEX_H
#define HAWSER__MUTEX_H

#include "sched/waiters.h"

#include <hawser/sync.h>

bool hawser__mutex_is_held(const hawser_mutex *mutex, const hawser__task *task);

/* The lock for WAITER's task, which does not have it: true, or false and WAITER is in line and will be granted with it. */
bool hawser__mutex_line_up(hawser_mutex *mutex, hawser__waiter *waiter);

/* Gives up the lock, which TASK holds. */
void hawser__mutex_release(hawser_mutex *mutex, const hawser__task *task);

/* Locks for TASK, the caller, whatever happens. */
void hawser__mutex_lock_through(hawser_mutex *mutex, hawser__task *task);

#endif
