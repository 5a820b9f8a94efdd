/* SPDX-License-Identifier: MIT */
/*
 * Where an IP socket is: an address and a port, both families in one form. IPv4 is mapped into IPv6 (::ffff:a.b.c.d), so that a
 * socket of either family, a wildcard and a peer compare without a look at the family.
 */
#ifndef HAWSER__PLACE_H
#define HAWSER__PLACE_H

#include "world/host.h"

#include <sys/socket.h>

typedef struct hawser__place {
    unsigned char ip[16];
    uint16_t port;                           /* host byte order */
} hawser__place;

/* The address SA for a socket of FAMILY. -EINVAL (too short), -EAFNOSUPPORT. */
int hawser__place_in(hawser__place *place, int family, const struct sockaddr *sa, socklen_t len);
/* As the kernel gives it to a socket of FAMILY: cut to *LEN, which becomes the full length. */
void hawser__place_out(const hawser__place *place, int family, struct sockaddr *sa, socklen_t *len);
/* As text, for the trace. */
const char *hawser__place_str(const hawser__place *place, hawser_addr *room);

bool hawser__place_is_v4(const hawser__place *place);
bool hawser__place_is_any(const hawser__place *place);                    /* 0.0.0.0 or :: */
bool hawser__place_is_loopback(const hawser__place *place);
bool hawser__place_same_ip(const hawser__place *a, const hawser__place *b);
bool hawser__place_same(const hawser__place *a, const hawser__place *b);
hawser__place hawser__place_any(bool v4);

/* Whether it is an address of HOST, its loopback included. */
bool hawser__host_has(const hawser__host *host, const hawser__place *place);
/* The host that answers at PLACE, as seen from FROM; NULL = none in the world. */
hawser__host *hawser__host_at(hawser__host *from, const hawser__place *place);
/* The address that FROM uses towards PLACE; the port is 0. */
hawser__place hawser__place_towards(const hawser__host *from, const hawser__place *place);
/* Whether HOST answers at all: it has power, whether its program runs or not. */
bool hawser__host_answers(const hawser__host *host);

#endif
