/* SPDX-License-Identifier: MIT */
/*
 * The seam: what an engine can do for those above it.
 *
 * Above the seam a socket is an endpoint, never a descriptor. Each operation is asked for with a deadline and gives its result:
 * a count or 0, or a negative code. How the task waits in between, whether the engine tries and retries or submits and is told,
 * and whether there is a kernel behind it at all, is the engine's own business; nothing above depends on which engine runs.
 *
 * The contract, the same for every engine (tests/engine holds each of them to it):
 *  1. An operation that can finish at once does, whatever its deadline. With HAWSER__NOW it otherwise gives -EAGAIN; when its
 *     deadline passes, -ETIMEDOUT.
 *  2. A task that is interrupted (hawser_interrupt_on_signal) gets -ECANCELED from a wait, and no operation is half done.
 *  3. Interrupted system calls are continued with the time that is left; no -EINTR comes up.
 *  4. evict() makes every task inside a waiting operation on the endpoint return -EBADF at once, and every later one too.
 *     close() frees the endpoint; the caller has made sure that nobody is inside (net/handle.c counts).
 *  5. At most one task receives (or accepts) and one sends (or connects) on an endpoint at a time; the caller sees to it.
 *  6. Nothing raises SIGPIPE, and every descriptor is close-on-exec from birth, received ones too.
 *  7. A descriptor that the engine adopted keeps its flags.
 */
#ifndef HAWSER__ENGINE_H
#define HAWSER__ENGINE_H

#include "base/clock.h"
#include "sched/lookup.h"

#include <stdatomic.h>

typedef struct hawser__engine hawser__engine;

/* What a worker sleeps in, and where it learns what happened meanwhile; each engine puts this first in a record of its own. */
typedef struct hawser__port {
    hawser__engine *engine;
} hawser__port;

/* What an engine knows of one socket; each engine puts this first in a record of its own. */
typedef struct hawser__endpoint {
    hawser__engine *engine;
    atomic_bool evicted;
} hawser__endpoint;

/* One of the two things that a task can wait for at an endpoint. */
enum hawser__direction { HAWSER__IN, HAWSER__OUT };

struct hawser__interest {
    hawser__endpoint *endpoint;
    enum hawser__direction direction;
    bool ready;               /* out: it may be */
    bool ended;               /* out: nothing more will come in */
};

/* Waits for input without a task: FIRE is called once, when input, the end or an error may be there. It is called with no lock
 * held and only hands the work on: to a fiber that it starts, say. From its first instruction on the endpoint is others', who
 * may even have closed it. */
typedef struct hawser__watch hawser__watch;
struct hawser__watch {
    void (*fire)(hawser__watch *watch, bool ended);   /* ENDED: the peer has ended, or may have */
};

/* A Unix socket file that we are about to make, or have made. */
struct hawser__unix_file {
    char path[108];
    int lock;                 /* descriptor of the lock file while the claim lasts, else -1 */
    uint64_t device, inode;   /* identity of the file we made */
    int64_t owner;            /* process that made it: only that one removes it; 0 = nothing to remove */
};

struct hawser__engine_ops {
    const char *name;

    /* Birth. The result is in *RET. */
    int (*open)(hawser__engine *engine, int family, int type, int proto, hawser__endpoint **ret);
    int (*adopt)(hawser__engine *engine, int fd, hawser__endpoint **ret);
    int (*pair)(hawser__engine *engine, int family, int type, int proto, hawser__endpoint *ret[2]);
    int (*dup)(hawser__endpoint *endpoint, hawser__endpoint **ret);

    /* Immediate operations. */
    int (*bind)(hawser__endpoint *endpoint, const struct sockaddr *sa, socklen_t len);
    int (*listen)(hawser__endpoint *endpoint, int backlog);
    int (*shutdown)(hawser__endpoint *endpoint, int how);
    int (*getsockopt)(hawser__endpoint *endpoint, int level, int name, void *value, socklen_t *size);
    int (*setsockopt)(hawser__endpoint *endpoint, int level, int name, const void *value, socklen_t size);
    int (*getsockname)(hawser__endpoint *endpoint, struct sockaddr *sa, socklen_t *len);
    int (*getpeername)(hawser__endpoint *endpoint, struct sockaddr *sa, socklen_t *len);
    ssize_t (*unread)(hawser__endpoint *endpoint);      /* bytes received that nobody has read */
    int (*descriptor)(hawser__endpoint *endpoint);      /* its descriptor; -EOPNOTSUPP where there is none */

    /* Waiting operations. */
    int (*accept)(hawser__endpoint *const *listeners, size_t n, struct sockaddr *peer, socklen_t *len,
                  hawser__deadline deadline, hawser__endpoint **ret);
    /* A connection is begun (0 = done, -EINPROGRESS = under way, else failed), awaited together with others, and then has a
     * result. That is all a race of addresses needs; see net/connect.c for the plain connect. */
    int (*connect_begin)(hawser__endpoint *endpoint, const struct sockaddr *sa, socklen_t len);
    int (*connect_wait)(hawser__endpoint *const *endpoints, size_t n, hawser__deadline deadline);   /* index of one finished */
    int (*connect_result)(hawser__endpoint *endpoint);
    ssize_t (*recv)(hawser__endpoint *endpoint, void *buf, size_t size, int flags, hawser__deadline deadline);
    /* Receives at most SIZE bytes (and no more than 64 KiB) into a buffer of the engine's; while the task waits it has none. The
     * buffer is the task's until given back or until its next recv_lend; there is none when the result is 0 or negative. */
    ssize_t (*recv_lend)(hawser__endpoint *endpoint, void **ret, size_t size, hawser__deadline deadline);
    void (*give_back)(hawser__endpoint *endpoint, void *lent);
    ssize_t (*send)(hawser__endpoint *endpoint, const void *data, size_t size, int flags, hawser__deadline deadline);
    ssize_t (*recvmsg)(hawser__endpoint *endpoint, struct msghdr *msg, int flags, hawser__deadline deadline);
    ssize_t (*sendmsg)(hawser__endpoint *endpoint, const struct msghdr *msg, int flags, hawser__deadline deadline);
    /* At most N messages at once: how many came, 1 or more, each with msg_len and msg_hdr as recvmmsg leaves them; 0 = the end
     * of a socket whose receiving was shut. Waits for the first only. */
    int (*recvmmsg)(hawser__endpoint *endpoint, struct mmsghdr *messages, unsigned n, int flags, hawser__deadline deadline);
    /* At most N messages: how many were sent, 1 or more, each with its msg_len. Waits for room for the first only. */
    int (*sendmmsg)(hawser__endpoint *endpoint, struct mmsghdr *messages, unsigned n, int flags, hawser__deadline deadline);
    /* At most COUNT bytes of the file FD from *OFFSET on (advanced), or with OFFSET NULL of what comes out of the pipe FD; -EINVAL
     * when FD cannot be sent this way. */
    ssize_t (*sendfile)(hawser__endpoint *endpoint, int fd, int64_t *offset, size_t count, hawser__deadline deadline);
    /* Moves at most SIZE bytes from one stream to another; 0 at the end of FROM. */
    ssize_t (*splice)(hawser__endpoint *from, hawser__endpoint *to, size_t size, hawser__deadline deadline);
    /* 0 when it is worth trying one of the N interests, which are marked; it may turn out not to be. */
    int (*await)(struct hawser__interest *interests, size_t n, hawser__deadline deadline);
    /* Arms WATCH on ENDPOINT. The caller is the worker of PORT, and there FIRE is called, from the worker's loop; evict calls
     * it on whatever thread it is on. 0: armed, and nobody receives on the endpoint until it has fired or was taken back. 1:
     * input, the end or an error is there already, *ENDED as above; not armed. -EOPNOTSUPP: not with this engine, or not here
     * and now. Else a negative code. Whoever comes next tries to receive before he waits. An armed watch does not outlive its
     * endpoint; when PORT is closed it stays armed and does not fire any more. */
    int (*watch)(hawser__endpoint *endpoint, hawser__port *port, hawser__watch *watch, bool *ended);
    /* Takes WATCH back: true if it was armed and will not fire. False: it has fired, and FIRE has returned, or the caller is
     * inside of it. */
    bool (*unwatch)(hawser__endpoint *endpoint, hawser__watch *watch);
    /* Ready for HAWSER_READABLE, HAWSER_WRITABLE: which of EVENTS hold. A wait in the service of a call on ACCOUNT (may be
     * NULL) ends with that endpoint's eviction. */
    int (*wait_fd)(hawser__engine *engine, hawser__endpoint *account, int fd, int events, hawser__deadline deadline);
    int (*sleep)(hawser__engine *engine, hawser__deadline deadline);                         /* 0 at the deadline */

    /* Workers. Waiting operations of their fibers park; port_wait, on the worker's own stack, wakes those that can go on. It
     * returns when that happened, at UNTIL, or when port_wake was called, during the wait or since the last one. */
    int (*port_open)(hawser__engine *engine, hawser__port **ret);
    void (*port_wait)(hawser__port *port, hawser__deadline until);
    void (*port_wake)(hawser__port *port);              /* from any thread; async-signal-safe */
    void (*port_close)(hawser__port *port);
    void (*port_after_fork)(hawser__port *port);        /* in the child: what is shared with the parent is made anew */

    /* The end. */
    void (*evict)(hawser__endpoint *endpoint);
    void (*close)(hawser__endpoint *endpoint);
    int (*detach)(hawser__endpoint *endpoint, bool blocking);   /* frees the endpoint, gives its descriptor */

    /* The world. */
    int (*resolve)(hawser__engine *engine, hawser__lookup *lookup, hawser__deadline deadline);
    int64_t (*now)(hawser__engine *engine);
    int64_t (*time)(hawser__engine *engine);
    int (*random)(hawser__engine *engine, void *buf, size_t size);
    /* Makes room for a socket file at FILE->path: takes its lock, removes a stale one. -EADDRINUSE: a server lives there, or
     * somebody has held the lock for too long; -ENOTSOCK: the file is something else. Settled after listen (BOUND), or when
     * nothing is made after all: remembers what was made, drops the lock. */
    int (*unix_claim)(hawser__engine *engine, struct hawser__unix_file *file, hawser__deadline deadline);
    void (*unix_settle)(hawser__engine *engine, struct hawser__unix_file *file, bool bound);
    void (*unix_remove)(hawser__engine *engine, struct hawser__unix_file *file);             /* only if it is still ours */
};

struct hawser__engine {
    const struct hawser__engine_ops *ops;
};

#endif
