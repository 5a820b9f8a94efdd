/* SPDX-License-Identifier: MIT */
/*
 * Listening: from an address to a socket that accepts.
 */
#ifndef HAWSER_LISTEN_H
#define HAWSER_LISTEN_H

#include <hawser/sock.h>

HAWSER_BEGIN

typedef struct hawser_listen_options {
    int type;           /* 0 = SOCK_STREAM; SOCK_SEQPACKET for Unix sockets; SOCK_DGRAM = bound and ready to receive */
    int family;         /* 0 = what HOST says ("" = both); AF_INET or AF_INET6 = only that one */
    int backlog;        /* connections that may wait to be accepted; 0 = 128 (the kernel caps it), below 0 = none */
    bool reuse_port;    /* share the port with other sockets that set it: loads are split, see hawser_set_reuseport */
    unsigned mode;      /* permission bits of a Unix socket file, less the umask; 0 = 0777 */
} hawser_listen_options;

/* A listening socket on HOST and PORT. OPTIONS may be NULL.
 *   ""            every address, IPv4 and IPv6 through one socket; 0.0.0.0 where the system has no IPv6
 *   "localhost"   127.0.0.1 and ::1, both with the same port (two descriptors behind one socket);
 *                 a datagram socket takes the first of them that binds
 *   other names   their first address that binds
 *   unix:/path    a Unix socket file, PORT 0: a live server's is EADDRINUSE, a stale one is replaced, anything that is no
 *                 socket is ENOTSOCK; the file is removed by hawser_close if it is still ours, a relative
 *                 path still leads to it, and it was neither duplicated nor made inheritable; "/path.lock" is used meanwhile
 *   unix:@name    an abstract Unix name, PORT 0
 * PORT 0 takes a free one: hawser_getsockname tells. SO_REUSEADDR is on; TCP connections accepted have TCP_NODELAY on and
 * keep-alive at 15 s.
 * NULL with EINVAL (no HOST), ERANGE (port), EADDRINUSE, EACCES, EADDRNOTAVAIL, ENAMETOOLONG ...:
 * "listen on [::]:12345: Address already in use".
 * Python: socket.create_server. */
hawser_sock *hawser_create_server(const char *host, int port, const hawser_listen_options *options);

/* The addresses a socket is bound to: one, or two for "localhost". Fills at most N entries of OUT, returns how many there are;
 * -1 with EBADF. */
ssize_t hawser_getsocknames(hawser_sock *sock, hawser_addr *out, size_t n);

/* Whether one IPv6 socket can serve IPv4 as well here. Python: socket.has_dualstack_ipv6. */
bool hawser_has_dualstack_ipv6(void);
/* Whether the system has IPv6 at all. Python: socket.has_ipv6 (which only says what Python was built with). */
bool hawser_has_ipv6(void);

HAWSER_END

#endif
