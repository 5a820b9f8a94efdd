/* SPDX-License-Identifier: MIT */
/*
 * Stacks: a pool of slots of one size. Memory is reserved in slabs without being charged (MAP_NORESERVE), is used page by
 * page as it is touched, and never in huge pages; below each stack is a guard, as large as the stack but no larger than
 * 64 KiB. Slots come back last in, first out, so that a warm one is used next; nothing is returned to the system on that path.
 * What has not been used for a while is, by hawser__stacks_trim.
 *
 * Guards: MADV_GUARD_INSTALL where the kernel has it (no mapping of its own for each), mprotect for as many as the system
 * allows mappings, none beyond. hawser__stacks_guarded tells.
 *
 * Safe from any thread, except hawser__stacks_free.
 */
#ifndef HAWSER__STACK_H
#define HAWSER__STACK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

typedef struct hawser__stacks hawser__stacks;

/* A pool of stacks of SIZE bytes, rounded up to pages and at least two. NULL = ENOMEM. Nothing is reserved yet. */
hawser__stacks *hawser__stacks_new(size_t size);
/* All slots have been given back. */
void hawser__stacks_free(hawser__stacks *pool);

/* The lowest usable address of a slot, above its guard; *SIZE is what lies above. NULL = ENOMEM. The content is anything. */
void *hawser__stacks_take(hawser__stacks *pool, size_t *size);
void hawser__stacks_give(hawser__stacks *pool, void *stack);

/* Returns to the system the memory of slots that are free and were free at the last trim, too, but for a few. The count of
 * slots, at most HAWSER__TRIM_MOST, which take a millisecond; after that many there may be more. */
#define HAWSER__TRIM_MOST 512
size_t hawser__stacks_trim(hawser__stacks *pool);

/* For the child of a fork, while it has one thread: what other threads were about in the pool is undone, or given up. */
void hawser__stacks_after_fork(hawser__stacks *pool);

/* A number from 0 to 15 for a slot, different for neighbours: users put what they touch most that many cache lines lower,
 * because slots lie a power of two apart and would fight for the same lines of the cache. */
unsigned hawser__stacks_colour(const hawser__stacks *pool, const void *stack);

/* Whether ADDRESS lies in the guard of a slot: the slot's usable lowest address, else NULL. Async-signal-safe. */
void *hawser__stacks_guard_hit(const hawser__stacks *pool, const void *address);

/* Bytes of [STACK, STACK + SIZE) that have been touched, counted down from the top, in pages (mincore). Those that a former
 * user of the slot touched count as well. */
size_t hawser__stack_touched(const void *stack, size_t size);

/* Whether the slots handed out so far all have a working guard. */
bool hawser__stacks_guarded(const hawser__stacks *pool);

#endif
