/* SPDX-License-Identifier: MIT */
/*
 * Sockets of simulated hosts. Nothing here waits: every function does what can be done at once and gives -EAGAIN where a task
 * would have to wait, and tells the world's `changed` of each socket that somebody may be waiting at. What is under way
 * between hosts are events of the world (event.h).
 *
 * Results are the kernel's: counts, 0, or -errno, on which tests compare the two (tests/differential).
 */
#ifndef HAWSER__SOCKET_H
#define HAWSER__SOCKET_H

#include "world/host.h"

#include <sys/socket.h>

struct hawser__waiter {
    hawser__task *task;
    struct hawser__waiter *next;
};

/* What engine.c keeps at a socket; the first member of every one. */
struct hawser__attendance {
    struct hawser__waiter *waiters;
    struct hawser__sim_endpoint *watched;   /* the one whose watch is told when there is input; NULL = none */
};

/* Birth: one reference. Families AF_INET, AF_INET6, AF_UNIX; SOCK_STREAM, SOCK_DGRAM, and for Unix SOCK_SEQPACKET.
 * -EAFNOSUPPORT, -ESOCKTNOSUPPORT, -EPROTONOSUPPORT, -EMFILE (the host's limit), -ENOMEM. */
int hawser__socket_open(hawser__host *host, int family, int type, int proto, hawser__socket **ret);
/* Joins two fresh ones: -EOPNOTSUPP unless Unix. */
int hawser__socket_pair(hawser__socket *a, hawser__socket *b);
/* One more reference, as dup(2) makes one: -EMFILE. */
int hawser__socket_ref(hawser__socket *socket);
/* The last reference closes, as close(2) does: what was sent is still delivered, unread input makes it a reset (streams), as
 * does SO_LINGER with 0. The memory goes when nothing is under way any more. */
void hawser__socket_unref(hawser__socket *socket);
/* Keeps it open for a call that is under way, and counts against no limit. Left over when its host ends. */
void hawser__socket_pin(hawser__socket *socket);
void hawser__socket_unpin(hawser__socket *socket);
/* All sockets of HOST are gone. POLITE: closed as at the end of a process; else the host has lost power: nothing is sent, and
 * whatever comes for them later finds nobody (a host that is up answers with a reset; one that is down not at all). */
void hawser__sockets_drop(hawser__host *host, bool polite);
/* The world ends: what is left of sockets and under way between hosts, all of which have been dropped, is freed. */
void hawser__sockets_end(void);
/* Resets the connections between A and B; ONE_SIDED: only the side on A learns of it. */
void hawser__sockets_reset(hawser__host *a, hawser__host *b, bool one_sided);

struct hawser__attendance *hawser__socket_attendance(hawser__socket *socket);

int hawser__socket_bind(hawser__socket *socket, const struct sockaddr *sa, socklen_t len);
int hawser__socket_listen(hawser__socket *socket, int backlog);
/* -EAGAIN, -EINVAL (not listening), -EOPNOTSUPP, -EMFILE; -ESHUTDOWN (a Unix listener that was shut, and has none left): what
 * Linux tells as EINVAL to who would wait, as EAGAIN to who would not. */
int hawser__socket_accept(hawser__socket *listener, hawser__socket **ret);
/* 0, -EINPROGRESS, or why not. When it is no longer under way, result takes what became of it (0, -ECONNREFUSED ...), once. */
int hawser__socket_connect(hawser__socket *socket, const struct sockaddr *sa, socklen_t len);
bool hawser__socket_connecting(const hawser__socket *socket);
int hawser__socket_connect_result(hawser__socket *socket);
/* Whether calls of a program's own that have its number wait, as O_NONBLOCK says: nothing here does. */
bool hawser__socket_is_blocking(const hawser__socket *socket);
void hawser__socket_set_blocking(hawser__socket *socket, bool blocking);
int hawser__socket_shutdown(hawser__socket *socket, int how);
int hawser__socket_getsockopt(hawser__socket *socket, int level, int name, void *value, socklen_t *size);
int hawser__socket_setsockopt(hawser__socket *socket, int level, int name, const void *value, socklen_t size);
int hawser__socket_getsockname(hawser__socket *socket, struct sockaddr *sa, socklen_t *len);
int hawser__socket_getpeername(hawser__socket *socket, struct sockaddr *sa, socklen_t *len);

/* As recvmsg(2) and sendmsg(2) with MSG_DONTWAIT and MSG_NOSIGNAL. */
ssize_t hawser__socket_receive(hawser__socket *socket, struct msghdr *msg, int flags);
ssize_t hawser__socket_send(hawser__socket *socket, const struct msghdr *msg, int flags);
ssize_t hawser__socket_unread(hawser__socket *socket);
/* At most SIZE bytes from FROM to TO, none lost; 0 at the end of FROM. Streams only: -EINVAL. */
ssize_t hawser__socket_splice(hawser__socket *from, hawser__socket *to, size_t size);

/* Whether trying to receive (or accept), or to send, is worth it: as poll's POLLIN and POLLOUT, errors and the end included. */
bool hawser__socket_readable(hawser__socket *socket);
bool hawser__socket_writable(hawser__socket *socket);
/* Nothing more will come in. */
bool hawser__socket_ended(hawser__socket *socket);

/* The files of a host. */
uint64_t hawser__host_file(const hawser__host *host, const char *path);    /* its number; 0 = none */
bool hawser__host_file_is_socket(const hawser__host *host, const char *path);
bool hawser__host_file_is_live(const hawser__host *host, const char *path);   /* somebody listens, or receives, there */
void hawser__host_remove_file(hawser__host *host, const char *path);
void hawser__host_forget_files(hawser__host *host);

#endif
