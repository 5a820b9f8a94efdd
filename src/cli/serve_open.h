/* SPDX-License-Identifier: MIT */
/* From what the user asked for to a server that listens; and what to say when that fails or succeeds. */
#ifndef CLI_SERVE_OPEN_H
#define CLI_SERVE_OPEN_H

#include "cli/address.h"

#include <hawser.h>

struct place {
    struct address address;      /* no host: loopback */
    const char *activated;       /* "systemd:..." instead of it; NULL = the address counts */
    int family;
    bool udp, everywhere;        /* --udp, --public */
};

/* Whether TEXT names sockets that the service manager has opened. */
bool serve_is_activated(const char *text);

/* A server that listens there, with HANDLE and OPTIONS. 0; or the exit status, after an error message. */
int serve_open(const struct place *place, hawser_handler handle, hawser_server_options *options, hawser_server **ret);

/* "listening on ...", and what other machines can reach. */
void serve_describe(const struct place *place, hawser_server *server);

#endif
