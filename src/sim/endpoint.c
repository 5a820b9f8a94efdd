/* SPDX-License-Identifier: MIT */
/* The records of endpoints. */
#include "sim/endpoint.h"

#include "base/mem.h"

#include <errno.h>

int hawser__sim_wrap(hawser__host *host, hawser__socket *socket, hawser__endpoint **ret) {
    struct hawser__sim_endpoint *made = hawser__zalloc(sizeof *made);
    if (!made)
        return -ENOMEM;
    made->base.engine = &host->engine;
    made->socket = socket;
    made->next = host->endpoints;
    host->endpoints = made;
    *ret = &made->base;
    return 0;
}

hawser__socket *hawser__sim_unwrap(hawser__endpoint *base) {
    hawser__host *host = (hawser__host *)base->engine;
    struct hawser__sim_endpoint *endpoint = hawser__sim_endpoint_of(base), **at = &host->endpoints;
    hawser__socket *socket = endpoint->socket;
    while (*at != endpoint)
        at = &(*at)->next;
    *at = endpoint->next;
    hawser__sim_watch_drop(endpoint);
    hawser__free(endpoint);
    return socket;
}

void hawser__host_forget_endpoints(hawser__host *host) {
    struct hawser__sim_endpoint *endpoint;
    while ((endpoint = host->endpoints)) {
        host->endpoints = endpoint->next;
        hawser__free(endpoint);
    }
}
