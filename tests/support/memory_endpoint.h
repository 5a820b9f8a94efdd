/* SPDX-License-Identifier: MIT */
/*
 * Endpoints of the memory engine: their birth and end, and the operations that never wait, as sched/engine.h has them. Those
 * that do are in engine_memory.c.
 */
#ifndef TESTS_MEMORY_ENDPOINT_H
#define TESTS_MEMORY_ENDPOINT_H

#include "memory_model.h"

#include "sched/engine.h"

struct memory_endpoint {
    hawser__endpoint base;
    model_socket *socket;
};

static inline model_socket *memory_socket(hawser__endpoint *endpoint) {
    return ((struct memory_endpoint *)endpoint)->socket;
}

static inline bool memory_gone(hawser__endpoint *endpoint) {
    return atomic_load(&endpoint->evicted);
}

/* An endpoint for a connection that nobody has accepted yet; -EAGAIN. Called with the engine's lock held. */
int memory_try_accept(hawser__endpoint *const *listeners, size_t n, struct sockaddr *peer, socklen_t *len,
                      hawser__endpoint **ret);

int memory_open(hawser__engine *engine, int family, int type, int proto, hawser__endpoint **ret);
int memory_pair(hawser__engine *engine, int family, int type, int proto, hawser__endpoint *ret[2]);
int memory_dup(hawser__endpoint *endpoint, hawser__endpoint **ret);
void memory_evict(hawser__endpoint *endpoint);
void memory_close(hawser__endpoint *endpoint);

int memory_bind(hawser__endpoint *endpoint, const struct sockaddr *sa, socklen_t len);
int memory_listen(hawser__endpoint *endpoint, int backlog);
int memory_connect_begin(hawser__endpoint *endpoint, const struct sockaddr *sa, socklen_t len);
int memory_connect_result(hawser__endpoint *endpoint);
int memory_shutdown(hawser__endpoint *endpoint, int how);
int memory_getsockopt(hawser__endpoint *endpoint, int level, int name, void *value, socklen_t *size);
int memory_setsockopt(hawser__endpoint *endpoint, int level, int name, const void *value, socklen_t size);
int memory_getsockname(hawser__endpoint *endpoint, struct sockaddr *sa, socklen_t *len);
int memory_getpeername(hawser__endpoint *endpoint, struct sockaddr *sa, socklen_t *len);
ssize_t memory_unread(hawser__endpoint *endpoint);
int memory_watch(hawser__endpoint *endpoint, hawser__port *port, hawser__watch *watch, bool *ended);

#endif
