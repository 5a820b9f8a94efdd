/* SPDX-License-Identifier: MIT */
/*
 * Where the bytes of a file come from and go to: a socket of ours (source_sock.c), or a descriptor that somebody else opened
 * (source_fd.c). No buffer here; file_read.c and file_write.c do that part.
 *
 *  1. read and write move at least one byte, and as many as can go without waiting; 0 from read is the end as of now: a
 *     terminal may go on after it. Else a negative code: -EAGAIN with HAWSER__NOW, -ETIMEDOUT at the deadline, -ECANCELED ...
 *  2. Neither raises SIGPIPE, shows -EINTR, or changes a flag of a descriptor.
 *  3. One task may read and one may write at the same time.
 */
#ifndef HAWSER__SOURCE_H
#define HAWSER__SOURCE_H

#include "base/buffer.h"
#include "base/clock.h"
#include "sched/disk.h"

#include <hawser/sock.h>

#include <stdatomic.h>

/* How a foreign descriptor waits. */
enum hawser__source_kind {
    HAWSER__READY,   /* regular files: no waiting, except for the disk */
    HAWSER__FOREIGN, /* sockets: a flag of the call says "do not wait" */
    HAWSER__PIPE,    /* pipes: few kernels have such a flag, but PIPE_BUF bytes never wait once it is writable */
    HAWSER__DEVICE   /* terminals: promise room for one byte */
};

struct hawser__source;

struct hawser__source_ops {
    ssize_t (*read)(struct hawser__source *source, void *buf, size_t size, hawser__deadline deadline);
    /* The same into a buffer that the calling task has until its next lending read, and not while it waits. May be NULL. */
    ssize_t (*lend)(struct hawser__source *source, void **ret, size_t size, hawser__deadline deadline);
    ssize_t (*write)(struct hawser__source *source, const void *data, size_t size, hawser__deadline deadline);
    /* When a call that starts now has to end. */
    hawser__deadline (*deadline)(struct hawser__source *source);
    /* -EINVAL when the timeout is not the source's own. */
    int (*settimeout)(struct hawser__source *source, int64_t ns);
    /* For sentences; never fails. ADDR may hold the text. */
    const char *(*name)(struct hawser__source *source, hawser_addr *addr);
    void (*close)(struct hawser__source *source);
};

struct hawser__source {
    const struct hawser__source_ops *ops;
    union {
        struct {
            hawser_sock *sock;
            bool shares;        /* it has a share of the connection, which its end gives back */
            socklen_t peer_len; /* 0 = it had no peer when the file was made */
            struct sockaddr_storage peer;
        };
        struct {
            const char *data;   /* what is left to be read; the caller's */
            size_t size;
            struct hawser__buffer *taken;   /* what was written */
        };
        struct {
            int fd;
            enum hawser__source_kind kind;
            _Atomic int64_t timeout;
            hawser__disk disk;   /* HAWSER__READY */
            bool no_read_now;    /* HAWSER__PIPE, HAWSER__DEVICE: there is no way to say "do not wait" */
            bool no_write_now;
        };
    };
};

/* Takes a share of SOCK's connection. 0; -EBADF closed, -EOPNOTSUPP a listener on two addresses. */
int hawser__source_open_sock(struct hawser__source *source, hawser_sock *sock);

/* The same for a socket whose peer the caller knows, and holds open as long as the source: it takes no share. */
void hawser__source_open_known(struct hawser__source *source, hawser_sock *sock, const struct sockaddr *peer, socklen_t len);

/* Memory: SIZE bytes of DATA to be read, which stay the caller's, then the end; what is written is added to TAKEN. */
void hawser__source_open_memory(struct hawser__source *source, const void *data, size_t size, struct hawser__buffer *taken);

/* FD stays the caller's. 0; -EBADF not open, or not for all that is asked. */
int hawser__source_open_fd(struct hawser__source *source, int fd, bool readable, bool writable);

#endif
