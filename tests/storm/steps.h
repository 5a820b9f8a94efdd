/* SPDX-License-Identifier: MIT */
/*
 * Included before everything else by the build of the library that storms run on (cmake/storm.cmake): each atomic step of the
 * sources, which are otherwise those of every build, may let another strand of the simulation run. Whatever order the steps of
 * two workers can come in on real processors (as long as these keep to one order of all steps) is so an order that a seed can
 * bring about.
 *
 * Who holds a lock of pthreads may be made to wait, too; whoever wants it then gives way until it is free.
 */
#ifndef TESTS_STEPS_H
#define TESTS_STEPS_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/single_threaded.h>

void storm_step(void);
int storm_mutex_lock(pthread_mutex_t *mutex);

#define STEP(what) (storm_step(), what)

#undef atomic_load
#undef atomic_load_explicit
#undef atomic_store
#undef atomic_store_explicit
#undef atomic_exchange
#undef atomic_exchange_explicit
#undef atomic_fetch_add
#undef atomic_fetch_sub
#undef atomic_fetch_and
#undef atomic_fetch_or
#undef atomic_fetch_add_explicit
#undef atomic_fetch_sub_explicit
#undef atomic_compare_exchange_strong
#undef atomic_compare_exchange_weak
#undef atomic_compare_exchange_strong_explicit

#define STEP_LOAD(object)                                                                                                     \
    __extension__({                                                                                                           \
        __auto_type step_object = (object);                                                                                   \
        __typeof__((void)0, *step_object) step_value;                                                                         \
        storm_step();                                                                                                         \
        __atomic_load(step_object, &step_value, __ATOMIC_SEQ_CST);                                                            \
        step_value;                                                                                                           \
    })
#define STEP_STORE(object, value)                                                                                             \
    __extension__({                                                                                                           \
        __auto_type step_object = (object);                                                                                   \
        __typeof__((void)0, *step_object) step_value = (value);                                                               \
        storm_step();                                                                                                         \
        __atomic_store(step_object, &step_value, __ATOMIC_SEQ_CST);                                                           \
    })
#define STEP_EXCHANGE(object, value)                                                                                          \
    __extension__({                                                                                                           \
        __auto_type step_object = (object);                                                                                   \
        __typeof__((void)0, *step_object) step_value = (value), step_before;                                                  \
        storm_step();                                                                                                         \
        __atomic_exchange(step_object, &step_value, &step_before, __ATOMIC_SEQ_CST);                                          \
        step_before;                                                                                                          \
    })
#define STEP_COMPARE(object, expected, value)                                                                                 \
    __extension__({                                                                                                           \
        __auto_type step_object = (object);                                                                                   \
        __typeof__((void)0, *step_object) step_value = (value);                                                               \
        storm_step();                                                                                                         \
        __atomic_compare_exchange(step_object, (expected), &step_value, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);           \
    })

#define atomic_load(object) STEP_LOAD(object)
#define atomic_load_explicit(object, order) STEP_LOAD(object)
#define atomic_store(object, value) STEP_STORE(object, value)
#define atomic_store_explicit(object, value, order) STEP_STORE(object, value)
#define atomic_exchange(object, value) STEP_EXCHANGE(object, value)
#define atomic_exchange_explicit(object, value, order) STEP_EXCHANGE(object, value)
#define atomic_compare_exchange_strong(object, expected, value) STEP_COMPARE(object, expected, value)
#define atomic_compare_exchange_weak(object, expected, value) STEP_COMPARE(object, expected, value)
#define atomic_compare_exchange_strong_explicit(object, expected, value, order, order_of_failure)                              \
    STEP_COMPARE(object, expected, value)
#define atomic_fetch_add_explicit(object, value, order) atomic_fetch_add(object, value)
#define atomic_fetch_sub_explicit(object, value, order) atomic_fetch_sub(object, value)
#define atomic_fetch_and(object, value) STEP(__atomic_fetch_and((object), (value), __ATOMIC_SEQ_CST))
#define atomic_fetch_or(object, value) STEP(__atomic_fetch_or((object), (value), __ATOMIC_SEQ_CST))
#define atomic_fetch_add(object, value) STEP(__atomic_fetch_add((object), (value), __ATOMIC_SEQ_CST))
#define atomic_fetch_sub(object, value) STEP(__atomic_fetch_sub((object), (value), __ATOMIC_SEQ_CST))

#define pthread_mutex_lock(mutex) storm_mutex_lock(mutex)

/* One thread, but as many workers as there are strands. */
#define __libc_single_threaded false

#endif
