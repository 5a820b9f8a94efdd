/* SPDX-License-Identifier: MIT */
/*
 * What a switch file provides, and calls. The build picks one: switch_x86_64.S, switch_aarch64.S, switch_ucontext.c, which
 * has two system calls in every switch and needs a libc with ucontext.h's functions, or switch_sigjmp.c, where there are none
 * (musl).
 */
#ifndef HAWSER__SWITCH_H
#define HAWSER__SWITCH_H

#include "fiber/context.h"

/* Suspends FROM and goes on with TO. The result, when somebody switches to FROM: the context that was left for it. */
hawser__context *hawser__switch(hawser__context *from, hawser__context *to);
hawser__context *hawser__switch_alike(hawser__context *from, hawser__context *to);   /* as hawser__context_switch_alike */

/* CONTEXT, when it is switched to, calls hawser__context_first on the stack below TOP, a multiple of 16. */
void hawser__switch_prepare(hawser__context *context, void *top, void (*entry)(void *arg), void *arg);

/* context.c: the first step of SELF. LEFT was left for it. */
_Noreturn void hawser__context_first(hawser__context *left, hawser__context *self, void (*entry)(void *arg), void *arg);

#endif
