/* SPDX-License-Identifier: MIT */
/*
 * The io_uring engine: an epoll port with a ring beside it.
 *
 * Reads and sends of streams go through the ring: a fiber that has to wait for one queues the operation itself, and sleeps
 * until it is done. Everything else waits by readiness, in the port's epoll, which the ring watches: so the worker sleeps in
 * one place. The reason is that an operation in a ring holds its file. A process that is killed leaves the ring to the kernel,
 * which takes some milliseconds to let go of what is in it; a port that somebody listens on would not be free until then.
 * docs/decisions/0015.
 *
 *  1. An operation lies on the stack of the fiber that waits for it, and is in the ring of the fiber's own worker. Whoever
 *     gives it up (a deadline, a cancellation, an eviction) cancels it and waits until the kernel has said that it is over:
 *     buffers and descriptors are in nobody's hands when the call returns. What it did before that counts.
 *  2. Nothing happens in a ring on behalf of a fiber that does not wait.
 *  3. The ring is used by its worker's thread alone, which opens it with its first use: a thread that has opened one is
 *     interrupted by the kernel when it is closed.
 *  4. Without a ring a port is a port of epoll: where the kernel, or a filter of system calls, refuses one, then or later.
 *  5. A look into the port takes what has come by then, not what comes meanwhile: peers that send without pause do not keep
 *     the worker in it.
 */
#ifndef HAWSER__URING_H
#define HAWSER__URING_H

#include "engine/epoll.h"

#include "base/sys_uring.h"

#include <pthread.h>

enum hawser__uring_state {
    HAWSER__RING_DUE,         /* to be opened with its first use */
    HAWSER__RING_OPEN,
    HAWSER__RING_NONE,        /* there is none, and there will be none */
};

/* An operation: what the ring knows it by is its address. */
struct hawser__uring_op {
    hawser__task *task;       /* who waits for it */
    int result;               /* the kernel's; valid when it is done */
    bool done;
    struct hawser__uring_op *next, *previous;   /* of the port's */
};

struct hawser__uring_port {
    struct hawser__epoll_port epoll;
    struct io_uring ring;
    enum hawser__uring_state state;
    pthread_t owner;          /* who has opened it */
    bool lost;                /* it was open, and is not any more */
    bool watches;             /* the ring watches the epoll descriptor */
    bool blind;               /* it cannot */
    bool more;                /* epoll had more than a batch */
    struct hawser__uring_op *ops;   /* that fibers wait for */
};

static inline struct hawser__uring_port *hawser__uring_port(struct hawser__kernel_port *port) {
    return (struct hawser__uring_port *)port;
}

/* Whether there is a ring; opens it. On the worker's thread. */
bool hawser__uring_ready(struct hawser__uring_port *port);

/* Operations: uring_op.c. QUEUE puts OP into the ring (0, or a negative code); the calling fiber, which sits in the seat of
 * DIRECTION meanwhile, waits until it is over. The kernel's result, or why it was given up with nothing done; -EAGAIN: not in
 * this way. */
ssize_t hawser__uring_do(struct hawser__uring_port *port, struct hawser__kernel_endpoint *endpoint,
                         enum hawser__direction direction, const char *what, hawser__deadline deadline,
                         struct hawser__uring_op *op, int (*queue)(struct hawser__uring_port *port, int fd, void *op));
/* Cancels those that are in the ring, as far as the kernel takes it. */
void hawser__uring_ops_cancel(struct hawser__uring_port *port);
/* The ring is gone: those that were in it end with RESULT. */
void hawser__uring_ops_end(struct hawser__uring_port *port, int result);

/* Bytes: uring_bytes.c. As in struct hawser__kernel_port_ops. */
ssize_t hawser__uring_recv(struct hawser__kernel_port *kernel, struct hawser__kernel_endpoint *endpoint, void *buf, size_t size,
                           hawser__deadline deadline);
ssize_t hawser__uring_send(struct hawser__kernel_port *kernel, struct hawser__kernel_endpoint *endpoint, const void *data,
                           size_t size, hawser__deadline deadline);

#endif
