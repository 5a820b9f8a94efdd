/* SPDX-License-Identifier: MIT */
/*
 * Shared between the files of the kernel's engines, and by no one else.
 *
 * There are three of them, poll, epoll and io_uring, and they differ only in what a worker sleeps in (its port): the endpoints
 * and the tries are the same (kernel*.c), and a plain thread waits in poll with each.
 */
#ifndef HAWSER__KERNEL_H
#define HAWSER__KERNEL_H

#include "engine/unix_file.h"

#include "base/lock.h"
#include "sched/engine.h"
#include "sched/seat.h"

#include <stddef.h>

struct hawser__kernel_port;

/* A connect to a Unix listener whose queue is full: the address to try again. */
struct hawser__kernel_retry {
    struct sockaddr_storage sa;
    socklen_t len;                 /* 0 = no such connect under way */
    int result;                    /* how the last try of it ended; 0 or negative */
};

/* There is one for each idle connection, so the bytes that are padding in the base are used: 56 in all, which malloc makes 64
 * of. Nothing writes the base as a whole. */
struct hawser__kernel_endpoint {
    union {
        hawser__endpoint base;
        struct {
            hawser__engine *engine;    /* these two are the base's */
            atomic_bool evicted;
            atomic_bool shared;        /* adopted, or duplicated: O_NONBLOCK may be off, and is not ours to change */
            bool is_unix;              /* messages may bring descriptors */
            bool is_tcp;               /* a read that comes short has emptied it, as a short batch of datagrams has */
            bool drained;              /* it did; the receiver's */
            uint8_t type;              /* SOCK_STREAM ... */
            hawser__lock lock;         /* guards `port` while it is set */
            atomic_uchar ready;        /* edge-triggered readiness: see epoll.h */
        };
    };
    int fd;
    atomic_uint generation;            /* the fork generation that seats and port belong to */
    hawser__seat seats[2];
    _Atomic(struct hawser__kernel_port *) port;   /* that it is registered with */
    struct hawser__kernel_retry *retry;
};

_Static_assert(offsetof(struct hawser__kernel_endpoint, evicted) == offsetof(hawser__endpoint, evicted),
               "the base comes first");

struct hawser__kernel_port_ops {
    bool edge;                     /* it tells changes, not states: a wait is over only when something has happened */
    /* The calling fiber waits until one of the N interests may be ready (0; marks them) or one is evicted (0). It sits in the
     * seats already. */
    int (*wait)(struct hawser__kernel_port *port, struct hawser__interest *interests, size_t n, const char *what,
                hawser__deadline deadline, unsigned round);
    /* Events (poll's) of a descriptor that is no endpoint; 0 when woken; a negative code. */
    int (*wait_fd)(struct hawser__kernel_port *port, int fd, short events, hawser__deadline deadline);
    /* As the engine's watch; NULL = this kind of port cannot. */
    int (*watch)(struct hawser__kernel_port *port, struct hawser__kernel_endpoint *endpoint, hawser__watch *watch, bool *ended);
    /* Bytes of a stream, for a fiber that may wait for them: the operation and its result. -EAGAIN: not in this way, and
     * nothing is done. Both may be NULL. */
    ssize_t (*recv)(struct hawser__kernel_port *port, struct hawser__kernel_endpoint *endpoint, void *buf, size_t size,
                    hawser__deadline deadline);
    ssize_t (*send)(struct hawser__kernel_port *port, struct hawser__kernel_endpoint *endpoint, const void *data, size_t size,
                    hawser__deadline deadline);
    /* Many messages are about to be sent through ENDPOINT by a fiber of PORT's worker: the port need not look after it until
     * somebody waits for it again. May be NULL. */
    void (*leave)(struct hawser__kernel_port *port, struct hawser__kernel_endpoint *endpoint);
    /* ENDPOINT, which nobody uses any more, is about to be closed: the port will not touch it again. True: the port frees its
     * memory later. */
    bool (*forget)(struct hawser__kernel_port *port, struct hawser__kernel_endpoint *endpoint);
};

struct hawser__kernel_port {
    hawser__port base;
    const struct hawser__kernel_port_ops *ops;
};

/* The port of the calling fiber's worker; NULL on a plain thread, and where the worker's engine is not one of the kernel's. */
struct hawser__kernel_port *hawser__kernel_port(void);

/* Whether a fiber here may wait before it has tried to read: a port tells every change, and reads stop only when nothing is
 * left. */
bool hawser__kernel_tells_changes(struct hawser__kernel_endpoint *self);

static inline struct hawser__kernel_endpoint *hawser__kernel_endpoint(hawser__endpoint *endpoint) {
    return (struct hawser__kernel_endpoint *)endpoint;
}

/* In the child of a fork: nobody waits, and nothing is registered. To be called before seats or port are looked at. */
void hawser__kernel_renew(struct hawser__kernel_endpoint *self);

/* One lock for the process, new in the child of a fork: for what two endpoints may share. */
void hawser__kernel_lock_process(void);
void hawser__kernel_unlock_process(void);

/* Whether calls that have no MSG_DONTWAIT could block the thread. */
bool hawser__kernel_may_block(struct hawser__kernel_endpoint *self);

/* Birth, options and the end: kernel_endpoint.c */
int hawser__kernel_wrap(hawser__engine *engine, int fd, int family, int type, hawser__endpoint **ret);
int hawser__kernel_open(hawser__engine *engine, int family, int type, int proto, hawser__endpoint **ret);
int hawser__kernel_adopt(hawser__engine *engine, int fd, hawser__endpoint **ret);
int hawser__kernel_pair(hawser__engine *engine, int family, int type, int proto, hawser__endpoint *ret[2]);
int hawser__kernel_dup(hawser__endpoint *endpoint, hawser__endpoint **ret);
int hawser__kernel_bind(hawser__endpoint *endpoint, const struct sockaddr *sa, socklen_t len);
int hawser__kernel_listen(hawser__endpoint *endpoint, int backlog);
int hawser__kernel_shutdown(hawser__endpoint *endpoint, int how);
int hawser__kernel_getsockopt(hawser__endpoint *endpoint, int level, int name, void *value, socklen_t *size);
int hawser__kernel_setsockopt(hawser__endpoint *endpoint, int level, int name, const void *value, socklen_t size);
int hawser__kernel_getsockname(hawser__endpoint *endpoint, struct sockaddr *sa, socklen_t *len);
int hawser__kernel_getpeername(hawser__endpoint *endpoint, struct sockaddr *sa, socklen_t *len);
ssize_t hawser__kernel_unread(hawser__endpoint *endpoint);
int hawser__kernel_descriptor(hawser__endpoint *endpoint);
void hawser__kernel_evict(hawser__endpoint *endpoint);
void hawser__kernel_close(hawser__endpoint *endpoint);
int hawser__kernel_detach(hawser__endpoint *endpoint, bool blocking);
void hawser__kernel_free(struct hawser__kernel_endpoint *self);

/* Waiting: kernel_wait.c. All give 0 or more when it is worth trying again, else a negative code. */

/* WHAT is for hawser_dump. ROUND counts the times that an operation has waited before, and was told "ready", in vain. 1 =
 * nothing more will come in. */
int hawser__kernel_wait(hawser__endpoint *endpoint, enum hawser__direction direction, const char *what,
                        hawser__deadline deadline, unsigned round);
/* 0 when one of the N interests may be ready; marks them. */
int hawser__kernel_wait_any(struct hawser__interest *interests, size_t n, const char *what, hawser__deadline deadline,
                            unsigned round);
/* Waits on the endpoints' account without watching them: 0 at UNTIL or when woken. */
int hawser__kernel_pause(hawser__endpoint *const *endpoints, size_t n, enum hawser__direction direction, hawser__deadline until);
int hawser__kernel_wait_fd(hawser__engine *engine, hawser__endpoint *account, int fd, int events, hawser__deadline deadline);
int hawser__kernel_await(struct hawser__interest *interests, size_t n, hawser__deadline deadline);
int hawser__kernel_sleep(hawser__engine *engine, hawser__deadline deadline);

int hawser__kernel_watch(hawser__endpoint *endpoint, hawser__port *port, hawser__watch *watch, bool *ended);
bool hawser__kernel_unwatch(hawser__endpoint *endpoint, hawser__watch *watch);

/* Wakes who waits for DIRECTION, or fires the watch there: with that the endpoint may be gone. */
void hawser__kernel_tell(struct hawser__kernel_endpoint *self, enum hawser__direction direction, bool ended);

/* Connections: kernel_connect.c */
int hawser__kernel_accept(hawser__endpoint *const *listeners, size_t n, struct sockaddr *peer, socklen_t *len,
                          hawser__deadline deadline, hawser__endpoint **ret);
int hawser__kernel_connect_begin(hawser__endpoint *endpoint, const struct sockaddr *sa, socklen_t len);
int hawser__kernel_connect_wait(hawser__endpoint *const *endpoints, size_t n, hawser__deadline deadline);
int hawser__kernel_connect_result(hawser__endpoint *endpoint);

/* Bytes, and the world: kernel.c */
/* Once, without waiting. */
ssize_t hawser__kernel_try_read(hawser__endpoint *endpoint, void *buf, size_t size, int flags);
ssize_t hawser__kernel_try_send(hawser__endpoint *endpoint, const void *data, size_t size, int flags);
ssize_t hawser__kernel_recv(hawser__endpoint *endpoint, void *buf, size_t size, int flags, hawser__deadline deadline);
ssize_t hawser__kernel_recv_lend(hawser__endpoint *endpoint, void **ret, size_t size, hawser__deadline deadline);
void hawser__kernel_give_back(hawser__endpoint *endpoint, void *lent);
ssize_t hawser__kernel_send(hawser__endpoint *endpoint, const void *data, size_t size, int flags, hawser__deadline deadline);
ssize_t hawser__kernel_recvmsg(hawser__endpoint *endpoint, struct msghdr *msg, int flags, hawser__deadline deadline);
ssize_t hawser__kernel_sendmsg(hawser__endpoint *endpoint, const struct msghdr *msg, int flags, hawser__deadline deadline);
int hawser__kernel_recvmmsg(hawser__endpoint *endpoint, struct mmsghdr *messages, unsigned n, int flags,
                            hawser__deadline deadline);
int hawser__kernel_sendmmsg(hawser__endpoint *endpoint, struct mmsghdr *messages, unsigned n, int flags,
                            hawser__deadline deadline);
ssize_t hawser__kernel_sendfile(hawser__endpoint *endpoint, int fd, int64_t *offset, size_t count, hawser__deadline deadline);
ssize_t hawser__kernel_splice(hawser__endpoint *from, hawser__endpoint *to, size_t size, hawser__deadline deadline);
int hawser__kernel_resolve(hawser__engine *engine, hawser__lookup *lookup, hawser__deadline deadline);
int64_t hawser__kernel_now(hawser__engine *engine);
int64_t hawser__kernel_time(hawser__engine *engine);
int hawser__kernel_random(hawser__engine *engine, void *buf, size_t size);

/* What the kernel's engines have in common: all of an engine's table except its name and its ports. */
#define HAWSER__KERNEL_OPERATIONS                                                                                            \
    .open = hawser__kernel_open, .adopt = hawser__kernel_adopt, .pair = hawser__kernel_pair, .dup = hawser__kernel_dup,       \
    .bind = hawser__kernel_bind, .listen = hawser__kernel_listen, .shutdown = hawser__kernel_shutdown,                        \
    .getsockopt = hawser__kernel_getsockopt, .setsockopt = hawser__kernel_setsockopt,                                         \
    .getsockname = hawser__kernel_getsockname, .getpeername = hawser__kernel_getpeername, .unread = hawser__kernel_unread,    \
    .descriptor = hawser__kernel_descriptor, .accept = hawser__kernel_accept, .connect_begin = hawser__kernel_connect_begin,  \
    .connect_wait = hawser__kernel_connect_wait, .connect_result = hawser__kernel_connect_result,                             \
    .recv = hawser__kernel_recv, .recv_lend = hawser__kernel_recv_lend, .give_back = hawser__kernel_give_back,                \
    .send = hawser__kernel_send, .recvmsg = hawser__kernel_recvmsg, .sendmsg = hawser__kernel_sendmsg,                        \
    .recvmmsg = hawser__kernel_recvmmsg, .sendmmsg = hawser__kernel_sendmmsg,                                                  \
    .sendfile = hawser__kernel_sendfile, .splice = hawser__kernel_splice, .await = hawser__kernel_await,                      \
    .watch = hawser__kernel_watch, .unwatch = hawser__kernel_unwatch, .wait_fd = hawser__kernel_wait_fd,                      \
    .sleep = hawser__kernel_sleep, .evict = hawser__kernel_evict, .close = hawser__kernel_close,                              \
    .detach = hawser__kernel_detach, .resolve = hawser__kernel_resolve, .now = hawser__kernel_now,                            \
    .time = hawser__kernel_time, .random = hawser__kernel_random, .unix_claim = hawser__unix_claim,                           \
    .unix_settle = hawser__unix_settle, .unix_remove = hawser__unix_remove

#endif
