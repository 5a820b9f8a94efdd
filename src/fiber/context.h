/* SPDX-License-Identifier: MIT */
/*
 * Execution contexts: a stack, and where on it things stopped.
 *
 * switch_x86_64.S and switch_aarch64.S are the switch; switch_ucontext.c is the portable one (a build option). context.c is
 * around it: the first frame, and what the sanitizers and valgrind have to be told at every switch.
 *
 * A context runs on the thread that it was first switched to, and no other. Floating point modes (rounding, exceptions) are not
 * switched: code that changes them restores them before it waits.
 */
#ifndef HAWSER__CONTEXT_H
#define HAWSER__CONTEXT_H

#include <stddef.h>

typedef struct hawser__context {
    void *sp;              /* where a suspended context goes on; switch_*.S has the frame's layout, the gdb script reads it */
    void *stack;           /* lowest address and size of the stack, as sanitizers see it; of a thread: learnt by itself */
    size_t size;
    void *fake_stack;      /* AddressSanitizer's */
    void *tsan;            /* ThreadSanitizer's fiber */
    unsigned valgrind;     /* valgrind's number for the stack */
} hawser__context;

/* CONTEXT is to run ENTRY(ARG) on the SIZE bytes from STACK up. ENTRY does not return: it ends in hawser__context_exit. */
void hawser__context_make(hawser__context *context, void *stack, size_t size, void (*entry)(void *arg), void *arg);

/* CONTEXT stands for the calling thread itself, so that others can switch back to it. */
void hawser__context_adopt(hawser__context *context);

/* Suspends FROM, which is running, and goes on with TO. Returns when somebody switches to FROM. errno and the task are up to
 * the caller. */
void hawser__context_switch(hawser__context *from, hawser__context *to);

/* The same, and faster where FROM and TO were suspended by the same chain of calls, as fibers that wait mostly are; slower
 * where they were not. */
void hawser__context_switch_alike(hawser__context *from, hawser__context *to);

/* As above, but FROM is never run again. */
_Noreturn void hawser__context_exit(hawser__context *from, hawser__context *to);

/* Ends CONTEXT, made and not running: its stack may be used for another, or unmapped. Frames that never returned leave no
 * trace. */
void hawser__context_release(hawser__context *context);

#endif
