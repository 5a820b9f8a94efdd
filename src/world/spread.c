/* SPDX-License-Identifier: MIT */
/*
 * Datagrams to many: broadcast (255.255.255.255) and multicast groups. A copy goes to every host, and there to every socket
 * that is bound to the port and hears the group.
 */
#include "world/socket_inside.h"

#include <netinet/in.h>

static bool is_broadcast(const hawser__place *place) {
    static const unsigned char all[4] = {0xff, 0xff, 0xff, 0xff};
    return hawser__place_is_v4(place) && memcmp(place->ip + 12, all, sizeof all) == 0;
}

static bool is_group(const hawser__place *place) {
    return hawser__place_is_v4(place) ? place->ip[12] >> 4 == 14 : place->ip[0] == 0xff;
}

bool hawser__place_is_many(const hawser__place *place) {
    return is_broadcast(place) || is_group(place);
}

/* Whether the sender's own host hears it as well. */
static bool comes_back(const hawser__socket *socket, const hawser__place *to) {
    if (is_broadcast(to))
        return true;
    return hawser__place_is_v4(to) ? hawser__option(socket, IPPROTO_IP, IP_MULTICAST_LOOP)
                                 : hawser__option(socket, IPPROTO_IPV6, IPV6_MULTICAST_LOOP);
}

int hawser__udp_spread(hawser__socket *socket, hawser__packet *packet) {
    for (hawser__host *host = hawser__world_here->hosts; host; host = host->next) {
        if (host == socket->host && !comes_back(socket, &packet->target))
            continue;
        hawser__packet *copy = hawser__packet_copy(packet);
        if (!copy)
            continue;
        copy->host = host;
        copy->arrive = hawser__udp_spread_arrives;
        hawser__udp_transmit(copy);
    }
    hawser__packet_free(packet);
    return 0;
}

static bool is_member(const hawser__socket *socket, const hawser__place *group) {
    for (unsigned i = 0; i < socket->group_count; i++)
        if (hawser__place_same_ip(&socket->groups[i], group))
            return true;
    return false;
}

static bool hears(const hawser__socket *socket, const hawser__packet *packet) {
    if (!hawser__sock_is_udp(socket) || !socket->bound || socket->own.port != packet->target.port)
        return false;
    if (socket->state == HAWSER__CONNECTED && !hawser__place_same(&socket->remote, &packet->source))
        return false;
    bool meant = is_broadcast(&packet->target) || is_member(socket, &packet->target);
    return meant && hawser__sock_covers(socket, &packet->target);
}

void hawser__udp_spread_arrives(hawser__packet *packet) {
    hawser__socket *socket = hawser__host_answers(packet->host) ? packet->host->sockets : NULL;
    for (; socket; socket = socket->next) {
        hawser__packet *copy = hears(socket, packet) ? hawser__packet_copy(packet) : NULL;
        if (copy)
            hawser__udp_deliver(socket, copy);
    }
    hawser__packet_free(packet);
}

/* Membership. */

static int join(hawser__socket *socket, const hawser__place *group) {
    if (is_member(socket, group))
        return -EADDRINUSE;
    if (socket->group_count == HAWSER__GROUPS)
        return -ENOBUFS;
    socket->groups[socket->group_count++] = *group;
    return 0;
}

static int leave(hawser__socket *socket, const hawser__place *group) {
    for (unsigned i = 0; i < socket->group_count; i++)
        if (hawser__place_same_ip(&socket->groups[i], group)) {
            socket->groups[i] = socket->groups[--socket->group_count];
            return 0;
        }
    return -EADDRNOTAVAIL;
}

int hawser__udp_group(hawser__socket *socket, int level, int name, const void *value, socklen_t size) {
    hawser__place group = hawser__place_any(true);
    bool v4 = level == IPPROTO_IP;
    if (size < (v4 ? sizeof(struct ip_mreq) : sizeof(struct ipv6_mreq)))
        return -EINVAL;
    memcpy(v4 ? group.ip + 12 : group.ip, value, v4 ? 4 : 16);
    if (!is_group(&group))
        return -EINVAL;
    return name == (v4 ? IP_ADD_MEMBERSHIP : IPV6_JOIN_GROUP) ? join(socket, &group) : leave(socket, &group);
}
