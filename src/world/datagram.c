/* SPDX-License-Identifier: MIT */
/*
 * UDP. Each datagram goes its own way: it may be lost, arrive twice, or late, and is thrown away where nobody has room for it.
 * A connected socket learns, once, that nobody hears its peer's port.
 *
 * What is sent in segments (UDP_SEGMENT) are as many datagrams on one block, of which some may be lost. To a receiver that
 * wants it (UDP_GRO) those that come one behind the other are one message.
 */
#include "world/socket_inside.h"

#include <netinet/in.h>

#define MOST_V4 65507
#define MOST_V6 65527
#define LEAST_SPACE 256              /* what a datagram takes of the receive buffer, however small it is */
#define MOST_SEGMENTS 128

/* Travelling. */

static const char *ends(const hawser__packet *packet, hawser_addr rooms[2], char out[256]) {
    const char *from = hawser__place_str(&packet->source, &rooms[0]), *to = hawser__place_str(&packet->target, &rooms[1]);
    size_t n = strlen(from), m = strlen(to);
    memcpy(out, from, n);
    memcpy(out + n, " > ", 3);
    memcpy(out + n + 3, to, m + 1);
    return out;
}

static void note(const hawser__host *host, const char *what, const hawser__packet *packet) {
    hawser_addr rooms[2];
    char text[256];
    if (hawser__world_here->put_line)
        hawser__trace_line(host, "%s datagram %s %zu", what, ends(packet, rooms, text), packet->size);
}

static int64_t held_back(hawser__packet *packet) {
    hawser__path *path = hawser__path_between(packet->source_host, packet->host);
    if (!hawser__chance_hits(hawser__world_chance(), path->reorder))
        return 0;
    return hawser__chance_between(hawser__world_chance(), 0, 4 * (path->latency + path->jitter));
}

static void travel(hawser__packet *packet) {
    int64_t delay;
    if (!hawser__packet_travels(packet, &delay)) {
        note(packet->source_host, "lose", packet);
        hawser__packet_free(packet);
        return;
    }
    hawser__wire_put(packet, delay + held_back(packet));
}

/* The packet is the wire's. */
int hawser__udp_transmit(hawser__packet *packet) {
    uint32_t twice = hawser__path_between(packet->source_host, packet->host)->duplicate;
    hawser__packet *copy = hawser__chance_hits(hawser__world_chance(), twice) ? hawser__packet_copy(packet) : NULL;
    note(packet->source_host, "send", packet);
    travel(packet);
    if (!copy)
        return 0;
    note(copy->source_host, "duplicate", copy);
    travel(copy);
    return 0;
}

static void refused_arrives(hawser__packet *packet) {
    hawser__socket *socket = packet->to;
    if (socket->state == HAWSER__CONNECTED && hawser__place_same(&socket->remote, &packet->source)) {
        socket->error = ECONNREFUSED;
        hawser__sock_tell(socket);
    }
    hawser__packet_free(packet);
}

/* As ICMP does. */
static void say_refused(const hawser__packet *packet) {
    if (packet->from->state != HAWSER__CONNECTED)
        return;
    hawser__packet *answer = hawser__packet_new(NULL, packet->from, packet->source_host, NULL, 0, 0);
    int64_t delay;
    if (!answer)
        return;
    answer->source_host = packet->host;
    answer->source = packet->target;
    answer->arrive = refused_arrives;
    if (hawser__packet_travels(answer, &delay))
        hawser__wire_put(answer, delay);
    else
        hawser__packet_free(answer);
}

static bool continues(const hawser__socket *socket, const hawser__packet *packet) {
    const hawser__packet *last = socket->input.last;
    return packet->segment > 0 && last && hawser__option(socket, IPPROTO_UDP, UDP_GRO) && last->block == packet->block &&
           last->offset + last->size == packet->offset;
}

void hawser__udp_deliver(hawser__socket *socket, hawser__packet *packet) {
    const struct hawser__input *input = &socket->input;
    size_t most = socket->options.receive;
    if (input->count > 0 && (input->bytes + packet->size > most || input->count >= most / LEAST_SPACE)) {
        note(socket->host, "drop (full)", packet);
        hawser__packet_free(packet);
        return;
    }
    note(socket->host, "deliver", packet);
    if (continues(socket, packet)) {
        socket->input.last->size += packet->size;
        socket->input.bytes += packet->size;
        hawser__packet_free(packet);
        return;
    }
    hawser__input_put(socket, packet);
    hawser__sock_tell(socket);
}

static void arrives(hawser__packet *packet) {
    hawser__socket *socket = NULL;
    if (hawser__host_answers(packet->host)) {
        socket = hawser__receiver_for(packet->host, &packet->target, &packet->source);
        if (!socket)
            say_refused(packet);
    }
    if (socket) {
        hawser__udp_deliver(socket, packet);
        return;
    }
    note(packet->host, "drop (nobody)", packet);
    hawser__packet_free(packet);
}

/* Sending. */

/* SA for a socket of either family: one for IPv6 takes IPv4 addresses as they are, too. */
static int place_in(const hawser__socket *socket, const struct sockaddr *sa, socklen_t len, hawser__place *ret) {
    bool v6 = socket->family == AF_INET6, only = hawser__option(socket, IPPROTO_IPV6, IPV6_V6ONLY);
    if (v6 && len >= sizeof sa->sa_family && sa->sa_family == AF_INET)
        return only ? -EAFNOSUPPORT : hawser__place_in(ret, AF_INET, sa, len);
    int result = hawser__place_in(ret, socket->family, sa, len);
    return result == 0 && v6 && only && hawser__place_is_v4(ret) ? -ENETUNREACH : result;
}

static int target_of(const hawser__socket *socket, const struct msghdr *msg, hawser__place *ret) {
    if (msg->msg_namelen > 0 && msg->msg_name) {
        int result = place_in(socket, msg->msg_name, msg->msg_namelen, ret);
        if (result == -EAFNOSUPPORT && socket->family == AF_INET6)
            result = ((const struct sockaddr *)msg->msg_name)->sa_family == AF_INET ? -ENETUNREACH : -EINVAL;
        return result == 0 && ret->port == 0 ? -EINVAL : result;
    }
    *ret = socket->remote;
    return socket->state == HAWSER__CONNECTED && socket->remote.port != 0 ? 0 : -EDESTADDRREQ;
}

static int may_reach(const hawser__socket *socket, const hawser__place *to) {
    hawser__place broadcast = hawser__place_any(true);
    memset(broadcast.ip + 12, 0xff, 4);
    const hawser__place *own = &socket->own;
    bool chosen = !hawser__place_is_any(own) && !hawser__place_is_many(own);
    if (hawser__place_same_ip(to, &broadcast) && !hawser__option(socket, SOL_SOCKET, SO_BROADCAST))
        return -EACCES;
    if (chosen && hawser__place_is_v4(own) && !hawser__place_is_v4(to))
        return -EAFNOSUPPORT;
    bool far = !hawser__place_is_many(to) && hawser__host_at(socket->host, to) != socket->host;
    return far && chosen && hawser__place_is_loopback(own) ? -EINVAL : 0;
}

/* Where it comes from: as the caller says, as the socket is bound, or as the way there has it. */
static int source_of(const hawser__socket *socket, const struct msghdr *msg, const hawser__place *to, hawser__place *ret) {
    *ret = socket->own;
    int result = msg->msg_controllen > 0 ? hawser__control_source(socket, msg, ret) : 0;
    bool other_family = hawser__place_is_v4(ret) != hawser__place_is_v4(to);
    if (hawser__place_is_any(ret) || hawser__place_is_many(ret) || other_family)
        *ret = hawser__place_towards(socket->host, to);
    ret->port = socket->own.port;
    return result;
}

/* Whatever comes of it then, it has a port from now on. */
static int bind_first(hawser__socket *socket) {
    return hawser__sock_bind_any(socket, NULL) < 0 ? -EAGAIN : 0;
}

static int check(hawser__socket *socket, const struct msghdr *msg, int flags, hawser__place *to) {
    size_t size = hawser__message_size(msg);
    if (size > 0xffff)
        return -EMSGSIZE;
    if (flags & MSG_OOB)
        return -EOPNOTSUPP;
    int result = target_of(socket, msg, to);
    if (result < 0)
        return result;
    *to = hawser__sock_meaning(socket, to);
    result = may_reach(socket, to);
    if (result == 0 && size > (hawser__place_is_v4(to) ? MOST_V4 : MOST_V6))
        result = -EMSGSIZE;
    if (result == 0 && socket->error)
        result = hawser__sock_take_error(socket);
    return result == 0 && socket->no_send ? -EPIPE : result;
}

/* The size of the parts in which SIZE bytes are sent, 0 = in one: as the message says or else the option. */
static int segment_of(const hawser__socket *socket, const struct msghdr *msg, size_t size, size_t *ret) {
    struct msghdr *whole = (struct msghdr *)(uintptr_t)msg;   /* CMSG_NXTHDR reads only */
    uint16_t segment = (uint16_t)hawser__option(socket, IPPROTO_UDP, UDP_SEGMENT);
    for (struct cmsghdr *part = CMSG_FIRSTHDR(whole); part; part = CMSG_NXTHDR(whole, part)) {
        if (part->cmsg_level != IPPROTO_UDP)
            continue;
        if (part->cmsg_type != UDP_SEGMENT || part->cmsg_len != CMSG_LEN(sizeof segment))
            return -EINVAL;
        memcpy(&segment, CMSG_DATA(part), sizeof segment);
    }
    *ret = segment > 0 && segment < size ? segment : 0;
    return segment > 0 && size > (size_t)segment * MOST_SEGMENTS ? -EINVAL : 0;
}

static int send_part(hawser__socket *socket, struct hawser__block *block, size_t at, const hawser__packet *like) {
    size_t left = block->size - at, most = like->segment;
    hawser__packet *packet = hawser__packet_new(socket, NULL, like->host, block, at, most > 0 && most < left ? most : left);
    if (!packet)
        return -ENOBUFS;
    packet->segment = like->segment;
    packet->source = like->source;
    packet->target = like->target;
    packet->arrive = arrives;
    return hawser__place_is_many(&like->target) ? hawser__udp_spread(socket, packet) : hawser__udp_transmit(packet);
}

/* Without memory for a part only the parts before it are sent. */
static ssize_t transmit(hawser__socket *socket, const struct msghdr *msg, const hawser__packet *like) {
    size_t size = hawser__message_size(msg);
    if (!like->host)
        return (ssize_t)size;   /* nobody has the address: it is lost */
    struct hawser__block *block = hawser__gather(msg, 0, size);
    int result = block ? send_part(socket, block, 0, like) : -ENOBUFS;
    for (size_t at = like->segment; at > 0 && at < size && result == 0; at += like->segment)
        send_part(socket, block, at, like);
    hawser__block_drop(block);
    return result < 0 ? result : (ssize_t)size;
}

ssize_t hawser__udp_send(hawser__socket *socket, const struct msghdr *msg, int flags) {
    hawser__packet like = {.segment = 0};
    int result = bind_first(socket);
    if (result == 0)
        result = check(socket, msg, flags, &like.target);
    if (result == 0)
        result = source_of(socket, msg, &like.target, &like.source);
    if (result == 0)
        result = segment_of(socket, msg, hawser__message_size(msg), &like.segment);
    if (result < 0)
        return result;
    like.host = hawser__place_is_many(&like.target) ? socket->host : hawser__host_at(socket->host, &like.target);
    return transmit(socket, msg, &like);
}

/* Receiving. */

ssize_t hawser__udp_receive(hawser__socket *socket, struct msghdr *msg, int flags) {
    const hawser__packet *packet = socket->input.first;
    size_t room = msg->msg_controllen;
    if (socket->error)
        return hawser__sock_take_error(socket);
    if (!packet)
        return -EAGAIN;
    if (msg->msg_name)
        hawser__place_out(&packet->source, socket->family, msg->msg_name, &msg->msg_namelen);
    else
        msg->msg_namelen = 0;
    msg->msg_flags = 0;
    msg->msg_controllen = 0;
    if (packet->size > packet->segment && packet->segment > 0)
        hawser__control_give(msg, msg->msg_control ? room : 0, IPPROTO_UDP, UDP_GRO, &(int){(int)packet->segment}, sizeof(int));
    hawser__control_arrival(socket, packet, msg, room);
    return hawser__input_message(socket, msg, flags);
}

/* Peers. */

static int dissolve(hawser__socket *socket) {
    bool v4 = socket->family == AF_INET;
    uint16_t port = socket->own.port;
    socket->state = HAWSER__CLOSED;
    socket->remote = hawser__place_any(v4);
    if (!socket->address_chosen)
        socket->own = hawser__place_any(v4);
    socket->own.port = socket->port_chosen ? port : 0;
    socket->bound = socket->port_chosen;
    return 0;
}

/* The address that goes with its first peer is kept until it has none. */
static int point_at(hawser__socket *socket, const hawser__place *to) {
    int result = may_reach(socket, to);
    return result < 0 ? result : hawser__sock_bind_any(socket, to);
}

int hawser__udp_connect(hawser__socket *socket, const struct sockaddr *sa, socklen_t len) {
    hawser__place to;
    if (sa->sa_family == AF_UNSPEC)
        return dissolve(socket);
    int result = bind_first(socket);
    if (result == 0)
        result = place_in(socket, sa, len, &to);
    if (result == 0) {
        to = hawser__sock_meaning(socket, &to);
        result = point_at(socket, &to);
    }
    if (result < 0)
        return result;
    socket->remote = to;
    socket->state = HAWSER__CONNECTED;
    return 0;
}

int hawser__udp_shutdown(hawser__socket *socket, int how) {
    socket->no_receive |= how != SHUT_WR;
    socket->no_send |= how != SHUT_RD;
    hawser__sock_tell(socket);
    return socket->state == HAWSER__CONNECTED ? 0 : -ENOTCONN;
}
