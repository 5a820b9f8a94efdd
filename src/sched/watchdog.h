/* SPDX-License-Identifier: MIT */
/*
 * The watchdog: a thread of its own that looks at the workers of a run and calls the run's on_stall for a fiber that has kept
 * one from all others for too long. A run that has no on_stall is watched when the environment has HAWSER_STALL, a number of
 * seconds: it then writes a line to standard error.
 */
#ifndef HAWSER__WATCHDOG_H
#define HAWSER__WATCHDOG_H

#include "sched/worker.h"

/* Which of "stall_after" and "HAWSER_STALL" is no number of seconds from 0 to 1e9; NULL: none. */
const char *hawser__watchdog_fault(const hawser_run_options *options);

/* Begins to watch RUN if its options or the environment ask for it. 0; -EINVAL (a fault as above), -ENOMEM. */
int hawser__watchdog_start(hawser__run *run);
/* Ends it and waits for its thread. Also when it was not started. */
void hawser__watchdog_stop(hawser__run *run);

#endif
