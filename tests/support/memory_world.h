/* SPDX-License-Identifier: MIT */
/* The world of the memory engine: names, clocks, chance, Unix socket files. Shared between engine_memory.c and memory_world.c.
 */
#ifndef TESTS_MEMORY_WORLD_H
#define TESTS_MEMORY_WORLD_H

#include "sched/engine.h"

/* The engine's lock, and what every change of the model ends with. */
void memory_enter(void);
void memory_leave(void);

int memory_resolve(hawser__engine *engine, hawser__lookup *lookup, hawser__deadline deadline);
int64_t memory_now(hawser__engine *engine);
int64_t memory_time(hawser__engine *engine);
int memory_random(hawser__engine *engine, void *buf, size_t size);
int memory_unix_claim(hawser__engine *engine, struct hawser__unix_file *file, hawser__deadline deadline);
void memory_unix_settle(hawser__engine *engine, struct hawser__unix_file *file, bool bound);
void memory_unix_remove(hawser__engine *engine, struct hawser__unix_file *file);

#endif
