/* SPDX-License-Identifier: MIT */
/* Watches of the memory engine: a list of those that are armed, looked at by the port whose worker they are for. */
#ifndef TESTS_MEMORY_WATCH_H
#define TESTS_MEMORY_WATCH_H

#include "memory_model.h"

#include "sched/engine.h"

/* Called with the engine's lock held. */
int memory_watch_arm(hawser__endpoint *endpoint, model_socket *socket, hawser__port *port, hawser__watch *watch, bool *ended);
/* Wakes the ports that have something to fire. */
void memory_watch_changed(void);

/* Called without it. */
bool memory_unwatch(hawser__endpoint *endpoint, hawser__watch *watch);
/* Fires what is ready at PORT; or what watches ENDPOINT, which was evicted. */
void memory_watch_fire(hawser__port *port, hawser__endpoint *endpoint);
void memory_watch_port_closed(hawser__port *port);

#endif
