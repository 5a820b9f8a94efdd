/* SPDX-License-Identifier: MIT */
/* The epoll engine: the port that a worker sleeps in, and how it tells those who wait. epoll.h has the invariants. The ports of
 * io_uring are made on these. */
#include "engine/engines.h"
#include "engine/epoll.h"

#include "base/mem.h"
#include "base/sys.h"
#include "sched/worker.h"

#include <errno.h>

static unsigned bits_of(uint32_t events) {
    unsigned bits = 0;
    if (events & (EPOLLIN | EPOLLPRI | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
        bits |= HAWSER__EPOLL_READ;
    if (events & (EPOLLOUT | EPOLLHUP | EPOLLERR))
        bits |= HAWSER__EPOLL_WRITE;
    if (events & (EPOLLRDHUP | EPOLLHUP))
        bits |= HAWSER__EPOLL_END;
    return events & EPOLLPRI ? bits | HAWSER__EPOLL_URGENT : bits;
}

/* A watch has its bit with the shot: nothing is left to be taken away, and whoever comes next tries to read. It comes last,
 * since with that the endpoint may be gone. Watches are armed on this thread, so none sits down in between. */
static void tell_endpoint(struct hawser__kernel_endpoint *endpoint, uint32_t events) {
    unsigned bits = bits_of(events);
    bool watched = hawser__seat_is_watched(&endpoint->seats[HAWSER__IN]);
    (void)hawser__or(&endpoint->ready, watched ? bits & ~HAWSER__EPOLL_READ : bits);
    if (bits & HAWSER__EPOLL_WRITE)
        hawser__kernel_tell(endpoint, HAWSER__OUT, false);
    if (bits & HAWSER__EPOLL_READ)
        hawser__kernel_tell(endpoint, HAWSER__IN, bits & HAWSER__EPOLL_END);
}

static void tell_watch(struct hawser__epoll_fd_wait *watch, uint32_t events) {
    watch->events |= events;
    hawser__worker_wake(watch->task);
}

/* The event of the wake-up itself, whose address is NULL, has done its work by coming; edge-triggered, it need not be read. */
static void tell(const struct epoll_event *event) {
    uintptr_t data = (uintptr_t)event->data.u64;
    if (data & HAWSER__EPOLL_IS_WATCH)
        tell_watch((struct hawser__epoll_fd_wait *)(data & ~HAWSER__EPOLL_IS_WATCH), event->events);
    else if (data)
        tell_endpoint((struct hawser__kernel_endpoint *)data, event->events);
}

void hawser__epoll_begin(struct hawser__epoll_port *port) {
    hawser__lock_take(&port->lock);
    atomic_fetch_add(&port->turn, 1);
    hawser__lock_drop(&port->lock);
}

void hawser__epoll_end(struct hawser__epoll_port *port) {
    hawser__lock_take(&port->lock);
    struct hawser__epoll_grave *graves = port->graves;
    atomic_store(&port->turn, (atomic_load(&port->turn) + 1) & ~1u);
    port->graves = NULL;
    port->grave_count = 0;
    hawser__lock_drop(&port->lock);
    while (graves) {
        struct hawser__epoll_grave *next = graves->next;
        hawser__free(graves);
        graves = next;
    }
}

int64_t hawser__epoll_time_left(hawser__deadline until) {
    if (until == HAWSER__NEVER || until == HAWSER__NOW)
        return until == HAWSER__NOW ? 0 : -1;
    int64_t left = until - hawser__clock_monotonic();
    return left > 0 ? left : 0;
}

bool hawser__epoll_look(struct hawser__epoll_port *port, int64_t ns) {
    int n = hawser__sys_epoll_wait(port->epoll, port->events, HAWSER__EPOLL_BATCH, ns);
    for (int i = 0; i < n; i++)
        tell(&port->events[i]);
    return n == HAWSER__EPOLL_BATCH;
}

static void port_wait(hawser__port *base, hawser__deadline until) {
    struct hawser__epoll_port *port = (struct hawser__epoll_port *)base;
    hawser__epoll_begin(port);
    (void)hawser__epoll_look(port, hawser__epoll_time_left(until));
    hawser__epoll_end(port);
}

void hawser__epoll_port_wake(hawser__port *base) {
    hawser__sys_eventfd_signal(((struct hawser__epoll_port *)base)->wake_fd);
}

/* 0 or a negative code; what was opened is left in PORT. */
static int open_descriptors(struct hawser__epoll_port *port) {
    struct epoll_event wake = {.events = EPOLLIN | EPOLLET};
    port->epoll = hawser__sys_epoll_create();
    port->wake_fd = port->epoll < 0 ? -1 : hawser__sys_eventfd();
    if (port->wake_fd < 0)
        return port->epoll < 0 ? port->epoll : port->wake_fd;
    return hawser__sys_epoll_ctl(port->epoll, EPOLL_CTL_ADD, port->wake_fd, &wake);
}

static void close_descriptors(struct hawser__epoll_port *port) {
    hawser__sys_close(port->epoll);
    hawser__sys_close(port->wake_fd);
}

int hawser__epoll_open(size_t size, hawser__engine *engine, const struct hawser__kernel_port_ops *ops, hawser__port **ret) {
    struct hawser__epoll_port *port = hawser__zalloc(size);
    if (!port)
        return -ENOMEM;
    port->base.base.engine = engine;
    port->base.ops = ops;
    port->refs = 1;
    int result = open_descriptors(port);
    if (result < 0) {
        close_descriptors(port);
        hawser__free(port);
        return result;
    }
    *ret = &port->base.base;
    return 0;
}

static int port_open(hawser__engine *engine, hawser__port **ret) {
    return hawser__epoll_open(sizeof(struct hawser__epoll_port), engine, &hawser__epoll_kernel_ops, ret);
}

void hawser__epoll_port_close(hawser__port *base) {
    struct hawser__epoll_port *port = (struct hawser__epoll_port *)base;
    hawser__lock_take(&port->lock);
    port->closed = true;
    close_descriptors(port);
    hawser__lock_drop(&port->lock);
    hawser__epoll_end(port);
    hawser__epoll_unref(port);
}

/* The endpoints know by the fork generation that they are not registered. When there is no descriptor to be had, the worker
 * looks for work without sleeping; it has just closed two, so there is. */
void hawser__epoll_port_after_fork(hawser__port *base) {
    struct hawser__epoll_port *port = (struct hawser__epoll_port *)base;
    close_descriptors(port);
    port->lock = (hawser__lock){0};
    atomic_store(&port->turn, 0);
    port->graves = NULL;
    port->refs = 1;
    (void)open_descriptors(port);
}

static const struct hawser__engine_ops epoll_ops = {
    .name = "epoll",
    HAWSER__KERNEL_OPERATIONS,
    .port_open = port_open,
    .port_wait = port_wait,
    .port_wake = hawser__epoll_port_wake,
    .port_close = hawser__epoll_port_close,
    .port_after_fork = hawser__epoll_port_after_fork,
};

hawser__engine hawser__epoll_engine = {.ops = &epoll_ops};
