/* SPDX-License-Identifier: MIT */
/*
 * The portable switch. The stack pointer of a suspended context points to a record with its ucontext_t: for one that ran, in
 * the frame of its hawser__switch; for one that did not, at the top of its stack.
 *
 * Unlike the switches in assembly this one takes the signal mask and the floating point modes along. Nobody relies on that.
 */
#include "fiber/switch.h"

#include <stdint.h>
#include <ucontext.h>

struct suspended {
    ucontext_t at;
    hawser__context *left;   /* for whom it goes on: set by the one who switches to it */
};

struct first {
    struct suspended record;   /* first, so that the stack pointer points to it */
    hawser__context *self;
    void (*entry)(void *arg);
    void *arg;
};

/* Without ThreadSanitizer: it would count the entry on one stack and the end on the other. */
#define UNCOUNTED __attribute__((no_sanitize_thread))

UNCOUNTED hawser__context *hawser__switch(hawser__context *from, hawser__context *to) {
    struct suspended own, *next = to->sp;
    next->left = from;
    from->sp = &own;
    swapcontext(&own.at, &next->at);
    return own.left;
}

UNCOUNTED hawser__context *hawser__switch_alike(hawser__context *from, hawser__context *to) {
    return hawser__switch(from, to);
}

/* makecontext passes ints: a pointer goes in two. */
static void begin(unsigned high, unsigned low) {
    struct first *first = (struct first *)((uintptr_t)high << 16 << 16 | low);
    hawser__context_first(first->record.left, first->self, first->entry, first->arg);
}

void hawser__switch_prepare(hawser__context *context, void *top, void (*entry)(void *arg), void *arg) {
    struct first *first = (struct first *)(((uintptr_t)top - sizeof *first) & ~(uintptr_t)63);
    uintptr_t address = (uintptr_t)first;
    *first = (struct first){.self = context, .entry = entry, .arg = arg};
    getcontext(&first->record.at);
    first->record.at.uc_stack.ss_sp = context->stack;
    first->record.at.uc_stack.ss_size = (size_t)((char *)first - (char *)context->stack);
    first->record.at.uc_link = NULL;
    makecontext(&first->record.at, (void (*)(void))begin, 2, (unsigned)(address >> 16 >> 16), (unsigned)address);
    context->sp = first;
}
