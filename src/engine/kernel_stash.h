/* SPDX-License-Identifier: MIT */
/*
 * What the engine has received for a TCP socket that nobody has read: pieces, each one read of the kernel's, in their order.
 * Whoever receives on the endpoint next has them first, by whatever call and on whatever thread.
 *
 * A piece lies in a buffer of lending reads (sched/lend.h), which becomes the reader's; what is known of it stands at its end.
 * A stash belongs to one endpoint, and to who feeds it while he does.
 */
#ifndef HAWSER__KERNEL_STASH_H
#define HAWSER__KERNEL_STASH_H

#include "base/lock.h"
#include "sched/lend.h"

#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

struct hawser__kernel_piece {
    struct hawser__kernel_piece *next;
    uint32_t start, size;
};

/* Bytes of a buffer that a piece may have. */
#define HAWSER__PIECE_ROOM (HAWSER__LOAN - sizeof(struct hawser__kernel_piece))

struct hawser__kernel_stash {
    hawser__lock lock;                    /* guards the rest */
    struct hawser__kernel_piece *first, *last;
    atomic_size_t size;                   /* bytes */
    atomic_int error;                     /* told once, after the pieces; 0 = none */
    unsigned generation;                  /* the fork generation that the feeder belongs to */
    atomic_bool fed;
    bool forsaken;                        /* the endpoint is gone: what comes is dropped */
    void (*forsake)(struct hawser__kernel_stash *stash);   /* the endpoint is about to be closed */
};

void hawser__stash_init(struct hawser__kernel_stash *stash);
/* Somebody begins to feed it, or ends. With that it may be gone. */
void hawser__stash_feed(struct hawser__kernel_stash *stash, bool feeds);
/* The endpoint is about to be closed. */
void hawser__stash_leave(struct hawser__kernel_stash *stash);
/* In the child of a fork: nobody feeds it. */
void hawser__stash_renew(struct hawser__kernel_stash *stash);

/* SIZE bytes at the beginning of BUFFER, which the stash takes over. */
void hawser__stash_add(struct hawser__kernel_stash *stash, void *buffer, size_t size);

/* Whether there is anything; STASH may be NULL. */
static inline bool hawser__stash_has(struct hawser__kernel_stash *stash) {
    return stash && (atomic_load(&stash->size) > 0 || atomic_load(&stash->error));
}

/* As recv, from the first piece alone; -EAGAIN: there is none. */
ssize_t hawser__stash_recv(struct hawser__kernel_stash *stash, void *buf, size_t size, int flags);
ssize_t hawser__stash_recvmsg(struct hawser__kernel_stash *stash, struct msghdr *msg, int flags);
/* As the engine's recv_lend; the calling task has no buffer. */
ssize_t hawser__stash_lend(struct hawser__kernel_stash *stash, void **ret, size_t size);

#endif
