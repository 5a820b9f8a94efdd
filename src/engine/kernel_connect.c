/* SPDX-License-Identifier: MIT */
/*
 * Connections in the kernel's engines: accepting them, and making them in three steps.
 *
 * Adopted sockets in blocking mode keep their flags, so accept and connect, which have no MSG_DONTWAIT, could block the
 * thread in the kernel: another process may take the connection between poll and accept. A socket timeout of a few
 * milliseconds around the call bounds that.
 */
#include "engine/kernel.h"

#include "base/mem.h"
#include "base/sys.h"
#include "sched/park.h"
#include "sched/pause.h"
#include "sched/worker.h"

#include <errno.h>
#include <string.h>
#include <sys/time.h>

/* As many as one handle has. */
#define LISTENERS 2

struct guard {
    int fd, option;
    bool needed, set;
    struct timeval old, ours;
};

/* The timeout belongs to what duplicates share: without the lock one guard would end under another thread's accept, which
 * could then block for ever. Other processes are out of reach; KNOWN_LIMITS.md says so. Of two that connect one socket at
 * once the kernel refuses the second, so they need no lock, which would make each wait for all others. */
static struct guard guard_begin(struct hawser__kernel_endpoint *self, int option) {
    struct guard guard = {.fd = self->fd, .option = option, .ours = {.tv_usec = 1000}};
    socklen_t size = sizeof guard.old;
    guard.needed = hawser__kernel_may_block(self);
    if (!guard.needed)
        return guard;
    if (option == SO_RCVTIMEO)
        hawser__kernel_lock_process();
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
        hawser__kernel_unlock_process();
}

/* The connection in the queue had died of its own: the listener is well, the next one may be too. */
static bool died_in_queue(int code) {
    static const int codes[] = {ECONNABORTED, EPROTO, ENETDOWN, EHOSTDOWN, ENONET, EHOSTUNREACH, ENETUNREACH};
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        if (code == -codes[i])
            return true;
    return false;
}

static bool anything_there(struct hawser__kernel_endpoint *self) {
    struct pollfd fd = {.fd = self->fd, .events = POLLIN};
    return hawser__sys_poll(&fd, 1, 0) != 0;
}

/* A connection of this listener, or -EAGAIN. */
static int try_accept(hawser__endpoint *listener, struct sockaddr *peer, socklen_t *len) {
    struct hawser__kernel_endpoint *self = hawser__kernel_endpoint(listener);
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
    struct hawser__kernel_endpoint *self = hawser__kernel_endpoint(listener);
    int result = hawser__kernel_wrap(listener->engine, fd, self->is_unix ? AF_UNIX : AF_UNSPEC, self->type, ret);
    if (result < 0)
        hawser__sys_close(fd);
    else
        hawser__kernel_endpoint(*ret)->is_tcp = self->is_tcp;
    return result;
}

static int wait_for_connection(hawser__endpoint *const *listeners, size_t n, hawser__deadline deadline, unsigned round) {
    struct hawser__interest interests[LISTENERS];
    if (n == 1 || deadline == HAWSER__NOW)
        return hawser__kernel_wait(listeners[0], HAWSER__IN, "accept", deadline, round);
    for (size_t i = 0; i < n; i++)
        interests[i] = (struct hawser__interest){.endpoint = listeners[i], .direction = HAWSER__IN};
    return hawser__kernel_wait_any(interests, n, "accept", deadline, 0);
}

/* Where something has run out (descriptors, mostly), those who could give some back run before it is tried again. */
static void account_for(int fd) {
    if (fd == -EMFILE || fd == -ENFILE || fd == -ENOBUFS || fd == -ENOMEM)
        hawser__worker_give_way();
    else
        hawser__worker_spend();
}

int hawser__kernel_accept(hawser__endpoint *const *listeners, size_t n, struct sockaddr *peer, socklen_t *len,
                        hawser__deadline deadline, hawser__endpoint **ret) {
    socklen_t room = *len;
    int result = 0;
    if (n > LISTENERS)
        return -EINVAL;
    for (unsigned round = 0;; round++) {
        for (size_t i = 0; i < n; i++) {
            *len = room;
            int fd = try_accept(listeners[i], peer, len);
            if (fd != -EAGAIN)
                account_for(fd);
            if (fd >= 0)
                return wrap_accepted(listeners[i], fd, ret);
            if (fd != -EAGAIN)
                return fd;
        }
        if (result == 1)
            return -EINVAL;   /* a Unix listener that was shut down: others say so themselves */
        result = wait_for_connection(listeners, n, deadline, round);
        if (result < 0)
            return result;
    }
}

static int connect_once(struct hawser__kernel_endpoint *self, const struct sockaddr *sa, socklen_t len) {
    struct guard guard = guard_begin(self, SO_SNDTIMEO);
    int result = hawser__sys_connect(self->fd, sa, len);
    guard_end(&guard);
    return result;
}

/* Keeps what a connect to a full Unix listener has to try again. */
static int retry_later(struct hawser__kernel_endpoint *self, const struct sockaddr *sa, socklen_t len) {
    if (!self->retry && !(self->retry = hawser__zalloc(sizeof *self->retry)))
        return -ENOMEM;
    memcpy(&self->retry->sa, sa, len);
    self->retry->len = len;
    self->retry->result = 0;
    return -EINPROGRESS;
}

static bool retries(const struct hawser__kernel_endpoint *self) {
    return self->retry && self->retry->len;
}

/* What was known is of the socket before it was connected. What has come in is there still, and on a datagram socket a
 * sender may have been told of room. */
static void forget_readiness(struct hawser__kernel_endpoint *self) {
    atomic_fetch_and(&self->ready, 1u << HAWSER__IN | (self->type == SOCK_DGRAM ? 1u << HAWSER__OUT : 0));
}

/* An interrupted connect goes on by itself: calling it again would say EALREADY. Not so a Unix one, which is made at once
 * or, while the listener's queue is full, not at all (EAGAIN; EINTR where it may block): nothing tells when there is room,
 * so it is tried again while it is awaited. */
int hawser__kernel_connect_begin(hawser__endpoint *endpoint, const struct sockaddr *sa, socklen_t len) {
    struct hawser__kernel_endpoint *self = hawser__kernel_endpoint(endpoint);
    if (atomic_load(&endpoint->evicted))
        return -EBADF;
    if (self->retry)
        *self->retry = (struct hawser__kernel_retry){0};
    forget_readiness(self);
    int result = connect_once(self, sa, len);
    if (result != -EINTR && result != -EAGAIN)
        return result;
    if (sa->sa_family != AF_UNIX || len > sizeof self->retry->sa)
        return result == -EINTR ? -EINPROGRESS : result;
    return retry_later(self, sa, len);
}

static bool still_full(struct hawser__kernel_endpoint *self) {
    struct hawser__kernel_retry *retry = self->retry;
    if (!retries(self))
        return false;
    retry->result = connect_once(self, (struct sockaddr *)&retry->sa, retry->len);
    if (retry->result == -EAGAIN || retry->result == -EINTR)
        return true;
    retry->len = 0;
    return false;
}

/* Waits a moment for those whose Unix listener is full: an unconnected Unix socket always polls as writable. */
static int wait_for_room(hawser__endpoint *const *endpoints, size_t n, hawser__deadline deadline) {
    for (unsigned round = 0;; round++) {
        for (size_t i = 0; i < n; i++)
            if (!still_full(hawser__kernel_endpoint(endpoints[i])))
                return (int)i;
        int64_t end = hawser__pause_end(hawser__clock_monotonic(), round, deadline);
        int result = end < 0 ? (int)end : hawser__kernel_pause(endpoints, n, HAWSER__OUT, end);
        if (result < 0)
            return atomic_load(&endpoints[0]->evicted) ? -EBADF : result;
    }
}

static bool any_full(hawser__endpoint *const *endpoints, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (retries(hawser__kernel_endpoint(endpoints[i])))
            return true;
    return false;
}

static bool any_evicted(hawser__endpoint *const *endpoints, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (atomic_load(&endpoints[i]->evicted))
            return true;
    return false;
}

/* The index of one whose connect has come to an end, or -1. "It may be writable" is not enough here: taken for connected, a
 * socket that is not would pass for one without an error. */
static int find_finished(hawser__endpoint *const *endpoints, size_t n) {
    struct pollfd fds[HAWSER__PARK_MAX];
    for (size_t i = 0; i < n; i++)
        fds[i] = (struct pollfd){.fd = hawser__kernel_endpoint(endpoints[i])->fd, .events = POLLOUT};
    if (hawser__sys_poll(fds, n, 0) > 0)
        for (size_t i = 0; i < n; i++)
            if (fds[i].revents)
                return (int)i;
    return -1;
}

static int wait_for_one(hawser__endpoint *const *endpoints, size_t n, hawser__deadline deadline) {
    struct hawser__interest interests[HAWSER__PARK_MAX];
    for (size_t i = 0; i < n; i++)
        interests[i] = (struct hawser__interest){.endpoint = endpoints[i], .direction = HAWSER__OUT};
    return hawser__kernel_wait_any(interests, n, "connect", deadline, 0);
}

/* Looks before it waits: with HAWSER__NOW nothing else would, and a connection to this machine is often there already. */
int hawser__kernel_connect_wait(hawser__endpoint *const *endpoints, size_t n, hawser__deadline deadline) {
    if (n > HAWSER__PARK_MAX)
        return -EINVAL;
    if (any_full(endpoints, n))
        return wait_for_room(endpoints, n, deadline);
    for (;;) {
        int finished = any_evicted(endpoints, n) ? -1 : find_finished(endpoints, n);
        if (finished >= 0)
            return finished;
        int result = wait_for_one(endpoints, n, deadline);
        if (result < 0)
            return result;
    }
}

int hawser__kernel_connect_result(hawser__endpoint *endpoint) {
    struct hawser__kernel_endpoint *self = hawser__kernel_endpoint(endpoint);
    if (self->retry && (self->retry->len || self->retry->result))
        return self->retry->len ? -EAGAIN : self->retry->result;
    int code = 0;
    socklen_t size = sizeof code;
    int result = hawser__sys_getsockopt(self->fd, SOL_SOCKET, SO_ERROR, &code, &size);
    return result < 0 ? result : -code;
}
