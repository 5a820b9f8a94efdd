/* SPDX-License-Identifier: MIT */
/*
 * Contexts (fiber/context.h) switched by hand, without a scheduler: guests, each on a stack of its own, and the context that is
 * their host.
 *
 * Assertions leave by longjmp, so they are made on the thread's own stack; what runs on a guest's notes what it saw.
 */
#ifndef TESTS_GUESTS_H
#define TESTS_GUESTS_H

#include "fiber/context.h"

#include <stdbool.h>

typedef struct guest {
    hawser__context context;
    hawser__context *host;
    void *stack;
    size_t size;
    long number, count, seen;
    bool wrong;
} guest;

/* For the whole group of tests. */
int make_guest_stacks(void **state);
int free_guest_stacks(void **state);

/* On the next stack there is, seen from HOST. */
void invite(guest *one, hawser__context *host, void (*entry)(void *guest));
void dismiss(guest *one);

/* By the host; returns when the guest goes back or leaves. */
void visit(guest *one);

/* By the guest. */
void go_back(guest *one);
_Noreturn void leave(guest *one);

#endif
