/* SPDX-License-Identifier: MIT */
#include "guests.h"

#include "fiber/stack.h"

#include <stdlib.h>

#define STACK ((size_t)256 * 1024)

static hawser__stacks *stacks;

int make_guest_stacks(void **state) {
    (void)state;
    stacks = hawser__stacks_new(STACK);
    return stacks ? 0 : -1;
}

int free_guest_stacks(void **state) {
    (void)state;
    hawser__stacks_free(stacks);
    return 0;
}

void invite(guest *one, hawser__context *host, void (*entry)(void *guest)) {
    one->host = host;
    one->stack = hawser__stacks_take(stacks, &one->size);
    if (!one->stack)
        abort();
    hawser__context_make(&one->context, one->stack, one->size, entry, one);
}

void dismiss(guest *one) {
    hawser__context_release(&one->context);
    hawser__stacks_give(stacks, one->stack);
}

void visit(guest *one) {
    hawser__context_switch(one->host, &one->context);
}

void go_back(guest *one) {
    hawser__context_switch(&one->context, one->host);
}

_Noreturn void leave(guest *one) {
    hawser__context_exit(&one->context, one->host);
}
