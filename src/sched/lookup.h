/* SPDX-License-Identifier: MIT */
/*
 * A look-up as data: what is asked and, later, the answer. An engine carries it out (on a helper thread, or from a model of the
 * network), so the one who waits and the one who works share it by reference count: whoever is last frees it, and a look-up
 * abandoned at its deadline is nobody's leak.
 */
#ifndef HAWSER__LOOKUP_H
#define HAWSER__LOOKUP_H

#include "sched/offload.h"

#include <hawser/names.h>
#include <stdatomic.h>

enum hawser__lookup_kind {
    HAWSER__LOOKUP_ADDRINFO,     /* host, service, hints            -> list */
    HAWSER__LOOKUP_NAMEINFO,     /* addr, flags                     -> host_out, service_out */
    HAWSER__LOOKUP_HOSTBYNAME,   /* host                            -> entry */
    HAWSER__LOOKUP_HOSTBYADDR,   /* addr                            -> entry */
    HAWSER__LOOKUP_SERVBYNAME,   /* service, proto name in host     -> number */
    HAWSER__LOOKUP_SERVBYPORT,   /* number, proto name in host      -> service_out */
    HAWSER__LOOKUP_PROTOBYNAME   /* host                            -> number */
};

typedef struct hawser__lookup {
    hawser__job job;             /* first, and of one look-up at a time */
    atomic_int refs;
    enum hawser__lookup_kind kind;
    char *host, *service;        /* copies; NULL allowed */
    struct addrinfo hints;       /* ADDRINFO */
    hawser_addr addr;            /* NAMEINFO, HOSTBYADDR */
    int flags;                   /* NAMEINFO */
    int number;

    int error;                   /* 0 or a positive code; set when the look-up has been run */
    struct addrinfo *list;       /* owned: freed with the look-up */
    hawser_hostent *entry;       /* one block of hawser__alloc, owned until taken (set to NULL) */
    char host_out[NI_MAXHOST], service_out[NI_MAXSERV];
} hawser__lookup;

/* A new look-up with one reference; NULL = ENOMEM. */
hawser__lookup *hawser__lookup_new(enum hawser__lookup_kind kind, const char *host, const char *service);
hawser__lookup *hawser__lookup_ref(hawser__lookup *lookup);
void hawser__lookup_unref(hawser__lookup *lookup);

/* FROM as ours, in one block, so that one free releases it; 0 or -ENOMEM. */
int hawser__hostent_new(const struct hostent *from, hawser_hostent **ret);

/* Asks libc and fills in the answer. Blocks the thread. */
void hawser__lookup_run(hawser__lookup *lookup);

/* The same on a helper thread, while the calling task waits. 0 when it has been answered, well or badly (lookup->error);
 * -ETIMEDOUT at DEADLINE, -ECANCELED, -ENOMEM when there is no thread; -EAGAIN at once with HAWSER__NOW. In each of these cases
 * the look-up is abandoned, and not to be used again: its helper, if there is one, ends by itself and gives back its own
 * reference; the caller's stays the caller's. */
int hawser__lookup_on_thread(hawser__lookup *lookup, hawser__deadline deadline);

#endif
