/* SPDX-License-Identifier: MIT */
/*
 * Pausing between tries, for waits that nothing ends reliably: readiness can be wrong for long (a pending error makes any
 * socket readable, another reader takes what made a pipe ready), and asking again at once would burn a core past the deadline.
 */
#ifndef HAWSER__PAUSE_H
#define HAWSER__PAUSE_H

#include "sched/engine.h"

/* When the pause of ROUND (counted from 0) ends that begins at NOW: 1, 2, 4, 8, then 16 ms, at most until DEADLINE. A
 * negative code when DEADLINE has passed. */
int64_t hawser__pause_end(int64_t now, unsigned round, hawser__deadline deadline);

/* Pauses on nobody's account. 0 or a negative code. */
int hawser__pause(hawser__engine *engine, unsigned round, hawser__deadline deadline);

#endif
