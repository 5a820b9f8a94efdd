/* SPDX-License-Identifier: MIT */
/*
 * A hawser_sock as the source of a file. Each read and write enters the socket on its own, so that a file that only holds bytes
 * back is not in the way of hawser_recv and hawser_send.
 */
#include "stream/source.h"

#include "net/handle.h"

#include <string.h>

static ssize_t sock_read(struct hawser__source *source, void *buf, size_t size, hawser__deadline deadline) {
    hawser_sock *sock = source->sock;
    int entered = hawser__file_enter(sock, HAWSER__RECEIVER);
    if (entered < 0)
        return entered;
    ssize_t n = sock->transport->recv(sock, buf, size, 0, deadline);
    hawser__leave(sock, HAWSER__RECEIVER);
    return n;
}

static ssize_t sock_lend(struct hawser__source *source, void **ret, size_t size, hawser__deadline deadline) {
    hawser_sock *sock = source->sock;
    int entered = hawser__file_enter(sock, HAWSER__RECEIVER);
    if (entered < 0)
        return entered;
    ssize_t n = sock->transport->recv_lend(sock, ret, size, deadline);
    hawser__leave(sock, HAWSER__RECEIVER);
    return n;
}

static ssize_t sock_write(struct hawser__source *source, const void *data, size_t size, hawser__deadline deadline) {
    hawser_sock *sock = source->sock;
    int entered = hawser__file_enter(sock, HAWSER__SENDER);
    if (entered < 0)
        return entered;
    ssize_t n = sock->transport->send(sock, data, size, 0, deadline);
    hawser__leave(sock, HAWSER__SENDER);
    return n;
}

static hawser__deadline sock_deadline(struct hawser__source *source) {
    return hawser__sock_deadline(source->sock);
}

static int sock_settimeout(struct hawser__source *source, int64_t ns) {
    (void)source;
    (void)ns;
    return -EINVAL;
}

static const char *sock_name(struct hawser__source *source, hawser_addr *addr) {
    if (source->peer_len == 0)
        return hawser__peer_text(source->sock, addr);
    addr->len = source->peer_len;
    memcpy(&addr->ss, &source->peer, source->peer_len);
    return hawser_addr_str(addr);
}

static void sock_close(struct hawser__source *source) {
    if (source->shares)
        hawser__file_detach(source->sock);
}

static const struct hawser__source_ops sock_ops = {
    .read = sock_read,
    .lend = sock_lend,
    .write = sock_write,
    .deadline = sock_deadline,
    .settimeout = sock_settimeout,
    .name = sock_name,
    .close = sock_close,
};

void hawser__source_open_known(struct hawser__source *source, hawser_sock *sock, const struct sockaddr *peer, socklen_t len) {
    source->ops = &sock_ops;
    source->sock = sock;
    source->shares = false;
    source->peer_len = len;
    memcpy(&source->peer, peer, len);
}

/* Asked for now, because the kernel forgets the peer with the reset, which is when a sentence has to name it. */
static void remember_peer(struct hawser__source *source) {
    hawser_sock *sock = source->sock;
    socklen_t len = sizeof source->peer;
    if (hawser__file_enter(sock, HAWSER__SHORT) < 0)
        return;
    if (hawser__sock_ops(sock)->getpeername(sock->endpoints[0], (struct sockaddr *)&source->peer, &len) == 0)
        source->peer_len = len;
    hawser__leave(sock, HAWSER__SHORT);
}

int hawser__source_open_sock(struct hawser__source *source, hawser_sock *sock) {
    int attached = hawser__file_attach(sock);
    if (attached < 0)
        return attached;
    if (sock->endpoint_count > 1) {
        hawser__file_detach(sock);
        return -EOPNOTSUPP;
    }
    source->ops = &sock_ops;
    source->sock = sock;
    source->shares = true;
    source->peer_len = 0;
    remember_peer(source);
    return 0;
}
