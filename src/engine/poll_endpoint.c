/* SPDX-License-Identifier: MIT */
/* The poll engine's endpoints: birth, what needs no waiting, and the end. */
#include "engine/poll.h"

#include "base/mem.h"
#include "base/sys.h"
#include "base/wake.h"

#include <errno.h>
#include <fcntl.h>

struct hawser__poll_endpoint *hawser__poll_endpoint(hawser__endpoint *endpoint) {
    return (struct hawser__poll_endpoint *)endpoint;
}

static int fd_of(hawser__endpoint *endpoint) {
    return hawser__poll_endpoint(endpoint)->fd;
}

static pthread_mutex_t process = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void after_fork(void) {
    pthread_mutex_init(&process, NULL);
}

static void prepare(void) {
    pthread_atfork(NULL, NULL, after_fork);
}

void hawser__poll_lock_process(void) {
    pthread_once(&once, prepare);
    pthread_mutex_lock(&process);
}

void hawser__poll_unlock_process(void) {
    pthread_mutex_unlock(&process);
}

/* The lock may have been held by a thread that stayed with the parent, and so did all who waited. */
static void renew(struct hawser__poll_endpoint *self, unsigned generation) {
    hawser__poll_lock_process();
    if (atomic_load(&self->generation) != generation) {
        pthread_mutex_init(&self->lock, NULL);
        self->waiters[HAWSER__IN] = self->waiters[HAWSER__OUT] = NULL;
        atomic_store(&self->generation, generation);
    }
    hawser__poll_unlock_process();
}

void hawser__poll_lock(struct hawser__poll_endpoint *self) {
    unsigned generation = hawser__fork_generation();
    if (atomic_load(&self->generation) != generation)
        renew(self, generation);
    pthread_mutex_lock(&self->lock);
}

/* O_NONBLOCK belongs to what duplicates share, so it may have changed since the last look. */
bool hawser__poll_may_block(struct hawser__poll_endpoint *self) {
    if (!atomic_load(&self->shared))
        return false;
    int flags = hawser__sys_fcntl(self->fd, F_GETFL, 0);
    return flags >= 0 && !(flags & O_NONBLOCK);
}

/* Takes FD over only when it succeeds. */
int hawser__poll_wrap(hawser__engine *engine, int fd, bool is_unix, hawser__endpoint **ret) {
    struct hawser__poll_endpoint *made = hawser__zalloc(sizeof *made);
    if (!made)
        return -ENOMEM;
    made->base.engine = engine;
    made->fd = fd;
    made->is_unix = is_unix;
    made->generation = hawser__fork_generation();
    pthread_mutex_init(&made->lock, NULL);
    *ret = &made->base;
    return 0;
}

static int wrap_or_close(hawser__engine *engine, int fd, bool is_unix, hawser__endpoint **ret) {
    int result = fd < 0 ? fd : hawser__poll_wrap(engine, fd, is_unix, ret);
    if (result < 0)
        hawser__sys_close(fd);
    return result;
}

int hawser__poll_open(hawser__engine *engine, int family, int type, int proto, hawser__endpoint **ret) {
    return wrap_or_close(engine, hawser__sys_socket(family, type, proto), family == AF_UNIX, ret);
}

int hawser__poll_adopt(hawser__engine *engine, int fd, hawser__endpoint **ret) {
    struct sockaddr_storage own = {.ss_family = AF_UNSPEC};
    socklen_t size = sizeof own;
    int result = hawser__sys_getsockname(fd, (struct sockaddr *)&own, &size);   /* ENOTSOCK, EBADF */
    if (result < 0)
        return result;
    result = hawser__poll_wrap(engine, fd, own.ss_family == AF_UNIX, ret);
    if (result == 0)
        hawser__poll_endpoint(*ret)->shared = true;
    return result;
}

int hawser__poll_pair(hawser__engine *engine, int family, int type, int proto, hawser__endpoint *ret[2]) {
    int fds[2];
    int result = hawser__sys_socketpair(family, type, proto, fds);
    if (result < 0)
        return result;
    result = wrap_or_close(engine, fds[0], family == AF_UNIX, &ret[0]);
    if (result < 0) {
        hawser__sys_close(fds[1]);
        return result;
    }
    result = wrap_or_close(engine, fds[1], family == AF_UNIX, &ret[1]);
    if (result < 0)
        hawser__poll_close(ret[0]);
    return result;
}

int hawser__poll_dup(hawser__endpoint *endpoint, hawser__endpoint **ret) {
    struct hawser__poll_endpoint *self = hawser__poll_endpoint(endpoint);
    int result = wrap_or_close(endpoint->engine, hawser__sys_dup(self->fd), self->is_unix, ret);
    if (result == 0)
        hawser__poll_endpoint(*ret)->shared = self->shared = true;
    return result;
}

int hawser__poll_bind(hawser__endpoint *endpoint, const struct sockaddr *sa, socklen_t len) {
    return hawser__sys_bind(fd_of(endpoint), sa, len);
}

int hawser__poll_listen(hawser__endpoint *endpoint, int backlog) {
    return hawser__sys_listen(fd_of(endpoint), backlog);
}

int hawser__poll_shutdown(hawser__endpoint *endpoint, int how) {
    return hawser__sys_shutdown(fd_of(endpoint), how);
}

int hawser__poll_getsockopt(hawser__endpoint *endpoint, int level, int name, void *value, socklen_t *size) {
    return hawser__sys_getsockopt(fd_of(endpoint), level, name, value, size);
}

int hawser__poll_setsockopt(hawser__endpoint *endpoint, int level, int name, const void *value, socklen_t size) {
    return hawser__sys_setsockopt(fd_of(endpoint), level, name, value, size);
}

int hawser__poll_getsockname(hawser__endpoint *endpoint, struct sockaddr *sa, socklen_t *len) {
    return hawser__sys_getsockname(fd_of(endpoint), sa, len);
}

int hawser__poll_getpeername(hawser__endpoint *endpoint, struct sockaddr *sa, socklen_t *len) {
    return hawser__sys_getpeername(fd_of(endpoint), sa, len);
}

ssize_t hawser__poll_unread(hawser__endpoint *endpoint) {
    return hawser__sys_unread(fd_of(endpoint));
}

int hawser__poll_descriptor(hawser__endpoint *endpoint) {
    return fd_of(endpoint);
}

void hawser__poll_evict(hawser__endpoint *endpoint) {
    struct hawser__poll_endpoint *self = hawser__poll_endpoint(endpoint);
    hawser__poll_lock(self);
    atomic_store(&endpoint->evicted, true);
    for (int direction = HAWSER__IN; direction <= HAWSER__OUT; direction++)
        if (self->waiters[direction])
            hawser__task_wake(self->waiters[direction]);
    pthread_mutex_unlock(&self->lock);
}

static int free_endpoint(struct hawser__poll_endpoint *self) {
    int fd = self->fd;
    pthread_mutex_destroy(&self->lock);
    hawser__free(self);
    return fd;
}

void hawser__poll_close(hawser__endpoint *endpoint) {
    hawser__sys_close(free_endpoint(hawser__poll_endpoint(endpoint)));
}

/* Whoever gets the descriptor of a socket without timeout expects a plain, blocking one. */
int hawser__poll_detach(hawser__endpoint *endpoint, bool blocking) {
    struct hawser__poll_endpoint *self = hawser__poll_endpoint(endpoint);
    if (blocking && !atomic_load(&self->shared)) {
        int flags = hawser__sys_fcntl(self->fd, F_GETFL, 0);
        int result = flags < 0 ? flags : hawser__sys_fcntl(self->fd, F_SETFL, flags & ~O_NONBLOCK);
        if (result < 0)
            return result;
    }
    return free_endpoint(self);
}
