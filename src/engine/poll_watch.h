/* SPDX-License-Identifier: MIT */
/*
 * The watches that ports of the poll engine look after: one list for the process, since those who take a watch back or evict
 * its endpoint are on any thread and know of no port. An endpoint that is listed exists: whoever ends its watch takes it off
 * the list first. A look costs one step for each watch of all ports, which poll itself costs as well.
 */
#ifndef HAWSER__POLL_WATCH_H
#define HAWSER__POLL_WATCH_H

#include "engine/kernel.h"

#include <poll.h>

/* Lists ENDPOINT, which is not listed, for PORT. COUNT goes with it: how many are listed for PORT. 0 or -ENOMEM. */
int hawser__poll_list(struct hawser__kernel_port *port, atomic_size_t *count, struct hawser__kernel_endpoint *endpoint);

/* Takes ENDPOINT off the list, if it is there. */
extern atomic_size_t hawser__poll_listed;
void hawser__poll_unlist_there(struct hawser__kernel_endpoint *endpoint);

static inline void hawser__poll_unlist(struct hawser__kernel_endpoint *endpoint) {
    if (atomic_load(&hawser__poll_listed) > 0)
        hawser__poll_unlist_there(endpoint);
}

/* What PORT has to ask poll. The number of FDS written. */
size_t hawser__poll_gather(struct hawser__kernel_port *port, struct pollfd *fds);
/* Fires what is ready by FDS as gathered before; all, when that is NULL. */
void hawser__poll_fire(struct hawser__kernel_port *port, const struct pollfd *fds);

/* PORT looks after none any more. */
void hawser__poll_drop(struct hawser__kernel_port *port);

#endif
