/* SPDX-License-Identifier: MIT */
/*
 * The io_uring engine: bytes of streams.
 *
 * What may be there is tried first, as everywhere: a result at once costs no turn of the worker. A read from a socket that the
 * last one has emptied goes straight to the ring, which tries as well; so there, other than with readiness, the hint need not
 * be true. Sends go by the ring when other fibers can run, whose sends go with it in one call into the kernel; else at once, as
 * those of a task with a lent buffer: while it waited the next reader would need one more, and the bytes would leave the cache.
 *
 * Reads that lend wait by readiness: a buffer that the kernel chooses for each of many that wait, and fills before any of them
 * runs, costs more than one that is always the same.
 */
#include "engine/uring.h"

#include "base/sys.h"
#include "sched/worker.h"

#include <errno.h>

struct transfer {
    struct hawser__uring_op op;   /* first: the ring knows it */
    void *buf;
    size_t size;
};

/* The kernel takes no more in one operation. */
#define MOST ((size_t)1 << 30)

static int queue_recv(struct hawser__uring_port *port, int fd, void *op) {
    struct transfer *transfer = op;
    return hawser__sys_uring_recv(&port->ring, fd, transfer->buf, transfer->size, op);
}

ssize_t hawser__uring_recv(struct hawser__kernel_port *kernel, struct hawser__kernel_endpoint *endpoint, void *buf, size_t size,
                           hawser__deadline deadline) {
    struct transfer transfer = {.buf = buf, .size = size < MOST ? size : MOST};
    if (!hawser__uring_ready(hawser__uring_port(kernel)))
        return -EAGAIN;
    ssize_t n = endpoint->drained ? -EAGAIN : hawser__kernel_try_read(&endpoint->base, buf, size, 0);
    if (n != -EAGAIN && n != -EINTR)
        return n;
    n = hawser__uring_do(hawser__uring_port(kernel), endpoint, HAWSER__IN, "recv", deadline, &transfer.op, queue_recv);
    endpoint->drained = endpoint->is_tcp && n > 0 && (size_t)n < size;
    return n;
}

static int queue_send(struct hawser__uring_port *port, int fd, void *op) {
    struct transfer *transfer = op;
    return hawser__sys_uring_send(&port->ring, fd, transfer->buf, transfer->size, op);
}

static bool goes_with_others(void) {
    return hawser__worker_current()->first && !hawser__task_current()->lent;
}

ssize_t hawser__uring_send(struct hawser__kernel_port *kernel, struct hawser__kernel_endpoint *endpoint, const void *data,
                           size_t size, hawser__deadline deadline) {
    struct transfer transfer = {.buf = (void *)data, .size = size < MOST ? size : MOST};
    if (!hawser__uring_ready(hawser__uring_port(kernel)))
        return -EAGAIN;
    ssize_t n = goes_with_others() ? -EAGAIN : hawser__kernel_try_send(&endpoint->base, data, size, 0);
    if (n != -EAGAIN && n != -EINTR)
        return n;
    return hawser__uring_do(hawser__uring_port(kernel), endpoint, HAWSER__OUT, "send", deadline, &transfer.op, queue_send);
}
