/* SPDX-License-Identifier: MIT */
/*
 * What "hawser serve" can serve: each service as a first message and a transformation of bytes.
 *
 * A stream is answered piece by piece, as it arrives: what comes back for a line does not depend on how it was cut, and a
 * client that sends no newline is answered all the same. A datagram is a stream of its own.
 */
#ifndef CLI_SERVICE_H
#define CLI_SERVICE_H

#include <hawser.h>

/* An answer is at most this many times as long as what it answers: "OK..." before every newline. */
#define SERVICE_GROWTH 6

/* Of an answer, in bytes: what fits into UDP on IPv4. */
#define SERVICE_LARGEST_DATAGRAM 65507

struct service {
    const char *name;
    const char *welcome;    /* sent first on a connection; NULL = nothing */
    const char *datagram;   /* sent for every datagram, whatever is in it; NULL = the answer */
    /* Writes the answer to SIZE bytes of IN to OUT, which has room for SERVICE_GROWTH times as many, and returns its length.
     * *AT_START: a line begins here. NULL: the service says its welcome and ends the connection. */
    size_t (*answer)(const char *in, size_t size, bool *at_start, char *out);
    bool unchanged;         /* the answer is what came: on a connection it is sent as it lies there */
};

/* The one called NAME, NULL. */
const struct service *service_find(const char *name);

/* Names for completion and suggestions, ended by NULL. */
extern const char *const service_names[];

struct traffic {
    uint64_t in, out;
};

/* Serves one client on SOCK to the end; adds to *TRAFFIC what moved. 0, or -1 with errno. */
int service_converse(const struct service *service, hawser_sock *sock, struct traffic *traffic);

#endif
