/* SPDX-License-Identifier: MIT */
/* Moving bytes in other ways than recv and send: lent, from files, from socket to socket; waiting without moving any; and
 * connecting. */
#include "base/sys.h"
#include "sched/lend.h"
#include "sched/park.h"
#include "sim/endpoint.h"
#include "sim/engine.h"

#include <errno.h>
#include <unistd.h>

#define CHUNK 65536

ssize_t hawser__sim_recv_lend(hawser__endpoint *endpoint, void **ret, size_t size, hawser__deadline deadline) {
    struct hawser__interest interest = {.endpoint = endpoint, .direction = HAWSER__IN};
    const struct hawser__engine_ops *ops = endpoint->engine->ops;
    size_t most = size < HAWSER__LOAN ? size : HAWSER__LOAN;
    for (;;) {
        *ret = hawser__lend_take();
        if (!*ret)
            return -ENOMEM;
        ssize_t n = ops->recv(endpoint, *ret, most, 0, HAWSER__NOW);
        if (n > 0)
            return n;
        hawser__lend_return(hawser__task_current());   /* none while it waits */
        int result = n == -EAGAIN ? hawser__sim_await(&interest, 1, deadline) : (int)n;
        if (n != -EAGAIN || result < 0)
            return result;
    }
}

void hawser__sim_give_back(hawser__endpoint *endpoint, void *lent) {
    hawser__task *task = hawser__task_current();
    (void)endpoint;
    if (lent == task->lent)
        hawser__lend_return(task);
}

/* The file is a real one, and read as fast as it can be. */
ssize_t hawser__sim_sendfile(hawser__endpoint *endpoint, int fd, int64_t *offset, size_t count, hawser__deadline deadline) {
    const struct hawser__engine_ops *ops = endpoint->engine->ops;
    void *lent = offset ? hawser__lend_take() : NULL;
    if (!offset)
        return -EINVAL;   /* a pipe: the caller reads and sends instead */
    if (!lent)
        return -ENOMEM;
    ssize_t n = hawser__sys_pread(fd, lent, count < CHUNK ? count : CHUNK, *offset);
    if (n > 0)
        n = ops->send(endpoint, lent, (size_t)n, 0, deadline);
    if (n > 0)
        *offset += n;
    hawser__lend_return(hawser__task_current());
    return n;
}

ssize_t hawser__sim_splice(hawser__endpoint *from, hawser__endpoint *to, size_t size, hawser__deadline deadline) {
    hawser__endpoint *both[2] = {from, to};
    ssize_t result;
    (void)hawser__simulation_inside(true);
    do
        result = atomic_load(&from->evicted) || atomic_load(&to->evicted)
                     ? -EBADF
                     : hawser__socket_splice(hawser__sim_endpoint_of(from)->socket, hawser__sim_endpoint_of(to)->socket, size);
    while (result == -EAGAIN && (result = hawser__sim_wait_at_endpoints(both, 2, "splice", deadline)) == 0);
    (void)hawser__simulation_inside(false);
    return result;
}

/* Who stands in line at a full Unix listener may ask again: at a kernel's he would not stand there, but try anew. */
int hawser__sim_connect(hawser__endpoint *endpoint, const struct sockaddr *sa, socklen_t len) {
    struct hawser__sim_endpoint *self = hawser__sim_endpoint_of(endpoint);
    int result = hawser__socket_connect(self->socket, sa, len);
    if (self->in_line && (result == -EALREADY || result == -EISCONN))
        result = result == -EALREADY ? -EINPROGRESS : 0;
    self->in_line = result == -EINPROGRESS && sa->sa_family == AF_UNIX;
    return result;
}

int hawser__sim_connect_result(hawser__endpoint *endpoint) {
    struct hawser__sim_endpoint *self = hawser__sim_endpoint_of(endpoint);
    self->in_line = false;
    return hawser__socket_connect_result(self->socket);
}

static void look_at(struct hawser__interest *interest) {
    hawser__socket *socket = hawser__sim_endpoint_of(interest->endpoint)->socket;
    bool in = interest->direction == HAWSER__IN;
    interest->ready = in ? hawser__socket_readable(socket) : hawser__socket_writable(socket);
    interest->ended = in && interest->ready && hawser__socket_ended(socket);
}

static int look_at_all(struct hawser__interest *interests, size_t n) {
    int result = -EAGAIN;
    for (size_t i = 0; i < n; i++) {
        if (atomic_load(&interests[i].endpoint->evicted))
            return -EBADF;
        look_at(&interests[i]);
        if (interests[i].ready)
            result = 0;
    }
    return result;
}

int hawser__sim_await(struct hawser__interest *interests, size_t n, hawser__deadline deadline) {
    hawser__endpoint *endpoints[HAWSER__PARK_MAX];
    int result;
    if (n > HAWSER__PARK_MAX)
        return -EINVAL;
    for (size_t i = 0; i < n; i++)
        endpoints[i] = interests[i].endpoint;
    (void)hawser__simulation_inside(true);
    do
        result = look_at_all(interests, n);
    while (result == -EAGAIN && (result = hawser__sim_wait_at_endpoints(endpoints, n, "await", deadline)) == 0);
    (void)hawser__simulation_inside(false);
    return result;
}
