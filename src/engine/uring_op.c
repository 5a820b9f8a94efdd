/* SPDX-License-Identifier: MIT */
/* The io_uring engine: operations, and how a fiber waits for one and gives it up. uring.h has the invariants. */
#include "engine/uring.h"

#include "sched/park.h"
#include "sched/worker.h"

#include <errno.h>

/* Until the kernel has said that it is over. It does so in the next turn of the worker: a cancelled operation does not wait. */
static void give_up(struct hawser__uring_port *port, struct hawser__uring_op *op, const char *what, int fd) {
    while (!op->done && hawser__sys_uring_cancel(&port->ring, op) < 0)
        hawser__worker_give_way();
    while (!op->done)
        hawser__wait_through(what, fd);
}

/* 0, or why the operation was given up. */
static int see_through(struct hawser__uring_port *port, struct hawser__kernel_endpoint *endpoint, struct hawser__uring_op *op,
                       const char *what, hawser__deadline deadline) {
    int reason = 0;
    while (!op->done && reason == 0) {
        reason = hawser__wait(what, endpoint->fd, deadline);
        if (atomic_load(&endpoint->evicted))
            reason = -EBADF;
    }
    if (!op->done)
        give_up(port, op, what, endpoint->fd);
    return reason;
}

/* What was done before the operation was given up counts; an error that came too late does not. */
static ssize_t outcome(const struct hawser__uring_op *op, int reason) {
    if (op->result > 0 || (op->result == 0 && reason != -EBADF))
        return op->result;
    if (reason < 0)
        return reason;
    return op->result == -ECANCELED ? -EAGAIN : op->result;
}

static void list(struct hawser__uring_port *port, struct hawser__uring_op *op) {
    op->previous = NULL;
    op->next = port->ops;
    if (op->next)
        op->next->previous = op;
    port->ops = op;
}

static void unlist(struct hawser__uring_port *port, struct hawser__uring_op *op) {
    *(op->previous ? &op->previous->next : &port->ops) = op->next;
    if (op->next)
        op->next->previous = op->previous;
}

/* As a wait does, it fails for a task that is cut before anything is begun. */
static ssize_t do_seated(struct hawser__uring_port *port, struct hawser__kernel_endpoint *endpoint, const char *what,
                         hawser__deadline deadline, struct hawser__uring_op *op,
                         int (*queue)(struct hawser__uring_port *port, int fd, void *op)) {
    int result = atomic_load(&endpoint->evicted) ? -EBADF : hawser__interrupt_check();
    if (result == 0)
        result = queue(port, endpoint->fd, op);
    if (result < 0)
        return result;
    list(port, op);
    result = see_through(port, endpoint, op, what, deadline);
    unlist(port, op);
    return outcome(op, result);
}

/* False: there is no room for it, and none can be made. */
static bool cancel(struct hawser__uring_port *port, struct hawser__uring_op *op) {
    if (hawser__sys_uring_cancel(&port->ring, op) == 0)
        return true;
    (void)hawser__sys_uring_wait(&port->ring, 0);
    return hawser__sys_uring_cancel(&port->ring, op) == 0;
}

void hawser__uring_ops_cancel(struct hawser__uring_port *port) {
    for (struct hawser__uring_op *op = port->ops; op; op = op->next)
        if (!op->done && !cancel(port, op))
            break;
    if (port->ops)
        (void)hawser__sys_uring_wait(&port->ring, 0);
}

/* What is done already stays as it is: its fiber has not run since. */
void hawser__uring_ops_end(struct hawser__uring_port *port, int result) {
    for (struct hawser__uring_op *op = port->ops; op; op = op->next) {
        if (op->done)
            continue;
        op->result = result;
        op->done = true;
        hawser__worker_wake(op->task);
    }
}

/* A kernel, or what passes for one, may know an operation and not do it: what the socket says itself is asked for then. */
static bool is_refused(ssize_t result) {
    return result == -EINVAL || result == -EOPNOTSUPP || result == -ENOSYS;
}

ssize_t hawser__uring_do(struct hawser__uring_port *port, struct hawser__kernel_endpoint *endpoint,
                         enum hawser__direction direction, const char *what, hawser__deadline deadline,
                         struct hawser__uring_op *op, int (*queue)(struct hawser__uring_port *port, int fd, void *op)) {
    ssize_t result;
    hawser__kernel_renew(endpoint);
    hawser__seat_take(&endpoint->seats[direction]);
    op->task = hawser__task_current();
    do {
        op->done = false;
        result = do_seated(port, endpoint, what, deadline, op, queue);
    } while (result == -EINTR);
    if (direction == HAWSER__IN)
        hawser__sys_uring_received(endpoint->fd);
    hawser__seat_leave(&endpoint->seats[direction]);
    return is_refused(result) ? -EAGAIN : result;
}
