/* SPDX-License-Identifier: MIT */
#include "base/lock.h"

#include "base/sys.h"

#include <stdbool.h>

#define SPINS 100

/* Looks without writing, so that those who wait do not take the cache line from the one who has the lock. */
void hawser__lock_wait(hawser__lock *lock) {
    do {
        for (int spin = 0; atomic_load_explicit(&lock->taken, memory_order_relaxed); spin++)
            if (spin >= SPINS)
                hawser__sys_yield();
    } while (atomic_exchange_explicit(&lock->taken, true, memory_order_acquire));
}
