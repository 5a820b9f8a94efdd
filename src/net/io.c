/* SPDX-License-Identifier: MIT */
/*
 * Bytes in and out: io.h, except sendfile. Each public call enters the socket, runs a loop of transport calls under one
 * deadline, and leaves; what failed becomes a sentence while the peer's address can still be asked.
 */
#include "net/io.h"

#include "base/error.h"
#include "net/sock.h"
#include "net/target.h"

#include <string.h>

#define CHUNK ((size_t)1 << 30)

int hawser__io_fail(hawser_sock *sock, ssize_t code, uint64_t moved, const char *verb) {
    hawser_addr addr;
    const char *peer = hawser__peer_text(sock, &addr);
    if (code == -EBUSY)
        return hawser__fail(EBUSY, "%s %s, which another task does already", verb, peer);
    return moved ? hawser__fail_moved((int)code, moved, "%s %s after %llu bytes", verb, peer, (unsigned long long)moved)
                 : hawser__fail((int)code, "%s %s", verb, peer);
}

/* Receives until SIZE bytes, the end, or a failure; *MOVED counts. 1 = all, 0 = the end, else a code. */
static ssize_t recv_all(hawser_sock *sock, char *buf, size_t size, int flags, size_t *moved) {
    hawser__deadline deadline = hawser__sock_deadline(sock);
    while (*moved < size) {
        ssize_t n = sock->transport->recv(sock, buf + *moved, size - *moved, flags, deadline);
        if (n <= 0)
            return n;
        *moved += (size_t)n;
    }
    return 1;
}

/* MSG_WAITALL has no meaning for a kernel that is asked without waiting, so the waiting is done here. As in the kernel, what
 * came before a failure is the result, and the failure is the next call's. */
static ssize_t recv_waitall(hawser_sock *sock, void *buf, size_t size, int flags) {
    size_t moved = 0;
    ssize_t result = recv_all(sock, buf, size, flags & ~MSG_WAITALL, &moved);
    return result < 0 && moved == 0 ? result : (ssize_t)moved;
}

static bool wants_all(hawser_sock *sock, int flags) {
    return (flags & MSG_WAITALL) && sock->type == SOCK_STREAM && !(flags & (MSG_PEEK | MSG_DONTWAIT | MSG_OOB));
}

ssize_t hawser_recv_flags(hawser_sock *sock, void *buf, size_t size, int flags) {
    ssize_t n = hawser__enter(sock, HAWSER__RECEIVER);
    if (n < 0)
        return hawser__io_fail(sock, n, 0, "receive from");
    if (size > 0)
        n = wants_all(sock, flags) ? recv_waitall(sock, buf, size, flags)
                                   : sock->transport->recv(sock, buf, size, flags, hawser__sock_deadline(sock));
    if (n < 0)
        hawser__io_fail(sock, n, 0, "receive from");
    hawser__leave(sock, HAWSER__RECEIVER);
    return n < 0 ? -1 : n;
}

ssize_t hawser_recv(hawser_sock *sock, void *buf, size_t size) {
    return hawser_recv_flags(sock, buf, size, 0);
}

ssize_t hawser_recv_borrow(hawser_sock *sock, const void **data) {
    void *lent = NULL;
    ssize_t n = hawser__enter(sock, HAWSER__RECEIVER);
    *data = NULL;
    if (n < 0)
        return hawser__io_fail(sock, n, 0, "receive from");
    n = sock->transport->recv_lend(sock, &lent, SIZE_MAX, hawser__sock_deadline(sock));
    if (n < 0)
        hawser__io_fail(sock, n, 0, "receive from");
    hawser__leave(sock, HAWSER__RECEIVER);
    if (n > 0)
        *data = lent;
    return n < 0 ? -1 : n;
}

ssize_t hawser_recvfrom_flags(hawser_sock *sock, void *buf, size_t size, int flags, hawser_addr *peer) {
    hawser_addr from;
    struct iovec part = {.iov_base = buf, .iov_len = size};
    struct msghdr msg = {.msg_name = &from.ss, .msg_namelen = sizeof from.ss, .msg_iov = &part, .msg_iovlen = 1};
    ssize_t n = hawser__enter(sock, HAWSER__RECEIVER);
    if (n < 0)
        return hawser__io_fail(sock, n, 0, "receive from");
    n = sock->transport->recvmsg(sock, &msg, flags, hawser__sock_deadline(sock));
    if (n < 0)
        hawser__io_fail(sock, n, 0, "receive from");
    hawser__leave(sock, HAWSER__RECEIVER);
    if (n < 0)
        return -1;
    from.len = msg.msg_namelen;
    if (peer)
        hawser__addr_take(peer, &from);
    return n;
}

ssize_t hawser_recvfrom(hawser_sock *sock, void *buf, size_t size, hawser_addr *peer) {
    return hawser_recvfrom_flags(sock, buf, size, 0, peer);
}

ssize_t hawser_recv_exactly(hawser_sock *sock, void *buf, size_t size) {
    size_t moved = 0;
    ssize_t result = hawser__enter(sock, HAWSER__RECEIVER);
    if (result < 0)
        return hawser__io_fail(sock, result, 0, "receive from");
    result = recv_all(sock, buf, size, 0, &moved);
    if (result == 0 && moved > 0)
        result = -HAWSER_EEOF;
    if (result < 0)
        hawser__io_fail(sock, result, moved, "receive from");
    hawser__leave(sock, HAWSER__RECEIVER);
    return result < 0 ? -1 : (ssize_t)moved;
}

ssize_t hawser_send_flags(hawser_sock *sock, const void *data, size_t size, int flags) {
    ssize_t n = hawser__enter(sock, HAWSER__SENDER);
    if (n < 0)
        return hawser__io_fail(sock, n, 0, "send to");
    n = sock->transport->send(sock, data, size < CHUNK ? size : CHUNK, flags, hawser__sock_deadline(sock));
    if (n < 0)
        hawser__io_fail(sock, n, 0, "send to");
    hawser__leave(sock, HAWSER__SENDER);
    return n < 0 ? -1 : n;
}

ssize_t hawser_send(hawser_sock *sock, const void *data, size_t size) {
    return hawser_send_flags(sock, data, size, 0);
}

/* Sends at least once, so that an empty datagram can be sent this way as well. */
ssize_t hawser__send_all(hawser_sock *sock, const char *data, size_t size, int flags, hawser__deadline deadline,
                         size_t *moved) {
    do {
        size_t rest = size - *moved;
        ssize_t n = sock->transport->send(sock, data + *moved, rest < CHUNK ? rest : CHUNK, flags, deadline);
        if (n < 0)
            return n;
        *moved += (size_t)n;
    } while (*moved < size);
    return 0;
}

int hawser_sendall_flags(hawser_sock *sock, const void *data, size_t size, int flags) {
    size_t moved = 0;
    ssize_t result = hawser__enter(sock, HAWSER__SENDER);
    if (result < 0)
        return hawser__io_fail(sock, result, 0, "send to");
    result = hawser__send_all(sock, data, size, flags, hawser__sock_deadline(sock), &moved);
    if (result < 0)
        hawser__io_fail(sock, result, moved, "send to");
    hawser__leave(sock, HAWSER__SENDER);
    return result < 0 ? -1 : 0;
}

int hawser_sendall(hawser_sock *sock, const void *data, size_t size) {
    return hawser_sendall_flags(sock, data, size, 0);
}

static ssize_t send_to(hawser_sock *sock, const void *data, size_t size, int flags, const hawser_addr *addr,
                       hawser__deadline deadline) {
    hawser_addr copy = *addr;
    struct iovec part = {.iov_base = (void *)data, .iov_len = size};
    struct msghdr msg = {.msg_name = &copy.ss, .msg_namelen = copy.len, .msg_iov = &part, .msg_iovlen = 1};
    ssize_t n = hawser__enter(sock, HAWSER__SENDER);
    if (n == 0) {
        n = sock->transport->sendmsg(sock, &msg, flags, deadline);
        hawser__leave(sock, HAWSER__SENDER);
    }
    return n < 0 ? hawser__fail((int)n, "send to %s", hawser_addr_str(&copy)) : n;
}

ssize_t hawser_sendto_addr(hawser_sock *sock, const void *data, size_t size, int flags, const hawser_addr *addr) {
    return send_to(sock, data, size, flags, addr, hawser__sock_deadline(sock));
}

ssize_t hawser_sendto(hawser_sock *sock, const void *data, size_t size, const char *host, int port) {
    hawser_addr addr;
    hawser__deadline deadline = hawser__sock_deadline(sock);
    if (hawser__target("send to", host, port, sock->family, false, deadline, &addr) < 0)
        return -1;
    return send_to(sock, data, size, 0, &addr, deadline);
}
