/* SPDX-License-Identifier: MIT */
/* Watches of the poll engine. The list is an array without order, under the process's lock; nothing is fired under it. */
#include "engine/poll_watch.h"

#include "base/mem.h"

#include <errno.h>

struct entry {
    struct hawser__kernel_port *port;
    struct hawser__kernel_endpoint *endpoint;
    atomic_size_t *count;
    size_t place;             /* in the array of the port's last look, from 1 on; 0 = it was not there yet */
    short events;             /* what that look has found */
};

atomic_size_t hawser__poll_listed;

static struct entry *entries;
static size_t room;

static size_t listed(void) {
    return atomic_load(&hawser__poll_listed);
}

static int make_room(size_t needed) {
    if (needed <= room)
        return 0;
    size_t more = needed < 16 ? 16 : 2 * needed;
    struct entry *grown = hawser__realloc(entries, more * sizeof *grown);
    if (!grown)
        return -ENOMEM;
    entries = grown;
    room = more;
    return 0;
}

int hawser__poll_list(struct hawser__kernel_port *port, atomic_size_t *count, struct hawser__kernel_endpoint *endpoint) {
    hawser__kernel_lock_process();
    size_t n = listed();
    int result = make_room(n + 1);
    if (result == 0) {
        entries[n] = (struct entry){.port = port, .endpoint = endpoint, .count = count};
        atomic_fetch_add(count, 1);
        atomic_store(&hawser__poll_listed, n + 1);
    }
    hawser__kernel_unlock_process();
    return result;
}

/* The last one takes its place. With none left the list is given back. */
static void take_off(size_t at) {
    size_t last = listed() - 1;
    atomic_fetch_sub(entries[at].count, 1);
    entries[at] = entries[last];
    atomic_store(&hawser__poll_listed, last);
    if (last > 0)
        return;
    hawser__free(entries);
    entries = NULL;
    room = 0;
}

void hawser__poll_unlist_there(struct hawser__kernel_endpoint *endpoint) {
    hawser__kernel_lock_process();
    for (size_t i = 0; i < listed(); i++)
        if (entries[i].endpoint == endpoint) {
            take_off(i);
            break;
        }
    hawser__kernel_unlock_process();
}

size_t hawser__poll_gather(struct hawser__kernel_port *port, struct pollfd *fds) {
    size_t n = 0;
    if (listed() == 0)
        return 0;
    hawser__kernel_lock_process();
    for (size_t i = 0; i < listed(); i++)
        if (entries[i].port == port) {
            fds[n++] = (struct pollfd){.fd = entries[i].endpoint->fd, .events = POLLIN | POLLRDHUP};
            entries[i].place = n;
        }
    hawser__kernel_unlock_process();
    return n;
}

static void note_events(struct hawser__kernel_port *port, const struct pollfd *fds) {
    for (size_t i = 0; i < listed(); i++)
        if (entries[i].port == port && entries[i].place > 0)
            entries[i].events = fds ? fds[entries[i].place - 1].revents : POLLIN;
}

/* From *AT down, the next one of PORT that is ready, which is taken off the list and whose seat is held; NULL = none. One that
 * is held already somebody else is about to fire. */
static struct hawser__kernel_endpoint *take_ready(struct hawser__kernel_port *port, size_t *at, hawser__watch **watch,
                                                  bool *ended) {
    while (*at > 0) {
        struct entry entry = --*at < listed() ? entries[*at] : (struct entry){0};
        if (entry.port != port || !entry.events || !(*watch = hawser__seat_try_hold(&entry.endpoint->seats[HAWSER__IN])))
            continue;
        *ended = entry.events & (POLLRDHUP | POLLHUP);
        take_off(*at);
        return entry.endpoint;
    }
    return NULL;
}

/* Downwards: what is put in a free place comes from above, and has been looked at. */
void hawser__poll_fire(struct hawser__kernel_port *port, const struct pollfd *fds) {
    struct hawser__kernel_endpoint *endpoint;
    hawser__watch *watch;
    bool ended;
    if (listed() == 0)
        return;
    hawser__kernel_lock_process();
    note_events(port, fds);
    size_t at = listed();
    while ((endpoint = take_ready(port, &at, &watch, &ended))) {
        hawser__kernel_unlock_process();
        hawser__seat_fire(&endpoint->seats[HAWSER__IN], watch, ended);
        hawser__kernel_lock_process();
    }
    hawser__kernel_unlock_process();
}

void hawser__poll_drop(struct hawser__kernel_port *port) {
    if (listed() == 0)
        return;
    hawser__kernel_lock_process();
    for (size_t i = listed(); i-- > 0;)
        if (entries[i].port == port)
            take_off(i);
    hawser__kernel_unlock_process();
}
