/* SPDX-License-Identifier: MIT */
/*
 * What a server has done so far (server.h), as numbers and as text for Prometheus. Reading costs the server nothing, from any
 * task; with forks the children count as well.
 */
#ifndef HAWSER_COUNTERS_H
#define HAWSER_COUNTERS_H

#include <hawser/server.h>

HAWSER_BEGIN

/* The handlers' times fall into these: bucket I has those of at most 2^I * 10 microseconds that no smaller one has, the last
 * one all the rest. The first ends at 10 us, the last but one at 84 s. */
#define HAWSER_TIME_BUCKETS 25

typedef struct hawser_server_counters {
    uint64_t accepted;            /* connections taken from the listeners */
    uint64_t datagrams;           /* received */
    uint64_t active;              /* connections that are open, and datagrams being answered */
    uint64_t kept;                /* of these, connections between two calls (hawser_keep) */
    uint64_t finished;            /* requests served to the end, whatever it was; a connection counts once, a datagram too */
    uint64_t failed;              /* of these, those that handle_error was told of */
    uint64_t cut;                 /* of these, those that a stop cancelled */
    uint64_t broken;              /* of these, those whose peer reset the connection or was gone */

    uint64_t refused_network;     /* by allow and deny */
    uint64_t refused_peer;        /* by max_per_peer */
    uint64_t refused_proxy;       /* by a PROXY header that was malformed or late */
    uint64_t refused_verify;      /* by verify_request */
    uint64_t timed_out_idle;      /* requests that met idle_timeout, */
    uint64_t timed_out_first_byte;
    uint64_t timed_out_request;
    uint64_t timed_out_rate;      /* min_rate */
    uint64_t paused;              /* times that max_connections kept the server from accepting */
    uint64_t shortages;           /* times that accepting met a full descriptor table, or no memory */
    uint64_t lines_too_long;      /* lines longer than the reader's limit */
    uint64_t datagrams_truncated;
    uint64_t datagrams_unanswered;   /* answers that could not be sent */

    uint64_t bytes_in, bytes_out;
    uint64_t calls;               /* of handlers */
    double call_seconds;          /* all their times together */
    uint64_t call_times[HAWSER_TIME_BUCKETS];
} hawser_server_counters;

/* The numbers as they are now, into *OUT. */
void hawser_server_get_counters(hawser_server *server, hawser_server_counters *out);

/* The counters in the text format of Prometheus, version 0.0.4, into OUT, NUL-terminated and cut to SIZE. The length of the
 * whole: 16 KiB is always enough. */
size_t hawser_server_metrics(hawser_server *server, char *out, size_t size);

HAWSER_END

#endif
