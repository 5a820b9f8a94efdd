/* SPDX-License-Identifier: MIT */
#include "sched/seat.h"

#include "base/lock.h"
#include "base/wake.h"

#include <sched.h>

#define BUSY ((uintptr_t)1)
#define SPINS 100

static void give_way(int *spins) {
    if (++*spins > SPINS)
        sched_yield();
}

void hawser__seat_take(hawser__seat *seat) {
    hawser__store(&seat->sitter, (uintptr_t)hawser__task_current());
}

void hawser__seat_leave(hawser__seat *seat) {
    uintptr_t sitter = atomic_load(&seat->sitter);
    int spins = 0;
    while (sitter && ((sitter & BUSY) || !hawser__swap_weak(&seat->sitter, &sitter, 0))) {
        give_way(&spins);
        sitter = atomic_load(&seat->sitter);
    }
}

/* A waker that finds another at it waits for its turn: what this one brought about may have come too late for the other's. */
void hawser__seat_wake(hawser__seat *seat) {
    uintptr_t sitter = atomic_load(&seat->sitter);
    int spins = 0;
    while (sitter && ((sitter & BUSY) || !hawser__swap_weak(&seat->sitter, &sitter, sitter | BUSY))) {
        give_way(&spins);
        sitter = atomic_load(&seat->sitter);
    }
    if (!sitter)
        return;
    hawser__task_wake((hawser__task *)sitter);
    atomic_store_explicit(&seat->sitter, sitter, memory_order_release);
}
