/* SPDX-License-Identifier: MIT */
/* The signals that tasks asked for. The public calls are in interrupt.c. */
#ifndef HAWSER__SIGNALS_H
#define HAWSER__SIGNALS_H

#include "base/task.h"

/* From now on SIGNO marks TASK as interrupted and wakes it. 0; -EINVAL, -EBUSY (another task has it), or why it cannot be. */
int hawser__signals_claim(int signo, hawser__task *task);

/* Puts the old action back. -EINVAL when SIGNO was not claimed. */
int hawser__signals_restore(int signo);

/* The task ends: no signal may reach its record any more. */
void hawser__signals_forget(hawser__task *task);

/* In the child of a fork, whose only task is SURVIVOR. */
void hawser__signals_after_fork(hawser__task *survivor);

#endif
