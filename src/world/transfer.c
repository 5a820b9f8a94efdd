/* SPDX-License-Identifier: MIT */
/* Moving bytes in and out of sockets of any kind, and whether that is worth a try: socket.h. */
#include "world/socket_inside.h"

#include <sys/uio.h>

/* 0, or why MSG is refused. */
static int check(const struct msghdr *msg) {
    if (msg->msg_iovlen > UIO_MAXIOV)
        return -EMSGSIZE;
    return hawser__message_size(msg) == SIZE_MAX ? -EINVAL : 0;
}

ssize_t hawser__socket_receive(hawser__socket *socket, struct msghdr *msg, int flags) {
    if (flags & MSG_ERRQUEUE)
        return -EAGAIN;
    if (check(msg) < 0)
        return check(msg);
    ssize_t result = socket->family == AF_UNIX     ? hawser__unix_receive(socket, msg, flags)
                     : socket->type == SOCK_STREAM ? hawser__tcp_receive(socket, msg, flags)
                                                   : hawser__udp_receive(socket, msg, flags);
    hawser__wire_run();
    return result;
}

ssize_t hawser__socket_send(hawser__socket *socket, const struct msghdr *msg, int flags) {
    if (check(msg) < 0)
        return check(msg);
    ssize_t result = socket->family == AF_UNIX     ? hawser__unix_send(socket, msg, flags)
                     : socket->type == SOCK_STREAM ? hawser__tcp_send(socket, msg, flags)
                                                   : hawser__udp_send(socket, msg, flags);
    hawser__wire_run();
    return result;
}

ssize_t hawser__socket_unread(hawser__socket *socket) {
    if (socket->state == HAWSER__LISTENS)
        return -EINVAL;
    if (socket->type == SOCK_DGRAM)
        return socket->input.first ? (ssize_t)socket->input.first->size : 0;
    return (ssize_t)socket->input.bytes;
}

/* Splicing sends what waits in FROM out of its own packets, and only then takes it, so that nothing is lost. */
#define PARTS 16

static size_t list_parts(const hawser__socket *from, size_t size, struct iovec parts[PARTS]) {
    size_t count = 0;
    for (hawser__packet *packet = from->input.first; packet && count < PARTS && size > 0; packet = packet->next) {
        size_t n = packet->size < size ? packet->size : size;
        parts[count++] = (struct iovec){packet->block->bytes + packet->offset, n};
        size -= n;
    }
    return count;
}

static ssize_t look(hawser__socket *from) {
    struct iovec none = {.iov_base = NULL, .iov_len = 0};
    struct msghdr msg = {.msg_iov = &none, .msg_iovlen = 1};
    return hawser__socket_receive(from, &msg, 0);
}

static ssize_t take(hawser__socket *from, size_t size) {
    struct iovec all = {.iov_base = NULL, .iov_len = size};
    struct msghdr msg = {.msg_iov = &all, .msg_iovlen = 1};
    return hawser__input_bytes(from, &msg, size, MSG_TRUNC);
}

ssize_t hawser__socket_splice(hawser__socket *from, hawser__socket *to, size_t size) {
    struct iovec parts[PARTS];
    if (from->type != SOCK_STREAM || to->type != SOCK_STREAM)
        return -EINVAL;
    if (from->input.bytes == 0)
        return look(from);
    struct msghdr msg = {.msg_iov = parts, .msg_iovlen = list_parts(from, size, parts)};
    ssize_t n = hawser__socket_send(to, &msg, 0);
    if (n > 0)
        take(from, (size_t)n);
    hawser__wire_run();
    return n;
}

/* Readiness. Where the kernel's poll says yes for ever although every try gives EAGAIN (a datagram socket whose receiving was
 * shut), this says no. */

static bool has_input(hawser__socket *socket) {
    if (socket->type != SOCK_STREAM)
        return socket->input.count > 0;
    size_t wanted = (size_t)hawser__option(socket, SOL_SOCKET, SO_RCVLOWAT);
    size_t most = socket->options.receive;
    return socket->input.bytes > 0 && socket->input.bytes >= (wanted < most ? wanted : most);
}

bool hawser__socket_ended(hawser__socket *socket) {
    if (socket->type == SOCK_DGRAM)
        return false;
    return socket->ended || socket->no_receive || (socket->state == HAWSER__CLOSED && socket->attempt == HAWSER__MADE);
}

bool hawser__socket_readable(hawser__socket *socket) {
    if (socket->state == HAWSER__LISTENS)
        return socket->ready || socket->error || (socket->no_receive && socket->family == AF_UNIX);
    if (has_input(socket) || socket->error || hawser__socket_ended(socket))
        return true;
    return socket->type != SOCK_DGRAM && socket->state == HAWSER__CLOSED;
}

static bool stream_writable(hawser__socket *socket) {
    if (socket->state == HAWSER__LISTENS || socket->state == HAWSER__CONNECTING)
        return false;
    return socket->state != HAWSER__CONNECTED || socket->no_send || hawser__tcp_room(socket) > 0;
}

bool hawser__socket_writable(hawser__socket *socket) {
    if (socket->error)
        return true;
    if (socket->family == AF_UNIX)
        return hawser__unix_writable(socket);
    return socket->type == SOCK_DGRAM || stream_writable(socket);
}
