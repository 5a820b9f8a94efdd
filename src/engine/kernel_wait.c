/* SPDX-License-Identifier: MIT */
/*
 * How an operation of the kernel's engines waits: a fiber in its worker's port, a plain thread in poll.
 *
 * A task sits down at the endpoint, looks whether it was evicted, and only then waits; evict marks first and looks at the seats
 * second. So either the task sees the mark or evict sees the task.
 */
#include "engine/kernel.h"
#include "engine/poll_watch.h"

#include "base/sys.h"
#include "sched/park.h"
#include "sched/pause.h"
#include "sched/worker.h"

#include <errno.h>
#include <hawser/world.h>

struct hawser__kernel_port *hawser__kernel_port(void) {
    hawser__fiber *self = hawser__task_current()->fiber;
    hawser__worker *worker = self ? self->worker : NULL;
    return worker && worker->engine->ops->recv == hawser__kernel_recv ? (struct hawser__kernel_port *)worker->port : NULL;
}

static hawser__seat *seat_of(const struct hawser__interest *interest) {
    return &hawser__kernel_endpoint(interest->endpoint)->seats[interest->direction];
}

static bool any_evicted(const struct hawser__interest *interests, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (atomic_load(&interests[i].endpoint->evicted))
            return true;
    return false;
}

static void sit_down(const struct hawser__interest *interests, size_t n) {
    for (size_t i = 0; i < n; i++) {
        hawser__kernel_renew(hawser__kernel_endpoint(interests[i].endpoint));
        hawser__seat_take(seat_of(&interests[i]));
    }
}

static void stand_up(const struct hawser__interest *interests, size_t n) {
    for (size_t i = 0; i < n; i++)
        hawser__seat_leave(seat_of(&interests[i]));
}

/* What a plain thread does, and a fiber whose worker has another engine. Out of line: its array is not for a fiber's stack. */
__attribute__((noinline)) static int wait_in_poll(struct hawser__interest *interests, size_t n, hawser__deadline deadline) {
    struct pollfd fds[HAWSER__PARK_MAX];
    for (size_t i = 0; i < n; i++)
        fds[i] = (struct pollfd){.fd = hawser__kernel_endpoint(interests[i].endpoint)->fd,
                                 .events = interests[i].direction == HAWSER__IN ? POLLIN | POLLRDHUP : POLLOUT};
    int result = hawser__park(fds, n, deadline);
    for (size_t i = 0; i < n; i++) {
        interests[i].ready = result > 0 && fds[i].revents;
        interests[i].ended = result > 0 && (fds[i].revents & POLLRDHUP);
    }
    return result < 0 ? result : 0;
}

/* Readiness can be wrong for long: a Unix datagram socket whose receiver is full is always writable, a pending error makes any
 * socket readable. Where the port tells states, asking it again at once would burn a core past the deadline, so every second
 * round is a pause; a short one for input, which may come beside an unread error notice. */
static int pause_for(const struct hawser__interest *interest, hawser__deadline deadline, unsigned round) {
    unsigned length = interest->direction == HAWSER__IN ? 1 : round / 2;
    int64_t end = hawser__pause_end(hawser__clock_monotonic(), length, deadline);
    int result = end < 0 ? (int)end : hawser__park(NULL, 0, end);
    return result == -ETIMEDOUT && end > 0 ? 0 : result;
}

static int wait_seated(struct hawser__interest *interests, size_t n, const char *what, hawser__deadline deadline,
                       unsigned round) {
    struct hawser__kernel_port *port = hawser__kernel_port();
    if (port && port->ops->edge)
        return port->ops->wait(port, interests, n, what, deadline, round);
    if (n == 1 && round % 2 == 1)
        return pause_for(interests, deadline, round);
    return port ? port->ops->wait(port, interests, n, what, deadline, round) : wait_in_poll(interests, n, deadline);
}

int hawser__kernel_wait_any(struct hawser__interest *interests, size_t n, const char *what, hawser__deadline deadline,
                            unsigned round) {
    if (n > HAWSER__PARK_MAX)
        return -EINVAL;
    sit_down(interests, n);
    int result = any_evicted(interests, n) ? -EBADF : wait_seated(interests, n, what, deadline, round);
    stand_up(interests, n);
    return any_evicted(interests, n) ? -EBADF : result;
}

int hawser__kernel_wait(hawser__endpoint *endpoint, enum hawser__direction direction, const char *what,
                        hawser__deadline deadline, unsigned round) {
    struct hawser__interest interest = {.endpoint = endpoint, .direction = direction};
    if (deadline == HAWSER__NOW)
        return atomic_load(&endpoint->evicted) ? -EBADF : -EAGAIN;
    int result = hawser__kernel_wait_any(&interest, 1, what, deadline, round);
    return result == 0 && direction == HAWSER__IN ? interest.ended : result;
}

int hawser__kernel_pause(hawser__endpoint *const *endpoints, size_t n, enum hawser__direction direction, hawser__deadline until) {
    struct hawser__interest interests[HAWSER__PARK_MAX] = {{0}};
    for (size_t i = 0; i < n; i++)
        interests[i] = (struct hawser__interest){.endpoint = endpoints[i], .direction = direction};
    sit_down(interests, n);
    int result = any_evicted(interests, n) ? -EBADF : hawser__park(NULL, 0, until);
    stand_up(interests, n);
    if (any_evicted(interests, n))
        return -EBADF;
    return result == -ETIMEDOUT ? 0 : result;
}

int hawser__kernel_await(struct hawser__interest *interests, size_t n, hawser__deadline deadline) {
    if (deadline == HAWSER__NOW)
        return any_evicted(interests, n) ? -EBADF : -EAGAIN;
    return hawser__kernel_wait_any(interests, n, "relay", deadline, 0);
}

/* Watches. */

int hawser__kernel_watch(hawser__endpoint *endpoint, hawser__port *port, hawser__watch *watch, bool *ended) {
    struct hawser__kernel_port *kernel = (struct hawser__kernel_port *)port;
    if (port->engine->ops->recv != hawser__kernel_recv || !kernel->ops->watch)
        return -EOPNOTSUPP;
    hawser__kernel_renew(hawser__kernel_endpoint(endpoint));
    return kernel->ops->watch(kernel, hawser__kernel_endpoint(endpoint), watch, ended);
}

bool hawser__kernel_unwatch(hawser__endpoint *endpoint, hawser__watch *watch) {
    struct hawser__kernel_endpoint *self = hawser__kernel_endpoint(endpoint);
    hawser__kernel_renew(self);
    bool taken = hawser__seat_take_back(&self->seats[HAWSER__IN], watch);
    if (taken)
        hawser__poll_unlist(self);
    return taken;
}

void hawser__kernel_tell(struct hawser__kernel_endpoint *self, enum hawser__direction direction, bool ended) {
    hawser__seat *seat = &self->seats[direction];
    hawser__watch *watch = hawser__seat_hold(seat);
    if (!watch)
        return;
    hawser__poll_unlist(self);
    hawser__seat_fire(seat, watch, ended);
}

/* Foreign descriptors. */

static int events_of(short revents, int wanted) {
    int events = 0;
    if (revents & (POLLIN | POLLPRI | POLLRDHUP))
        events |= HAWSER_READABLE;
    if (revents & POLLOUT)
        events |= HAWSER_WRITABLE;
    if (revents & (POLLERR | POLLHUP))
        events |= wanted;
    return events & wanted;
}

/* The events that poll tells; 0 when woken. */
static int wait_for_events(int fd, short events, hawser__deadline deadline) {
    struct hawser__kernel_port *port = hawser__kernel_port();
    struct pollfd watched = {.fd = fd, .events = events};
    int result = port ? hawser__interrupt_check() : hawser__park(&watched, 1, deadline);
    if (result < 0)
        return result;
    if (port && hawser__sys_poll(&watched, 1, 0) == 0)
        return port->ops->wait_fd(port, fd, events, deadline);
    return watched.revents;
}

int hawser__kernel_wait_fd(hawser__engine *engine, hawser__endpoint *account, int fd, int events, hawser__deadline deadline) {
    struct hawser__interest interest = {.endpoint = account, .direction = HAWSER__OUT};
    short wanted = (short)((events & HAWSER_READABLE ? POLLIN : 0) | (events & HAWSER_WRITABLE ? POLLOUT : 0));
    size_t n = account != NULL;
    (void)engine;
    for (;;) {
        sit_down(&interest, n);
        int result = any_evicted(&interest, n) ? -EBADF : wait_for_events(fd, wanted, deadline);
        stand_up(&interest, n);
        if (any_evicted(&interest, n))
            return -EBADF;
        if (result < 0)
            return result;
        if (result & POLLNVAL)
            return -EBADF;
        int ready = events_of((short)result, events);
        if (ready)
            return ready;
    }
}

int hawser__kernel_sleep(hawser__engine *engine, hawser__deadline deadline) {
    (void)engine;
    int result;
    do
        result = hawser__wait("sleep", -1, deadline);
    while (result == 0);
    if (result == -ECANCELED)
        hawser__worker_spend();
    return result == -ETIMEDOUT || result == -EAGAIN ? 0 : result;
}
