/* SPDX-License-Identifier: MIT */
#include "memory_watch.h"

#include "base/mem.h"
#include "memory_port.h"
#include "memory_world.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>

/* One is in the list from arming until its FIRE has returned or it was taken back. */
struct armed {
    struct armed *next;
    hawser__endpoint *endpoint; /* NULL: it fires */
    model_socket *socket;
    hawser__port *port;         /* NULL: closed */
    hawser__watch *watch;
    pthread_t thread;           /* where it fires */
};

static struct armed *first;

static bool has_ended(const model_socket *socket) {
    return socket->type != SOCK_DGRAM && socket->state == MODEL_CONNECTED &&
           (socket->receive_ended || !socket->peer || socket->peer->send_ended);
}

static bool has_input(const model_socket *socket) {
    return socket->first || socket->queue || socket->error || socket->receive_ended || has_ended(socket);
}

int memory_watch_arm(hawser__endpoint *endpoint, model_socket *socket, hawser__port *port, hawser__watch *watch, bool *ended) {
    if (port->engine != endpoint->engine)
        return -EOPNOTSUPP;
    if (has_input(socket)) {
        *ended = has_ended(socket);
        return 1;
    }
    struct armed *made = hawser__alloc(sizeof *made);
    if (!made)
        return -ENOMEM;
    *made = (struct armed){.next = first, .endpoint = endpoint, .socket = socket, .port = port, .watch = watch};
    first = made;
    return 0;
}

void memory_watch_changed(void) {
    for (struct armed *armed = first; armed; armed = armed->next)
        if (armed->endpoint && armed->port && has_input(armed->socket))
            memory_port_wake(armed->port);
}

static struct armed *find_watch(const hawser__watch *watch) {
    struct armed *armed = first;
    while (armed && armed->watch != watch)
        armed = armed->next;
    return armed;
}

static void drop(struct armed *armed) {
    struct armed **link = &first;
    while (*link != armed)
        link = &(*link)->next;
    *link = armed->next;
    hawser__free(armed);
}

bool memory_unwatch(hawser__endpoint *endpoint, hawser__watch *watch) {
    memory_enter();
    struct armed *armed = find_watch(watch);
    while (armed && !armed->endpoint && !pthread_equal(armed->thread, pthread_self())) {
        memory_leave();
        sched_yield();
        memory_enter();
        armed = find_watch(watch);
    }
    bool found = armed && armed->endpoint == endpoint;
    if (found)
        drop(armed);
    memory_leave();
    return found;
}

static bool is_due(const struct armed *armed, const hawser__port *port, const hawser__endpoint *endpoint) {
    if (!port)
        return armed->endpoint == endpoint;
    return armed->endpoint && armed->port == port && has_input(armed->socket);
}

static struct armed *find_due(const hawser__port *port, const hawser__endpoint *endpoint) {
    struct armed *armed = first;
    while (armed && !is_due(armed, port, endpoint))
        armed = armed->next;
    return armed;
}

/* One whose shot was taken may be armed again before it has returned. */
void memory_watch_fire(hawser__port *port, hawser__endpoint *endpoint) {
    struct armed *armed;
    memory_enter();
    while ((armed = find_due(port, endpoint))) {
        bool ended = endpoint || has_ended(armed->socket);
        armed->endpoint = NULL;
        armed->thread = pthread_self();
        memory_leave();
        armed->watch->fire(armed->watch, ended);
        memory_enter();
        drop(armed);
    }
    memory_leave();
}

void memory_watch_port_closed(hawser__port *port) {
    memory_enter();
    for (struct armed *armed = first; armed; armed = armed->next)
        if (armed->port == port)
            armed->port = NULL;
    memory_leave();
}
