/* SPDX-License-Identifier: MIT */
/*
 * A pool keeps the addresses of its idle slots in an array of its own, so that the memory of an idle slot is not touched:
 *
 *      0            cold            base               low        top
 *      |  trimmed   | being trimmed |   idle for long  |  recent  |
 *
 *   - slots[0, cold) hold no memory;
 *   - slots[cold, base) are in the hands of a trim, which alone makes this part more than empty;
 *   - slots[base, top) are warm, the last to come back on top, and are taken from there;
 *   - low is the least that top has been since the last trim: what lies below has not been used since;
 *   - the array has room for every slot there is, so that giving back cannot fail.
 *
 * The lock guards that and the count of slots used for the first time. System calls are made outside of it.
 */
#include "fiber/stack.h"

#include "base/lock.h"
#include "base/mem.h"
#include "base/sys_memory.h"
#include "fiber/guard.h"

#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

/* The first reservation is small because some systems do charge for it (overcommit 2, RLIMIT_AS); each next one is twice as
 * large, so that a million stacks are in a hundred mappings at most. */
#define FIRST_SLAB ((size_t)64 << 20)
#define LARGEST_SLAB ((size_t)1 << (sizeof(size_t) > 4 ? 30 : 26))
#define LARGEST_SLOT ((size_t)1 << (16 + 3 * sizeof(size_t)))   /* 1 TiB, or 256 MiB */
/* A guard is as large as its stack, up to this: a large array must not reach past it. It takes addresses, and 8 bytes of page
 * table for each page. */
#define MOST_GUARD ((size_t)64 << 10)
#define KEPT_WARM 16
#define BATCH 32

/* Slots side by side. Once a slab is published only `used` changes, and it stays until the pool is freed: signal handlers
 * walk the list. */
struct slab {
    struct slab *older;
    char *base;
    size_t count, total;     /* slots in this slab, and in this and all older ones */
    atomic_size_t used;      /* handed out at least once; they come in the order of their addresses */
};

struct hawser__stacks {
    hawser__lock lock;
    bool trimming;
    size_t cold, base, low, top;
    void **slots;
    _Atomic(struct slab *) newest;
    size_t slot_size, guard_size;
    unsigned colour_shift;
    size_t room;                  /* entries of slots */
    atomic_size_t mapped_guards;
    atomic_bool unguarded;
};

static size_t round_up(size_t size, size_t unit) {
    return (size + unit - 1) / unit * unit;
}

hawser__stacks *hawser__stacks_new(size_t size) {
    size_t page = hawser__page_size();
    hawser__stacks *pool = size <= LARGEST_SLOT ? hawser__zalloc(sizeof *pool) : NULL;
    if (!pool)
        return NULL;
    size = round_up(size > 2 * page ? size : 2 * page, page);
    pool->guard_size = size < MOST_GUARD ? size : MOST_GUARD;
    pool->slot_size = size + pool->guard_size;
    pool->colour_shift = 63 - (unsigned)__builtin_clzll(pool->slot_size);
    return pool;
}

static void free_slab(struct slab *slab, size_t slot_size) {
    hawser__sys_munmap(slab->base, slab->count * slot_size);
    hawser__free(slab);
}

void hawser__stacks_free(hawser__stacks *pool) {
    if (!pool)
        return;
    for (struct slab *slab = atomic_load(&pool->newest), *older; slab; slab = older) {
        older = slab->older;
        free_slab(slab, pool->slot_size);
    }
    hawser__guard_forget(atomic_load(&pool->mapped_guards));
    hawser__free(pool->slots);
    hawser__free(pool);
}

/* New slots. */

static size_t slots_of_next_slab(const hawser__stacks *pool, const struct slab *newest) {
    size_t bytes = newest ? newest->count * pool->slot_size * 2 : FIRST_SLAB;
    size_t count = (bytes < LARGEST_SLAB ? bytes : LARGEST_SLAB) / pool->slot_size;
    return count ? count : 1;
}

/* As much as the system gives, down to one slot. Huge pages would make every touched stack resident as a whole. */
static struct slab *reserve(const hawser__stacks *pool, struct slab *newest) {
    void *base;
    size_t count = slots_of_next_slab(pool, newest);
    struct slab *slab = hawser__alloc(sizeof *slab);
    while (slab && hawser__sys_mmap(count * pool->slot_size, &base) < 0) {
        count /= 2;
        if (count == 0) {
            hawser__free(slab);
            return NULL;
        }
    }
    if (!slab)
        return NULL;
    (void)hawser__sys_madvise(base, count * pool->slot_size, MADV_NOHUGEPAGE);
    *slab = (struct slab){.older = newest, .base = base, .count = count, .total = count + (newest ? newest->total : 0)};
    return slab;
}

/* Under the lock. The slab comes last: in the child of a fork there is then room for all slots, wherever the fork came. */
static void publish(hawser__stacks *pool, struct slab *slab, void **slots, size_t room) {
    if (slots) {
        if (pool->top > 0)
            memcpy(slots, pool->slots, pool->top * sizeof *slots);
        pool->slots = slots;
        pool->room = room;
    }
    atomic_store_explicit(&pool->newest, slab, memory_order_release);
}

/* Reserves slots, unless another thread does at the same time; false: no memory. */
static bool grow(hawser__stacks *pool, struct slab *newest, size_t room) {
    struct slab *slab = reserve(pool, newest);
    if (!slab)
        return false;
    size_t wanted = slab->total > 2 * room ? slab->total : 2 * room;
    void **slots = slab->total > room ? hawser__alloc(wanted * sizeof *slots) : NULL, **old = slots;
    bool failed = slab->total > room && !slots;
    hawser__lock_take(&pool->lock);
    bool ours = !failed && atomic_load_explicit(&pool->newest, memory_order_relaxed) == newest;
    if (ours) {
        old = slots ? pool->slots : NULL;
        publish(pool, slab, slots, wanted);
    }
    hawser__lock_drop(&pool->lock);
    hawser__free(old);
    if (!ours)
        free_slab(slab, pool->slot_size);
    return !failed;
}

/* Under the lock. */
static char *next_unused(struct slab *slab, size_t slot_size) {
    size_t used = slab ? atomic_load_explicit(&slab->used, memory_order_relaxed) : 0;
    if (!slab || used == slab->count)
        return NULL;
    atomic_store_explicit(&slab->used, used + 1, memory_order_relaxed);
    return slab->base + used * slot_size;
}

static void *guard(hawser__stacks *pool, char *slot) {
    enum hawser__guard kind = hawser__guard_install(slot, pool->guard_size);
    if (kind == HAWSER__GUARD_NONE)
        atomic_store_explicit(&pool->unguarded, true, memory_order_relaxed);
    if (kind == HAWSER__GUARD_MAPPED)
        atomic_fetch_add_explicit(&pool->mapped_guards, 1, memory_order_relaxed);
    return slot + pool->guard_size;
}

static void *take_new(hawser__stacks *pool) {
    for (;;) {
        hawser__lock_take(&pool->lock);
        struct slab *newest = atomic_load_explicit(&pool->newest, memory_order_relaxed);
        size_t room = pool->room;
        char *slot = next_unused(newest, pool->slot_size);
        hawser__lock_drop(&pool->lock);
        if (slot)
            return guard(pool, slot);
        if (!grow(pool, newest, room))
            return NULL;
    }
}

/* Taking and giving. */

/* Under the lock. */
static void *pop(hawser__stacks *pool) {
    if (pool->top > pool->base) {
        void *stack = pool->slots[--pool->top];
        if (pool->low > pool->top)
            pool->low = pool->top;
        return stack;
    }
    if (pool->cold == 0)
        return NULL;
    pool->low = --pool->top;
    pool->base--;
    return pool->slots[--pool->cold];
}

void *hawser__stacks_take(hawser__stacks *pool, size_t *size) {
    hawser__lock_take(&pool->lock);
    void *stack = pop(pool);
    hawser__lock_drop(&pool->lock);
    if (!stack && !(stack = take_new(pool)))
        return NULL;
    *size = pool->slot_size - pool->guard_size;
    return stack;
}

void hawser__stacks_give(hawser__stacks *pool, void *stack) {
    if (!stack)
        return;
    hawser__lock_take(&pool->lock);
    pool->slots[pool->top++] = stack;
    hawser__lock_drop(&pool->lock);
}

/* Trimming. */

/* Under the lock: the slots to trim next. */
static size_t begin_batch(hawser__stacks *pool, size_t most, void *batch[static BATCH]) {
    size_t kept = pool->top > pool->base + KEPT_WARM ? pool->top - KEPT_WARM : pool->base;
    size_t end = kept < pool->low ? kept : pool->low;
    size_t count = end - pool->base;
    count = count < BATCH ? count : BATCH;
    count = count < most ? count : most;
    if (count == 0)
        return 0;
    memcpy(batch, pool->slots + pool->base, count * sizeof *batch);
    pool->base += count;
    return count;
}

/* Under the lock: they are cold now. Slots below were taken meanwhile if there is room between. */
static void end_batch(hawser__stacks *pool, size_t count, void *const batch[static BATCH]) {
    memcpy(pool->slots + pool->cold, batch, count * sizeof *batch);
    pool->cold += count;
}

size_t hawser__stacks_trim(hawser__stacks *pool) {
    void *batch[BATCH];
    size_t count, trimmed = 0;
    hawser__lock_take(&pool->lock);
    if (pool->trimming) {
        hawser__lock_drop(&pool->lock);
        return 0;
    }
    pool->trimming = true;
    while ((count = begin_batch(pool, HAWSER__TRIM_MOST - trimmed, batch)) > 0) {
        hawser__lock_drop(&pool->lock);
        for (size_t i = 0; i < count; i++)
            (void)hawser__sys_madvise(batch[i], pool->slot_size - pool->guard_size, MADV_DONTNEED);
        trimmed += count;
        hawser__lock_take(&pool->lock);
        end_batch(pool, count, batch);
    }
    pool->low = pool->top;
    pool->trimming = false;
    hawser__lock_drop(&pool->lock);
    return trimmed;
}

/* A lock that is taken was another thread's, and what it was changing is anything: the idle slots are given up. */
void hawser__stacks_after_fork(hawser__stacks *pool) {
    if (atomic_load(&pool->lock.taken) || pool->trimming)
        pool->cold = pool->base = pool->low = pool->top = 0;
    pool->trimming = false;
    hawser__lock_drop(&pool->lock);
}

/* Questions. */

unsigned hawser__stacks_colour(const hawser__stacks *pool, const void *stack) {
    return (unsigned)((uintptr_t)stack >> pool->colour_shift & 15);
}

void *hawser__stacks_guard_hit(const hawser__stacks *pool, const void *address) {
    for (struct slab *slab = atomic_load_explicit(&pool->newest, memory_order_acquire); slab; slab = slab->older) {
        size_t offset = (uintptr_t)address - (uintptr_t)slab->base, inside = offset % pool->slot_size;
        if (offset < atomic_load_explicit(&slab->used, memory_order_relaxed) * pool->slot_size)
            return inside < pool->guard_size ? slab->base + offset - inside + pool->guard_size : NULL;
    }
    return NULL;
}

bool hawser__stacks_guarded(const hawser__stacks *pool) {
    return !atomic_load_explicit(&pool->unguarded, memory_order_relaxed);
}

/* The first resident page from below. One that was swapped out does not count. */
size_t hawser__stack_touched(const void *stack, size_t size) {
    unsigned char resident[256];
    size_t page = hawser__page_size();
    char *at = (char *)((uintptr_t)stack / page * page), *end = (char *)stack + size;
    while (at < end) {
        size_t pages = round_up((size_t)(end - at), page) / page;
        pages = pages < sizeof resident ? pages : sizeof resident;
        if (hawser__sys_mincore(at, pages * page, resident) < 0)
            return 0;
        for (size_t i = 0; i < pages; i++, at += page)
            if (resident[i] & 1)
                return at < (char *)stack ? size : (size_t)(end - at);
    }
    return 0;
}
