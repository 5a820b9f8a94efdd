/* SPDX-License-Identifier: MIT */
/*
 * The waiting operations of an engine as a table: how to bring about that an operation has to wait, the call, how to make it
 * ready, and what becomes of it when the other side is gone. What is done with each of them is in engine_situations.h.
 */
#ifndef TESTS_ENGINE_OPERATIONS_H
#define TESTS_ENGINE_OPERATIONS_H

#include "engine_suite.h"

struct scene {
    hawser__endpoint *self;    /* the one that waits */
    hawser__endpoint *far;     /* its other end, which makes it ready */
    hawser__endpoint *more[4]; /* whatever else has to be kept, closed at the end */
    hawser__endpoint *made;    /* by accept */
    int fds[2];                /* foreign descriptors, closed at the end; -1 */
    hawser_addr addr;
    const struct operation *operation;
};

struct operation {
    const char *name;
    void (*prepare)(struct scene *scene);
    int64_t (*call)(struct scene *scene, hawser__deadline deadline);
    void (*ready)(struct scene *scene); /* NULL: it cannot be said when it is */
    int64_t expected;                   /* result when ready */
    void (*reset)(struct scene *scene); /* the other side goes without a farewell; NULL: there is none that could */
    bool needs_foreign;                 /* descriptors; -EOPNOTSUPP in an engine that has none */
    bool only_hints;                    /* says whether it is worth trying, no more: without time it need not look */
};

extern const struct operation operations[];
extern const size_t operation_count;

/* A connect, whose readiness is the kernel's own business: it asks again for a TCP connection a second after the first try. */
bool waits_for_connection(const struct operation *operation);
/* One of those that take that second. */
bool takes_long(const struct operation *operation);

/* Makes OPERATION's scene, and takes it down. */
struct scene make_scene(const struct operation *operation);
void strike_scene(struct scene *scene);

#endif
