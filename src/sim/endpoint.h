/* SPDX-License-Identifier: MIT */
/* An endpoint of a simulated host: a reference to a socket, and a watch that may be armed there. */
#ifndef HAWSER__SIM_ENDPOINT_H
#define HAWSER__SIM_ENDPOINT_H

#include "sim/simulation.h"
#include "world/socket.h"

struct hawser__sim_endpoint {
    hawser__endpoint base;
    hawser__socket *socket;
    struct hawser__sim_endpoint *next;       /* of the host's */
    int number;                              /* in the host's table: world/descriptors.h; 0 = none, nobody has asked for it */
    bool shared;                             /* its number was others', or is a copy: flags stay as they are */
    hawser__watch *watch;                    /* armed; NULL = none */
    hawser__port *port;                      /* whose worker fires it; NULL = nobody does any more */
    bool in_line;                            /* at a full Unix listener; it may have been let in since */
    bool due, ended;                         /* in the port's list of those that are to fire */
    struct hawser__sim_endpoint *next_due;
};

static inline struct hawser__sim_endpoint *hawser__sim_endpoint_of(hawser__endpoint *endpoint) {
    return (struct hawser__sim_endpoint *)endpoint;
}

/* endpoint.c. Inside. */
/* An endpoint for a reference of SOCKET, which the caller has and which is the endpoint's then. 0 or -ENOMEM. */
int hawser__sim_wrap(hawser__host *host, hawser__socket *socket, hawser__endpoint **ret);
/* Its record goes; the reference is the caller's. */
hawser__socket *hawser__sim_unwrap(hawser__endpoint *endpoint);

/* move.c: connecting, at once. Inside. */
int hawser__sim_connect(hawser__endpoint *endpoint, const struct sockaddr *sa, socklen_t len);
int hawser__sim_connect_result(hawser__endpoint *endpoint);

/* watch.c */
int hawser__sim_watch(hawser__endpoint *endpoint, hawser__port *port, hawser__watch *watch, bool *ended);
bool hawser__sim_unwatch(hawser__endpoint *endpoint, hawser__watch *watch);
/* Something happened at the endpoint's socket, and it has a watch. */
void hawser__sim_watch_look(struct hawser__sim_endpoint *endpoint);
/* Fires the watch at once, if there is one, on the calling thread. */
void hawser__sim_watch_evict(struct hawser__sim_endpoint *endpoint);
/* It is taken away without a word. */
void hawser__sim_watch_drop(struct hawser__sim_endpoint *endpoint);

/* port.c: the list of those that are to fire. */
void hawser__sim_port_due(struct hawser__sim_endpoint *endpoint);
void hawser__sim_port_undue(struct hawser__sim_endpoint *endpoint);

#endif
