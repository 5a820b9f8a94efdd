/* SPDX-License-Identifier: MIT */
/* The bare switch from one context to the next, without the scheduler: around a ring of 1, 1,000 and 10,000 contexts. */
#include "fiber/context.h"
#include "micro.h"
#include "support.h"

#include <stdlib.h>

#define STACK 16384
#define TIMES 1000000

struct ring {
    hawser__context *contexts; /* the thread's own is number 0 */
    size_t count;              /* with that */
    size_t current;
};

static void next(struct ring *ring) {
    size_t from = ring->current;
    ring->current = from + 1 == ring->count ? 0 : from + 1;
    hawser__context_switch(&ring->contexts[from], &ring->contexts[ring->current]);
}

static void go_round(void *arg) {
    for (;;)
        next(arg);
}

static void switch_many(void *arg, size_t times) {
    struct ring *ring = arg;
    for (size_t i = 0; i < times; i += ring->count)
        next(ring);
}

static void measure(const char *name, size_t others) {
    struct ring ring = {.contexts = calloc(others + 1, sizeof *ring.contexts), .count = others + 1};
    char *stacks = aligned_alloc(4096, others * STACK);
    if (!ring.contexts || !stacks)
        bench_die("memory");
    hawser__context_adopt(&ring.contexts[0]);
    for (size_t i = 0; i < others; i++)
        hawser__context_make(&ring.contexts[i + 1], stacks + i * STACK, STACK - i % 16 * 64, go_round, &ring);
    next(&ring);
    micro_print(name, micro_best(switch_many, &ring, TIMES), "ns");
    for (size_t i = 0; i < others; i++)
        hawser__context_release(&ring.contexts[i + 1]);
    free(stacks);
    free(ring.contexts);
}

int main(void) {
    measure("switch", 1);
    measure("switch_1000", 1000);
    measure("switch_10000", 10000);
    return 0;
}
