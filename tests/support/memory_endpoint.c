/* SPDX-License-Identifier: MIT */
#include "memory_endpoint.h"

#include "base/mem.h"
#include "memory_watch.h"
#include "memory_world.h"

#include <errno.h>
#include <string.h>

static int wrap(hawser__engine *engine, model_socket *socket, hawser__endpoint **ret) {
    struct memory_endpoint *made = hawser__zalloc(sizeof *made);
    if (!made) {
        model_release(socket);
        return -ENOMEM;
    }
    made->base.engine = engine;
    made->socket = socket;
    *ret = &made->base;
    return 0;
}

static int open_locked(hawser__engine *engine, int family, int type, int proto, hawser__endpoint **ret) {
    int error;
    model_socket *socket = model_open(family, type, proto, &error);
    return socket ? wrap(engine, socket, ret) : error;
}

int memory_open(hawser__engine *engine, int family, int type, int proto, hawser__endpoint **ret) {
    memory_enter();
    int result = open_locked(engine, family, type, proto, ret);
    memory_leave();
    return result;
}

static void close_locked(hawser__endpoint *endpoint) {
    model_release(memory_socket(endpoint));
    hawser__free(endpoint);
}

void memory_close(hawser__endpoint *endpoint) {
    memory_enter();
    close_locked(endpoint);
    memory_leave();
}

int memory_pair(hawser__engine *engine, int family, int type, int proto, hawser__endpoint *ret[2]) {
    hawser__endpoint *made[2] = {NULL, NULL};
    memory_enter();
    int result = open_locked(engine, family, type, proto, &made[0]);
    if (result == 0)
        result = open_locked(engine, family, type, proto, &made[1]);
    if (result == 0)
        result = model_pair(memory_socket(made[0]), memory_socket(made[1]));
    for (int i = 0; i < 2; i++) {
        if (result < 0 && made[i])
            close_locked(made[i]);
        else
            ret[i] = made[i];
    }
    memory_leave();
    return result;
}

int memory_dup(hawser__endpoint *endpoint, hawser__endpoint **ret) {
    memory_enter();
    memory_socket(endpoint)->refs++;
    int result = wrap(endpoint->engine, memory_socket(endpoint), ret);
    memory_leave();
    return result;
}

void memory_evict(hawser__endpoint *endpoint) {
    memory_enter();
    atomic_store(&endpoint->evicted, true);
    model_changed = true;
    memory_leave();
    memory_watch_fire(NULL, endpoint);
}

/* At once. Each gives what the model says, or -EBADF once evicted. */

#define AT_ONCE(call)                                                                                                          \
    do {                                                                                                                       \
        memory_enter();                                                                                                        \
        __typeof__(call) result = memory_gone(endpoint) ? -EBADF : (call);                                                     \
        memory_leave();                                                                                                        \
        return result;                                                                                                         \
    } while (0)

int memory_bind(hawser__endpoint *endpoint, const struct sockaddr *sa, socklen_t len) {
    AT_ONCE(model_bind(memory_socket(endpoint), sa, len));
}

int memory_listen(hawser__endpoint *endpoint, int backlog) {
    AT_ONCE(model_listen(memory_socket(endpoint), backlog));
}

int memory_shutdown(hawser__endpoint *endpoint, int how) {
    AT_ONCE(model_shutdown(memory_socket(endpoint), how));
}

int memory_getsockopt(hawser__endpoint *endpoint, int level, int name, void *value, socklen_t *size) {
    AT_ONCE(model_getsockopt(memory_socket(endpoint), level, name, value, size));
}

int memory_setsockopt(hawser__endpoint *endpoint, int level, int name, const void *value, socklen_t size) {
    AT_ONCE(model_setsockopt(memory_socket(endpoint), level, name, value, size));
}

ssize_t memory_unread(hawser__endpoint *endpoint) {
    AT_ONCE(model_unread(memory_socket(endpoint)));
}

static int give_address(const hawser_addr *addr, struct sockaddr *sa, socklen_t *len) {
    memcpy(sa, &addr->ss, addr->len < *len ? addr->len : *len);
    *len = addr->len;
    return 0;
}

static int peer_address(model_socket *socket, struct sockaddr *sa, socklen_t *len) {
    return socket->state == MODEL_CONNECTED ? give_address(&socket->remote, sa, len) : -ENOTCONN;
}

int memory_getsockname(hawser__endpoint *endpoint, struct sockaddr *sa, socklen_t *len) {
    AT_ONCE(give_address(&memory_socket(endpoint)->own, sa, len));
}

int memory_getpeername(hawser__endpoint *endpoint, struct sockaddr *sa, socklen_t *len) {
    AT_ONCE(peer_address(memory_socket(endpoint), sa, len));
}

int memory_try_accept(hawser__endpoint *const *listeners, size_t n, struct sockaddr *peer, socklen_t *len,
                      hawser__endpoint **ret) {
    int result = -EAGAIN;
    for (size_t i = 0; i < n && result == -EAGAIN; i++) {
        model_socket *made;
        result = memory_gone(listeners[i]) ? -EBADF : model_accept(memory_socket(listeners[i]), &made);
        if (result == 0) {
            give_address(&made->remote, peer, len);
            return wrap(listeners[i]->engine, made, ret);
        }
    }
    return result;
}

int memory_connect_begin(hawser__endpoint *endpoint, const struct sockaddr *sa, socklen_t len) {
    AT_ONCE(model_connect(memory_socket(endpoint), sa, len));
}

int memory_connect_result(hawser__endpoint *endpoint) {
    AT_ONCE(model_connect_result(memory_socket(endpoint)));
}

int memory_watch(hawser__endpoint *endpoint, hawser__port *port, hawser__watch *watch, bool *ended) {
    AT_ONCE(memory_watch_arm(endpoint, memory_socket(endpoint), port, watch, ended));
}
