/* SPDX-License-Identifier: MIT */
/*
 * How an operation of the poll engine waits.
 *
 * A task writes itself into the endpoint, looks whether the endpoint was evicted, and only then sleeps; evict marks first and
 * looks for tasks second, both under the endpoint's lock. So either the task sees the mark or evict sees the task.
 */
#include "engine/poll.h"

#include "base/sys.h"
#include "sched/park.h"
#include "sched/pause.h"

#include <errno.h>
#include <hawser/world.h>

/* Whether the endpoint was evicted already. */
static bool enlist(hawser__endpoint *endpoint, enum hawser__direction direction, hawser__task *task) {
    struct hawser__poll_endpoint *self = hawser__poll_endpoint(endpoint);
    hawser__poll_lock(self);
    self->waiters[direction] = task;
    bool evicted = atomic_load(&endpoint->evicted);
    pthread_mutex_unlock(&self->lock);
    return evicted;
}

/* Parks with the task written into each endpoint; the first WATCHED of FDS are watched. */
static int park_at(hawser__endpoint *const *endpoints, size_t n, enum hawser__direction direction, struct pollfd *fds,
                   size_t watched, hawser__deadline deadline) {
    bool evicted = false;
    for (size_t i = 0; i < n; i++)
        evicted |= enlist(endpoints[i], direction, hawser__task_current());
    int result = evicted ? -EBADF : hawser__park(fds, watched, deadline);
    for (size_t i = 0; i < n; i++)
        evicted |= enlist(endpoints[i], direction, NULL);
    return evicted ? -EBADF : result;
}

int hawser__poll_wait_any(hawser__endpoint *const *endpoints, size_t n, enum hawser__direction direction,
                          hawser__deadline deadline, bool *ret_ready) {
    struct pollfd fds[HAWSER__PARK_MAX];
    if (n > HAWSER__PARK_MAX)
        return -EINVAL;
    for (size_t i = 0; i < n; i++)
        fds[i] = (struct pollfd){.fd = hawser__poll_endpoint(endpoints[i])->fd,
                                 .events = direction == HAWSER__IN ? POLLIN : POLLOUT};
    int result = park_at(endpoints, n, direction, fds, n, deadline);
    for (size_t i = 0; ret_ready && i < n; i++)
        ret_ready[i] = result > 0 && fds[i].revents;
    return result < 0 ? result : 0;
}

int hawser__poll_pause(hawser__endpoint *const *endpoints, size_t n, enum hawser__direction direction, hawser__deadline until) {
    int result = park_at(endpoints, n, direction, NULL, 0, until);
    return result == -ETIMEDOUT ? 0 : result;
}

/* Readiness can be wrong for long: a Unix datagram socket whose receiver is full is always writable, a pending error makes any
 * socket readable. Asking poll again at once would burn a core past the deadline, so every second round is a pause; a short
 * one for input, which may come beside an unread error notice. */
static int pause_for(hawser__endpoint *endpoint, enum hawser__direction direction, hawser__deadline deadline,
                     unsigned round) {
    int64_t end = hawser__pause_end(hawser__clock_monotonic(), direction == HAWSER__IN ? 1 : round / 2, deadline);
    return end < 0 ? (int)end : hawser__poll_pause(&endpoint, 1, direction, end);
}

int hawser__poll_wait(hawser__endpoint *endpoint, enum hawser__direction direction, hawser__deadline deadline, unsigned round) {
    if (deadline == HAWSER__NOW)
        return atomic_load(&endpoint->evicted) ? -EBADF : -EAGAIN;
    if (round % 2 == 1)
        return pause_for(endpoint, direction, deadline, round);
    struct pollfd fd = {.fd = hawser__poll_endpoint(endpoint)->fd,
                        .events = direction == HAWSER__IN ? POLLIN | POLLRDHUP : POLLOUT};
    int result = park_at(&endpoint, 1, direction, &fd, 1, deadline);
    return result > 0 ? (fd.revents & POLLRDHUP) != 0 : result;
}

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

int hawser__poll_wait_fd(hawser__engine *engine, hawser__endpoint *account, int fd, int events, hawser__deadline deadline) {
    (void)engine;
    for (;;) {
        struct pollfd watched = {.fd = fd, .events = (short)((events & HAWSER_READABLE ? POLLIN : 0) |
                                                             (events & HAWSER_WRITABLE ? POLLOUT : 0))};
        int result = park_at(&account, account != NULL, HAWSER__OUT, &watched, 1, deadline);
        if (result < 0)
            return result;
        if (watched.revents & POLLNVAL)
            return -EBADF;
        int ready = result > 0 ? events_of(watched.revents, events) : 0;
        if (ready)
            return ready;
    }
}

int hawser__poll_sleep(hawser__engine *engine, hawser__deadline deadline) {
    (void)engine;
    int result;
    do
        result = hawser__park(NULL, 0, deadline);
    while (result == 0);
    return result == -ETIMEDOUT || result == -EAGAIN ? 0 : result;
}
