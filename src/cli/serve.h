/* SPDX-License-Identifier: MIT */
/*
 * The inside of "hawser serve": serve.c says what happens, serve_open.c opens, serve_stream.c and serve_datagram.c do the work.
 * These two start the fibers that take in what comes as members of WORK, which a signal cancels, and return when all is over.
 */
#ifndef CLI_SERVE_H
#define CLI_SERVE_H

#include "cli/service.h"

#include <hawser.h>
#include <stdatomic.h>

/* Fibers of every worker count here. */
struct totals {
    _Atomic uint64_t served;    /* connections, or datagrams */
    _Atomic uint64_t out, in;   /* bytes */
    _Atomic uint64_t errors;
    uint64_t cut;               /* connections that did not end within the time for it */
};

/* Accepts from LISTENER, which is closed at the end. 0; -1 with errno when accepting failed for good. */
int serve_stream(hawser_sock *listener, const struct service *service, struct totals *totals, hawser_group *work);

/* Answers what arrives at the COUNT sockets, which are closed at the end. 0; -1 with errno. */
int serve_datagrams(hawser_sock *const *socks, size_t count, const struct service *service, struct totals *totals,
                    hawser_group *work);

#endif
