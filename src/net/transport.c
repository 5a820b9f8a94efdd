/* SPDX-License-Identifier: MIT */
#include "net/transport.h"

#include <errno.h>

static ssize_t plain_recv(hawser_sock *sock, void *buf, size_t size, int flags, hawser__deadline deadline) {
    return hawser__sock_ops(sock)->recv(sock->endpoints[0], buf, size, flags, deadline);
}

static ssize_t plain_recv_lend(hawser_sock *sock, void **ret, size_t size, hawser__deadline deadline) {
    return hawser__sock_ops(sock)->recv_lend(sock->endpoints[0], ret, size, deadline);
}

static ssize_t plain_send(hawser_sock *sock, const void *data, size_t size, int flags, hawser__deadline deadline) {
    return hawser__sock_ops(sock)->send(sock->endpoints[0], data, size, flags, deadline);
}

static ssize_t plain_recvmsg(hawser_sock *sock, struct msghdr *msg, int flags, hawser__deadline deadline) {
    return hawser__sock_ops(sock)->recvmsg(sock->endpoints[0], msg, flags, deadline);
}

static ssize_t plain_sendmsg(hawser_sock *sock, const struct msghdr *msg, int flags, hawser__deadline deadline) {
    return hawser__sock_ops(sock)->sendmsg(sock->endpoints[0], msg, flags, deadline);
}

static ssize_t plain_sendfile(hawser_sock *sock, int fd, int64_t *offset, size_t count, hawser__deadline deadline) {
    return hawser__sock_ops(sock)->sendfile(sock->endpoints[0], fd, offset, count, deadline);
}

/* Both endpoints of a listener on two addresses; the first failure is the result. */
static int plain_shutdown(hawser_sock *sock, int how) {
    int result = 0;
    for (size_t i = 0; i < sock->endpoint_count; i++) {
        int one = hawser__sock_ops(sock)->shutdown(sock->endpoints[i], how);
        if (result == 0)
            result = one;
    }
    return result;
}

const struct hawser__transport hawser__plain_transport = {
    .name = "plain",
    .recv = plain_recv,
    .recv_lend = plain_recv_lend,
    .send = plain_send,
    .recvmsg = plain_recvmsg,
    .sendmsg = plain_sendmsg,
    .sendfile = plain_sendfile,
    .shutdown = plain_shutdown,
};
