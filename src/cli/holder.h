/* SPDX-License-Identifier: MIT */
/* Which process holds an address, as far as /proc shows it to us. */
#ifndef CLI_HOLDER_H
#define CLI_HOLDER_H

#include <stdbool.h>

struct holder {
    int pid;
    char name[64];
};

/* The process that listens at PORT, or at the Unix path or name PATH ("unix:..."; NULL: a port). False when it is unknown. */
bool holder_find(struct holder *ret, const char *path, int port, bool udp);

#endif
