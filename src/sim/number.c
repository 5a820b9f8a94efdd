/* SPDX-License-Identifier: MIT */
/*
 * Numbers of sockets in place of descriptors, and what is left of real ones. An endpoint gets a number when somebody asks for
 * it. A number has one endpoint at most: on Linux two may have the same descriptor, but the first that is closed pulls it away
 * from the other, or from whoever has got it since. Such a program is told here: a second one is not made, and to close the
 * number beneath an endpoint fails the run.
 */
#include "base/sys.h"
#include "sched/park.h"
#include "sim/endpoint.h"
#include "sim/engine.h"
#include "world/descriptors.h"

#include <hawser/world.h>

#include <errno.h>
#include <fcntl.h>

static int number_of(struct hawser__sim_endpoint *endpoint) {
    if (!endpoint->number) {
        int number = hawser__descriptor_name(endpoint->socket, endpoint);
        if (number < 0)
            return number;
        endpoint->number = number;
    }
    return endpoint->number;
}

int hawser__sim_descriptor(hawser__endpoint *endpoint) {
    (void)hawser__simulation_inside(true);
    int result = atomic_load(&endpoint->evicted) ? -EBADF : number_of(hawser__sim_endpoint_of(endpoint));
    (void)hawser__simulation_inside(false);
    return result;
}

static int adopt_inside(hawser__host *host, int fd, hawser__endpoint **ret) {
    struct hawser__descriptor *at = hawser__descriptor_at(host, fd);
    if (!at || at->owner)
        return fd >= 0 && fd < HAWSER__FIRST_NUMBER ? -EOPNOTSUPP : -EBADF;
    int result = hawser__sim_wrap(host, at->socket, ret);
    if (result < 0)
        return result;
    at->owner = *ret;
    hawser__sim_endpoint_of(*ret)->number = fd;
    hawser__sim_endpoint_of(*ret)->shared = true;
    return 0;
}

int hawser__sim_adopt(hawser__engine *engine, int fd, hawser__endpoint **ret) {
    (void)hawser__simulation_inside(true);
    int result = adopt_inside((hawser__host *)engine, fd, ret);
    (void)hawser__simulation_inside(false);
    return result;
}

int hawser__sim_detach(hawser__endpoint *endpoint, bool blocking) {
    struct hawser__sim_endpoint *self = hawser__sim_endpoint_of(endpoint);
    hawser__host *host = (hawser__host *)endpoint->engine;
    (void)hawser__simulation_inside(true);
    int number = number_of(self);
    if (number >= 0) {
        if (blocking && !self->shared)
            hawser__socket_set_blocking(self->socket, true);
        hawser__descriptor_at(host, number)->owner = NULL;
        (void)hawser__sim_unwrap(endpoint);
    }
    (void)hawser__simulation_inside(false);
    return number;
}

/* Waiting. */

static int look(hawser__socket *socket, int events) {
    return (events & HAWSER_READABLE && hawser__socket_readable(socket) ? HAWSER_READABLE : 0) |
           (events & HAWSER_WRITABLE && hawser__socket_writable(socket) ? HAWSER_WRITABLE : 0);
}

/* Which of EVENTS hold at SOCKET; -EAGAIN: none. */
static int look_for(hawser__endpoint *account, hawser__socket *socket, int events) {
    if (account && atomic_load(&account->evicted))
        return -EBADF;
    int ready = look(socket, events);
    return ready ? ready : -EAGAIN;
}

/* The number may be closed meanwhile: the wait goes on, as the kernel has it. */
static int wait_for_number(hawser__host *host, hawser__endpoint *account, int fd, int events, hawser__deadline deadline) {
    const struct hawser__descriptor *at = hawser__descriptor_at(host, fd);
    if (!at)
        return -EBADF;
    hawser__socket *sockets[2] = {at->socket, account ? hawser__sim_endpoint_of(account)->socket : NULL};
    int result;
    hawser__socket_pin(sockets[0]);
    do
        result = look_for(account, sockets[0], events);
    while (result == -EAGAIN && (result = hawser__sim_wait_at(sockets, account ? 2 : 1, "descriptor", fd, deadline)) == 0);
    hawser__socket_unpin(sockets[0]);
    return result;
}

/* Virtual time does not pass while somebody elsewhere thinks: so a real one is either ready, or not to be waited for. */
static int look_at_foreign(int fd, int events, hawser__deadline deadline) {
    struct pollfd polled = {.fd = fd};
    polled.events = (short)((events & HAWSER_READABLE ? POLLIN : 0) | (events & HAWSER_WRITABLE ? POLLOUT : 0));
    int result = hawser__sys_poll(&polled, 1, 0);
    if (result < 0)
        return result;
    if (polled.revents & POLLNVAL)
        return -EBADF;
    if (result == 0) {
        result = hawser__wait("descriptor", fd, HAWSER__NOW);   /* tells who was interrupted */
        return result == -EAGAIN && deadline != HAWSER__NOW ? -EOPNOTSUPP : result;
    }
    bool any = polled.revents & (POLLERR | POLLHUP);
    return (polled.revents & POLLIN || any ? events & HAWSER_READABLE : 0) |
           (polled.revents & POLLOUT || any ? events & HAWSER_WRITABLE : 0);
}

int hawser__sim_wait_fd(hawser__engine *engine, hawser__endpoint *account, int fd, int events, hawser__deadline deadline) {
    if (fd < HAWSER__FIRST_NUMBER)
        return look_at_foreign(fd, events, deadline);
    (void)hawser__simulation_inside(true);
    int result = wait_for_number((hawser__host *)engine, account, fd, events, deadline);
    (void)hawser__simulation_inside(false);
    return result;
}

/* Bare numbers. */

static int poll_number(hawser__socket *socket, int events) {
    int ready = look(socket, (events & POLLIN ? HAWSER_READABLE : 0) | (events & POLLOUT ? HAWSER_WRITABLE : 0));
    return (ready & HAWSER_READABLE ? POLLIN : 0) | (ready & HAWSER_WRITABLE ? POLLOUT : 0);
}

static int close_number(hawser__host *host, int number) {
    int result = hawser__descriptor_close(host, number);
    if (result == -EBUSY)
        hawser__simulation_fail(EBADF, "host %s closes descriptor %d, which a socket has that is open", host->name, number);
    return result;
}

static int call_number(hawser__host *host, int number, enum hawser__number_call call, int argument) {
    struct hawser__descriptor *at = hawser__descriptor_at(host, number);
    if (!at)
        return -EBADF;
    switch (call) {
    case HAWSER__NUMBER_CLOSE:
        return close_number(host, number);
    case HAWSER__NUMBER_DUP:
        return hawser__descriptor_new(at->socket);
    case HAWSER__NUMBER_GETFD:
        return at->inheritable ? 0 : FD_CLOEXEC;
    case HAWSER__NUMBER_SETFD:
        at->inheritable = !(argument & FD_CLOEXEC);
        return 0;
    case HAWSER__NUMBER_CHMOD:
        return 0;   /* everybody in the world may */
    case HAWSER__NUMBER_POLL:
        return poll_number(at->socket, argument);
    case HAWSER__NUMBER_OTHER:
        break;
    }
    return -EOPNOTSUPP;
}

int hawser__host_number_call(int number, enum hawser__number_call call, int argument) {
    hawser__host *host = hawser__simulation_here->host;
    bool inside = hawser__simulation_inside(true);
    int result = host ? call_number(host, number, call, argument) : -EBADF;
    hawser__simulation_inside(inside);
    return result;
}
