/* SPDX-License-Identifier: MIT */
/* Ports of the memory engine: a worker sleeps on a condition. Nothing comes from outside; tasks are woken by the model itself. */
#include "memory_port.h"

#include "memory_watch.h"

#include "base/clock.h"
#include "base/mem.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <time.h>

struct memory_port {
    hawser__port base;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool woken;
};

static struct memory_port *memory_port(hawser__port *port) {
    return (struct memory_port *)port;
}

static void prepare(struct memory_port *port) {
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_mutex_init(&port->lock, NULL);
    pthread_cond_init(&port->changed, &attributes);
    pthread_condattr_destroy(&attributes);
}

int memory_port_open(hawser__engine *engine, hawser__port **ret) {
    struct memory_port *port = hawser__zalloc(sizeof *port);
    if (!port)
        return -ENOMEM;
    port->base.engine = engine;
    prepare(port);
    *ret = &port->base;
    return 0;
}

void memory_port_wait(hawser__port *base, hawser__deadline until) {
    struct memory_port *port = memory_port(base);
    int64_t end = until == HAWSER__NEVER ? hawser__clock_monotonic() + HAWSER__SECOND : until;
    struct timespec time = {.tv_sec = end / HAWSER__SECOND, .tv_nsec = end % HAWSER__SECOND};
    pthread_mutex_lock(&port->lock);
    if (!port->woken && until != HAWSER__NOW)
        pthread_cond_timedwait(&port->changed, &port->lock, &time);
    port->woken = false;
    pthread_mutex_unlock(&port->lock);
    memory_watch_fire(base, NULL);
}

void memory_port_wake(hawser__port *base) {
    struct memory_port *port = memory_port(base);
    pthread_mutex_lock(&port->lock);
    port->woken = true;
    pthread_cond_signal(&port->changed);
    pthread_mutex_unlock(&port->lock);
}

void memory_port_close(hawser__port *base) {
    struct memory_port *port = memory_port(base);
    memory_watch_port_closed(base);
    pthread_cond_destroy(&port->changed);
    pthread_mutex_destroy(&port->lock);
    hawser__free(port);
}

void memory_port_after_fork(hawser__port *base) {
    prepare(memory_port(base));
}
