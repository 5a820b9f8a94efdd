/* SPDX-License-Identifier: MIT */
/* Networks: lists of "10.0.0.0/8", "2001:db8::/32", "::1", "unix", as the options allow, deny and proxy_from have them. */
#ifndef HAWSER__NETWORKS_H
#define HAWSER__NETWORKS_H

#include <hawser/addr.h>

struct hawser__network {
    int family;                 /* AF_INET, AF_INET6, AF_UNIX (every peer on a Unix socket) */
    unsigned bits;              /* of the prefix that counts */
    unsigned char prefix[16];   /* the bits behind it are 0 */
};

struct hawser__networks {
    struct hawser__network *list;   /* NULL: none */
    size_t count;
};

/* TEXT is an address, or one and "/" and the length of its prefix. An IPv6 network that lies in ::ffff:0:0/96 becomes the IPv4
 * one it stands for. 0; -HAWSER_EADDRESS: no network; -ERANGE: the length. */
int hawser__network_parse(struct hawser__network *ret, const char *text);

/* Reads TEXTS, ended by NULL (TEXTS itself may be NULL). 0; -ENOMEM, or as above with *BAD the text. */
int hawser__networks_init(struct hawser__networks *networks, const char *const *texts, const char **bad);
void hawser__networks_done(struct hawser__networks *networks);

/* Whether ADDR is in one of them. An IPv4 address mapped into IPv6 counts as IPv4. */
bool hawser__networks_contain(const struct hawser__networks *networks, const hawser_addr *addr);

#endif
