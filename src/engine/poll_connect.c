/* SPDX-License-Identifier: MIT */
/*
 * Connections in the poll engine: accepting them, and making them in three steps.
 *
 * Adopted sockets in blocking mode keep their flags, so accept and connect, which have no MSG_DONTWAIT, could block the
 * thread in the kernel: another process may take the connection between poll and accept. A socket timeout of a few
 * milliseconds around the call bounds that.
 */
#include "engine/poll.h"

#include "base/sys.h"
#include "sched/park.h"
#include "sched/pause.h"

#include <errno.h>
#include <string.h>
#include <sys/time.h>

struct guard {
    int fd, option;
    bool needed, set;
    struct timeval old, ours;
};

/* The timeout belongs to what duplicates share: without the lock one guard would end under another thread's accept, which
 * could then block for ever. Other processes are out of reach; KNOWN_LIMITS.md says so. Of two that connect one socket at
 * once the kernel refuses the second, so they need no lock, which would make each wait for all others. */
static struct guard guard_begin(struct hawser__poll_endpoint *self, int option) {
    struct guard guard = {.fd = self->fd, .option = option, .ours = {.tv_usec = 1000}};
    socklen_t size = sizeof guard.old;
    guard.needed = hawser__poll_may_block(self);
    if (!guard.needed)
        return guard;
    if (option == SO_RCVTIMEO)
        hawser__poll_lock_process();
    guard.set = hawser__sys_getsockopt(self->fd, SOL_SOCKET, option, &guard.old, &size) == 0 &&
                hawser__sys_setsockopt(self->fd, SOL_SOCKET, option, &guard.ours, sizeof guard.ours) == 0;
    hawser__sys_getsockopt(self->fd, SOL_SOCKET, option, &guard.ours, &size);   /* rounded up to the kernel's tick */
    return guard;
}

/* An old value that looks like ours is that of a guard in another process: putting it back would leave it for ever. */
static void guard_end(const struct guard *guard) {
    static const struct timeval none;
    bool another = guard->old.tv_sec == guard->ours.tv_sec && guard->old.tv_usec == guard->ours.tv_usec;
    if (guard->set)
        hawser__sys_setsockopt(guard->fd, SOL_SOCKET, guard->option, another ? &none : &guard->old, sizeof none);
    if (guard->needed && guard->option == SO_RCVTIMEO)
        hawser__poll_unlock_process();
}

/* The connection in the queue had died of its own: the listener is well, the next one may be too. */
static bool died_in_queue(int code) {
    static const int codes[] = {ECONNABORTED, EPROTO, ENETDOWN, EHOSTDOWN, ENONET, EHOSTUNREACH, ENETUNREACH};
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        if (code == -codes[i])
            return true;
    return false;
}

static bool anything_there(struct hawser__poll_endpoint *self) {
    struct pollfd fd = {.fd = self->fd, .events = POLLIN};
    return hawser__sys_poll(&fd, 1, 0) != 0;
}

/* A connection of this listener, or -EAGAIN. */
static int try_accept(hawser__endpoint *listener, struct sockaddr *peer, socklen_t *len) {
    struct hawser__poll_endpoint *self = hawser__poll_endpoint(listener);
    if (atomic_load(&listener->evicted))
        return -EBADF;
    socklen_t room = *len;
    struct guard guard = guard_begin(self, SO_RCVTIMEO);
    int fd = -EAGAIN;
    while (!guard.needed || anything_there(self)) {
        *len = room;
        fd = hawser__sys_accept(self->fd, peer, len);
        if (fd != -EINTR && !died_in_queue(fd))
            break;
        fd = -EAGAIN;
    }
    guard_end(&guard);
    return fd;
}

static int wrap_accepted(hawser__endpoint *listener, int fd, hawser__endpoint **ret) {
    int result = hawser__poll_wrap(listener->engine, fd, hawser__poll_endpoint(listener)->is_unix, ret);
    if (result < 0)
        hawser__sys_close(fd);
    return result;
}

int hawser__poll_accept(hawser__endpoint *const *listeners, size_t n, struct sockaddr *peer, socklen_t *len,
                        hawser__deadline deadline, hawser__endpoint **ret) {
    socklen_t room = *len;
    int result = 0;
    for (unsigned round = 0;; round++) {
        for (size_t i = 0; i < n; i++) {
            *len = room;
            int fd = try_accept(listeners[i], peer, len);
            if (fd >= 0)
                return wrap_accepted(listeners[i], fd, ret);
            if (fd != -EAGAIN)
                return fd;
        }
        if (result == 1)
            return -EINVAL;   /* a Unix listener that was shut down: others say so themselves */
        result = n == 1 ? hawser__poll_wait(listeners[0], HAWSER__IN, deadline, round)
                            : hawser__poll_wait_any(listeners, n, HAWSER__IN, deadline, NULL);
        if (result < 0)
            return result;
    }
}

static int connect_once(struct hawser__poll_endpoint *self, const struct sockaddr *sa, socklen_t len) {
    struct guard guard = guard_begin(self, SO_SNDTIMEO);
    int result = hawser__sys_connect(self->fd, sa, len);
    guard_end(&guard);
    return result;
}

/* An interrupted connect goes on by itself: calling it again would say EALREADY. Not so a Unix one, which is made at once
 * or, while the listener's queue is full, not at all (EAGAIN; EINTR where it may block): nothing tells when there is room,
 * so it is tried again while it is awaited. */
int hawser__poll_connect_begin(hawser__endpoint *endpoint, const struct sockaddr *sa, socklen_t len) {
    struct hawser__poll_endpoint *self = hawser__poll_endpoint(endpoint);
    if (atomic_load(&endpoint->evicted))
        return -EBADF;
    self->retry_len = 0;
    self->retry_result = 0;
    int result = connect_once(self, sa, len);
    if (result != -EINTR && result != -EAGAIN)
        return result;
    if (sa->sa_family != AF_UNIX || len > sizeof self->retry)
        return result == -EINTR ? -EINPROGRESS : result;
    memcpy(&self->retry, sa, len);
    self->retry_len = len;
    return -EINPROGRESS;
}

static bool still_full(struct hawser__poll_endpoint *self) {
    if (self->retry_len == 0)
        return false;
    self->retry_result = connect_once(self, (struct sockaddr *)&self->retry, self->retry_len);
    if (self->retry_result == -EAGAIN || self->retry_result == -EINTR)
        return true;
    self->retry_len = 0;
    return false;
}

/* Waits a moment for those whose Unix listener is full: an unconnected Unix socket always polls as writable. */
static int wait_for_room(hawser__endpoint *const *endpoints, size_t n, hawser__deadline deadline) {
    for (unsigned round = 0;; round++) {
        for (size_t i = 0; i < n; i++)
            if (!still_full(hawser__poll_endpoint(endpoints[i])))
                return (int)i;
        int64_t end = hawser__pause_end(hawser__clock_monotonic(), round, deadline);
        int result = end < 0 ? (int)end : hawser__poll_pause(endpoints, n, HAWSER__OUT, end);
        if (result < 0)
            return atomic_load(&endpoints[0]->evicted) ? -EBADF : result;
    }
}

static bool any_full(hawser__endpoint *const *endpoints, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (hawser__poll_endpoint(endpoints[i])->retry_len)
            return true;
    return false;
}

int hawser__poll_connect_wait(hawser__endpoint *const *endpoints, size_t n, hawser__deadline deadline) {
    if (any_full(endpoints, n))
        return wait_for_room(endpoints, n, deadline);
    for (;;) {
        bool ready[HAWSER__PARK_MAX];
        int result = hawser__poll_wait_any(endpoints, n, HAWSER__OUT, deadline, ready);
        if (result < 0)
            return result;
        for (size_t i = 0; i < n; i++)
            if (ready[i])
                return (int)i;
    }
}

int hawser__poll_connect_result(hawser__endpoint *endpoint) {
    struct hawser__poll_endpoint *self = hawser__poll_endpoint(endpoint);
    if (self->retry_len || self->retry_result)
        return self->retry_len ? -EAGAIN : self->retry_result;
    int code = 0;
    socklen_t size = sizeof code;
    int result = hawser__sys_getsockopt(self->fd, SOL_SOCKET, SO_ERROR, &code, &size);
    return result < 0 ? result : -code;
}
