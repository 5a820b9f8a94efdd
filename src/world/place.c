/* SPDX-License-Identifier: MIT */
/* Addresses of IP sockets: place.h. Zones and flow labels do not exist in a simulated world. */
#include "world/place.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

static const unsigned char mapped[12] = {[10] = 0xff, [11] = 0xff};

bool hawser__place_is_v4(const hawser__place *place) {
    return memcmp(place->ip, mapped, sizeof mapped) == 0;
}

hawser__place hawser__place_any(bool v4) {
    hawser__place place = {.port = 0};
    if (v4)
        memcpy(place.ip, mapped, sizeof mapped);
    return place;
}

static hawser__place from_v4(const struct sockaddr_in *in) {
    hawser__place place = hawser__place_any(true);
    memcpy(place.ip + 12, &in->sin_addr, 4);
    place.port = ntohs(in->sin_port);
    return place;
}

static hawser__place from_v6(const struct sockaddr_in6 *in) {
    hawser__place place;
    memcpy(place.ip, &in->sin6_addr, sizeof place.ip);
    place.port = ntohs(in->sin6_port);
    return place;
}

/* Without sin6_scope_id an address is still taken, as the kernel takes it (RFC 2133). */
#define SHORT_V6 24

int hawser__place_in(hawser__place *place, int family, const struct sockaddr *sa, socklen_t len) {
    if (len < sizeof sa->sa_family || len < (family == AF_INET ? sizeof(struct sockaddr_in) : SHORT_V6))
        return -EINVAL;
    if (sa->sa_family != family)
        return -EAFNOSUPPORT;
    struct sockaddr_storage copy = {0};
    memcpy(&copy, sa, len < sizeof copy ? len : sizeof copy);
    *place = family == AF_INET ? from_v4((struct sockaddr_in *)&copy) : from_v6((struct sockaddr_in6 *)&copy);
    return 0;
}

static void give(struct sockaddr *sa, socklen_t *len, const void *full, socklen_t size) {
    if (*len > 0)
        memcpy(sa, full, *len < size ? *len : size);
    *len = size;
}

void hawser__place_out(const hawser__place *place, int family, struct sockaddr *sa, socklen_t *len) {
    if (family == AF_INET) {
        struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(place->port)};
        memcpy(&in.sin_addr, place->ip + 12, 4);
        give(sa, len, &in, sizeof in);
    } else {
        struct sockaddr_in6 in = {.sin6_family = AF_INET6, .sin6_port = htons(place->port)};
        memcpy(&in.sin6_addr, place->ip, sizeof place->ip);
        give(sa, len, &in, sizeof in);
    }
}

const char *hawser__place_str(const hawser__place *place, hawser_addr *room) {
    *room = (hawser_addr){.len = sizeof room->ss};
    hawser__place_out(place, hawser__place_is_v4(place) ? AF_INET : AF_INET6, (struct sockaddr *)&room->ss, &room->len);
    return hawser_addr_str(room);
}

bool hawser__place_same_ip(const hawser__place *a, const hawser__place *b) {
    return memcmp(a->ip, b->ip, sizeof a->ip) == 0;
}

bool hawser__place_same(const hawser__place *a, const hawser__place *b) {
    return a->port == b->port && hawser__place_same_ip(a, b);
}

bool hawser__place_is_any(const hawser__place *place) {
    static const unsigned char zero[16];
    size_t from = hawser__place_is_v4(place) ? 12 : 0;
    return memcmp(place->ip + from, zero, sizeof zero - from) == 0;
}

bool hawser__place_is_loopback(const hawser__place *place) {
    static const unsigned char one[16] = {[15] = 1};
    return hawser__place_is_v4(place) ? place->ip[12] == 127 : memcmp(place->ip, one, sizeof one) == 0;
}

static hawser__place of_host(const hawser__host *host, bool v4) {
    return v4 ? from_v4((const struct sockaddr_in *)&host->four.ss) : from_v6((const struct sockaddr_in6 *)&host->six.ss);
}

bool hawser__host_has(const hawser__host *host, const hawser__place *place) {
    hawser__place own = of_host(host, hawser__place_is_v4(place));
    return hawser__place_is_loopback(place) || hawser__place_same_ip(&own, place);
}

hawser__host *hawser__host_at(hawser__host *from, const hawser__place *place) {
    if (hawser__place_is_any(place) || hawser__host_has(from, place))
        return from;
    for (hawser__host *host = hawser__world_here->hosts; host; host = host->next)
        if (hawser__host_has(host, place))
            return host;
    return NULL;
}

hawser__place hawser__place_towards(const hawser__host *from, const hawser__place *place) {
    bool v4 = hawser__place_is_v4(place);
    hawser__place own = of_host(from, v4);
    if (hawser__place_is_loopback(place) || hawser__place_is_any(place)) {
        own = hawser__place_any(v4);
        own.ip[12] = v4 ? 127 : 0;
        own.ip[15] = 1;
    }
    own.port = 0;
    return own;
}

bool hawser__host_answers(const hawser__host *host) {
    return host->up || !host->dark;
}
