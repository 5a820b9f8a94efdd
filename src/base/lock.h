/* SPDX-License-Identifier: MIT */
/*
 * A lock for a few instructions that call nothing which can wait. Uncontended it costs one atomic exchange, and not even that
 * in a process with one thread; whoever finds it taken spins, and gives its processor away when that takes longer than a few
 * instructions can.
 */
#ifndef HAWSER__LOCK_H
#define HAWSER__LOCK_H

#include <stdatomic.h>
#include <stdbool.h>

/* False as long as the process has but one thread, where the C library tells: a run with one worker, as a rule. Holds until the
 * caller starts a thread itself. */
#if __has_include(<sys/single_threaded.h>)
#include <sys/single_threaded.h>
#define HAWSER__THREADED (!__libc_single_threaded)
#else
#define HAWSER__THREADED true
#endif

/* atomic_compare_exchange_weak for *EXPECTED as just loaded, atomic_store with the order of all others, and atomic_fetch_add,
 * _or and _and, for what only threads do to each other: in a process with one thread they are a plain store, which costs a
 * tenth. */
#define hawser__swap_weak(object, expected, desired)                                                                          \
    (HAWSER__THREADED ? atomic_compare_exchange_weak(object, expected, desired)                                               \
                      : (atomic_store_explicit(object, desired, memory_order_relaxed), true))
#define hawser__store(object, desired)                                                                                        \
    (HAWSER__THREADED ? atomic_store(object, desired) : atomic_store_explicit(object, desired, memory_order_relaxed))

#define hawser__add(object, n)                                                                                                \
    (HAWSER__THREADED ? atomic_fetch_add(object, n) : hawser__alone(object, hawser__was + (n)))
#define hawser__or(object, bits)                                                                                              \
    (HAWSER__THREADED ? atomic_fetch_or(object, bits) : hawser__alone(object, hawser__was | (bits)))
#define hawser__and(object, bits)                                                                                             \
    (HAWSER__THREADED ? atomic_fetch_and(object, bits) : hawser__alone(object, hawser__was & (bits)))
#define hawser__alone(object, becomes)                                                                                        \
    ({                                                                                                                        \
        __typeof__(atomic_load(object)) hawser__was = atomic_load_explicit(object, memory_order_relaxed);                     \
        atomic_store_explicit(object, becomes, memory_order_relaxed);                                                         \
        hawser__was;                                                                                                          \
    })

typedef struct hawser__lock {
    atomic_bool taken;
} hawser__lock;

void hawser__lock_wait(hawser__lock *lock);   /* the slow path */

static inline void hawser__lock_take(hawser__lock *lock) {
    if (!HAWSER__THREADED)
        atomic_store_explicit(&lock->taken, true, memory_order_relaxed);
    else if (atomic_exchange_explicit(&lock->taken, true, memory_order_acquire))
        hawser__lock_wait(lock);
}

static inline void hawser__lock_drop(hawser__lock *lock) {
    atomic_store_explicit(&lock->taken, false, memory_order_release);
}

#endif
