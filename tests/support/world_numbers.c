/* SPDX-License-Identifier: MIT */
/*
 * Sockets of a simulated host by their numbers, for the libc calls of tests. They wait by looking again and again: what would
 * end a wait of the library's own is none of their business.
 */
#include "world_calls.h"

#include "support.h"

#include "sim/simulation.h"
#include "world/descriptors.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static hawser__host *here(void) {
    return hawser__simulation_here->host;
}

/* What is none any more is the system's to refuse: EBADF. */
static bool is_number(int fd) {
    return in_world() && hawser__descriptor_at(here(), fd);
}

static hawser__socket *socket_of(int fd) {
    return hawser__descriptor_at(here(), fd)->socket;
}

/* The value of CALL, made by the simulator. */
#define INSIDE(call)                                                                                                           \
    __extension__({                                                                                                            \
        bool inside_before = hawser__simulation_inside(true);                                                                  \
        __typeof__(call) inside_value = (call);                                                                                \
        hawser__simulation_inside(inside_before);                                                                              \
        inside_value;                                                                                                          \
    })

/* Birth and the end. */

/* A number for a reference that the caller has, with the flags of socket(2). Called inside. */
static int enter_number(hawser__socket *socket, int type) {
    int number = hawser__descriptor_name(socket, NULL);
    if (number < 0) {
        hawser__socket_unref(socket);
        return number;
    }
    hawser__socket_set_blocking(socket, !(type & SOCK_NONBLOCK));
    hawser__descriptor_at(here(), number)->inheritable = !(type & SOCK_CLOEXEC);
    return number;
}

static bool is_simulated(int family, int type) {
    int kind = type & ~(SOCK_CLOEXEC | SOCK_NONBLOCK);
    return (family == AF_INET || family == AF_INET6 || family == AF_UNIX) &&
           (kind == SOCK_STREAM || kind == SOCK_DGRAM || kind == SOCK_SEQPACKET);
}

static int open_number(int family, int type, int proto) {
    hawser__socket *made;
    int result = hawser__socket_open(here(), family, type & ~(SOCK_CLOEXEC | SOCK_NONBLOCK), proto, &made);
    return result < 0 ? result : enter_number(made, type);
}

WRAPPED(int, socket, int family, int type, int proto) {
    if (!in_world() || !is_simulated(family, type))
        return __real_socket(family, type, proto);
    return (int)as_in_libc(INSIDE(open_number(family, type, proto)));
}

static int join_numbers(const int numbers[2]) {
    return hawser__socket_pair(socket_of(numbers[0]), socket_of(numbers[1]));
}

WRAPPED(int, socketpair, int family, int type, int proto, int ret[2]) {
    if (!in_world())
        return __real_socketpair(family, type, proto, ret);
    for (int i = 0; i < 2; i++)
        if ((ret[i] = INSIDE(open_number(family, type, proto))) < 0)
            return (int)as_in_libc(ret[i]);
    return (int)as_in_libc(INSIDE(join_numbers(ret)));
}

WRAPPED(int, close, int fd) {
    return is_number(fd) ? (int)as_in_libc(hawser__host_number_call(fd, HAWSER__NUMBER_CLOSE, 0)) : __real_close(fd);
}

WRAPPED(int, dup, int fd) {
    if (!is_number(fd))
        return __real_dup(fd);
    int made = hawser__host_number_call(fd, HAWSER__NUMBER_DUP, 0);
    if (made >= 0)
        hawser__descriptor_at(here(), made)->inheritable = true;
    return (int)as_in_libc(made);
}

/* At once. */

WRAPPED(int, bind, int fd, const struct sockaddr *sa, socklen_t len) {
    return is_number(fd) ? (int)as_in_libc(INSIDE(hawser__socket_bind(socket_of(fd), sa, len))) : __real_bind(fd, sa, len);
}

WRAPPED(int, listen, int fd, int backlog) {
    return is_number(fd) ? (int)as_in_libc(INSIDE(hawser__socket_listen(socket_of(fd), backlog))) : __real_listen(fd, backlog);
}

WRAPPED(int, shutdown, int fd, int how) {
    return is_number(fd) ? (int)as_in_libc(INSIDE(hawser__socket_shutdown(socket_of(fd), how))) : __real_shutdown(fd, how);
}

WRAPPED(int, getsockname, int fd, struct sockaddr *sa, socklen_t *len) {
    if (!is_number(fd))
        return __real_getsockname(fd, sa, len);
    return (int)as_in_libc(INSIDE(hawser__socket_getsockname(socket_of(fd), sa, len)));
}

WRAPPED(int, getpeername, int fd, struct sockaddr *sa, socklen_t *len) {
    if (!is_number(fd))
        return __real_getpeername(fd, sa, len);
    return (int)as_in_libc(INSIDE(hawser__socket_getpeername(socket_of(fd), sa, len)));
}

WRAPPED(int, setsockopt, int fd, int level, int name, const void *value, socklen_t size) {
    if (!is_number(fd))
        return __real_setsockopt(fd, level, name, value, size);
    return (int)as_in_libc(INSIDE(hawser__socket_setsockopt(socket_of(fd), level, name, value, size)));
}

WRAPPED(int, getsockopt, int fd, int level, int name, void *value, socklen_t *size) {
    if (!is_number(fd))
        return __real_getsockopt(fd, level, name, value, size);
    return (int)as_in_libc(INSIDE(hawser__socket_getsockopt(socket_of(fd), level, name, value, size)));
}

static long argument_of(va_list args) {
    long argument = va_arg(args, long);
    va_end(args);
    return argument;
}

static int command_number(int fd, int command, long argument) {
    if (command == F_GETFD || command == F_SETFD)
        return hawser__host_number_call(fd, command == F_GETFD ? HAWSER__NUMBER_GETFD : HAWSER__NUMBER_SETFD, (int)argument);
    if (command == F_DUPFD_CLOEXEC)
        return hawser__host_number_call(fd, HAWSER__NUMBER_DUP, 0);
    if (command == F_SETFL)
        hawser__socket_set_blocking(socket_of(fd), !(argument & O_NONBLOCK));
    return command == F_GETFL ? O_RDWR | (hawser__socket_is_blocking(socket_of(fd)) ? 0 : O_NONBLOCK) : 0;
}

WRAPPED(int, fcntl, int fd, int command, ...) {
    va_list args;
    va_start(args, command);
    long argument = argument_of(args);
    return is_number(fd) ? (int)as_in_libc(command_number(fd, command, argument)) : __real_fcntl(fd, command, argument);
}

WRAPPED(int, ioctl, int fd, unsigned long request, ...) {
    va_list args;
    va_start(args, request);
    long argument = argument_of(args);
    if (!is_number(fd))
        return __real_ioctl(fd, request, argument);
    ssize_t unread = request == FIONREAD ? INSIDE(hawser__socket_unread(socket_of(fd))) : -ENOTTY;
    if (unread >= 0)
        *(int *)argument = (int)unread;
    return unread < 0 ? (int)as_in_libc(unread) : 0;
}

/* Whether two are the same is what tests want to know. */
WRAPPED(int, fstat, int fd, struct stat *ret) {
    if (!is_number(fd))
        return __real_fstat(fd, ret);
    *ret = (struct stat){.st_ino = (ino_t)(uintptr_t)socket_of(fd), .st_mode = S_IFSOCK | 0777};
    return 0;
}

/* Waiting. */

/* Seconds that receiving or sending may take; 0 = no limit. */
static double limit_of(int fd, bool sends) {
    struct timeval limit = {0};
    socklen_t size = sizeof limit;
    (void)INSIDE(hawser__socket_getsockopt(socket_of(fd), SOL_SOCKET, sends ? SO_SNDTIMEO : SO_RCVTIMEO, &limit, &size));
    return (double)limit.tv_sec + (double)limit.tv_usec / 1e6;
}

static bool waits(int fd, int flags) {
    return hawser__socket_is_blocking(socket_of(fd)) && !(flags & MSG_DONTWAIT);
}

/* Rests before the next try, when there is to be one: the call began at BEGAN. */
static bool tries_again(int fd, ssize_t result, bool sends, int flags, double began) {
    if (result != -EAGAIN || !waits(fd, flags))
        return false;
    double limit = limit_of(fd, sends);
    if (limit > 0 && seconds_now() - began >= limit)
        return false;
    rest_a_moment();
    return true;
}

/* A number that is closed meanwhile ends the wait, which a kernel would go on with: no test is to wait for ever. */
#define UNTIL_IT_CAN(result, fd, sends, flags, call)                                                                           \
    do {                                                                                                                       \
        double since = seconds_now();                                                                                          \
        do                                                                                                                     \
            result = is_number(fd) ? INSIDE((ssize_t)(call)) : -EBADF;                                                         \
        while (is_number(fd) && tries_again(fd, result, sends, flags, since));                                                 \
    } while (0)

WRAPPED(ssize_t, recvmsg, int fd, struct msghdr *msg, int flags) {
    if (!is_number(fd))
        return __real_recvmsg(fd, msg, flags);
    ssize_t result;
    UNTIL_IT_CAN(result, fd, false, flags, hawser__socket_receive(socket_of(fd), msg, flags));
    return as_in_libc(result);
}

WRAPPED(ssize_t, sendmsg, int fd, const struct msghdr *msg, int flags) {
    if (!is_number(fd))
        return __real_sendmsg(fd, msg, flags);
    ssize_t result;
    UNTIL_IT_CAN(result, fd, true, flags, hawser__socket_send(socket_of(fd), msg, flags));
    return as_in_libc(result);
}

WRAPPED(ssize_t, recv, int fd, void *buf, size_t size, int flags) {
    struct iovec part = {buf, size};
    struct msghdr msg = {.msg_iov = &part, .msg_iovlen = 1};
    return is_number(fd) ? __wrap_recvmsg(fd, &msg, flags) : __real_recv(fd, buf, size, flags);
}

static ssize_t send_once(int fd, const char *data, size_t size, int flags) {
    struct iovec part = {(void *)(uintptr_t)data, size};
    const struct msghdr msg = {.msg_iov = &part, .msg_iovlen = 1};
    return hawser__socket_send(socket_of(fd), &msg, flags);
}

/* A blocking one sends all of it. */
static ssize_t send_all(int fd, const char *data, size_t size, int flags) {
    ssize_t total = 0, n;
    do {
        n = send_once(fd, data + total, size - (size_t)total, flags);
        total += n > 0 ? n : 0;
    } while (n > 0 && (size_t)total < size && waits(fd, flags));
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

static ssize_t accept_at_once(int fd, struct sockaddr *sa, socklen_t *len, int flags) {
    hawser__socket *made;
    int result = hawser__socket_accept(socket_of(fd), &made);
    if (result == -ESHUTDOWN)
        result = waits(fd, 0) ? -EINVAL : -EAGAIN;
    if (result < 0)
        return result;
    if (sa)
        (void)hawser__socket_getpeername(made, sa, len);
    return enter_number(made, flags);
}

WRAPPED(int, accept4, int fd, struct sockaddr *sa, socklen_t *len, int flags) {
    if (!is_number(fd))
        return __real_accept4(fd, sa, len, flags);
    ssize_t result;
    UNTIL_IT_CAN(result, fd, false, 0, accept_at_once(fd, sa, len, flags));
    return (int)as_in_libc(result);
}

WRAPPED(int, accept, int fd, struct sockaddr *sa, socklen_t *len) {
    return is_number(fd) ? __wrap_accept4(fd, sa, len, 0) : __real_accept(fd, sa, len);
}

static ssize_t look_at_connect(hawser__socket *socket) {
    return hawser__socket_connecting(socket) ? -EAGAIN : hawser__socket_connect_result(socket);
}

WRAPPED(int, connect, int fd, const struct sockaddr *sa, socklen_t len) {
    if (!is_number(fd))
        return __real_connect(fd, sa, len);
    ssize_t result = INSIDE(hawser__socket_connect(socket_of(fd), sa, len));
    if (result == -EINPROGRESS && waits(fd, 0))
        UNTIL_IT_CAN(result, fd, true, 0, look_at_connect(socket_of(fd)));
    return (int)as_in_libc(result);
}

int __real_poll(struct pollfd *polled, nfds_t n, int ms);

static int look_at_all(struct pollfd *polled, nfds_t n) {
    int ready = 0;
    for (nfds_t i = 0; i < n; i++) {
        polled[i].revents = 0;
        if (is_number(polled[i].fd))
            polled[i].revents = (short)hawser__host_number_call(polled[i].fd, HAWSER__NUMBER_POLL, polled[i].events);
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
