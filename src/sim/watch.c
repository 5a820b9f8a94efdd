/* SPDX-License-Identifier: MIT */
/* Watches at endpoints: armed, due when something is there to be received, fired by the worker whose port they were armed
 * for. */
#include "sim/endpoint.h"

#include <errno.h>

int hawser__sim_watch(hawser__endpoint *base, hawser__port *port, hawser__watch *watch, bool *ended) {
    struct hawser__sim_endpoint *endpoint = hawser__sim_endpoint_of(base);
    struct hawser__attendance *attendance = hawser__socket_attendance(endpoint->socket);
    if (atomic_load(&base->evicted))
        return -EBADF;
    if (hawser__socket_readable(endpoint->socket)) {
        *ended = hawser__socket_ended(endpoint->socket);
        return 1;
    }
    if (attendance->watched)
        return -EOPNOTSUPP;
    attendance->watched = endpoint;
    endpoint->watch = watch;
    endpoint->port = port;
    return 0;
}

void hawser__sim_watch_drop(struct hawser__sim_endpoint *endpoint) {
    if (!endpoint->watch)
        return;
    if (endpoint->port)
        hawser__sim_port_undue(endpoint);
    hawser__socket_attendance(endpoint->socket)->watched = NULL;
    endpoint->watch = NULL;
    endpoint->port = NULL;
}

bool hawser__sim_unwatch(hawser__endpoint *base, hawser__watch *watch) {
    struct hawser__sim_endpoint *endpoint = hawser__sim_endpoint_of(base);
    bool armed = endpoint->watch == watch;
    if (armed)
        hawser__sim_watch_drop(endpoint);
    return armed;
}

void hawser__sim_watch_look(struct hawser__sim_endpoint *endpoint) {
    if (!endpoint->port || !hawser__socket_readable(endpoint->socket))
        return;
    endpoint->ended = hawser__socket_ended(endpoint->socket);
    hawser__sim_port_due(endpoint);
}

void hawser__sim_watch_evict(struct hawser__sim_endpoint *endpoint) {
    hawser__watch *watch = endpoint->watch;
    if (!watch)
        return;
    hawser__sim_watch_drop(endpoint);
    bool inside = hawser__simulation_inside(false);
    watch->fire(watch, true);
    hawser__simulation_inside(inside);
}
