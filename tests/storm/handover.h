/* SPDX-License-Identifier: MIT */
/* The clients of the servers in handover.c. A request is a line; its answer is a line of ANSWER bytes. */
#ifndef TESTS_HANDOVER_H
#define TESTS_HANDOVER_H

#include <hawser/sim.h>

#define ANSWER 200

struct place {
    const char *addresses[2];   /* where the server listens; the second may be NULL */
    const char *hosts[3];       /* where its clients find it: those of the same host, and the last one those of others */
};

struct handover_clients {
    const struct place *place;
    bool open;   /* the first server listens */
    int lost;    /* calls that should have been answered */
};

/* Programs: a client in the servers' host, and one in another, which waits until they are open. */
int handover_call_from_within(void *clients);
int handover_call_from_afar(void *clients);

#endif
