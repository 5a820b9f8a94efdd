/* SPDX-License-Identifier: MIT */
/*
 * The engine of simulated hosts. Every waiting operation is the same loop: try, and while the model says -EAGAIN, wait for a
 * change at the socket and try again. Nothing is locked: only one strand runs at a time, and it stops nowhere but where it says
 * so.
 *
 * A host's engine is the first member of its record, so whoever has an engine, a port or an endpoint has the host.
 */
#include "base/mem.h"
#include "base/wake.h"
#include "sched/disk.h"
#include "sched/lend.h"
#include "sched/park.h"
#include "sim/endpoint.h"
#include "sim/engine.h"
#include "world/descriptors.h"

#include <errno.h>
#include <unistd.h>

static hawser__host *host_of(hawser__engine *engine) {
    return (hawser__host *)engine;
}

static hawser__socket *socket_of(hawser__endpoint *endpoint) {
    return hawser__sim_endpoint_of(endpoint)->socket;
}

static bool gone(hawser__endpoint *endpoint) {
    return atomic_load(&endpoint->evicted);
}

static void enter(void) {
    (void)hawser__simulation_inside(true);
}

static void leave(void) {
    (void)hawser__simulation_inside(false);
}

static void leave_after_a_while(void) {
    leave();
    hawser__strand_pace();
}

void hawser__sim_changed(hawser__socket *socket) {
    struct hawser__attendance *attendance = hawser__socket_attendance(socket);
    for (struct hawser__waiter *waiter = attendance->waiters; waiter; waiter = waiter->next)
        hawser__task_wake(waiter->task);
    if (attendance->watched)
        hawser__sim_watch_look(attendance->watched);
}

/* Birth and the end. */

static int wrap(hawser__host *host, hawser__socket *socket, hawser__endpoint **ret) {
    int result = hawser__sim_wrap(host, socket, ret);
    if (result < 0)
        hawser__socket_unref(socket);
    return result;
}

static int open_inside(hawser__engine *engine, int family, int type, int proto, hawser__endpoint **ret) {
    hawser__socket *socket;
    int result = hawser__socket_open(host_of(engine), family, type, proto, &socket);
    return result < 0 ? result : wrap(host_of(engine), socket, ret);
}

static int sim_open(hawser__engine *engine, int family, int type, int proto, hawser__endpoint **ret) {
    enter();
    int result = open_inside(engine, family, type, proto, ret);
    leave();
    return result;
}

static void close_inside(hawser__endpoint *endpoint) {
    int number = hawser__sim_endpoint_of(endpoint)->number;
    if (number)
        hawser__descriptor_forget(host_of(endpoint->engine), number);
    hawser__socket_unref(hawser__sim_unwrap(endpoint));
}

static void sim_close(hawser__endpoint *endpoint) {
    enter();
    close_inside(endpoint);
    leave();
}

static int sim_pair(hawser__engine *engine, int family, int type, int proto, hawser__endpoint *ret[2]) {
    hawser__endpoint *made[2] = {NULL, NULL};
    enter();
    int result = open_inside(engine, family, type, proto, &made[0]);
    if (result == 0)
        result = open_inside(engine, family, type, proto, &made[1]);
    if (result == 0)
        result = hawser__socket_pair(socket_of(made[0]), socket_of(made[1]));
    for (int i = 0; i < 2; i++) {
        if (result < 0 && made[i])
            close_inside(made[i]);
        else
            ret[i] = made[i];
    }
    leave();
    return result;
}

static int sim_dup(hawser__endpoint *endpoint, hawser__endpoint **ret) {
    enter();
    int result = hawser__socket_ref(socket_of(endpoint));
    if (result == 0)
        result = wrap(host_of(endpoint->engine), socket_of(endpoint), ret);
    if (result == 0)
        hawser__sim_endpoint_of(*ret)->shared = hawser__sim_endpoint_of(endpoint)->shared = true;
    leave();
    return result;
}

static void sim_evict(hawser__endpoint *endpoint) {
    enter();
    atomic_store(&endpoint->evicted, true);
    hawser__sim_changed(socket_of(endpoint));
    hawser__sim_watch_evict(hawser__sim_endpoint_of(endpoint));
    leave();
}

/* Immediate operations. */

#define AT_ONCE(call)                                                                                                         \
    do {                                                                                                                      \
        enter();                                                                                                              \
        __typeof__(call) result = gone(endpoint) ? -EBADF : (call);                                                           \
        leave();                                                                                                              \
        return result;                                                                                                        \
    } while (0)

static int sim_bind(hawser__endpoint *endpoint, const struct sockaddr *sa, socklen_t len) {
    AT_ONCE(hawser__socket_bind(socket_of(endpoint), sa, len));
}

static int sim_listen(hawser__endpoint *endpoint, int backlog) {
    AT_ONCE(hawser__socket_listen(socket_of(endpoint), backlog));
}

static int sim_shutdown(hawser__endpoint *endpoint, int how) {
    AT_ONCE(hawser__socket_shutdown(socket_of(endpoint), how));
}

static int sim_getsockopt(hawser__endpoint *endpoint, int level, int name, void *value, socklen_t *size) {
    AT_ONCE(hawser__socket_getsockopt(socket_of(endpoint), level, name, value, size));
}

static int sim_setsockopt(hawser__endpoint *endpoint, int level, int name, const void *value, socklen_t size) {
    AT_ONCE(hawser__socket_setsockopt(socket_of(endpoint), level, name, value, size));
}

static int sim_getsockname(hawser__endpoint *endpoint, struct sockaddr *sa, socklen_t *len) {
    AT_ONCE(hawser__socket_getsockname(socket_of(endpoint), sa, len));
}

static int sim_getpeername(hawser__endpoint *endpoint, struct sockaddr *sa, socklen_t *len) {
    AT_ONCE(hawser__socket_getpeername(socket_of(endpoint), sa, len));
}

static ssize_t sim_unread(hawser__endpoint *endpoint) {
    AT_ONCE(hawser__socket_unread(socket_of(endpoint)));
}

static int sim_connect_begin(hawser__endpoint *endpoint, const struct sockaddr *sa, socklen_t len) {
    AT_ONCE(hawser__sim_connect(endpoint, sa, len));
}

static int sim_connect_result(hawser__endpoint *endpoint) {
    AT_ONCE(hawser__sim_connect_result(endpoint));
}

static int sim_watch(hawser__endpoint *endpoint, hawser__port *port, hawser__watch *watch, bool *ended) {
    AT_ONCE(hawser__sim_watch(endpoint, port, watch, ended));
}

static bool sim_unwatch(hawser__endpoint *endpoint, hawser__watch *watch) {
    enter();
    bool armed = hawser__sim_unwatch(endpoint, watch);
    leave();
    return armed;
}

/* Waiting. */

static void come(hawser__socket *socket, struct hawser__waiter *waiter) {
    struct hawser__attendance *attendance = hawser__socket_attendance(socket);
    waiter->next = attendance->waiters;
    attendance->waiters = waiter;
}

static void go(hawser__socket *socket, struct hawser__waiter *waiter) {
    struct hawser__waiter **at = &hawser__socket_attendance(socket)->waiters;
    while (*at != waiter)
        at = &(*at)->next;
    *at = waiter->next;
}

/* Called and left inside. */
int hawser__sim_wait_at(hawser__socket *const *sockets, size_t n, const char *what, int number, hawser__deadline deadline) {
    struct hawser__waiter waiters[HAWSER__PARK_MAX];
    if (deadline == HAWSER__NOW)
        return -EAGAIN;
    if (n > HAWSER__PARK_MAX)
        return -EINVAL;
    for (size_t i = 0; i < n; i++) {
        waiters[i].task = hawser__task_current();
        come(sockets[i], &waiters[i]);
    }
    leave();
    int result = hawser__wait(what, number, deadline);
    enter();
    for (size_t i = 0; i < n; i++)
        go(sockets[i], &waiters[i]);
    return result;
}

int hawser__sim_wait_at_endpoints(hawser__endpoint *const *endpoints, size_t n, const char *what, hawser__deadline deadline) {
    hawser__socket *sockets[HAWSER__PARK_MAX];
    for (size_t i = 0; i < n && i < HAWSER__PARK_MAX; i++)
        sockets[i] = socket_of(endpoints[i]);
    int number = n == 1 ? hawser__sim_endpoint_of(endpoints[0])->number : 0;
    return hawser__sim_wait_at(sockets, n, what, number ? number : -1, deadline);
}

#define AGAIN(result, endpoints, n, what, deadline)                                                                           \
    ((result) == -EAGAIN && ((result) = hawser__sim_wait_at_endpoints(endpoints, n, what, deadline)) == 0)

static int accept_any(hawser__endpoint *const *listeners, size_t n, hawser__deadline deadline, hawser__endpoint **ret) {
    int result = -EAGAIN;
    for (size_t i = 0; i < n && result == -EAGAIN; i++) {
        hawser__socket *made;
        result = gone(listeners[i]) ? -EBADF : hawser__socket_accept(socket_of(listeners[i]), &made);
        if (result == 0)
            return wrap(host_of(listeners[i]->engine), made, ret);
        if (result == -ESHUTDOWN)
            result = deadline == HAWSER__NOW ? -EAGAIN : -EINVAL;
    }
    return result;
}

static int sim_accept(hawser__endpoint *const *listeners, size_t n, struct sockaddr *peer, socklen_t *len,
                      hawser__deadline deadline, hawser__endpoint **ret) {
    int result;
    enter();
    do
        result = accept_any(listeners, n, deadline, ret);
    while (AGAIN(result, listeners, n, "accept", deadline));
    if (result == 0)
        (void)hawser__socket_getpeername(socket_of(*ret), peer, len);
    leave_after_a_while();
    return result;
}

static int finished(hawser__endpoint *const *endpoints, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (gone(endpoints[i]))
            return -EBADF;
    for (size_t i = 0; i < n; i++)
        if (!hawser__socket_connecting(socket_of(endpoints[i])))
            return (int)i;
    return -EAGAIN;
}

static int sim_connect_wait(hawser__endpoint *const *endpoints, size_t n, hawser__deadline deadline) {
    int result;
    enter();
    do
        result = finished(endpoints, n);
    while (AGAIN(result, endpoints, n, "connect", deadline));
    leave_after_a_while();
    return result;
}

static hawser__deadline limit(int flags, hawser__deadline deadline) {
    return flags & MSG_DONTWAIT ? HAWSER__NOW : deadline;
}

static ssize_t sim_recvmsg(hawser__endpoint *endpoint, struct msghdr *msg, int flags, hawser__deadline deadline) {
    ssize_t result;
    enter();
    do
        result = gone(endpoint) ? -EBADF : hawser__socket_receive(socket_of(endpoint), msg, flags);
    while (AGAIN(result, &endpoint, 1, "recv", limit(flags, deadline)));
    leave_after_a_while();
    return result;
}

static ssize_t sim_sendmsg(hawser__endpoint *endpoint, const struct msghdr *msg, int flags, hawser__deadline deadline) {
    ssize_t result;
    enter();
    do
        result = gone(endpoint) ? -EBADF : hawser__socket_send(socket_of(endpoint), msg, flags);
    while (AGAIN(result, &endpoint, 1, "send", limit(flags, deadline)));
    leave_after_a_while();
    return result;
}

/* One after the other, until one would have to wait or fails. */
static int move_all(enum hawser__direction direction, hawser__endpoint *endpoint, struct mmsghdr *messages, unsigned n,
                    int flags, hawser__deadline deadline) {
    ssize_t size = 0;
    unsigned i = 0;
    for (; i < n && size >= 0; i += size >= 0) {
        struct msghdr *msg = &messages[i].msg_hdr;
        hawser__deadline until = i == 0 ? deadline : HAWSER__NOW;
        size = direction == HAWSER__IN ? sim_recvmsg(endpoint, msg, flags, until) : sim_sendmsg(endpoint, msg, flags, until);
        messages[i].msg_len = size >= 0 ? (unsigned)size : 0;
    }
    return i > 0 || n == 0 ? (int)i : (int)size;
}

static int sim_recvmmsg(hawser__endpoint *endpoint, struct mmsghdr *messages, unsigned n, int flags,
                        hawser__deadline deadline) {
    return move_all(HAWSER__IN, endpoint, messages, n, flags, deadline);
}

static int sim_sendmmsg(hawser__endpoint *endpoint, struct mmsghdr *messages, unsigned n, int flags,
                        hawser__deadline deadline) {
    return move_all(HAWSER__OUT, endpoint, messages, n, flags, deadline);
}

static ssize_t sim_recv(hawser__endpoint *endpoint, void *buf, size_t size, int flags, hawser__deadline deadline) {
    struct iovec part = {buf, size};
    struct msghdr msg = {.msg_iov = &part, .msg_iovlen = 1};
    return sim_recvmsg(endpoint, &msg, flags, deadline);
}

static ssize_t sim_send(hawser__endpoint *endpoint, const void *data, size_t size, int flags, hawser__deadline deadline) {
    struct iovec part = {(void *)(uintptr_t)data, size};
    const struct msghdr msg = {.msg_iov = &part, .msg_iovlen = 1};
    return sim_sendmsg(endpoint, &msg, flags, deadline);
}

const struct hawser__engine_ops hawser__sim_ops = {
    .name = "sim",
    .open = sim_open,
    .adopt = hawser__sim_adopt,
    .pair = sim_pair,
    .dup = sim_dup,
    .bind = sim_bind,
    .listen = sim_listen,
    .shutdown = sim_shutdown,
    .getsockopt = sim_getsockopt,
    .setsockopt = sim_setsockopt,
    .getsockname = sim_getsockname,
    .getpeername = sim_getpeername,
    .unread = sim_unread,
    .descriptor = hawser__sim_descriptor,
    .accept = sim_accept,
    .connect_begin = sim_connect_begin,
    .connect_wait = sim_connect_wait,
    .connect_result = sim_connect_result,
    .recv = sim_recv,
    .recv_lend = hawser__sim_recv_lend,
    .give_back = hawser__sim_give_back,
    .send = sim_send,
    .recvmsg = sim_recvmsg,
    .sendmsg = sim_sendmsg,
    .recvmmsg = sim_recvmmsg,
    .sendmmsg = sim_sendmmsg,
    .sendfile = hawser__sim_sendfile,
    .splice = hawser__sim_splice,
    .await = hawser__sim_await,
    .watch = sim_watch,
    .unwatch = sim_unwatch,
    .wait_fd = hawser__sim_wait_fd,
    .sleep = hawser__sim_sleep,
    .port_open = hawser__sim_port_open,
    .port_wait = hawser__sim_port_wait,
    .port_wake = hawser__sim_port_wake,
    .port_close = hawser__sim_port_close,
    .port_after_fork = hawser__sim_port_after_fork,
    .evict = sim_evict,
    .close = sim_close,
    .detach = hawser__sim_detach,
    .resolve = hawser__sim_resolve,
    .now = hawser__sim_now,
    .time = hawser__sim_time,
    .random = hawser__sim_random_bytes,
    .unix_claim = hawser__sim_unix_claim,
    .unix_settle = hawser__sim_unix_settle,
    .unix_remove = hawser__sim_unix_remove,
};
