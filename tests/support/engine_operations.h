/* SPDX-License-Identifier: MIT */
/*
 * The waiting operations of an engine as a table: how to bring about that an operation has to wait, the call, how to make it
 * ready. What is tested with each of them is in tests/engine/test_waiting.c.
 */
#ifndef TESTS_ENGINE_OPERATIONS_H
#define TESTS_ENGINE_OPERATIONS_H

#include "engine_suite.h"

struct scene {
    hawser__endpoint *self;    /* the one that waits */
    hawser__endpoint *far;     /* its other end, which makes it ready */
    hawser__endpoint *more[4]; /* whatever else has to be kept, closed at the end */
    hawser__endpoint *made;    /* by accept */
    hawser_addr addr;
    hawser__deadline deadline;
    const struct operation *operation;
};

struct operation {
    const char *name;
    void (*prepare)(struct scene *scene);
    int64_t (*call)(struct scene *scene, hawser__deadline deadline);
    void (*ready)(struct scene *scene);
    int64_t expected; /* result when ready */
};

extern const struct operation operations[];
extern const size_t operation_count;

/* The one call whose readiness is the kernel's own business: it asks again for a TCP connection a second after the first try.
 */
bool waits_for_connection(const struct operation *operation);

#endif
