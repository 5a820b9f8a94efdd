/* SPDX-License-Identifier: MIT */
#include "fiber/guard.h"

#include "base/sys.h"
#include "base/sys_memory.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/mman.h>

#define GUARD_INSTALL 102   /* MADV_GUARD_INSTALL: headers before Linux 6.13 do not have it */

/* Each takes two mappings of the 65,530 that Linux allows a process by default; the program needs some, too. */
#define MOST_MAPPED 25000

static atomic_size_t mapped;
static atomic_int marks_work;   /* 0 = not tried yet, 1 = yes, -1 = no */

/* Refused by kernels that do not know it and for locked memory; accepted, and ignored, by emulators. So a call that has the
 * kernel write there must fail, too. */
static bool try_mark(void) {
    void *memory;
    size_t size = hawser__page_size();
    if (hawser__sys_mmap(size, &memory) < 0)
        return false;
    bool works = hawser__sys_madvise(memory, size, GUARD_INSTALL) == 0 && hawser__sys_random(memory, 1) == -EFAULT;
    hawser__sys_munmap(memory, size);
    return works;
}

static bool can_mark(void) {
    int known = atomic_load_explicit(&marks_work, memory_order_relaxed);
    if (known == 0) {
        known = try_mark() ? 1 : -1;
        atomic_store_explicit(&marks_work, known, memory_order_relaxed);
    }
    return known > 0;
}

static bool map(void *memory, size_t size) {
    if (atomic_fetch_add_explicit(&mapped, 1, memory_order_relaxed) < MOST_MAPPED &&
        hawser__sys_mprotect(memory, size, PROT_NONE) == 0)
        return true;
    hawser__guard_forget(1);
    return false;
}

enum hawser__guard hawser__guard_install(void *memory, size_t size) {
    if (can_mark() && hawser__sys_madvise(memory, size, GUARD_INSTALL) == 0)
        return HAWSER__GUARD_MARKED;
    return map(memory, size) ? HAWSER__GUARD_MAPPED : HAWSER__GUARD_NONE;
}

void hawser__guard_forget(size_t count) {
    atomic_fetch_sub_explicit(&mapped, count, memory_order_relaxed);
}
