/* SPDX-License-Identifier: MIT */
/* The engines there are, and which one new sockets and new runs get. */
#ifndef HAWSER__ENGINES_H
#define HAWSER__ENGINES_H

#include "sched/engine.h"

extern hawser__engine hawser__poll_engine;
extern hawser__engine hawser__epoll_engine;
extern hawser__engine hawser__uring_engine;

/* All that were built in, the best one first, NULL at the end. */
extern hawser__engine *const hawser__engines[];

/* The engine of the calling task: its worker's, or the one of plain threads. */
hawser__engine *hawser__engine_current(void);

/* The engine called NAME; NULL for that: what HAWSER_ENGINE in the environment says, else the best. NULL = there is none. */
hawser__engine *hawser__engine_named(const char *name);

/* Makes ENGINE everybody's, and that of new runs without a name (NULL = as before). For tests. */
void hawser__engine_use(hawser__engine *engine);

#endif
