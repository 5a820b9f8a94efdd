/* SPDX-License-Identifier: MIT */
/* From what the user asked for to bound sockets; and what to say when that fails or succeeds. */
#ifndef CLI_SERVE_OPEN_H
#define CLI_SERVE_OPEN_H

#include "cli/address.h"

#include <hawser.h>

struct place {
    struct address address;      /* no host: loopback */
    int family;
    bool udp, everywhere;        /* --udp, --public */
    hawser_sock *sock[2];        /* one; two for datagrams on both loopbacks */
    size_t count;
};

/* 0; or the exit status, after an error message. */
int serve_open(struct place *place);

/* "listening on ...", and what other machines can reach. */
void serve_describe(struct place *place);

#endif
