/* SPDX-License-Identifier: MIT */
/* Waking a task: from another thread, or from a signal handler. */
#ifndef HAWSER__WAKE_H
#define HAWSER__WAKE_H

#include "base/task.h"

/* The task's wake descriptor, made on first use; -errno when none can be had; -EOPNOTSUPP: a task of another
 * machine (machine.h), which is woken by other means. */
int hawser__task_wake_fd(hawser__task *task);

/* Ends the task's wait, or its next one. Async-signal-safe. The caller makes sure that the task still exists. */
void hawser__task_wake(hawser__task *task);

/* Consumes a wake-up: true if there was one. */
bool hawser__task_take_wake(hawser__task *task);

/* Closes the wake descriptor; the next wait makes another. */
void hawser__task_drop_wake_fd(hawser__task *task);

#endif
