/* SPDX-License-Identifier: MIT */
#include "base/mem.h"
#include "sim/endpoint.h"

#include <errno.h>

struct port {
    hawser__port base;
    hawser__strand *sleeper;
    bool woken;
    struct hawser__sim_endpoint *due;        /* whose watches are to fire, the first one first */
};

static struct port *port_of(hawser__port *port) {
    return (struct port *)port;
}

int hawser__sim_port_open(hawser__engine *engine, hawser__port **ret) {
    struct port *made = hawser__zalloc(sizeof *made);
    if (!made)
        return -ENOMEM;
    made->base.engine = engine;
    *ret = &made->base;
    return 0;
}

/* Watches that it would have fired stay armed, and never fire. */
void hawser__sim_port_close(hawser__port *base) {
    hawser__host *host = (hawser__host *)base->engine;
    bool inside = hawser__simulation_inside(true);
    for (struct hawser__sim_endpoint *endpoint = host->endpoints; endpoint; endpoint = endpoint->next)
        if (endpoint->port == base) {
            hawser__sim_port_undue(endpoint);
            endpoint->port = NULL;
        }
    hawser__simulation_inside(inside);
    hawser__free(port_of(base));
}

/* Simulated hosts do not fork. */
void hawser__sim_port_after_fork(hawser__port *base) {
    (void)base;
}

void hawser__sim_port_due(struct hawser__sim_endpoint *endpoint) {
    struct hawser__sim_endpoint **at = &port_of(endpoint->port)->due;
    if (endpoint->due)
        return;
    while (*at)
        at = &(*at)->next_due;
    endpoint->due = true;
    endpoint->next_due = NULL;
    *at = endpoint;
    hawser__sim_port_wake(endpoint->port);
}

void hawser__sim_port_undue(struct hawser__sim_endpoint *endpoint) {
    if (!endpoint->due)
        return;
    struct hawser__sim_endpoint **at = &port_of(endpoint->port)->due;
    while (*at != endpoint)
        at = &(*at)->next_due;
    *at = endpoint->next_due;
    endpoint->due = false;
}

static void sleep_until(struct port *port, hawser__deadline until) {
    if (port->woken || until == HAWSER__NOW) {
        hawser__strand_yield();
        return;
    }
    port->sleeper = hawser__simulation_here->strands.running;
    (void)hawser__strand_wait(until);
    port->sleeper = NULL;
}

/* What is fired may arm the next one, and that one waits for the next turn. */
static void fire_due(struct port *port) {
    struct hawser__sim_endpoint *endpoint;
    while ((endpoint = port->due)) {
        hawser__watch *watch = endpoint->watch;
        bool ended = endpoint->ended;
        hawser__sim_watch_drop(endpoint);
        (void)hawser__simulation_inside(false);
        watch->fire(watch, ended);
        (void)hawser__simulation_inside(true);
    }
}

void hawser__sim_port_wait(hawser__port *base, hawser__deadline until) {
    struct port *port = port_of(base);
    (void)hawser__simulation_inside(true);
    sleep_until(port, until);
    port->woken = false;
    fire_due(port);
    (void)hawser__simulation_inside(false);
}

void hawser__sim_port_wake(hawser__port *base) {
    struct port *port = port_of(base);
    bool inside = hawser__simulation_inside(true);
    port->woken = true;
    if (port->sleeper)
        hawser__strand_ready(port->sleeper);
    hawser__simulation_inside(inside);
}
