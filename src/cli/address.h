/* SPDX-License-Identifier: MIT */
/*
 * Where to connect or listen, from one or two arguments: HOST, HOST:PORT, [V6]:PORT, HOST PORT, unix:PATH, and PORT alone when
 * listening. Nothing is looked up here but the names of services.
 */
#ifndef CLI_ADDRESS_H
#define CLI_ADDRESS_H

#include "cli/command.h"

struct address {
    const char *host;       /* NULL: none was named. A "unix:..." stands here whole */
    int port;               /* 0 for Unix */
    bool is_unix;
    char copy[256];         /* a host that had to be cut out; a longer name than DNS allows is refused */
};

struct address_rules {
    const struct command *command;   /* for usage errors */
    bool listening;                  /* a single argument can be a port, and 0 is one */
    const char *protocol;            /* "tcp" or "udp", for the names of services */
};

/* FIRST and SECOND may be NULL. The port is COMMAND_DEFAULT_PORT if omitted. 0; or the exit status, after an error message. RET
 * must stay where it is while its host is used. */
int address_parse(struct address *ret, const struct address_rules *rules, const char *first, const char *second);

#endif
