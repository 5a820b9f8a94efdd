/* SPDX-License-Identifier: MIT */
/*
 * The io_uring engine: an epoll port with a ring beside it.
 *
 * The bytes of streams go through the ring: a fiber that has to wait for them queues the operation itself, and sleeps until it
 * is done. Everything else waits by readiness, in the port's epoll, which the ring watches: so the worker sleeps in one place.
 * The reason is that an operation in a ring holds its file. A process that is killed leaves the ring to the kernel, which takes
 * some milliseconds to let go of what is in it; a port that somebody listens on would not be free until then.
 * docs/decisions/0015.
 *
 *  1. An operation lies on the stack of the fiber that waits for it, and is in the ring of the fiber's own worker. Whoever
 *     gives it up (a deadline, a cancellation, an eviction) cancels it and waits until the kernel has said that it is over:
 *     buffers and descriptors are in nobody's hands when the call returns. What it did before that counts.
 *  2. Nothing happens in a ring on behalf of a fiber that does not wait; uring_feed.c has the one operation that may stay.
 *  3. The ring is used by its worker's thread alone, which opens it with its first use: a thread that has opened one is
 *     interrupted by the kernel when it is closed.
 *  4. Without a ring a port is a port of epoll: where the kernel, or a filter of system calls, refuses one, then or later.
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

struct hawser__uring_port;

/* An operation: what the ring knows it by is its address. */
struct hawser__uring_op {
    hawser__task *task;       /* who waits for it */
    int result;               /* the kernel's; valid when it is done */
    unsigned flags;
    bool done;
    bool feeds;               /* it is a feed's */
    struct hawser__uring_op *next, *previous;   /* of the port's */
};

/* A multishot receive, and the stash that it feeds: the receiver's, and the ring's while it is in it. See uring_feed.c. */
struct hawser__uring_feed {
    struct hawser__kernel_stash stash;             /* first */
    struct hawser__uring_op op;
    _Atomic(struct hawser__uring_port *) port;     /* whose ring it is in, or was */
    struct hawser__uring_feed *next, *previous;    /* of those */
    struct hawser__uring_feed *next_left;
    bool is_left;                                  /* it is in the list of those that a fiber has left */
};

#define HAWSER__LOAN_SLOTS 32

/* Buffers that the kernel chooses from for lending reads, as many as wait for one. They are those of sched/lend.h: what is
 * filled becomes the task's, and the slot is empty. */
struct hawser__uring_loans {
    struct io_uring_buf_ring *slots;   /* NULL: not yet, or never: */
    bool refused;
    unsigned waiting;                  /* operations */
    unsigned filled;                   /* slots */
    void *buffers[HAWSER__LOAN_SLOTS]; /* what is in them */
};

struct hawser__uring_port {
    struct hawser__epoll_port epoll;
    struct io_uring ring;
    enum hawser__uring_state state;
    pthread_t owner;          /* who has opened it */
    bool lost;                /* it could not be entered any more */
    bool watches;             /* the ring watches the epoll descriptor */
    bool more;                /* epoll had more than a batch */
    struct hawser__uring_loans loans;
    struct hawser__uring_op *ops;       /* that fibers wait for, but those of feeds */
    struct hawser__uring_feed *feeds;   /* in the ring */
    struct hawser__uring_feed *left;    /* of those, the ones that nobody may wait for */
};

static inline struct hawser__uring_port *hawser__uring_port(struct hawser__kernel_port *port) {
    return (struct hawser__uring_port *)port;
}

/* Whether there is a ring; opens it. On the worker's thread. */
bool hawser__uring_ready(struct hawser__uring_port *port);

/* Operations: uring_op.c. QUEUE puts OP into the ring (0, or a negative code); the calling fiber, which sits in the seat of
 * DIRECTION meanwhile, waits until it is over. The kernel's result, or why it was given up with nothing done. */
ssize_t hawser__uring_do(struct hawser__uring_port *port, struct hawser__kernel_endpoint *endpoint,
                         enum hawser__direction direction, const char *what, hawser__deadline deadline,
                         struct hawser__uring_op *op, int (*queue)(struct hawser__uring_port *port, int fd, void *op));

/* The ring is about to be closed: those who wait in it try and wait without. */
void hawser__uring_ops_done(struct hawser__uring_port *port);

/* Bytes: uring_bytes.c. As in struct hawser__kernel_port_ops. */
ssize_t hawser__uring_recv(struct hawser__kernel_port *kernel, struct hawser__kernel_endpoint *endpoint, void *buf, size_t size,
                           hawser__deadline deadline);
ssize_t hawser__uring_send(struct hawser__kernel_port *kernel, struct hawser__kernel_endpoint *endpoint, const void *data,
                           size_t size, hawser__deadline deadline);

/* Lending reads: uring_lend.c */
ssize_t hawser__uring_recv_lend(struct hawser__kernel_port *kernel, struct hawser__kernel_endpoint *endpoint, void **ret,
                                size_t size, hawser__deadline deadline);
/* The buffer that the kernel has chosen, as it says in the FLAGS of a result. */
void *hawser__uring_loan_out(struct hawser__uring_loans *loans, unsigned flags);
int hawser__uring_queue_feed(struct hawser__uring_port *port, int fd, void *op);
void hawser__uring_loans_done(struct hawser__uring_loans *loans);
/* In the child of a fork, which has not been given the slots. */
void hawser__uring_loans_renew(struct hawser__uring_loans *loans);

/* Multishot receive: uring_feed.c. As recv_lend, for one that takes all there is. */
ssize_t hawser__uring_feed_lend(struct hawser__uring_port *port, struct hawser__kernel_endpoint *endpoint, void **ret,
                                size_t size, hawser__deadline deadline);
bool hawser__uring_may_feed(struct hawser__uring_port *port, struct hawser__kernel_endpoint *endpoint, size_t size);
bool hawser__uring_is_fed(struct hawser__uring_port *port, struct hawser__kernel_endpoint *endpoint);
void hawser__uring_feed_tell(struct hawser__uring_port *port, struct hawser__uring_op *op, const struct io_uring_cqe *result);
/* Before each look: what nobody attends is cancelled. */
void hawser__uring_feeds_stop(struct hawser__uring_port *port);
/* The ring is about to be closed. */
void hawser__uring_feeds_done(struct hawser__uring_port *port);

#endif
