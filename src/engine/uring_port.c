/* SPDX-License-Identifier: MIT */
/* The io_uring engine: the port that a worker sleeps in. uring.h has the invariants. */
#include "engine/engines.h"
#include "engine/uring.h"

#include "sched/worker.h"

#include <errno.h>

/* Operations that are queued before the worker looks into the port again are not many more; what finishes at once may be. */
#define ENTRIES 1024
#define COMPLETIONS 4096
/* Results that are fetched at a time, and the most times in one look. */
#define BATCH 64
#define BATCHES (COMPLETIONS / BATCH)
/* How long the worker rests where the kernel has no room for what it is to do. */
#define SHORTAGE (HAWSER__SECOND / 1000)
/* The longest wait for the kernel after a ring was closed: it takes 3 to 15 ms. */
#define REST (50 * HAWSER__SECOND / 1000)

static const struct hawser__kernel_port_ops kernel_port_ops = {
    .edge = true,
    .wait = hawser__epoll_wait,
    .watch = hawser__epoll_watch,
    .wait_fd = hawser__epoll_wait_fd,
    .recv = hawser__uring_recv,
    .send = hawser__uring_send,
    .leave = hawser__epoll_leave,
    .forget = hawser__epoll_forget,
};

bool hawser__uring_ready(struct hawser__uring_port *port) {
    if (port->state == HAWSER__RING_DUE) {
        int result = hawser__sys_uring_open(&port->ring, ENTRIES, COMPLETIONS);
        port->state = result < 0 ? HAWSER__RING_NONE : HAWSER__RING_OPEN;
        port->owner = pthread_self();
    }
    return port->state == HAWSER__RING_OPEN;
}

/* True: epoll has something. */
static bool tell(struct hawser__uring_port *port, const struct io_uring_cqe *result) {
    struct hawser__uring_op *op = io_uring_cqe_get_data(result);
    if (result->user_data == HAWSER__RING_CANCELS)
        return false;
    if (!op) {
        port->watches = result->flags & IORING_CQE_F_MORE;
        port->blind = result->res < 0;
        return true;
    }
    op->result = result->res;
    op->done = true;
    hawser__worker_wake(op->task);
    return false;
}

/* What is left over, of a flood of changes, is there for the next look. True: epoll has something. */
static bool tell_all(struct hawser__uring_port *port, unsigned *told) {
    struct io_uring_cqe *results[BATCH];
    bool more = false;
    *told = 0;
    for (unsigned n, batch = 0; batch < BATCHES && (n = io_uring_peek_batch_cqe(&port->ring, results, BATCH)) > 0; batch++) {
        for (unsigned i = 0; i < n; i++)
            more |= tell(port, results[i]);
        io_uring_cq_advance(&port->ring, n);
        *told += n;
    }
    return more;
}

/* Losing the ring: a filter of system calls came later, somebody has closed its descriptor, whose number may be another file's
 * now, or the kernel had no memory for results. */

static bool is_among(int result, const int *codes, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (result == -codes[i])
            return true;
    return false;
}

static bool is_anothers(int result) {
    static const int codes[] = {EOPNOTSUPP, EEXIST};
    return is_among(result, codes, sizeof codes / sizeof *codes);
}

static bool is_lost(int result) {
    static const int codes[] = {EPERM, EACCES, ENOSYS, EBADF, EBADR};
    return is_anothers(result) || is_among(result, codes, sizeof codes / sizeof *codes);
}

/* Everything else passes: mostly there is no memory. */
static bool is_short(int result) {
    return result < 0 && result != -EINTR && result != -ETIME && !is_lost(result);
}

/* RESULT: why. What can be cancelled is over before the fibers go on; of what the kernel has dropped nobody knows what it did,
 * so a stream may have a gap there. */
static void drop_ring(struct hawser__uring_port *port, int result) {
    unsigned told;
    if (port->state != HAWSER__RING_OPEN)
        return;
    if (is_anothers(result))
        hawser__sys_uring_abandon(&port->ring);
    else
        hawser__uring_ops_cancel(port);
    do
        (void)tell_all(port, &told);
    while (told > 0);
    hawser__sys_uring_close(&port->ring);
    hawser__uring_ops_end(port, result == -EBADR ? -EIO : -EAGAIN);
    port->state = HAWSER__RING_NONE;
    port->lost = true;
}

/* What is waiting in epoll is there at the beginning, too, when it was not all fetched the last time. */
static void sleep_in_ring(struct hawser__uring_port *port, hawser__deadline until) {
    if (!port->watches)
        port->watches = hawser__sys_uring_watch(&port->ring, port->epoll.epoll) == 0;
    bool awake = port->more || !port->watches;
    unsigned told;
    int result = hawser__sys_uring_wait(&port->ring, awake ? 0 : hawser__epoll_time_left(until));
    bool some = tell_all(port, &told);
    int64_t rest = is_short(result) && told == 0 && until > hawser__clock_monotonic() ? SHORTAGE : 0;
    if (some || awake || (told == 0 && until != HAWSER__NOW))   /* after a signal or the time, too: a look costs little then */
        port->more = hawser__epoll_look(&port->epoll, rest);
    if (is_lost(result) || port->blind)
        drop_ring(port, result);
}

static void port_wait(hawser__port *base, hawser__deadline until) {
    struct hawser__uring_port *port = (struct hawser__uring_port *)base;
    bool ring = hawser__uring_ready(port);
    hawser__epoll_begin(&port->epoll);
    if (ring)
        sleep_in_ring(port, until);
    else
        (void)hawser__epoll_look(&port->epoll, hawser__epoll_time_left(until));
    hawser__epoll_end(&port->epoll);
}

static int port_open(hawser__engine *engine, hawser__port **ret) {
    return hawser__epoll_open(sizeof(struct hawser__uring_port), engine, &kernel_port_ops, ret);
}

/* Some milliseconds after a ring was closed the kernel has its thread do the rest, and interrupts it for that: a call of the
 * program's own, after the run, would fail with EINTR without a signal. The first thread is spared that; others, which may be
 * started for a run and end with it, are not kept for it. */
static void wait_for_rest(struct hawser__uring_port *port) {
    hawser__deadline end = hawser__clock_monotonic() + REST;
    for (int64_t left = REST; left > 0; left = end - hawser__clock_monotonic())
        if (hawser__sys_epoll_wait(port->epoll.epoll, port->epoll.events, HAWSER__EPOLL_BATCH, left) < 0)
            break;
}

/* Nothing is in the ring but the watch on epoll: nobody waits any more. */
static void port_close(hawser__port *base) {
    struct hawser__uring_port *port = (struct hawser__uring_port *)base;
    bool own = (port->state == HAWSER__RING_OPEN || port->lost) && pthread_equal(port->owner, pthread_self());
    bool spared = own && hawser__sys_on_first_thread();
    if (own && port->state == HAWSER__RING_OPEN && hawser__sys_uring_cancel(&port->ring, NULL) == 0)
        (void)hawser__sys_uring_wait(&port->ring, 0);   /* with nothing in it, it interrupts once */
    drop_ring(port, 0);
    if (spared)
        wait_for_rest(port);
    hawser__epoll_port_close(base);
}

static void port_after_fork(hawser__port *base) {
    struct hawser__uring_port *port = (struct hawser__uring_port *)base;
    if (port->state == HAWSER__RING_OPEN)
        hawser__sys_uring_disown(&port->ring);
    port->state = HAWSER__RING_DUE;
    port->watches = port->blind = port->more = port->lost = false;
    port->ops = NULL;
    hawser__epoll_port_after_fork(base);
}

static const struct hawser__engine_ops uring_ops = {
    .name = "uring",
    HAWSER__KERNEL_OPERATIONS,
    .port_open = port_open,
    .port_wait = port_wait,
    .port_wake = hawser__epoll_port_wake,
    .port_close = port_close,
    .port_after_fork = port_after_fork,
};

hawser__engine hawser__uring_engine = {.ops = &uring_ops};
