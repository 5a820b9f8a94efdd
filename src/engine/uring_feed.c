/* SPDX-License-Identifier: MIT */
/*
 * The io_uring engine: multishot receive. One operation feeds the stash of a TCP socket with one buffer after the other, as
 * long as a fiber is there for them.
 *
 * What it takes from the socket nobody can put back; so a feed runs only while a fiber waits in a read that lends and takes all
 * there is. When that returns the operation may stay in the ring, for a fiber that comes again in the same turn has nothing to
 * submit; but a feed that nobody attends when the worker looks into its port is cancelled first. With DEFER_TASKRUN, without
 * which there are no feeds, the kernel receives only while the worker is inside of that look, and cancellations come before
 * what is due. So between the looks a feed is as if it was not there, for all threads, and what is in the stash is all that it
 * took: at most as many buffers as were in the slots, which bounds what a sender can make us keep.
 */
#include "engine/uring.h"

#include "base/mem.h"
#include "sched/park.h"
#include "sched/worker.h"

#include <errno.h>
#include <stddef.h>

static struct hawser__uring_feed *feed_of(struct hawser__kernel_stash *stash) {
    return (struct hawser__uring_feed *)stash;
}

/* The list of those that are in the ring. */

static void list(struct hawser__uring_port *port, struct hawser__uring_feed *feed) {
    atomic_store(&feed->port, port);
    feed->previous = NULL;
    feed->next = port->feeds;
    if (port->feeds)
        port->feeds->previous = feed;
    port->feeds = feed;
    feed->is_left = false;
    hawser__stash_feed(&feed->stash, true);
}

static void unlist(struct hawser__uring_port *port, struct hawser__uring_feed *feed) {
    *(feed->previous ? &feed->previous->next : &port->feeds) = feed->next;
    if (feed->next)
        feed->next->previous = feed->previous;
    hawser__stash_feed(&feed->stash, false);
}

/* Cancelling. */

/* Those that have been left since the last look, and nobody has come back to. */
void hawser__uring_feeds_stop(struct hawser__uring_port *port) {
    struct hawser__uring_feed *feed = port->left;
    port->left = NULL;
    for (; feed; feed = feed->next_left) {
        feed->is_left = false;
        if (feed->op.task || !atomic_load(&feed->stash.fed))
            continue;
        while (hawser__sys_uring_cancel(&port->ring, &feed->op) < 0)
            (void)hawser__sys_uring_submit(&port->ring);
    }
}

static void leave(struct hawser__uring_port *port, struct hawser__uring_feed *feed) {
    feed->op.task = NULL;
    if (!feed->stash.fed || feed->is_left)
        return;
    feed->is_left = true;
    feed->next_left = port->left;
    port->left = feed;
}

static bool is_fed_by(struct hawser__uring_feed *feed, const struct hawser__port *port) {
    return atomic_load(&feed->stash.fed) && &atomic_load(&feed->port)->epoll.base.base == port;
}

/* The ring holds the socket: the peer would learn of the close only with the next look. From another thread that is so. */
static void forsake(struct hawser__kernel_stash *stash) {
    struct hawser__uring_feed *feed = feed_of(stash);
    hawser__worker *here = hawser__worker_current();
    if (!here || !is_fed_by(feed, here->port))
        return;
    hawser__uring_feeds_stop(feed->port);
    (void)hawser__sys_uring_wait(&feed->port->ring, 0);
}

/* Feeding. */

/* A buffer that nobody wants is freed; the end stays in the socket, an error does not. */
void hawser__uring_feed_tell(struct hawser__uring_port *port, struct hawser__uring_op *op, const struct io_uring_cqe *result) {
    struct hawser__uring_feed *feed = (struct hawser__uring_feed *)((char *)op - offsetof(struct hawser__uring_feed, op));
    void *buffer = result->flags & IORING_CQE_F_BUFFER ? hawser__uring_loan_out(&port->loans, result->flags) : NULL;
    if (buffer && result->res > 0)
        hawser__stash_add(&feed->stash, buffer, (size_t)result->res);
    else
        hawser__free(buffer);
    feed->op.result = result->res;
    if (result->res < 0 && result->res != -ENOBUFS && result->res != -ECANCELED && result->res != -EINTR)
        atomic_store(&feed->stash.error, result->res);
    if (feed->op.task)
        hawser__worker_wake(feed->op.task);
    if (!(result->flags & IORING_CQE_F_MORE))
        unlist(port, feed);
}

static struct hawser__uring_feed *feed_for(struct hawser__kernel_endpoint *endpoint) {
    struct hawser__kernel_stash *stash = atomic_load(&endpoint->stash);
    struct hawser__uring_feed *feed = stash ? feed_of(stash) : hawser__zalloc(sizeof *feed);
    if (!feed || stash)
        return feed;
    hawser__stash_init(&feed->stash);
    feed->stash.forsake = forsake;
    feed->op.feeds = true;
    atomic_store_explicit(&endpoint->stash, &feed->stash, memory_order_release);
    return feed;
}

/* 0, or why nobody waits any more. */
static int wait_for_piece(struct hawser__kernel_endpoint *endpoint, struct hawser__uring_feed *feed,
                          hawser__deadline deadline) {
    int reason = 0;
    while (!hawser__stash_has(&feed->stash) && feed->stash.fed && reason == 0) {
        reason = hawser__wait("recv", endpoint->fd, deadline);
        if (atomic_load(&endpoint->evicted))
            reason = -EBADF;
    }
    return reason;
}

/* Until the ring has let go of it: it may not even have been submitted. */
static void give_up(struct hawser__uring_port *port, struct hawser__kernel_endpoint *endpoint,
                    struct hawser__uring_feed *feed) {
    while (feed->stash.fed && hawser__sys_uring_cancel(&port->ring, &feed->op) < 0)
        hawser__worker_give_way();
    while (feed->stash.fed)
        hawser__wait_through("recv", endpoint->fd);
}

/* 0, or why there is nothing in the stash; the end is 1. */
static int attend(struct hawser__uring_port *port, struct hawser__kernel_endpoint *endpoint, struct hawser__uring_feed *feed,
                  hawser__deadline deadline) {
    int result = atomic_load(&endpoint->evicted) ? -EBADF : hawser__interrupt_check();
    if (result == 0 && !feed->stash.fed) {
        result = hawser__uring_queue_feed(port, endpoint->fd, &feed->op);
        if (result == 0)
            list(port, feed);
    }
    if (result < 0)
        return result;
    feed->op.result = -EAGAIN;
    result = wait_for_piece(endpoint, feed, deadline);
    if (result < 0)
        give_up(port, endpoint, feed);
    if (result == 0 && !hawser__stash_has(&feed->stash))
        return feed->op.result == 0 ? 1 : -EAGAIN;
    return result;
}

/* Bytes that came while it was given up are in the stash for the next reader; here they are the result. */
ssize_t hawser__uring_feed_lend(struct hawser__uring_port *port, struct hawser__kernel_endpoint *endpoint, void **ret,
                                size_t size, hawser__deadline deadline) {
    struct hawser__uring_feed *feed = feed_for(endpoint);
    if (!feed)
        return -ENOMEM;
    hawser__kernel_renew(endpoint);
    hawser__seat_take(&endpoint->seats[HAWSER__IN]);
    feed->op.task = hawser__task_current();
    int result = attend(port, endpoint, feed, deadline);
    leave(port, feed);
    hawser__sys_uring_received(endpoint->fd);
    hawser__seat_leave(&endpoint->seats[HAWSER__IN]);
    if (result == 1)
        return 0;
    ssize_t n = result == -EBADF ? result : hawser__stash_lend(&feed->stash, ret, size);
    return n == -EAGAIN ? result : n;
}

bool hawser__uring_is_fed(struct hawser__uring_port *port, struct hawser__kernel_endpoint *endpoint) {
    struct hawser__kernel_stash *stash = hawser__kernel_stash(endpoint);
    return stash && is_fed_by(feed_of(stash), &port->epoll.base.base);
}

/* Only of a socket that is nobody else's may bytes be taken that nobody has asked for, and only for one who would take them.
 * One that another port feeds is free again after that port's next look. */
bool hawser__uring_may_feed(struct hawser__uring_port *port, struct hawser__kernel_endpoint *endpoint, size_t size) {
    struct hawser__kernel_stash *stash = hawser__kernel_stash(endpoint);
    return (port->ring.flags & IORING_SETUP_DEFER_TASKRUN) && endpoint->is_tcp && !atomic_load(&endpoint->shared) &&
           size >= HAWSER__PIECE_ROOM && (!stash || !atomic_load(&stash->fed) || hawser__uring_is_fed(port, endpoint));
}

/* The kernel cancels what is in a ring that is closed, but in its own time; a thread that the ring is not would be refused. */
void hawser__uring_feeds_done(struct hawser__uring_port *port) {
    for (struct hawser__uring_feed *feed = port->feeds; feed; feed = feed->next)
        (void)hawser__sys_uring_cancel(&port->ring, &feed->op);
    if (port->feeds)
        (void)hawser__sys_uring_wait(&port->ring, 0);
    port->left = NULL;
    while (port->feeds) {
        port->feeds->is_left = false;
        if (port->feeds->op.task)
            hawser__worker_wake(port->feeds->op.task);
        unlist(port, port->feeds);
    }
}
