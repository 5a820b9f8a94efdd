/* SPDX-License-Identifier: MIT */
/*
 * The inside of a hawser_sock.
 *
 * Two counts keep it safe from any thread. `refs` keeps the memory: one for the owner, one for each hawser_ref and open file.
 * `ios` keeps the connection: one for the socket itself, one for each open file; at 0 it is evicted. `state` says who is inside
 * a call: one receiver, one sender, any number of short calls; the endpoints are closed when the socket is ended and the
 * last of them has left, so a descriptor number is never reused under a call that still holds it.
 */
#ifndef HAWSER__HANDLE_H
#define HAWSER__HANDLE_H

#include "sched/engine.h"

#include <hawser/sock.h>

/* How a byte stream gets in and out: the plain one goes to the engine; TLS will install its own. */
struct hawser__transport {
    const char *name;
    ssize_t (*recv)(hawser_sock *sock, void *buf, size_t size, int flags, hawser__deadline deadline);
    ssize_t (*recv_lend)(hawser_sock *sock, void **ret, size_t size, hawser__deadline deadline);   /* as the engine's */
    ssize_t (*send)(hawser_sock *sock, const void *data, size_t size, int flags, hawser__deadline deadline);
    ssize_t (*recvmsg)(hawser_sock *sock, struct msghdr *msg, int flags, hawser__deadline deadline);
    ssize_t (*sendmsg)(hawser_sock *sock, const struct msghdr *msg, int flags, hawser__deadline deadline);
    ssize_t (*sendfile)(hawser_sock *sock, int fd, int64_t *offset, size_t count, hawser__deadline deadline);
    int (*shutdown)(hawser_sock *sock, int how);
    void (*release)(hawser_sock *sock);   /* frees transport_state when the socket ends */
};

/* A server has one for each idle connection: with one endpoint it is 56 bytes, which malloc makes 64 of. No system has families
 * or types beyond a byte, nor protocols beyond two. */
struct hawser_sock {
    atomic_uint refs, ios;
    _Atomic uint64_t state;                  /* see handle.c */
    const struct hawser__transport *transport;
    void *transport_state;
    _Atomic int64_t timeout;                 /* nanoseconds, HAWSER__NEVER = none */
    uint16_t proto;
    uint8_t family, type;
    uint8_t endpoint_count;
    uint8_t turn;                            /* accept asks this endpoint first: neither loopback may starve the other */
    bool has_unix_file;                      /* made by create_server, removed at the end */
    hawser__endpoint *endpoints[];           /* one; a listener on both loopbacks has two; behind one, the Unix socket file */
};

enum hawser__side { HAWSER__SHORT, HAWSER__RECEIVER, HAWSER__SENDER };

/* A new handle around ENDPOINT with the default timeout and one reference; NULL = ENOMEM, ENDPOINT is then closed. */
hawser_sock *hawser__handle_new(hawser__endpoint *endpoint, int family, int type, int proto);
/* The same, but on failure ENDPOINT stays the caller's. */
hawser_sock *hawser__handle_around(hawser__endpoint *endpoint, int family, int type, int proto);
/* The same for both loopbacks. */
hawser_sock *hawser__handle_around_both(hawser__endpoint *endpoints[2], int family, int type);
/* The same for a Unix listener; FILE is copied. */
hawser_sock *hawser__handle_with_file(hawser__endpoint *endpoint, const struct hawser__unix_file *file, int type);

/* Enters a call: 0; -EBADF closed, -EBUSY another task is on that side, -ECANCELED interrupted (not for HAWSER__SHORT). A call
 * from a file enters with hawser__file_enter: it works on while the socket itself is closed. */
int hawser__enter(hawser_sock *sock, enum hawser__side side);
int hawser__file_enter(hawser_sock *sock, enum hawser__side side);
void hawser__leave(hawser_sock *sock, enum hawser__side side);

/* The engine of SOCK, which the caller is inside of: the endpoints may be gone otherwise. */
static inline hawser__engine *hawser__sock_engine(const hawser_sock *sock) {
    return sock->endpoints[0]->engine;
}

static inline const struct hawser__engine_ops *hawser__sock_ops(const hawser_sock *sock) {
    return hawser__sock_engine(sock)->ops;
}

/* Whether hawser_close was called; its files may still use it. */
bool hawser__is_closed(hawser_sock *sock);

/* hawser_detach without the sentence: the descriptor, or a negative code. */
int hawser__handle_detach(hawser_sock *sock);

/* listen.c: whether ADDR is that of a Unix socket with a file, which *RET then is: not yet claimed. */
bool hawser__unix_file_at(const hawser_addr *addr, struct hawser__unix_file *ret);

/* The socket file of a Unix listener stays when SOCK ends: somebody else may be listening on it by then. */
void hawser__leave_unix_file(hawser_sock *sock);

/* A file takes and gives back its share of the connection. -EBADF when the socket is closed. */
int hawser__file_attach(hawser_sock *sock);
void hawser__file_detach(hawser_sock *sock);

/* The deadline of a call that starts now. */
hawser__deadline hawser__sock_deadline(const hawser_sock *sock);

/* For sentences: " from 1.2.3.4:80" is appended by the caller; this is the peer, or our own address, or "socket". Never waits,
 * never fails; ADDR holds the text. */
const char *hawser__peer_text(hawser_sock *sock, hawser_addr *addr);
const char *hawser__own_text(hawser_sock *sock, hawser_addr *addr);

#endif
