/* SPDX-License-Identifier: MIT */
/*
 * The io_uring engine: reads that lend. Fibers that wait have no buffer; when something comes for one of them the kernel takes
 * one from the slots, and it becomes the task's. Where there is none at the moment the read is tried with one from elsewhere.
 */
#include "engine/uring.h"

#include "base/mem.h"
#include "sched/lend.h"

#include <errno.h>
#include <string.h>

#define GROUP 1

struct loan {
    struct hawser__uring_op op;   /* first: the ring knows it */
    size_t size;
};

static bool has_slots(struct hawser__uring_port *port) {
    struct hawser__uring_loans *loans = &port->loans;
    if (!loans->slots && !loans->refused)
        loans->refused = hawser__sys_uring_buffers(&port->ring, GROUP, HAWSER__LOAN_SLOTS, &loans->slots) < 0;
    return loans->slots != NULL;
}

static void fill_slot(struct hawser__uring_loans *loans, unsigned slot, void *buffer) {
    io_uring_buf_ring_add(loans->slots, buffer, HAWSER__PIECE_ROOM, (unsigned short)slot,
                          io_uring_buf_ring_mask(HAWSER__LOAN_SLOTS), 0);
    io_uring_buf_ring_advance(loans->slots, 1);
    loans->buffers[slot] = buffer;
    loans->filled++;
}

/* One more than wait, if there is memory: with the last one gone a feed would end. The calling task has none lent. */
static void fill(struct hawser__uring_loans *loans) {
    for (unsigned slot = 0; slot < HAWSER__LOAN_SLOTS && loans->filled <= loans->waiting; slot++) {
        if (loans->buffers[slot])
            continue;
        void *buffer = hawser__lend_take();
        if (!buffer)
            return;
        fill_slot(loans, slot, hawser__lend_keep());
    }
}

static int queue_loan(struct hawser__uring_port *port, int fd, void *op) {
    struct loan *loan = op;
    return hawser__sys_uring_recv_any(&port->ring, fd, loan->size, GROUP, false, op);
}

int hawser__uring_queue_feed(struct hawser__uring_port *port, int fd, void *op) {
    return hawser__sys_uring_recv_any(&port->ring, fd, 0, GROUP, true, op);
}

void *hawser__uring_loan_out(struct hawser__uring_loans *loans, unsigned flags) {
    unsigned slot = flags >> IORING_CQE_BUFFER_SHIFT;
    void *buffer = loans->buffers[slot];
    loans->buffers[slot] = NULL;
    loans->filled--;
    return buffer;
}

static ssize_t try_now(struct hawser__kernel_endpoint *endpoint, void **ret, size_t size) {
    *ret = hawser__lend_take();
    ssize_t n = *ret ? hawser__kernel_try_read(&endpoint->base, *ret, size, 0) : -ENOMEM;
    if (n <= 0)
        hawser__lend_return(hawser__task_current());
    return n;
}

static ssize_t wait_once(struct hawser__uring_port *port, struct hawser__kernel_endpoint *endpoint, void **ret, size_t size,
                         hawser__deadline deadline) {
    struct loan loan = {.size = size};
    ssize_t n = hawser__uring_do(port, endpoint, HAWSER__IN, "recv", deadline, &loan.op, queue_loan);
    if (loan.op.done && (loan.op.flags & IORING_CQE_F_BUFFER))
        *ret = hawser__task_current()->lent = hawser__uring_loan_out(&port->loans, loan.op.flags);
    if (n <= 0)
        hawser__lend_return(hawser__task_current());
    return n;
}

static ssize_t wait_for_loan(struct hawser__uring_port *port, struct hawser__kernel_endpoint *endpoint, void **ret, size_t size,
                             hawser__deadline deadline) {
    ssize_t n;
    port->loans.waiting++;
    fill(&port->loans);
    if (hawser__uring_may_feed(port, endpoint, size))
        n = hawser__uring_feed_lend(port, endpoint, ret, size, deadline);
    else
        n = wait_once(port, endpoint, ret, size, deadline);
    port->loans.waiting--;
    endpoint->drained = endpoint->is_tcp && n > 0 && (size_t)n < size && (size_t)n < HAWSER__PIECE_ROOM;
    return n;
}

/* -ENOBUFS: the slots had run out. */
static bool is_not_now(ssize_t n) {
    return n == -EAGAIN || n == -EINTR || n == -ENOBUFS;
}

ssize_t hawser__uring_recv_lend(struct hawser__kernel_port *kernel, struct hawser__kernel_endpoint *endpoint, void **ret,
                                size_t size, hawser__deadline deadline) {
    struct hawser__uring_port *port = hawser__uring_port(kernel);
    size_t most = size < HAWSER__LOAN ? size : HAWSER__LOAN;
    bool straight = (endpoint->drained || hawser__uring_is_fed(port, endpoint)) && hawser__uring_ready(port) && has_slots(port);
    ssize_t n = straight ? -EAGAIN : try_now(endpoint, ret, most);
    while (is_not_now(n) && hawser__uring_ready(port) && has_slots(port)) {
        n = wait_for_loan(port, endpoint, ret, most, deadline);
        if (!is_not_now(n))
            break;
        n = try_now(endpoint, ret, most);
    }
    return is_not_now(n) ? -EAGAIN : n;
}

void hawser__uring_loans_renew(struct hawser__uring_loans *loans) {
    for (unsigned slot = 0; slot < HAWSER__LOAN_SLOTS; slot++)
        hawser__free(loans->buffers[slot]);
    memset(loans, 0, sizeof *loans);
}

void hawser__uring_loans_done(struct hawser__uring_loans *loans) {
    if (loans->slots)
        hawser__sys_uring_buffers_free(loans->slots, HAWSER__LOAN_SLOTS);
    hawser__uring_loans_renew(loans);
}
