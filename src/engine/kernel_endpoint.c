/* SPDX-License-Identifier: MIT */
/* The kernel's endpoints: birth, what needs no waiting, and the end. */
#include "engine/kernel.h"

#include "base/mem.h"
#include "base/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>

static int fd_of(hawser__endpoint *endpoint) {
    return hawser__kernel_endpoint(endpoint)->fd;
}

static pthread_mutex_t process = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void after_fork(void) {
    pthread_mutex_init(&process, NULL);
}

static void prepare(void) {
    pthread_atfork(NULL, NULL, after_fork);
}

void hawser__kernel_lock_process(void) {
    pthread_once(&once, prepare);
    pthread_mutex_lock(&process);
}

void hawser__kernel_unlock_process(void) {
    pthread_mutex_unlock(&process);
}

static void renew(struct hawser__kernel_endpoint *self, unsigned generation) {
    hawser__kernel_lock_process();
    if (atomic_load(&self->generation) != generation) {
        memset(self->seats, 0, sizeof self->seats);
        self->lock = (hawser__lock){0};
        atomic_store(&self->port, NULL);
        atomic_store(&self->ready, 0);
        atomic_store(&self->generation, generation);
    }
    hawser__kernel_unlock_process();
}

void hawser__kernel_renew(struct hawser__kernel_endpoint *self) {
    unsigned generation = hawser__fork_generation();
    if (atomic_load_explicit(&self->generation, memory_order_relaxed) != generation)
        renew(self, generation);
}

/* O_NONBLOCK belongs to what duplicates share, so it may have changed since the last look. */
bool hawser__kernel_may_block(struct hawser__kernel_endpoint *self) {
    if (!atomic_load(&self->shared))
        return false;
    int flags = hawser__sys_fcntl(self->fd, F_GETFL, 0);
    return flags >= 0 && !(flags & O_NONBLOCK);
}

/* Takes FD over only when it succeeds. */
int hawser__kernel_wrap(hawser__engine *engine, int fd, int family, int type, hawser__endpoint **ret) {
    struct hawser__kernel_endpoint *made = hawser__zalloc(sizeof *made);
    if (!made)
        return -ENOMEM;
    made->engine = engine;
    made->fd = fd;
    made->is_unix = family == AF_UNIX;
    made->type = (uint8_t)type;
    made->generation = hawser__fork_generation();
    *ret = &made->base;
    return 0;
}

static int wrap_or_close(hawser__engine *engine, int fd, int family, int type, hawser__endpoint **ret) {
    int result = fd < 0 ? fd : hawser__kernel_wrap(engine, fd, family, type, ret);
    if (result < 0)
        hawser__sys_close(fd);
    return result;
}

static bool is_tcp(int family, int type, int proto) {
    return (family == AF_INET || family == AF_INET6) && type == SOCK_STREAM && (proto == 0 || proto == IPPROTO_TCP);
}

int hawser__kernel_open(hawser__engine *engine, int family, int type, int proto, hawser__endpoint **ret) {
    int result = wrap_or_close(engine, hawser__sys_socket(family, type, proto), family, type, ret);
    if (result == 0)
        hawser__kernel_endpoint(*ret)->is_tcp = is_tcp(family, type, proto);
    return result;
}

static int type_of(int fd) {
    int type = 0;
    socklen_t size = sizeof type;
    (void)hawser__sys_getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size);
    return type;
}

int hawser__kernel_adopt(hawser__engine *engine, int fd, hawser__endpoint **ret) {
    struct sockaddr_storage own = {.ss_family = AF_UNSPEC};
    socklen_t size = sizeof own;
    int result = hawser__sys_getsockname(fd, (struct sockaddr *)&own, &size);   /* ENOTSOCK, EBADF */
    if (result < 0)
        return result;
    result = hawser__kernel_wrap(engine, fd, own.ss_family, type_of(fd), ret);
    if (result == 0)
        hawser__kernel_endpoint(*ret)->shared = true;
    return result;
}

int hawser__kernel_pair(hawser__engine *engine, int family, int type, int proto, hawser__endpoint *ret[2]) {
    int fds[2];
    int result = hawser__sys_socketpair(family, type, proto, fds);
    if (result < 0)
        return result;
    result = wrap_or_close(engine, fds[0], family, type, &ret[0]);
    if (result < 0) {
        hawser__sys_close(fds[1]);
        return result;
    }
    result = wrap_or_close(engine, fds[1], family, type, &ret[1]);
    if (result < 0)
        hawser__kernel_close(ret[0]);
    return result;
}

static int family_of(const struct hawser__kernel_endpoint *self) {
    return self->is_unix ? AF_UNIX : AF_UNSPEC;
}

int hawser__kernel_dup(hawser__endpoint *endpoint, hawser__endpoint **ret) {
    struct hawser__kernel_endpoint *self = hawser__kernel_endpoint(endpoint);
    int result = wrap_or_close(endpoint->engine, hawser__sys_dup(self->fd), family_of(self), self->type, ret);
    if (result == 0)
        hawser__kernel_endpoint(*ret)->shared = self->shared = true;
    return result;
}

int hawser__kernel_bind(hawser__endpoint *endpoint, const struct sockaddr *sa, socklen_t len) {
    return hawser__sys_bind(fd_of(endpoint), sa, len);
}

int hawser__kernel_listen(hawser__endpoint *endpoint, int backlog) {
    return hawser__sys_listen(fd_of(endpoint), backlog);
}

int hawser__kernel_shutdown(hawser__endpoint *endpoint, int how) {
    return hawser__sys_shutdown(fd_of(endpoint), how);
}

int hawser__kernel_getsockopt(hawser__endpoint *endpoint, int level, int name, void *value, socklen_t *size) {
    return hawser__sys_getsockopt(fd_of(endpoint), level, name, value, size);
}

int hawser__kernel_setsockopt(hawser__endpoint *endpoint, int level, int name, const void *value, socklen_t size) {
    return hawser__sys_setsockopt(fd_of(endpoint), level, name, value, size);
}

int hawser__kernel_getsockname(hawser__endpoint *endpoint, struct sockaddr *sa, socklen_t *len) {
    return hawser__sys_getsockname(fd_of(endpoint), sa, len);
}

int hawser__kernel_getpeername(hawser__endpoint *endpoint, struct sockaddr *sa, socklen_t *len) {
    return hawser__sys_getpeername(fd_of(endpoint), sa, len);
}

ssize_t hawser__kernel_unread(hawser__endpoint *endpoint) {
    return hawser__sys_unread(fd_of(endpoint));
}

int hawser__kernel_descriptor(hawser__endpoint *endpoint) {
    return fd_of(endpoint);
}

/* Who may watch the input comes last: with that the endpoint may be gone. */
void hawser__kernel_evict(hawser__endpoint *endpoint) {
    struct hawser__kernel_endpoint *self = hawser__kernel_endpoint(endpoint);
    hawser__kernel_renew(self);
    atomic_store(&self->evicted, true);
    hawser__kernel_tell(self, HAWSER__OUT, true);
    hawser__kernel_tell(self, HAWSER__IN, true);
}

void hawser__kernel_free(struct hawser__kernel_endpoint *self) {
    hawser__free(self->retry);
    hawser__free(self);
}

/* Gives the descriptor. */
static int free_endpoint(struct hawser__kernel_endpoint *self) {
    int fd = self->fd;
    hawser__kernel_renew(self);
    struct hawser__kernel_port *port = atomic_load(&self->port);
    if (!port || !port->ops->forget(port, self))
        hawser__kernel_free(self);
    return fd;
}

void hawser__kernel_close(hawser__endpoint *endpoint) {
    hawser__sys_close(free_endpoint(hawser__kernel_endpoint(endpoint)));
}

/* Whoever gets the descriptor of a socket without timeout expects a plain, blocking one. */
int hawser__kernel_detach(hawser__endpoint *endpoint, bool blocking) {
    struct hawser__kernel_endpoint *self = hawser__kernel_endpoint(endpoint);
    if (blocking && !atomic_load(&self->shared)) {
        int flags = hawser__sys_fcntl(self->fd, F_GETFL, 0);
        int result = flags < 0 ? flags : hawser__sys_fcntl(self->fd, F_SETFL, flags & ~O_NONBLOCK);
        if (result < 0)
            return result;
    }
    return free_endpoint(self);
}
