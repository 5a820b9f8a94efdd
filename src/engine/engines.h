/* SPDX-License-Identifier: MIT */
/* The engines there are, and which one new sockets get. */
#ifndef HAWSER__ENGINES_H
#define HAWSER__ENGINES_H

#include "sched/engine.h"

extern hawser__engine hawser__poll_engine;

/* The engine of the calling task. */
hawser__engine *hawser__engine_current(void);

/* Makes ENGINE everybody's (NULL = poll again). For tests. */
void hawser__engine_use(hawser__engine *engine);

#endif
