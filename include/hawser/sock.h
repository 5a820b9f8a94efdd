/* SPDX-License-Identifier: MIT */
/*
 * The socket: from birth to close.
 *
 * A hawser_sock is Python's socket object. Most programs get one from hawser_create_connection (dial.h) or
 * hawser_create_server (listen.h); the calls here are the single steps.
 *
 * Ownership: whoever opens closes. hawser_close ends the socket for everybody and drops the caller's reference: the pointer is
 * dead afterwards, as after free. A task that uses a socket which another task may close takes its own reference
 * (hawser_ref, hawser_unref); its calls then fail with EBADF, and a call that is waiting at that moment wakes at once with
 * EBADF. Any task may call anything at any time, with one rule: one task receives and one sends; a second receiver or a
 * second sender at the same time gets EBUSY, but senders of datagrams take turns. (accept counts as receiving, connect as
 * sending.) Only the look-up of a name, with which hawser_bind, hawser_connect and hawser_sendto may begin, is not ended by a
 * close: EBADF comes after it.
 *
 * Time: each call is bounded by the socket's timeout: none (waits without limit), 0 (never waits: EAGAIN), or seconds
 * (ETIMEDOUT when they have passed). An interrupted system call is continued with the time that is left.
 *
 * Descriptors are close-on-exec from birth. Descriptors that Hawser opened are non-blocking for the kernel whatever the
 * timeout says; the flags of an adopted descriptor are never touched.
 */
#ifndef HAWSER_SOCK_H
#define HAWSER_SOCK_H

#include <hawser/addr.h>

HAWSER_BEGIN

typedef struct hawser_sock hawser_sock;

/* A new socket: FAMILY AF_INET, AF_INET6, AF_UNIX ... any the kernel has, TYPE SOCK_STREAM, SOCK_DGRAM, SOCK_RAW,
 * SOCK_SEQPACKET, PROTO mostly 0. NULL with the kernel's errno (EAFNOSUPPORT, EPERM, EMFILE ...) or ENOMEM.
 * Python: socket.socket. */
hawser_sock *hawser_socket(int family, int type, int proto);

/* Two connected sockets, in RET[0] and RET[1]; FAMILY mostly AF_UNIX. 0 or -1. Python: socket.socketpair. */
int hawser_socketpair(int family, int type, int proto, hawser_sock *ret[2]);

/* Takes over FD, which from now on belongs to the socket. NULL with ENOTSOCK or EBADF: FD still belongs to the caller.
 * Python: socket.socket(fileno=fd). */
hawser_sock *hawser_sock_from_fd(int fd);

/* A socket on a duplicate of FD; FD stays the caller's. Python: socket.fromfd. */
hawser_sock *hawser_fromfd(int fd);

/* A second socket on the same connection, with a descriptor of its own and the same timeout. NULL with EMFILE, or EOPNOTSUPP
 * for a listener on two addresses. The file of a Unix listener is then no more removed by hawser_close. Python: sock.dup. */
hawser_sock *hawser_dup(hawser_sock *sock);

/* Binds to HOST and PORT. IP sockets: "" = every address, "<broadcast>" = 255.255.255.255, a number or a name; port 0 = any
 * free one. Unix sockets: HOST is a path, "@name" or "unix:..." and PORT is 0; an existing file is EADDRINUSE
 * (hawser_create_server replaces stale ones). Other families: HOST as hawser_addr_parse reads it and PORT 0.
 * A port outside 0 to 65535 is ERANGE before any system call. 0 or -1. Python: sock.bind. */
int hawser_bind(hawser_sock *sock, const char *host, int port);
int hawser_bind_addr(hawser_sock *sock, const hawser_addr *addr);

/* Starts listening. BACKLOG connections beyond one may wait to be accepted (so 5 lets 6 connect before the first accept, and
 * the seventh client waits); below 0 counts as 0; the kernel caps it. Python: sock.listen. */
int hawser_listen(hawser_sock *sock, int backlog);

/* Waits for a connection and returns it; its address in *PEER (may be NULL). The new socket has the default timeout and does
 * not inherit that of SOCK. Connections that died in the queue are skipped. NULL with EMFILE, ENFILE (no descriptor free: wait
 * and try again), ETIMEDOUT, EAGAIN, EINVAL (not listening) ... Python: sock.accept. */
hawser_sock *hawser_accept(hawser_sock *sock, hawser_addr *peer);

/* Connects to HOST (forms as in hawser_bind; "" = this machine) and PORT. One deadline covers look-up and connection. A failed
 * attempt leaves the socket as the kernel left it: close it. 0 or -1. Python: sock.connect.
 * hawser_create_connection is the better call for a name: it tries all its addresses. */
int hawser_connect(hawser_sock *sock, const char *host, int port);
int hawser_connect_addr(hawser_sock *sock, const hawser_addr *addr);

/* The same, but returns the code (0 on success) instead of -1; with timeout 0 that is EINPROGRESS. Python: sock.connect_ex. */
int hawser_connect_ex(hawser_sock *sock, const char *host, int port);
int hawser_connect_ex_addr(hawser_sock *sock, const hawser_addr *addr);

/* Ends one direction: SHUT_RD, SHUT_WR (the peer reads the end; we can still receive) or SHUT_RDWR. Python: sock.shutdown. */
int hawser_shutdown(hawser_sock *sock, int how);

/* Ends the socket and drops the reference; NULL is fine. Never waits, never fails. Bytes sent go on their way; but closing
 * with received bytes unread makes the kernel reset the connection, which may destroy the last reply in flight
 * (hawser_close_linger does not). With open files (hawser_makefile) the connection ends with the last of them, and until
 * then calls that wait go on.
 * Python: sock.close. */
void hawser_close(hawser_sock *sock);

/* The polite close: sends the end of stream, reads and drops input until the peer's end or SECONDS have passed, then closes.
 * 0 when the peer's end was seen; -1 with ETIMEDOUT, ECONNRESET ... otherwise. Closed in every case. */
int hawser_close_linger(hawser_sock *sock, double seconds);

/* Gives the descriptor away and drops the reference, as hawser_close does; the caller closes the descriptor. Its O_NONBLOCK
 * flag is cleared if the socket had no timeout, unless it was adopted or duplicated, and so may be shared. -1 with EBADF, EBUSY
 * (a task is inside a call on it, or a file is open), EOPNOTSUPP (a listener on two addresses): SOCK is still open then.
 * Python: sock.detach. */
int hawser_detach(hawser_sock *sock);

/* Another reference, for a task that may outlive the owner's close. Returns SOCK. */
hawser_sock *hawser_ref(hawser_sock *sock);
void hawser_unref(hawser_sock *sock);

/* The descriptor, still owned by SOCK; -1 when closed (errno stays). Of a listener on two addresses ("localhost") the first:
 * to hand a listener on to another process, bind one address. Python: sock.fileno. */
int hawser_fileno(const hawser_sock *sock);
/* What it was made with. Python: sock.family, sock.type, sock.proto. */
int hawser_family(const hawser_sock *sock);
int hawser_type(const hawser_sock *sock);
int hawser_proto(const hawser_sock *sock);

/* Our own and the peer's address. 0; -1 with EBADF, ENOTCONN. Python: sock.getsockname, sock.getpeername. */
int hawser_getsockname(hawser_sock *sock, hawser_addr *ret);
int hawser_getpeername(hawser_sock *sock, hawser_addr *ret);

/* A line for logs, "<hawser_sock fd=3 AF_INET SOCK_STREAM laddr=... raddr=...>", cut to SIZE. Its length. Python:
 * repr(sock). */
size_t hawser_repr(hawser_sock *sock, char *out, size_t size);

/* The socket's timeout in seconds: HAWSER_NO_TIMEOUT, 0, or more. A negative other value or no number is EINVAL, over 1e9 is
 * ERANGE. Calls already waiting keep theirs. Python: sock.settimeout, sock.gettimeout. */
int hawser_settimeout(hawser_sock *sock, double seconds);
double hawser_gettimeout(const hawser_sock *sock);
/* true: no timeout; false: timeout 0. Python: sock.setblocking, sock.getblocking (false only when the timeout is 0). */
int hawser_setblocking(hawser_sock *sock, bool blocking);
bool hawser_getblocking(const hawser_sock *sock);
/* The timeout that new sockets start with; HAWSER_NO_TIMEOUT until set. It also bounds the look-ups of names.h, where 0 counts
 * as none. Python: socket.setdefaulttimeout, socket.getdefaulttimeout. */
int hawser_setdefaulttimeout(double seconds);
double hawser_getdefaulttimeout(void);

/* Whether programs started with exec inherit the descriptor: false unless set. Once it was set, hawser_close no more removes
 * the file of a Unix listener. -1 with EBADF.
 * Python: sock.set_inheritable, sock.get_inheritable (1, 0, or -1 on error). */
int hawser_set_inheritable(hawser_sock *sock, bool inheritable);
int hawser_get_inheritable(hawser_sock *sock);

HAWSER_END

#endif
