/* SPDX-License-Identifier: MIT */
/*
 * Names of IP sockets: which addresses and ports they may have, and which of them hears what is sent to one.
 *
 * A port is taken by every socket that is bound to it, the connections that a listener made included, until they are gone.
 * Linux lets one local port have connections to different peers; here a client's port is its own.
 */
#include "world/socket_inside.h"

#include <netinet/in.h>

#define FIRST_PORT 32768
#define LAST_PORT 60999

static bool is_v6_only(const hawser__socket *socket) {
    return socket->family == AF_INET6 && hawser__option(socket, IPPROTO_IPV6, IPV6_V6ONLY);
}

/* Whether a socket with the wildcard for its address means PLACE too. */
static bool wildcard_means(const hawser__socket *socket, const hawser__place *own, const hawser__place *place) {
    if (!hawser__place_is_any(own))
        return false;
    if (hawser__place_is_v4(own))
        return hawser__place_is_v4(place);
    return !is_v6_only(socket) || !hawser__place_is_v4(place);
}

/* One that became IPv6 alone after it had chosen an IPv4 address hears nobody. */
bool hawser__sock_covers(const hawser__socket *socket, const hawser__place *to) {
    if (is_v6_only(socket) && hawser__place_is_v4(to))
        return false;
    return wildcard_means(socket, &socket->own, to) || hawser__place_same_ip(&socket->own, to);
}

static bool both(const hawser__socket *a, const hawser__socket *b, int name) {
    return hawser__option(a, SOL_SOCKET, name) && hawser__option(b, SOL_SOCKET, name);
}

static bool may_share(const hawser__socket *asker, const hawser__socket *other) {
    if (both(asker, other, SO_REUSEPORT))
        return true;
    return both(asker, other, SO_REUSEADDR) && (asker->type == SOCK_DGRAM || other->state != HAWSER__LISTENS);
}

/* All of IPv4, against a socket that has an IPv6 address but could do both. */
static bool dual_meets(const hawser__place *place, const hawser__socket *other) {
    return hawser__place_is_any(place) && hawser__place_is_v4(place) && other->family == AF_INET6 && !is_v6_only(other);
}

static bool meet(const hawser__socket *asker, const hawser__place *place, const hawser__socket *other) {
    return other != asker && other->bound && other->family != AF_UNIX && other->type == asker->type &&
           other->own.port == place->port &&
           (wildcard_means(asker, place, &other->own) || hawser__sock_covers(other, place) || dual_meets(place, other));
}

/* SHARING: unless both sides allow it. */
static bool is_taken(const hawser__socket *asker, const hawser__place *place, bool sharing) {
    for (const hawser__socket *other = asker->host->sockets; other; other = other->next)
        if (meet(asker, place, other) && !(sharing && may_share(asker, other)))
            return true;
    return false;
}

static int take_port(hawser__socket *socket, hawser__place *place) {
    uint16_t *next = &socket->host->next_port;
    for (int tries = 0; tries <= LAST_PORT - FIRST_PORT; tries++) {
        if (*next < FIRST_PORT || *next > LAST_PORT)
            *next = FIRST_PORT;
        place->port = (*next)++;
        if (!is_taken(socket, place, false))
            return 0;
    }
    return -EADDRINUSE;
}

/* A client gets the address that its host has towards the peer; without a peer it keeps the wildcard. */
int hawser__sock_bind_any(hawser__socket *socket, const hawser__place *towards) {
    hawser__place place = socket->own;
    if (towards && hawser__place_is_any(&place)) {
        place = hawser__place_towards(socket->host, towards);
        place.port = socket->own.port;
    }
    int result = socket->bound ? 0 : take_port(socket, &place);
    if (result < 0)
        return result;
    socket->own = place;
    socket->bound = true;
    return 0;
}

void hawser__sock_give_up_port(hawser__socket *socket) {
    if (!socket->port_chosen)
        socket->bound = false;
}

static int may_have(const hawser__socket *socket, const hawser__place *place) {
    if (socket->family == AF_INET6 && is_v6_only(socket) && hawser__place_is_v4(place))
        return -EINVAL;
    bool many = socket->type == SOCK_DGRAM && hawser__place_is_many(place);
    return many || hawser__place_is_any(place) || hawser__host_has(socket->host, place) ? 0 : -EADDRNOTAVAIL;
}

static int bind_ip(hawser__socket *socket, const struct sockaddr *sa, socklen_t len) {
    hawser__place place;
    int result = hawser__place_in(&place, socket->family, sa, len);
    if (result == 0 && (socket->bound || socket->state != HAWSER__CLOSED))
        result = -EINVAL;
    if (result == 0)
        result = may_have(socket, &place);
    if (result < 0)
        return result;
    bool chosen = place.port != 0;
    result = !chosen ? take_port(socket, &place) : is_taken(socket, &place, true) ? -EADDRINUSE : 0;
    if (result < 0) {
        memcpy(socket->own.ip, hawser__place_any(socket->family == AF_INET).ip, sizeof socket->own.ip);   /* as on Linux */
        return result;
    }
    socket->own = place;
    socket->bound = true;
    socket->port_chosen |= chosen;   /* once and for all, as on Linux */
    socket->address_chosen |= !hawser__place_is_any(&place);
    if (socket->family == AF_INET6 && !hawser__place_is_any(&place) && !hawser__place_is_v4(&place))
        hawser__option_keep(socket, IPPROTO_IPV6, IPV6_V6ONLY, 1);
    hawser__trace(socket->host, "bind %s", hawser__place_str(&place, &(hawser_addr){0}));
    return 0;
}

int hawser__socket_bind(hawser__socket *socket, const struct sockaddr *sa, socklen_t len) {
    return socket->family == AF_UNIX ? hawser__unix_bind(socket, sa, len) : bind_ip(socket, sa, len);
}

int hawser__socket_listen(hawser__socket *socket, int backlog) {
    if (socket->type == SOCK_DGRAM)
        return -EOPNOTSUPP;
    if (socket->family == AF_UNIX)
        return hawser__unix_listen(socket, backlog);
    bool again = socket->state == HAWSER__LISTENS;
    if (!again && (socket->state != HAWSER__CLOSED || socket->attempt != HAWSER__UNTRIED))
        return -EINVAL;
    int result = hawser__sock_bind_any(socket, NULL);
    if (result == 0 && !again && is_taken(socket, &socket->own, true))
        result = -EADDRINUSE;   /* two may be bound to one port for SO_REUSEADDR, and still only one listen */
    if (result < 0)
        return result;
    socket->backlog = hawser__listener_limit(backlog);
    socket->state = HAWSER__LISTENS;
    hawser__trace(socket->host, "listen %s", hawser__place_str(&socket->own, &(hawser_addr){0}));
    return 0;
}

/* No address means one's own loopback, of the family that the socket's own address has. */
hawser__place hawser__sock_meaning(const hawser__socket *socket, const hawser__place *to) {
    if (!hawser__place_is_any(to))
        return *to;
    bool v4 = hawser__place_is_v4(to) || (!hawser__place_is_any(&socket->own) && hawser__place_is_v4(&socket->own));
    hawser__place any = hawser__place_any(v4), place = hawser__place_towards(socket->host, &any);
    place.port = to->port;
    return place;
}

/* Who hears it: the closer its name fits, the better. */

static int fit(const hawser__socket *socket, const hawser__place *to, const hawser__place *from) {
    if (!socket->bound || socket->own.port != to->port || !hawser__sock_covers(socket, to))
        return 0;
    int score = 1 + (hawser__place_is_any(&socket->own) ? 0 : 4) + (socket->family == AF_INET ? 1 : 0);
    if (socket->state != HAWSER__CONNECTED)
        return score;
    return from && hawser__place_same(&socket->remote, from) ? score + 8 : 0;
}

/* Of those that fit equally well the one opened last; or one by chance, when they share their port. */
static hawser__socket *best(hawser__host *host, const hawser__place *to, const hawser__place *from, int type) {
    hawser__socket *found = NULL;
    int most = 0;
    unsigned count = 0;
    for (hawser__socket *socket = host->sockets; socket; socket = socket->next) {
        bool kind = socket->family != AF_UNIX && socket->type == type;
        bool open = type == SOCK_DGRAM || socket->state == HAWSER__LISTENS;
        int score = kind && open ? fit(socket, to, from) : 0;
        if (score == 0 || score < most)
            continue;
        count = score > most ? 1 : count + 1;
        bool shared = hawser__option(socket, SOL_SOCKET, SO_REUSEPORT);
        if (score > most || (shared && hawser__chance_below(hawser__world_chance(), count) == 0))
            found = socket;
        most = score;
    }
    return found;
}

hawser__socket *hawser__listener_for(hawser__host *host, const hawser__place *to) {
    return best(host, to, NULL, SOCK_STREAM);
}

hawser__socket *hawser__receiver_for(hawser__host *host, const hawser__place *to, const hawser__place *from) {
    return best(host, to, from, SOCK_DGRAM);
}

/* What they are called. */

int hawser__socket_getsockname(hawser__socket *socket, struct sockaddr *sa, socklen_t *len) {
    if (socket->family == AF_UNIX)
        hawser__unix_name_out(&socket->name, sa, len);
    else
        hawser__place_out(&socket->own, socket->family, sa, len);
    return 0;
}

int hawser__socket_getpeername(hawser__socket *socket, struct sockaddr *sa, socklen_t *len) {
    bool accepted = socket->accepted;
    socket->accepted = false;
    if (socket->state != HAWSER__CONNECTED && !accepted)
        return -ENOTCONN;
    if (socket->family == AF_UNIX)
        hawser__unix_name_out(&socket->peer->name, sa, len);
    else if (socket->remote.port == 0)
        return -ENOTCONN;
    else
        hawser__place_out(&socket->remote, socket->family, sa, len);
    return 0;
}
