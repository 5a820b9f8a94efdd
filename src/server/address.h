/* SPDX-License-Identifier: MIT */
/* The text form of where a server listens: see hawser_server_open. */
#ifndef HAWSER__ADDRESS_H
#define HAWSER__ADDRESS_H

#include <hawser/addr.h>

enum hawser__scheme { HAWSER__TCP, HAWSER__UDP, HAWSER__UNIX, HAWSER__UNIX_DATAGRAM, HAWSER__SYSTEMD, HAWSER__FD };

struct hawser__address {
    enum hawser__scheme scheme;
    char host[HAWSER_ADDR_TEXT];   /* TCP, UDP: as hawser_create_server takes it; Unix: "unix:..."; SYSTEMD: the name or "" */
    int port;                      /* TCP, UDP; FD: the descriptor */
};

/* 0; -HAWSER_EADDRESS, -ERANGE (port, descriptor), -ENAMETOOLONG. A port may be the name of a service ("http"). */
int hawser__address_parse(struct hawser__address *ret, const char *text);

#endif
