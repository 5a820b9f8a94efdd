/* SPDX-License-Identifier: MIT */
/*
 * One lock around the whole model. Every waiting operation is the same loop: try, and while the model says -EAGAIN, wait for a
 * change and try again. A waiter is written down before the lock is let go, so that no change can slip in between; its wake
 * descriptor is made before that, because whoever wakes it reads it. What never waits is in memory_endpoint.c.
 */
#include "engine_memory.h"

#include "base/mem.h"
#include "base/wake.h"
#include "memory_endpoint.h"
#include "memory_port.h"
#include "memory_watch.h"
#include "memory_world.h"
#include "sched/lend.h"
#include "sched/park.h"

#include <errno.h>
#include <pthread.h>

struct waiter {
    hawser__task *task;
    struct waiter *next;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct waiter *waiters;

static void wake_all(void) {
    for (struct waiter *waiter = waiters; waiter; waiter = waiter->next)
        hawser__task_wake(waiter->task);
}

void memory_enter(void) {
    pthread_mutex_lock(&lock);
    model_changed = false;
}

void memory_leave(void) {
    if (model_changed) {
        wake_all();
        memory_watch_changed();
    }
    model_changed = false;
    pthread_mutex_unlock(&lock);
}

/* 0 = something changed, look again; or a negative code. Called and left with the lock held. */
static int wait_for_change(hawser__deadline deadline) {
    if (deadline == HAWSER__NOW)
        return -EAGAIN;
    struct waiter self = {.task = hawser__task_current(), .next = waiters};
    if (!self.task->fiber)
        hawser__task_wake_fd(self.task);
    waiters = &self;
    memory_leave();
    int result = hawser__park(NULL, 0, deadline);
    memory_enter();
    struct waiter **link = &waiters;
    while (*link != &self)
        link = &(*link)->next;
    *link = self.next;
    return result;
}

#define AGAIN(result, deadline) ((result) == -EAGAIN && ((result) = wait_for_change(deadline)) == 0)

static int memory_accept(hawser__endpoint *const *listeners, size_t n, struct sockaddr *peer, socklen_t *len,
                         hawser__deadline deadline, hawser__endpoint **ret) {
    int result;
    memory_enter();
    do
        result = memory_try_accept(listeners, n, peer, len, ret);
    while (AGAIN(result, deadline));
    memory_leave();
    return result;
}

static int finished(hawser__endpoint *const *endpoints, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (memory_gone(endpoints[i]))
            return -EBADF;
    for (size_t i = 0; i < n; i++)
        if (memory_socket(endpoints[i])->state != MODEL_CONNECTING)
            return (int)i;
    return -EAGAIN;
}

static int memory_connect_wait(hawser__endpoint *const *endpoints, size_t n, hawser__deadline deadline) {
    int result;
    memory_enter();
    do
        result = finished(endpoints, n);
    while (AGAIN(result, deadline));
    memory_leave();
    return result;
}

static ssize_t memory_recvmsg(hawser__endpoint *endpoint, struct msghdr *msg, int flags, hawser__deadline deadline) {
    ssize_t result;
    hawser__deadline until = flags & MSG_DONTWAIT ? HAWSER__NOW : deadline;
    memory_enter();
    do
        result = memory_gone(endpoint) ? -EBADF : model_receive(memory_socket(endpoint), msg, flags);
    while (AGAIN(result, until));
    memory_leave();
    return result;
}

static ssize_t memory_sendmsg(hawser__endpoint *endpoint, const struct msghdr *msg, int flags, hawser__deadline deadline) {
    ssize_t result;
    hawser__deadline until = flags & MSG_DONTWAIT ? HAWSER__NOW : deadline;
    memory_enter();
    do
        result = memory_gone(endpoint) ? -EBADF : model_send(memory_socket(endpoint), msg, flags);
    while (AGAIN(result, until));
    memory_leave();
    return result;
}

static int memory_recvmmsg(hawser__endpoint *endpoint, struct mmsghdr *messages, unsigned n, int flags,
                           hawser__deadline deadline) {
    ssize_t size = 0;
    unsigned i = 0;
    for (; i < n && size >= 0; i += size >= 0) {
        size = memory_recvmsg(endpoint, &messages[i].msg_hdr, flags, i == 0 ? deadline : HAWSER__NOW);
        messages[i].msg_len = size >= 0 ? (unsigned)size : 0;
    }
    return i > 0 || n == 0 ? (int)i : (int)size;
}

static int memory_sendmmsg(hawser__endpoint *endpoint, struct mmsghdr *messages, unsigned n, int flags,
                           hawser__deadline deadline) {
    ssize_t size = 0;
    unsigned i = 0;
    for (; i < n && size >= 0; i += size >= 0) {
        size = memory_sendmsg(endpoint, &messages[i].msg_hdr, flags, i == 0 ? deadline : HAWSER__NOW);
        messages[i].msg_len = size >= 0 ? (unsigned)size : 0;
    }
    return i > 0 || n == 0 ? (int)i : (int)size;
}

static ssize_t memory_recv(hawser__endpoint *endpoint, void *buf, size_t size, int flags, hawser__deadline deadline) {
    struct iovec part = {buf, size};
    struct msghdr msg = {.msg_iov = &part, .msg_iovlen = 1};
    return memory_recvmsg(endpoint, &msg, flags, deadline);
}

static ssize_t memory_send(hawser__endpoint *endpoint, const void *data, size_t size, int flags, hawser__deadline deadline) {
    struct iovec part = {(void *)data, size};
    const struct msghdr msg = {.msg_iov = &part, .msg_iovlen = 1};
    return memory_sendmsg(endpoint, &msg, flags, deadline);
}

static ssize_t memory_recv_lend(hawser__endpoint *endpoint, void **ret, size_t size, hawser__deadline deadline) {
    *ret = hawser__lend_take();
    if (!*ret)
        return -ENOMEM;
    return memory_recv(endpoint, *ret, size < HAWSER__LOAN ? size : HAWSER__LOAN, 0, deadline);
}

/* A use after this shows under ASan. */
static void memory_give_back(hawser__endpoint *endpoint, void *lent) {
    hawser__task *task = hawser__task_current();
    (void)endpoint;
    if (lent == task->lent) {
        hawser__free(lent);
        task->lent = NULL;
    }
}

static ssize_t memory_splice(hawser__endpoint *from, hawser__endpoint *to, size_t size, hawser__deadline deadline) {
    ssize_t result;
    memory_enter();
    do
        result = memory_gone(from) || memory_gone(to) ? -EBADF : model_splice(memory_socket(from), memory_socket(to), size);
    while (AGAIN(result, deadline));
    memory_leave();
    return result;
}

static bool may_go(const struct hawser__interest *interest) {
    model_socket *socket = memory_socket(interest->endpoint);
    return interest->direction == HAWSER__IN ? socket->first || socket->receive_ended || socket->error || !socket->peer
                                             : model_room(socket) != 0;
}

static int look_at(struct hawser__interest *interests, size_t n) {
    int result = -EAGAIN;
    for (size_t i = 0; i < n; i++) {
        if (memory_gone(interests[i].endpoint))
            return -EBADF;
        interests[i].ready = may_go(&interests[i]);
        if (interests[i].ready)
            result = 0;
    }
    return result;
}

static int memory_await(struct hawser__interest *interests, size_t n, hawser__deadline deadline) {
    int result;
    memory_enter();
    do
        result = look_at(interests, n);
    while (AGAIN(result, deadline));
    memory_leave();
    return result;
}

static int memory_sleep(hawser__engine *engine, hawser__deadline deadline) {
    (void)engine;
    int result;
    do
        result = hawser__park(NULL, 0, deadline);
    while (result == 0);
    return result == -ETIMEDOUT || result == -EAGAIN ? 0 : result;
}

/* What only descriptors can do. */

static int no_adopt(hawser__engine *engine, int fd, hawser__endpoint **ret) {
    (void)engine, (void)fd, (void)ret;
    return -EOPNOTSUPP;
}

static int no_descriptor(hawser__endpoint *endpoint) {
    (void)endpoint;
    return -EOPNOTSUPP;
}

static int no_detach(hawser__endpoint *endpoint, bool blocking) {
    (void)endpoint, (void)blocking;
    return -EOPNOTSUPP;
}

static ssize_t no_sendfile(hawser__endpoint *endpoint, int fd, int64_t *offset, size_t count, hawser__deadline deadline) {
    (void)endpoint, (void)fd, (void)offset, (void)count, (void)deadline;
    return -EOPNOTSUPP;
}

static int no_wait_fd(hawser__engine *engine, hawser__endpoint *account, int fd, int events, hawser__deadline deadline) {
    (void)account;
    (void)engine, (void)fd, (void)events, (void)deadline;
    return -EOPNOTSUPP;
}

static const struct hawser__engine_ops memory_ops = {
    .name = "memory",
    .open = memory_open,
    .adopt = no_adopt,
    .pair = memory_pair,
    .dup = memory_dup,
    .bind = memory_bind,
    .listen = memory_listen,
    .shutdown = memory_shutdown,
    .getsockopt = memory_getsockopt,
    .setsockopt = memory_setsockopt,
    .getsockname = memory_getsockname,
    .getpeername = memory_getpeername,
    .unread = memory_unread,
    .descriptor = no_descriptor,
    .accept = memory_accept,
    .connect_begin = memory_connect_begin,
    .connect_wait = memory_connect_wait,
    .connect_result = memory_connect_result,
    .recv = memory_recv,
    .recv_lend = memory_recv_lend,
    .give_back = memory_give_back,
    .send = memory_send,
    .recvmsg = memory_recvmsg,
    .sendmsg = memory_sendmsg,
    .recvmmsg = memory_recvmmsg,
    .sendmmsg = memory_sendmmsg,
    .sendfile = no_sendfile,
    .splice = memory_splice,
    .await = memory_await,
    .watch = memory_watch,
    .unwatch = memory_unwatch,
    .wait_fd = no_wait_fd,
    .sleep = memory_sleep,
    .port_open = memory_port_open,
    .port_wait = memory_port_wait,
    .port_wake = memory_port_wake,
    .port_close = memory_port_close,
    .port_after_fork = memory_port_after_fork,
    .evict = memory_evict,
    .close = memory_close,
    .detach = no_detach,
    .resolve = memory_resolve,
    .now = memory_now,
    .time = memory_time,
    .random = memory_random,
    .unix_claim = memory_unix_claim,
    .unix_settle = memory_unix_settle,
    .unix_remove = memory_unix_remove,
};

hawser__engine memory_engine = {.ops = &memory_ops};
