/* SPDX-License-Identifier: MIT */
/*
 * Sockets of a simulated host under numbers, for the libc calls of tests. They wait by looking again and again: what would end
 * a wait of the library's own is none of their business.
 */
#include "world_calls.h"

#include "support.h"

#include "engine/engines.h"
#include "net/handle.h"
#include "sim/endpoint.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define NUMBERS 4096

static struct number {
    hawser__endpoint *endpoint;   /* NULL = free */
    bool borrowed;                /* a socket of the library's has it, and may end at any time */
    double limits[2];             /* seconds that receiving and sending may take; 0 = no limit */
    bool nonblocking;
} numbers[NUMBERS];

static struct number *at(int fd) {
    return &numbers[fd - FIRST_NUMBER];
}

static bool exists(const hawser__endpoint *endpoint) {
    const struct hawser__sim_endpoint *one = hawser__simulation_here->host->endpoints;
    while (one && &one->base != endpoint)
        one = one->next;
    return one;
}

/* What is none any more is the system's to refuse: EBADF. */
static bool is_number(int fd) {
    if (!in_world() || fd < FIRST_NUMBER || fd >= FIRST_NUMBER + NUMBERS)
        return false;
    if (at(fd)->borrowed && !exists(at(fd)->endpoint))
        *at(fd) = (struct number){0};
    return at(fd)->endpoint;
}

static hawser__endpoint *endpoint_of(int fd) {
    return at(fd)->endpoint;
}

static const struct hawser__engine_ops *ops_here(void) {
    return hawser__engine_current()->ops;
}

static int enter_number(hawser__endpoint *endpoint, bool borrowed, bool nonblocking) {
    for (int i = 0; i < NUMBERS; i++)
        if (!is_number(FIRST_NUMBER + i)) {
            numbers[i] = (struct number){.endpoint = endpoint, .borrowed = borrowed, .nonblocking = nonblocking};
            return FIRST_NUMBER + i;
        }
    fprintf(stderr, "more than %d numbers for sockets\n", NUMBERS);
    abort();
}

int number_of_sock(hawser_sock *sock) {
    if (!in_world())
        return hawser_fileno(sock);
    if (hawser__is_closed(sock))
        return -1;
    for (int i = 0; i < NUMBERS; i++)
        if (numbers[i].endpoint == sock->endpoints[0])
            return FIRST_NUMBER + i;
    return enter_number(sock->endpoints[0], true, true);
}

int number_of_server(hawser_server *server) {
    hawser_sock *sock = in_world() ? hawser_server_socket(server) : NULL;
    if (!in_world())
        return hawser_server_fileno(server);
    return sock ? number_of_sock(sock) : -1;
}

static int option_of(hawser__endpoint *endpoint, int name) {
    int value = 0;
    socklen_t size = sizeof value;
    ops_here()->getsockopt(endpoint, SOL_SOCKET, name, &value, &size);
    return value;
}

hawser_sock *sock_of_number(int fd) {
    if (!is_number(fd))
        return hawser_sock_from_fd(fd);
    hawser__endpoint *endpoint = endpoint_of(fd);
    *at(fd) = (struct number){0};
    int family = option_of(endpoint, SO_DOMAIN), type = option_of(endpoint, SO_TYPE);
    return hawser__handle_new(endpoint, family, type, option_of(endpoint, SO_PROTOCOL));
}

int number_from(hawser_sock *sock) {
    hawser__endpoint *copy;
    if (!in_world())
        return hawser_detach(sock);
    if (ops_here()->dup(sock->endpoints[0], &copy) < 0)
        return -1;
    bool nonblocking = hawser_gettimeout(sock) >= 0;
    hawser_close(sock);
    return enter_number(copy, false, nonblocking);
}

/* Birth and the end. */

static bool is_simulated(int family, int type) {
    int kind = type & ~(SOCK_CLOEXEC | SOCK_NONBLOCK);
    return (family == AF_INET || family == AF_INET6 || family == AF_UNIX) &&
           (kind == SOCK_STREAM || kind == SOCK_DGRAM || kind == SOCK_SEQPACKET);
}

WRAPPED(int, socket, int family, int type, int proto) {
    hawser__endpoint *made;
    if (!in_world() || !is_simulated(family, type))
        return __real_socket(family, type, proto);
    int result = ops_here()->open(hawser__engine_current(), family, type & ~(SOCK_CLOEXEC | SOCK_NONBLOCK), proto, &made);
    return result < 0 ? (int)as_in_libc(result) : enter_number(made, false, type & SOCK_NONBLOCK);
}

WRAPPED(int, socketpair, int family, int type, int proto, int ret[2]) {
    hawser__endpoint *made[2];
    if (!in_world())
        return __real_socketpair(family, type, proto, ret);
    int result = ops_here()->pair(hawser__engine_current(), family, type & ~(SOCK_CLOEXEC | SOCK_NONBLOCK), proto, made);
    for (int i = 0; i < 2 && result == 0; i++)
        ret[i] = enter_number(made[i], false, type & SOCK_NONBLOCK);
    return (int)as_in_libc(result);
}

WRAPPED(int, close, int fd) {
    if (!is_number(fd))
        return __real_close(fd);
    if (!at(fd)->borrowed)
        ops_here()->close(at(fd)->endpoint);
    *at(fd) = (struct number){0};
    return 0;
}

WRAPPED(int, dup, int fd) {
    hawser__endpoint *made;
    if (!is_number(fd))
        return __real_dup(fd);
    int result = ops_here()->dup(endpoint_of(fd), &made);
    return result < 0 ? (int)as_in_libc(result) : enter_number(made, false, at(fd)->nonblocking);
}

/* At once. */

WRAPPED(int, bind, int fd, const struct sockaddr *sa, socklen_t len) {
    return is_number(fd) ? (int)as_in_libc(ops_here()->bind(endpoint_of(fd), sa, len)) : __real_bind(fd, sa, len);
}

WRAPPED(int, listen, int fd, int backlog) {
    return is_number(fd) ? (int)as_in_libc(ops_here()->listen(endpoint_of(fd), backlog)) : __real_listen(fd, backlog);
}

WRAPPED(int, shutdown, int fd, int how) {
    return is_number(fd) ? (int)as_in_libc(ops_here()->shutdown(endpoint_of(fd), how)) : __real_shutdown(fd, how);
}

WRAPPED(int, getsockname, int fd, struct sockaddr *sa, socklen_t *len) {
    return is_number(fd) ? (int)as_in_libc(ops_here()->getsockname(endpoint_of(fd), sa, len)) : __real_getsockname(fd, sa, len);
}

WRAPPED(int, getpeername, int fd, struct sockaddr *sa, socklen_t *len) {
    return is_number(fd) ? (int)as_in_libc(ops_here()->getpeername(endpoint_of(fd), sa, len)) : __real_getpeername(fd, sa, len);
}

static bool is_limit(int level, int name) {
    return level == SOL_SOCKET && (name == SO_RCVTIMEO || name == SO_SNDTIMEO);
}

WRAPPED(int, setsockopt, int fd, int level, int name, const void *value, socklen_t size) {
    if (!is_number(fd))
        return __real_setsockopt(fd, level, name, value, size);
    if (!is_limit(level, name))
        return (int)as_in_libc(ops_here()->setsockopt(endpoint_of(fd), level, name, value, size));
    const struct timeval *limit = value;
    at(fd)->limits[name == SO_SNDTIMEO] = (double)limit->tv_sec + (double)limit->tv_usec / 1e6;
    return 0;
}

WRAPPED(int, getsockopt, int fd, int level, int name, void *value, socklen_t *size) {
    if (!is_number(fd))
        return __real_getsockopt(fd, level, name, value, size);
    if (!is_limit(level, name))
        return (int)as_in_libc(ops_here()->getsockopt(endpoint_of(fd), level, name, value, size));
    double limit = at(fd)->limits[name == SO_SNDTIMEO];
    *(struct timeval *)value = (struct timeval){(time_t)limit, (suseconds_t)((limit - (double)(time_t)limit) * 1e6)};
    return 0;
}

static long argument_of(va_list args) {
    long argument = va_arg(args, long);
    va_end(args);
    return argument;
}

WRAPPED(int, fcntl, int fd, int command, ...) {
    va_list args;
    va_start(args, command);
    long argument = argument_of(args);
    if (!is_number(fd))
        return __real_fcntl(fd, command, argument);
    if (command == F_SETFL)
        at(fd)->nonblocking = argument & O_NONBLOCK;
    return command == F_GETFL ? O_RDWR | (at(fd)->nonblocking ? O_NONBLOCK : 0) : command == F_GETFD ? FD_CLOEXEC : 0;
}

WRAPPED(int, ioctl, int fd, unsigned long request, ...) {
    va_list args;
    va_start(args, request);
    long argument = argument_of(args);
    if (!is_number(fd))
        return __real_ioctl(fd, request, argument);
    ssize_t unread = request == FIONREAD ? ops_here()->unread(endpoint_of(fd)) : -ENOTTY;
    if (unread >= 0)
        *(int *)argument = (int)unread;
    return unread < 0 ? (int)as_in_libc(unread) : 0;
}

/* Waiting. */

/* Rests before the next try, when there is to be one: the call began at BEGAN. */
static bool tries_again(int fd, ssize_t result, bool sends, int flags, double began) {
    const struct number *number = at(fd);
    double limit = number->limits[sends];
    if (result != -EAGAIN || number->nonblocking || (flags & MSG_DONTWAIT) || (limit > 0 && seconds_now() - began >= limit))
        return false;
    rest_a_moment();
    return true;
}

#define UNTIL_IT_CAN(result, fd, sends, flags, call)                                                                           \
    do {                                                                                                                       \
        double since = seconds_now();                                                                                          \
        do                                                                                                                     \
            result = (call);                                                                                                   \
        while (tries_again(fd, result, sends, flags, since));                                                                  \
    } while (0)

WRAPPED(ssize_t, recvmsg, int fd, struct msghdr *msg, int flags) {
    if (!is_number(fd))
        return __real_recvmsg(fd, msg, flags);
    ssize_t result;
    UNTIL_IT_CAN(result, fd, false, flags, ops_here()->recvmsg(endpoint_of(fd), msg, flags, HAWSER__NOW));
    return as_in_libc(result);
}

WRAPPED(ssize_t, sendmsg, int fd, const struct msghdr *msg, int flags) {
    if (!is_number(fd))
        return __real_sendmsg(fd, msg, flags);
    ssize_t result;
    UNTIL_IT_CAN(result, fd, true, flags, ops_here()->sendmsg(endpoint_of(fd), msg, flags, HAWSER__NOW));
    return as_in_libc(result);
}

WRAPPED(ssize_t, recv, int fd, void *buf, size_t size, int flags) {
    if (!is_number(fd))
        return __real_recv(fd, buf, size, flags);
    ssize_t result;
    UNTIL_IT_CAN(result, fd, false, flags, ops_here()->recv(endpoint_of(fd), buf, size, flags, HAWSER__NOW));
    return as_in_libc(result);
}

/* A blocking one sends all of it. */
static ssize_t send_all(int fd, const char *data, size_t size, int flags) {
    ssize_t total = 0, n;
    do {
        n = ops_here()->send(endpoint_of(fd), data + total, size - (size_t)total, flags, HAWSER__NOW);
        total += n > 0 ? n : 0;
    } while (n > 0 && (size_t)total < size && !at(fd)->nonblocking && !(flags & MSG_DONTWAIT));
    return total > 0 ? total : n;
}

WRAPPED(ssize_t, send, int fd, const void *data, size_t size, int flags) {
    if (!is_number(fd))
        return __real_send(fd, data, size, flags);
    ssize_t result;
    UNTIL_IT_CAN(result, fd, true, flags, send_all(fd, data, size, flags));
    return as_in_libc(result);
}

WRAPPED(ssize_t, read, int fd, void *buf, size_t size) {
    return is_number(fd) ? __wrap_recv(fd, buf, size, 0) : __real_read(fd, buf, size);
}

WRAPPED(ssize_t, write, int fd, const void *data, size_t size) {
    return is_number(fd) ? __wrap_send(fd, data, size, 0) : __real_write(fd, data, size);
}

WRAPPED(ssize_t, recvfrom, int fd, void *buf, size_t size, int flags, struct sockaddr *sa, socklen_t *len) {
    struct iovec part = {buf, size};
    struct msghdr msg = {.msg_name = sa, .msg_namelen = sa ? *len : 0, .msg_iov = &part, .msg_iovlen = 1};
    if (!is_number(fd))
        return __real_recvfrom(fd, buf, size, flags, sa, len);
    ssize_t n = __wrap_recvmsg(fd, &msg, flags);
    if (n >= 0 && sa)
        *len = msg.msg_namelen;
    return n;
}

WRAPPED(ssize_t, sendto, int fd, const void *data, size_t size, int flags, const struct sockaddr *sa, socklen_t len) {
    struct iovec part = {(void *)(uintptr_t)data, size};
    const struct msghdr msg = {.msg_name = (void *)(uintptr_t)sa, .msg_namelen = len, .msg_iov = &part, .msg_iovlen = 1};
    return is_number(fd) ? __wrap_sendmsg(fd, &msg, flags) : __real_sendto(fd, data, size, flags, sa, len);
}

static ssize_t accept_at_once(int fd, struct sockaddr *sa, socklen_t *len, bool nonblocking) {
    struct sockaddr_storage unwanted;
    socklen_t unwanted_len = sizeof unwanted;
    hawser__endpoint *listener = endpoint_of(fd), *made;
    if (!sa) {
        sa = (struct sockaddr *)&unwanted;
        len = &unwanted_len;
    }
    int result = ops_here()->accept(&listener, 1, sa, len, HAWSER__NOW, &made);
    return result < 0 ? result : enter_number(made, false, nonblocking);
}

WRAPPED(int, accept4, int fd, struct sockaddr *sa, socklen_t *len, int flags) {
    if (!is_number(fd))
        return __real_accept4(fd, sa, len, flags);
    ssize_t result;
    UNTIL_IT_CAN(result, fd, false, 0, accept_at_once(fd, sa, len, flags & SOCK_NONBLOCK));
    return (int)as_in_libc(result);
}

WRAPPED(int, accept, int fd, struct sockaddr *sa, socklen_t *len) {
    return is_number(fd) ? __wrap_accept4(fd, sa, len, 0) : __real_accept(fd, sa, len);
}

static ssize_t look_at_connect(hawser__endpoint *endpoint) {
    int result = ops_here()->connect_wait(&endpoint, 1, HAWSER__NOW);
    return result < 0 ? result : ops_here()->connect_result(endpoint);
}

WRAPPED(int, connect, int fd, const struct sockaddr *sa, socklen_t len) {
    ssize_t result;
    if (!is_number(fd))
        return __real_connect(fd, sa, len);
    UNTIL_IT_CAN(result, fd, true, 0, ops_here()->connect_begin(endpoint_of(fd), sa, len));
    if (result == -EINPROGRESS && !at(fd)->nonblocking)
        UNTIL_IT_CAN(result, fd, true, 0, look_at_connect(endpoint_of(fd)));
    return (int)as_in_libc(result);
}

static short look_at_number(const struct pollfd *polled) {
    struct hawser__interest in = {.endpoint = endpoint_of(polled->fd), .direction = HAWSER__IN}, out = in;
    out.direction = HAWSER__OUT;
    bool readable = polled->events & POLLIN && ops_here()->await(&in, 1, HAWSER__NOW) == 0;
    bool writable = polled->events & POLLOUT && ops_here()->await(&out, 1, HAWSER__NOW) == 0;
    return (short)((readable ? POLLIN : 0) | (writable ? POLLOUT : 0));
}

int __real_poll(struct pollfd *polled, nfds_t n, int ms);

static int look_at_all(struct pollfd *polled, nfds_t n) {
    int ready = 0;
    for (nfds_t i = 0; i < n; i++) {
        polled[i].revents = 0;
        if (is_number(polled[i].fd))
            polled[i].revents = look_at_number(&polled[i]);
        else
            (void)__real_poll(&polled[i], 1, 0);
        ready += polled[i].revents != 0;
    }
    return ready;
}

/* What other strands write to real descriptors comes as well; what other processes do may be late. */
WRAPPED(int, poll, struct pollfd *polled, nfds_t n, int ms) {
    if (!in_world())
        return __real_poll(polled, n, ms);
    double began = seconds_now();
    int ready;
    while ((ready = look_at_all(polled, n)) == 0 && (ms < 0 || seconds_now() - began < ms / 1e3))
        rest_a_moment();
    return ready;
}
