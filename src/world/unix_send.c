/* SPDX-License-Identifier: MIT */
/*
 * What Unix sockets carry. It goes straight into the receiver's input. A sender has only so many bytes there that nobody has
 * read, which the last message may exceed; a datagram socket besides takes only so many datagrams from those that it is not
 * itself connected to.
 */
#include "world/socket_inside.h"

#define MOST_DATAGRAMS 10            /* net.unix.max_dgram_qlen; the kernel takes one more */
#define MESSAGE_COSTS 32             /* of what SO_SNDBUF says, which is twice what was set */

static size_t room(const hawser__socket *socket) {
    size_t most = socket->options.send;
    return socket->outstanding < most ? most - socket->outstanding : 0;
}

static bool is_gone(const hawser__socket *peer) {
    return peer->state == HAWSER__GONE || peer->no_receive;
}

/* *RIGHTS go along, and are the packet's then: NULL. */
static ssize_t put(hawser__socket *socket, hawser__socket *peer, const struct msghdr *msg, size_t size,
                   struct hawser__rights **rights) {
    struct hawser__block *block = hawser__gather(msg, 0, size);
    hawser__packet *packet = block ? hawser__packet_new(socket, peer, peer->host, block, 0, size) : NULL;
    hawser__block_drop(block);
    if (!packet)
        return -ENOBUFS;
    packet->rights = *rights;
    *rights = NULL;
    socket->outstanding += size;
    hawser__input_put(peer, packet);
    hawser__sock_tell(peer);
    return (ssize_t)size;
}

static ssize_t send_stream(hawser__socket *socket, const struct msghdr *msg, size_t size, struct hawser__rights **rights) {
    if (msg->msg_namelen > 0)
        return socket->state == HAWSER__CONNECTED ? -EISCONN : -EOPNOTSUPP;
    if (!socket->peer)
        return -ENOTCONN;
    if (socket->no_send || (size > 0 && is_gone(socket->peer)))
        return -EPIPE;
    size_t most = room(socket);
    if (size > 0 && most == 0)
        return -EAGAIN;
    size = size < most ? size : most;
    if (size == 0)
        return 0;
    hawser__short(hawser__world_here->limits.short_writes, &size);
    return put(socket, socket->peer, msg, size, rights);
}

/* What holds for any message, before it is looked at where it goes. */
static int may_send(hawser__socket *socket, size_t size) {
    if (size + MESSAGE_COSTS > 2 * socket->options.send)
        return -EMSGSIZE;
    if (socket->error)
        return hawser__sock_take_error(socket);
    if (socket->no_send)
        return -EPIPE;
    return room(socket) == 0 ? -EAGAIN : 0;
}

static ssize_t send_packet(hawser__socket *socket, const struct msghdr *msg, size_t size, struct hawser__rights **rights) {
    if (socket->error)
        return hawser__sock_take_error(socket);
    if (socket->state != HAWSER__CONNECTED)
        return -ENOTCONN;
    int result = may_send(socket, size);
    if (result == 0 && is_gone(socket->peer))
        result = -EPIPE;
    return result < 0 ? result : put(socket, socket->peer, msg, size, rights);
}

static bool is_full(const hawser__socket *socket, const hawser__socket *to) {
    return to != socket && to->state != HAWSER__GONE && to->peer != socket && to->input.count > MOST_DATAGRAMS;
}

static void block(hawser__socket *socket, hawser__socket *to) {
    if (socket->blocked_on != to) {
        hawser__sock_hold(to);
        hawser__sock_release(socket->blocked_on);
        socket->blocked_on = to;
    }
    to->blocks = true;
}

void hawser__unix_unblock(hawser__socket *receiver) {
    if (!receiver->blocks || (receiver->state != HAWSER__GONE && receiver->input.count > MOST_DATAGRAMS))
        return;
    receiver->blocks = false;
    for (hawser__socket *socket = receiver->host->sockets; socket; socket = socket->next)
        if (socket->blocked_on == receiver) {
            socket->blocked_on = NULL;
            hawser__sock_tell(socket);
            hawser__sock_release(receiver);
        }
}

static int find_receiver(hawser__socket *socket, const struct msghdr *msg, hawser__socket **ret) {
    if (msg->msg_namelen > 0)
        return hawser__unix_find(socket, msg->msg_name, msg->msg_namelen, ret);
    *ret = socket->peer;
    if (!socket->peer)
        return -ENOTCONN;
    if (socket->peer->state != HAWSER__GONE)
        return 0;
    hawser__unix_turn(socket, NULL);
    return -ECONNREFUSED;
}

static ssize_t send_datagram(hawser__socket *socket, const struct msghdr *msg, size_t size, struct hawser__rights **rights) {
    hawser__socket *to;
    int result = msg->msg_namelen > 0 ? hawser__unix_check_name(msg->msg_name, msg->msg_namelen) : 0;
    if (result == 0)
        result = may_send(socket, size);
    if (result == 0)
        result = find_receiver(socket, msg, &to);
    if (result < 0)
        return result;
    if (to->state == HAWSER__CONNECTED && to->peer != socket)
        return -EPERM;
    if (to->no_receive)
        return -EPIPE;
    if (!is_full(socket, to))
        return put(socket, to, msg, size, rights);
    block(socket, to);
    return -EAGAIN;
}

ssize_t hawser__unix_send(hawser__socket *socket, const struct msghdr *msg, int flags) {
    struct hawser__rights *rights = NULL;
    size_t size = hawser__message_size(msg);
    ssize_t result = flags & MSG_OOB ? -EOPNOTSUPP : hawser__rights_take(socket, msg, &rights);
    if (result == 0)
        result = socket->type == SOCK_STREAM  ? send_stream(socket, msg, size, &rights)
                 : socket->type == SOCK_DGRAM ? send_datagram(socket, msg, size, &rights)
                                              : send_packet(socket, msg, size, &rights);
    hawser__rights_drop(rights);
    return result;
}

bool hawser__unix_writable(hawser__socket *socket) {
    if (socket->state == HAWSER__LISTENS || socket->state == HAWSER__CONNECTING)
        return false;
    if (socket->no_send || (socket->peer && is_gone(socket->peer)))
        return true;
    bool full = socket->blocked_on || (socket->type == SOCK_DGRAM && socket->peer && is_full(socket, socket->peer));
    return !full && room(socket) > 0;
}

/* Receiving. */

/* A sender that has no name leaves none. */
static void give_name(struct msghdr *msg, const hawser__socket *from) {
    socklen_t size = msg->msg_namelen;
    if (msg->msg_name && from && from->name.len > 0)
        hawser__unix_name_out(&from->name, msg->msg_name, &size);
    else
        size = 0;
    msg->msg_namelen = size;
    msg->msg_controllen = 0;
    msg->msg_flags = 0;
}

static size_t room_for_control(const struct msghdr *msg) {
    return msg->msg_control ? msg->msg_controllen : 0;
}

/* No read of a stream goes past a message with sockets in it: *SIZE is then less. The one that it gets to; NULL = none. */
static hawser__packet *with_rights(const hawser__socket *socket, size_t *size) {
    size_t before = 0;
    for (hawser__packet *packet = socket->input.first; packet && before < *size; packet = packet->next) {
        size_t behind = before + packet->size;
        if (packet->rights) {
            *size = *size < behind ? *size : behind;
            return packet;
        }
        before = behind;
    }
    return NULL;
}

static ssize_t receive_stream(hawser__socket *socket, struct msghdr *msg, int flags) {
    size_t room = room_for_control(msg), size = hawser__message_size(msg);
    if (socket->state != HAWSER__CONNECTED || (flags & MSG_OOB))
        return -EINVAL;
    if (socket->input.bytes == 0 && socket->error)
        return hawser__sock_take_error(socket);
    if (socket->input.bytes == 0 && !socket->ended && !socket->no_receive)
        return -EAGAIN;
    give_name(msg, socket->input.first ? socket->input.first->from : NULL);
    size = size < socket->input.bytes ? size : socket->input.bytes;
    hawser__short(hawser__world_here->limits.short_reads, &size);
    hawser__packet *packet = with_rights(socket, &size);
    hawser__rights_give(packet, msg, room);
    if (packet && !(flags & MSG_PEEK))
        hawser__rights_discard(packet);
    return hawser__input_bytes(socket, msg, size, flags & ~MSG_TRUNC);
}

static ssize_t receive_message(hawser__socket *socket, struct msghdr *msg, int flags) {
    bool packets = socket->type == SOCK_SEQPACKET;
    size_t room = room_for_control(msg);
    if (packets && socket->state != HAWSER__CONNECTED)
        return -ENOTCONN;
    if (flags & MSG_OOB)
        return -EOPNOTSUPP;
    if (socket->error)
        return hawser__sock_take_error(socket);
    if (!socket->input.first && !(packets && (socket->ended || socket->no_receive)))
        return -EAGAIN;
    give_name(msg, socket->input.first ? socket->input.first->from : NULL);
    hawser__rights_give(socket->input.first, msg, room);
    return socket->input.first ? hawser__input_message(socket, msg, flags) : 0;
}

ssize_t hawser__unix_receive(hawser__socket *socket, struct msghdr *msg, int flags) {
    return socket->type == SOCK_STREAM ? receive_stream(socket, msg, flags) : receive_message(socket, msg, flags);
}
