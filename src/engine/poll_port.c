/* SPDX-License-Identifier: MIT */
/*
 * The poll engine: a worker sleeps in poll, on the descriptors of all its fibers that wait and on one that wakes it. It is made of
 * POSIX calls only and costs a look at every waiting descriptor each time; epoll is there for many.
 *
 * Waits are listed while they last, on the stacks of the fibers that wait; all of it belongs to the worker alone. Watches have
 * a list for all ports, which poll_watch.h keeps. The array for poll is made large enough when something is listed, so that the
 * worker itself never has to allocate.
 */
#include "engine/engines.h"
#include "engine/kernel.h"
#include "engine/poll_watch.h"

#include "base/mem.h"
#include "base/sys.h"
#include "sched/park.h"
#include "sched/worker.h"

#include <errno.h>
#include <string.h>

/* Between two looks, when poll itself is not to be had. */
#define SLICE_MS 20

struct poll_wait {
    struct poll_wait *next, *previous;
    hawser__task *task;
    struct pollfd *fds;
    size_t n;
    bool ready;
};

struct poll_port {
    struct hawser__kernel_port base;
    int wake_fd;
    struct poll_wait *waits;
    size_t watched;           /* descriptors of all waits */
    atomic_size_t armed;      /* watches; only the worker adds to them */
    struct pollfd *fds;
    size_t room;
};

static struct poll_port *poll_port(struct hawser__kernel_port *port) {
    return (struct poll_port *)port;
}

static int make_room(struct poll_port *port, size_t needed) {
    if (needed <= port->room)
        return 0;
    size_t room = needed < 64 ? 64 : 2 * needed;
    struct pollfd *fds = hawser__realloc(port->fds, room * sizeof *fds);
    if (!fds)
        return -ENOMEM;
    port->fds = fds;
    port->room = room;
    return 0;
}

static int enlist(struct poll_port *port, struct poll_wait *wait) {
    int result = make_room(port, port->watched + port->armed + wait->n + 1);
    if (result < 0)
        return result;
    wait->next = port->waits;
    if (port->waits)
        port->waits->previous = wait;
    port->waits = wait;
    port->watched += wait->n;
    return 0;
}

static void leave(struct poll_port *port, struct poll_wait *wait) {
    *(wait->previous ? &wait->previous->next : &port->waits) = wait->next;
    if (wait->next)
        wait->next->previous = wait->previous;
    port->watched -= wait->n;
}

/* Until one of FDS is ready (1), woken (0), or a negative code. */
static int watch(struct hawser__kernel_port *kernel, struct pollfd *fds, size_t n, const char *what, hawser__deadline deadline) {
    struct poll_wait wait = {.task = hawser__task_current(), .fds = fds, .n = n};
    int result = enlist(poll_port(kernel), &wait);
    if (result < 0)
        return result;
    result = hawser__wait(what, fds[0].fd, deadline);
    leave(poll_port(kernel), &wait);
    return wait.ready ? 1 : result;
}

static int wait_for_one(struct hawser__kernel_port *kernel, struct hawser__interest *interest, const char *what,
                        hawser__deadline deadline) {
    struct pollfd fd = {.fd = hawser__kernel_endpoint(interest->endpoint)->fd,
                        .events = interest->direction == HAWSER__IN ? POLLIN | POLLRDHUP : POLLOUT};
    int result = watch(kernel, &fd, 1, what, deadline);
    interest->ready = result > 0;
    interest->ended = fd.revents & POLLRDHUP;
    return result < 0 ? result : 0;
}

/* Out of line: its array is only for those who wait for several. */
__attribute__((noinline)) static int wait_for_several(struct hawser__kernel_port *kernel, struct hawser__interest *interests,
                                                      size_t n, const char *what, hawser__deadline deadline) {
    struct pollfd fds[HAWSER__PARK_MAX];
    for (size_t i = 0; i < n; i++)
        fds[i] = (struct pollfd){.fd = hawser__kernel_endpoint(interests[i].endpoint)->fd,
                                 .events = interests[i].direction == HAWSER__IN ? POLLIN | POLLRDHUP : POLLOUT};
    int result = watch(kernel, fds, n, what, deadline);
    for (size_t i = 0; i < n; i++) {
        interests[i].ready = fds[i].revents;
        interests[i].ended = fds[i].revents & POLLRDHUP;
    }
    return result < 0 ? result : 0;
}

static int wait_for(struct hawser__kernel_port *kernel, struct hawser__interest *interests, size_t n, const char *what,
                    hawser__deadline deadline, unsigned round) {
    (void)round;
    return n == 1 ? wait_for_one(kernel, interests, what, deadline) : wait_for_several(kernel, interests, n, what, deadline);
}

static int wait_fd(struct hawser__kernel_port *kernel, int fd, short events, hawser__deadline deadline) {
    struct pollfd watched = {.fd = fd, .events = events};
    int result = watch(kernel, &watched, 1, "descriptor", deadline);
    return result > 0 ? watched.revents : result;
}

/* Listed before the seat is taken: whoever finds the watch there finds it in the list as well. */
static int watch_for(struct hawser__kernel_port *kernel, struct hawser__kernel_endpoint *endpoint, hawser__watch *armed,
                     bool *ended) {
    struct poll_port *port = poll_port(kernel);
    struct pollfd fd = {.fd = endpoint->fd, .events = POLLIN | POLLRDHUP};
    int result = make_room(port, port->watched + port->armed + 2);
    if (result == 0)
        result = hawser__poll_list(kernel, &port->armed, endpoint);
    if (result < 0)
        return result;
    hawser__seat_put(&endpoint->seats[HAWSER__IN], armed);
    if (atomic_load(&endpoint->evicted))
        result = -EBADF;
    else if (hawser__sys_poll(&fd, 1, 0) != 0)
        result = 1;
    *ended = fd.revents & (POLLRDHUP | POLLHUP);
    if (result != 0)
        hawser__poll_unlist(endpoint);
    hawser__seat_keep(&endpoint->seats[HAWSER__IN], result == 0);
    return result;
}

static bool forget(struct hawser__kernel_port *port, struct hawser__kernel_endpoint *endpoint) {
    (void)port, (void)endpoint;
    return false;
}

/* The port. */

static size_t gather(struct poll_port *port) {
    size_t n = 0;
    for (struct poll_wait *wait = port->waits; wait; wait = wait->next) {
        memcpy(&port->fds[n], wait->fds, wait->n * sizeof *wait->fds);
        n += wait->n;
    }
    n += hawser__poll_gather(&port->base, &port->fds[n]);
    port->fds[n] = (struct pollfd){.fd = port->wake_fd, .events = POLLIN};
    return n;
}

static void tell(struct poll_port *port) {
    const struct pollfd *at = port->fds;
    for (struct poll_wait *wait = port->waits; wait; wait = wait->next) {
        for (size_t i = 0; i < wait->n; i++, at++) {
            wait->fds[i].revents = at->revents;
            wait->ready |= at->revents != 0;
        }
        if (wait->ready)
            hawser__worker_wake(wait->task);
    }
    hawser__poll_fire(&port->base, at);
}

/* poll may refuse: more descriptors than RLIMIT_NOFILE allows, open or not (sandboxes set it to 0), or no memory. Then everything
 * is called ready after a slice of time, and whoever waits tries by itself. */
static void look_later(struct poll_port *port, int ms) {
    (void)hawser__sys_poll(NULL, 0, ms < 0 || ms > SLICE_MS ? SLICE_MS : ms);
    for (struct poll_wait *wait = port->waits; wait; wait = wait->next) {
        for (size_t i = 0; i < wait->n; i++)
            wait->fds[i].revents = wait->fds[i].events & (POLLIN | POLLOUT);
        wait->ready = true;
        hawser__worker_wake(wait->task);
    }
    hawser__poll_fire(&port->base, NULL);
}

static void port_wait(hawser__port *base, hawser__deadline until) {
    struct poll_port *port = (struct poll_port *)base;
    size_t n = gather(port);
    int ms = hawser__deadline_ms(until, until == HAWSER__NEVER ? 0 : hawser__clock_monotonic());
    int ready = hawser__sys_poll(port->fds, n + 1, ms);
    if (ready < 0 && ready != -EINTR)
        look_later(port, ms);
    if (ready > 0 && port->fds[n].revents)
        hawser__sys_eventfd_clear(port->wake_fd);
    if (ready > 0)
        tell(port);
}

static void port_wake(hawser__port *base) {
    hawser__sys_eventfd_signal(((struct poll_port *)base)->wake_fd);
}

static const struct hawser__kernel_port_ops kernel_port_ops = {
    .wait = wait_for,
    .watch = watch_for,
    .wait_fd = wait_fd,
    .forget = forget,
};

static int port_open(hawser__engine *engine, hawser__port **ret) {
    struct poll_port *port = hawser__zalloc(sizeof *port);
    if (!port)
        return -ENOMEM;
    port->base.base.engine = engine;
    port->base.ops = &kernel_port_ops;
    port->wake_fd = hawser__sys_eventfd();
    int result = port->wake_fd < 0 ? port->wake_fd : make_room(port, 1);
    if (result < 0) {
        hawser__sys_close(port->wake_fd);
        hawser__free(port);
        return result;
    }
    *ret = &port->base.base;
    return 0;
}

static void port_close(hawser__port *base) {
    struct poll_port *port = (struct poll_port *)base;
    hawser__poll_drop(&port->base);
    hawser__sys_close(port->wake_fd);
    hawser__free(port->fds);
    hawser__free(port);
}

static void port_after_fork(hawser__port *base) {
    struct poll_port *port = (struct poll_port *)base;
    hawser__sys_close(port->wake_fd);
    port->wake_fd = hawser__sys_eventfd();
    hawser__poll_drop(&port->base);
    port->waits = NULL;
    port->watched = 0;
}

static const struct hawser__engine_ops poll_ops = {
    .name = "poll",
    HAWSER__KERNEL_OPERATIONS,
    .port_open = port_open,
    .port_wait = port_wait,
    .port_wake = port_wake,
    .port_close = port_close,
    .port_after_fork = port_after_fork,
};

hawser__engine hawser__poll_engine = {.ops = &poll_ops};
