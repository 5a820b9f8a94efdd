/* SPDX-License-Identifier: MIT */
/*
 * What AddressSanitizer, ThreadSanitizer and valgrind have to be told about contexts. Without them every function here is
 * empty, except that a build with valgrind's headers asks, when a context is made or released, whether it runs under valgrind:
 * one load and one branch.
 *
 * made      the stack holds nothing: what frames of a former user poisoned, or left behind, is forgotten
 * leave     just before a switch; FOR_GOOD: the context is never gone on with
 * arrive    just after it, on the other stack; LEFT is the context that was left
 *
 * Not told: LeakSanitizer, which looks for pointers on the stacks of threads and of what runs on them at that moment. A list of
 * all other stacks is more than it can search at each start and end. What only suspended contexts know is a leak to it.
 */
#ifndef HAWSER__SANITIZERS_H
#define HAWSER__SANITIZERS_H

#include "fiber/context.h"

#include <stdbool.h>

#ifndef __has_feature
#define __has_feature(x) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
#define HAWSER__ASAN 1
#endif
#if defined(__SANITIZE_THREAD__) || __has_feature(thread_sanitizer)
#define HAWSER__TSAN 1
#endif

/* Whether a sanitizer handles memory faults, and is to go on doing so. */
#if defined(HAWSER__ASAN) || defined(HAWSER__TSAN)
#define HAWSER__SANITIZER_HANDLES_FAULTS true
#else
#define HAWSER__SANITIZER_HANDLES_FAULTS false
#endif

/* A hook that is called has its entry noted on one stack, and its end on the other: both sanitizers would lose count. */
#define HAWSER__HOOK __attribute__((always_inline)) static inline

#ifdef HAWSER__ASAN

#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>

HAWSER__HOOK void hawser__asan_made(const hawser__context *context) {
    __asan_unpoison_memory_region(context->stack, context->size);
}

/* A NULL place for the fake stack has it freed. */
HAWSER__HOOK void hawser__asan_leave(hawser__context *from, const hawser__context *to, bool for_good) {
    __sanitizer_start_switch_fiber(for_good ? NULL : &from->fake_stack, to->stack, to->size);
}

/* A thread's stack is learnt when the thread is left for the first time. */
HAWSER__HOOK void hawser__asan_arrive(const hawser__context *self, hawser__context *left) {
    const void *stack;
    size_t size;
    __sanitizer_finish_switch_fiber(self->fake_stack, &stack, &size);
    if (left->size == 0) {
        left->stack = (void *)stack;
        left->size = size;
    }
}

#else

HAWSER__HOOK void hawser__asan_made(const hawser__context *context) {
    (void)context;
}

HAWSER__HOOK void hawser__asan_leave(hawser__context *from, const hawser__context *to, bool for_good) {
    (void)from, (void)to, (void)for_good;
}

HAWSER__HOOK void hawser__asan_arrive(const hawser__context *self, hawser__context *left) {
    (void)self, (void)left;
}

#endif

#ifdef HAWSER__TSAN

#include <sanitizer/tsan_interface.h>

HAWSER__HOOK void hawser__tsan_made(hawser__context *context) {
    context->tsan = __tsan_create_fiber(0);
}

HAWSER__HOOK void hawser__tsan_adopted(hawser__context *context) {
    context->tsan = __tsan_get_current_fiber();
}

/* Flags 0: what came before a switch happens before what comes after it, as is true on one thread. */
HAWSER__HOOK void hawser__tsan_leave(const hawser__context *to) {
    __tsan_switch_to_fiber(to->tsan, 0);
}

HAWSER__HOOK void hawser__tsan_released(hawser__context *context) {
    __tsan_destroy_fiber(context->tsan);
}

#else

HAWSER__HOOK void hawser__tsan_made(hawser__context *context) {
    (void)context;
}

HAWSER__HOOK void hawser__tsan_adopted(hawser__context *context) {
    (void)context;
}

HAWSER__HOOK void hawser__tsan_leave(const hawser__context *to) {
    (void)to;
}

HAWSER__HOOK void hawser__tsan_released(hawser__context *context) {
    (void)context;
}

#endif

#ifdef HAWSER__VALGRIND

#include <valgrind/memcheck.h>

extern bool hawser__under_valgrind;   /* context.c; set before main */

HAWSER__HOOK void hawser__valgrind_made(hawser__context *context) {
    if (__builtin_expect(!hawser__under_valgrind, 1))
        return;
    char *stack = context->stack;
    context->valgrind = VALGRIND_STACK_REGISTER(stack, stack + context->size);
    (void)VALGRIND_MAKE_MEM_UNDEFINED(stack, context->size);
}

HAWSER__HOOK void hawser__valgrind_released(hawser__context *context) {
    if (__builtin_expect(hawser__under_valgrind, 0))
        VALGRIND_STACK_DEREGISTER(context->valgrind);
}

#else

HAWSER__HOOK void hawser__valgrind_made(hawser__context *context) {
    (void)context;
}

HAWSER__HOOK void hawser__valgrind_released(hawser__context *context) {
    (void)context;
}

#endif

#endif
