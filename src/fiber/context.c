/* SPDX-License-Identifier: MIT */
/*
 * Contexts around the switch: what is told to sanitizers and valgrind, in the order in which they insist on it. In a build
 * without them a switch is the jump to hawser__switch and nothing else.
 */
#include "fiber/context.h"

#include "fiber/sanitizers.h"
#include "fiber/switch.h"

#include <stdint.h>

#ifdef HAWSER__VALGRIND
bool hawser__under_valgrind;

__attribute__((constructor)) static void look_for_valgrind(void) {
    hawser__under_valgrind = RUNNING_ON_VALGRIND > 0;
}
#endif

void hawser__context_make(hawser__context *context, void *stack, size_t size, void (*entry)(void *arg), void *arg) {
    *context = (hawser__context){.stack = stack, .size = size};
    hawser__asan_made(context);
    hawser__tsan_made(context);
    hawser__valgrind_made(context);
    uintptr_t top = ((uintptr_t)stack + size) & ~(uintptr_t)15;
    hawser__switch_prepare(context, (void *)top, entry, arg);
}

void hawser__context_adopt(hawser__context *context) {
    *context = (hawser__context){.sp = NULL};
    hawser__tsan_adopted(context);
}

/* Not inlined: a caller's compiler must not see that it comes back on the same stack, and keep what belongs to a thread. */
__attribute__((noinline)) void hawser__context_switch(hawser__context *from, hawser__context *to) {
    hawser__asan_leave(from, to, false);
    hawser__tsan_leave(to);
    hawser__context *left = hawser__switch(from, to);
    hawser__asan_arrive(from, left);
}

__attribute__((noinline)) void hawser__context_switch_alike(hawser__context *from, hawser__context *to) {
    hawser__asan_leave(from, to, false);
    hawser__tsan_leave(to);
    hawser__context *left = hawser__switch_alike(from, to);
    hawser__asan_arrive(from, left);
}

_Noreturn void hawser__context_first(hawser__context *left, hawser__context *self, void (*entry)(void *arg), void *arg) {
    hawser__asan_arrive(self, left);
    entry(arg);
    __builtin_trap();
}

_Noreturn void hawser__context_exit(hawser__context *from, hawser__context *to) {
    hawser__asan_leave(from, to, true);
    hawser__tsan_leave(to);
    hawser__switch(from, to);
    __builtin_trap();
}

/* Unpoisoned here as well as at the next use: whoever gets the memory need not use it as a stack. */
void hawser__context_release(hawser__context *context) {
    hawser__asan_made(context);
    hawser__tsan_released(context);
    hawser__valgrind_released(context);
}
