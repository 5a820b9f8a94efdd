/* SPDX-License-Identifier: MIT */
/* What the task records need of the signals that were asked for (world.h: hawser_interrupt_on_signal). */
#ifndef HAWSER__SIGNALS_H
#define HAWSER__SIGNALS_H

#include "base/task.h"

/* The task ends: no signal may reach its record any more. */
void hawser__signals_forget(hawser__task *task);

/* In the child of a fork, whose only task is SURVIVOR. */
void hawser__signals_after_fork(hawser__task *survivor);

#endif
