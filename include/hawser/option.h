/* SPDX-License-Identifier: MIT */
/*
 * Socket options: the general calls with the constants of <netinet/in.h>, <netinet/tcp.h> and <sys/socket.h>, and typed ones
 * for what most programs set. None waits. All return 0, or -1 with errno (EBADF, ENOPROTOOPT, EINVAL, EOPNOTSUPP ...).
 * A listener on two addresses (hawser_create_server with "localhost") sets both and reads the first.
 */
#ifndef HAWSER_OPTION_H
#define HAWSER_OPTION_H

#include <hawser/sock.h>
#include <netinet/tcp.h>

HAWSER_BEGIN

/* Python: sock.setsockopt(level, name, bytes) and (level, name, None, length) with VALUE NULL. */
int hawser_setsockopt(hawser_sock *sock, int level, int name, const void *value, socklen_t size);
/* *SIZE: room in VALUE, then what was filled. Python: sock.getsockopt(level, name, length). */
int hawser_getsockopt(hawser_sock *sock, int level, int name, void *value, socklen_t *size);
/* Python: sock.setsockopt(level, name, int), sock.getsockopt(level, name). */
int hawser_setsockopt_int(hawser_sock *sock, int level, int name, int value);
int hawser_getsockopt_int(hawser_sock *sock, int level, int name, int *ret);

/* Sends small writes at once (TCP_NODELAY). On already for create_connection and create_server. */
int hawser_set_nodelay(hawser_sock *sock, bool on);
/* Asks a silent peer for life after IDLE seconds and then every IDLE seconds; IDLE 0 = off. 15 already for create_connection
 * and create_server. */
int hawser_set_keepalive(hawser_sock *sock, int idle);
/* Lets a listener bind while old connections linger in TIME_WAIT (SO_REUSEADDR). On already for create_server. */
int hawser_set_reuseaddr(hawser_sock *sock, bool on);
/* Lets several sockets bind the same port and share its traffic (SO_REUSEPORT). Never on by itself. */
int hawser_set_reuseport(hawser_sock *sock, bool on);
/* Lets a datagram socket send to broadcast addresses (SO_BROADCAST). */
int hawser_set_broadcast(hawser_sock *sock, bool on);
/* An IPv6 socket serves IPv6 only (on) or IPv4 as well (off). Only before bind. */
int hawser_set_v6only(hawser_sock *sock, bool on);
/* The kernel's buffers in bytes; Linux doubles the value. */
int hawser_set_rcvbuf(hawser_sock *sock, int bytes);
int hawser_set_sndbuf(hawser_sock *sock, int bytes);

/* Who is at the other end of a Unix connection, as the kernel saw it when it was made. Any result may be NULL. Abstract names
 * have no file permissions: servers on them check this. */
int hawser_getpeercred(hawser_sock *sock, pid_t *pid, uid_t *uid, gid_t *gid);

HAWSER_END

#endif
