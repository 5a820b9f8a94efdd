/* SPDX-License-Identifier: MIT */
/*
 * Dialling: from a name to a connection, within one deadline.
 *
 * hawser_create_connection looks up HOST, then races its addresses as RFC 8305 says: in the resolver's order with the families
 * in turn, a new attempt every 250 ms or as soon as one has failed; the first connection wins, the others are closed.
 * One deadline covers look-up and all attempts (Python's timeout starts anew for every address).
 */
#ifndef HAWSER_DIAL_H
#define HAWSER_DIAL_H

#include <hawser/sock.h>

HAWSER_BEGIN

typedef struct hawser_connect_options {
    double timeout;            /* seconds in all; 0 = the default timeout, HAWSER_NO_TIMEOUT = no limit. The socket keeps it. */
    int family;                /* 0 = any, AF_INET or AF_INET6 = only that one */
    const char *source_host;   /* local address to connect from, numeric or a name; NULL = the kernel chooses */
    int source_port;           /* local port, 0 = any free one */
    double stagger;            /* seconds between attempts; 0 = 0.25, HAWSER_NO_TIMEOUT = one after the other */
} hawser_connect_options;

/* A stream connection to HOST ("" = this machine; or "unix:/path", "unix:@name" with PORT 0) and PORT. TCP connections have
 * TCP_NODELAY on and keep-alive at 15 s. OPTIONS may be NULL.
 * NULL with ERANGE (port), a look-up code, ETIMEDOUT, or the error of the last attempt; the sentence names every failure, as
 * many as fit (hawser_attempts has all):
 * "connect to localhost:9: Connection refused (tried [::1]:9: Connection refused; 127.0.0.1:9: Connection refused)".
 * Python: socket.create_connection(..., all_errors=True). */
hawser_sock *hawser_create_connection(const char *host, int port, const hawser_connect_options *options);

typedef struct hawser_attempt {
    hawser_addr addr;
    int error;        /* 0 = this one won; ECANCELED = still under way when another won; ETIMEDOUT = cut by the deadline */
    double seconds;   /* how long it took */
} hawser_attempt;

/* The attempts of the calling task's last hawser_create_connection, failed or not, in the order they were started: fills at
 * most N entries of OUT and returns how many there were. */
size_t hawser_attempts(hawser_attempt *out, size_t n);

HAWSER_END

#endif
