/* SPDX-License-Identifier: MIT */
/* Buffers of callers, the packets that wait for them, and control messages. */
#include "world/socket_inside.h"

#include <limits.h>
#include <netinet/in.h>

size_t hawser__message_size(const struct msghdr *msg) {
    size_t size = 0;
    for (size_t i = 0; i < (size_t)msg->msg_iovlen; i++) {
        size_t part = msg->msg_iov[i].iov_len;
        if (part > SSIZE_MAX - size)
            return SIZE_MAX;
        size += part;
    }
    return size;
}

/* The bytes of buffer I of MSG from *AT on: how many, at most SIZE. *AT is then within, or at the start of the next. */
static size_t part_at(const struct msghdr *msg, size_t i, size_t *at, size_t size, unsigned char **ret) {
    size_t room = msg->msg_iov[i].iov_len;
    if (*at >= room) {
        *at -= room;
        return 0;
    }
    *ret = (unsigned char *)msg->msg_iov[i].iov_base + *at;
    size_t n = room - *at < size ? room - *at : size;
    *at = 0;
    return n;
}

/* Copies up to SIZE bytes into MSG, AT bytes behind its start. The bytes copied. */
size_t hawser__scatter(const struct msghdr *msg, size_t at, const unsigned char *data, size_t size) {
    size_t copied = 0;
    for (size_t i = 0; i < (size_t)msg->msg_iovlen && copied < size; i++) {
        unsigned char *part = NULL;
        size_t n = part_at(msg, i, &at, size - copied, &part);
        if (n > 0)
            memcpy(part, data + copied, n);
        copied += n;
    }
    return copied;
}

struct hawser__block *hawser__gather(const struct msghdr *msg, size_t at, size_t size) {
    struct hawser__block *block = hawser__block_new(size);
    size_t copied = 0;
    for (size_t i = 0; block && i < (size_t)msg->msg_iovlen && copied < size; i++) {
        unsigned char *part = NULL;
        size_t n = part_at(msg, i, &at, size - copied, &part);
        if (n > 0)
            memcpy(block->bytes + copied, part, n);
        copied += n;
    }
    return block;
}

bool hawser__short(uint32_t probability, size_t *size) {
    if (*size < 2 || !hawser__chance_hits(hawser__world_chance(), probability))
        return false;
    *size = 1 + (size_t)hawser__chance_below(hawser__world_chance(), *size - 1);
    return true;
}

/* Input. */

void hawser__input_put(hawser__socket *socket, hawser__packet *packet) {
    struct hawser__input *input = &socket->input;
    packet->next = NULL;
    *(input->last ? &input->last->next : &input->first) = packet;
    input->last = packet;
    input->count++;
    input->bytes += packet->size;
}

/* SIZE bytes of PACKET were read, or thrown away: whoever has to know is told. */
void hawser__input_taken(hawser__socket *socket, hawser__packet *packet, size_t size) {
    socket->input.bytes -= size;
    if (socket->family == AF_UNIX) {
        packet->from->outstanding -= size;
        if (packet->from->state != HAWSER__GONE)
            hawser__sock_tell(packet->from);
    } else if (socket->type == SOCK_STREAM && socket->state != HAWSER__GONE)
        hawser__tcp_read(socket, size);
}

void hawser__input_drop(hawser__socket *socket) {
    struct hawser__input *input = &socket->input;
    hawser__packet *packet = input->first;
    input->first = packet->next;
    if (!input->first)
        input->last = NULL;
    input->count--;
    hawser__input_taken(socket, packet, packet->size);
    if (socket->family == AF_UNIX)
        hawser__unix_unblock(socket);
    hawser__rights_discard(packet);
    hawser__packet_free(packet);
}

void hawser__input_clear(hawser__socket *socket) {
    while (socket->input.first)
        hawser__input_drop(socket);
}

/* As Linux does for streams: with MSG_TRUNC the bytes are taken and not copied. */
ssize_t hawser__input_bytes(hawser__socket *socket, struct msghdr *msg, size_t wanted, int flags) {
    size_t done = 0;
    for (hawser__packet *packet = socket->input.first, *next; packet && done < wanted; packet = next) {
        next = packet->next;
        size_t n = packet->size < wanted - done ? packet->size : wanted - done;
        if (!(flags & MSG_TRUNC))
            hawser__scatter(msg, done, packet->block->bytes + packet->offset, n);
        done += n;
        if (flags & MSG_PEEK)
            continue;
        if (n == packet->size) {
            hawser__input_drop(socket);
            continue;
        }
        packet->offset += n;
        packet->size -= n;
        hawser__input_taken(socket, packet, n);
    }
    return (ssize_t)done;
}

/* The name of the sender is the caller's business, before. */
ssize_t hawser__input_message(hawser__socket *socket, struct msghdr *msg, int flags) {
    hawser__packet *packet = socket->input.first;
    size_t full = packet->size, room = hawser__message_size(msg);
    size_t copied = packet->block ? hawser__scatter(msg, 0, packet->block->bytes + packet->offset, full) : 0;
    msg->msg_flags |= full > room ? MSG_TRUNC : 0;
    if (!(flags & MSG_PEEK))
        hawser__input_drop(socket);
    return (ssize_t)(flags & MSG_TRUNC ? full : copied);
}

/* Control messages. */

static bool is_part(const struct cmsghdr *part, int level, int type, size_t size) {
    return part->cmsg_level == level && part->cmsg_type == type && part->cmsg_len >= CMSG_LEN(size);
}

static int source_of_part(const hawser__socket *socket, const struct cmsghdr *part, hawser__place *source) {
    if (is_part(part, IPPROTO_IP, IP_PKTINFO, sizeof(struct in_pktinfo))) {
        struct in_pktinfo info;
        memcpy(&info, CMSG_DATA(part), sizeof info);
        *source = hawser__place_any(true);
        memcpy(source->ip + 12, &info.ipi_spec_dst, 4);
        return 0;
    }
    if (socket->family == AF_INET6 && is_part(part, IPPROTO_IPV6, IPV6_PKTINFO, sizeof(struct in6_pktinfo))) {
        struct in6_pktinfo info;
        memcpy(&info, CMSG_DATA(part), sizeof info);
        memcpy(source->ip, &info.ipi6_addr, sizeof source->ip);
        return 0;
    }
    return -EINVAL;
}

int hawser__control_source(const hawser__socket *socket, const struct msghdr *msg, hawser__place *source) {
    struct msghdr *whole = (struct msghdr *)(uintptr_t)msg;   /* CMSG_NXTHDR reads only */
    int result = 0;
    for (struct cmsghdr *part = CMSG_FIRSTHDR(whole); part && result == 0; part = CMSG_NXTHDR(whole, part))
        if (part->cmsg_level != IPPROTO_UDP)   /* datagram.c */
            result = part->cmsg_len < sizeof *part ? -EINVAL : source_of_part(socket, part, source);
    if (result == 0 && !hawser__place_is_any(source) && !hawser__host_has(socket->host, source))
        return -EINVAL;
    return result;
}

void hawser__control_give(struct msghdr *msg, size_t room, int level, int type, const void *data, size_t size) {
    struct cmsghdr head = {.cmsg_level = level, .cmsg_type = type, .cmsg_len = CMSG_LEN(size)};
    char *at = (char *)msg->msg_control + msg->msg_controllen;
    size_t left = room - msg->msg_controllen;
    if (left < sizeof head) {
        msg->msg_flags |= MSG_CTRUNC;
        return;
    }
    if (left < CMSG_LEN(size)) {
        msg->msg_flags |= MSG_CTRUNC;
        head.cmsg_len = left;
        size = left - CMSG_LEN(0);
    }
    memcpy(at, &head, sizeof head);
    memcpy(CMSG_DATA((struct cmsghdr *)(void *)at), data, size);
    msg->msg_controllen += left < CMSG_SPACE(size) ? left : CMSG_SPACE(size);
}

/* Interfaces of a host: its loopback is number 1, the other one 2. */
void hawser__control_arrival(const hawser__socket *socket, const hawser__packet *packet, struct msghdr *msg, size_t room) {
    unsigned interface = hawser__place_is_loopback(&packet->target) ? 1 : 2;
    if (!msg->msg_control)
        room = 0;
    if (hawser__option(socket, IPPROTO_IP, IP_PKTINFO) && hawser__place_is_v4(&packet->target)) {
        struct in_pktinfo info = {.ipi_ifindex = (int)interface};
        memcpy(&info.ipi_addr, packet->target.ip + 12, 4);
        info.ipi_spec_dst = info.ipi_addr;
        hawser__control_give(msg, room, IPPROTO_IP, IP_PKTINFO, &info, sizeof info);
    }
    if (socket->family == AF_INET6 && hawser__option(socket, IPPROTO_IPV6, IPV6_RECVPKTINFO)) {
        struct in6_pktinfo info = {.ipi6_ifindex = interface};
        memcpy(&info.ipi6_addr, packet->target.ip, sizeof packet->target.ip);
        hawser__control_give(msg, room, IPPROTO_IPV6, IPV6_PKTINFO, &info, sizeof info);
    }
}
