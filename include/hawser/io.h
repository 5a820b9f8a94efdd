/* SPDX-License-Identifier: MIT */
/*
 * Bytes and datagrams: receive and send.
 *
 * All of these park the task until they are done, at most for the socket's timeout. Broken connections never raise SIGPIPE:
 * the call fails with EPIPE. A stream has no message borders: one send may arrive as several recvs, and several as one.
 *
 * Receiving returns a count; 0 is the peer's end of stream. hawser_recv and hawser_recv_exactly asked for 0 bytes return 0 at
 * once without asking the kernel; that is no end, and neither is an empty datagram, which also counts 0.
 *
 * On failure hawser_moved() says how many bytes of the call had moved: after a failed hawser_sendall that many bytes went out
 * to the kernel (whether the peer read them nobody knows).
 */
#ifndef HAWSER_IO_H
#define HAWSER_IO_H

#include <hawser/sock.h>

HAWSER_BEGIN

/* Receives at most SIZE bytes, as soon as there is one. The count, 0 at the end; -1 with ECONNRESET, ETIMEDOUT, EAGAIN, EBADF,
 * EBUSY ... Of a datagram longer than SIZE the rest is lost (hawser_recvmsg tells). Python: sock.recv, sock.recv_into. */
ssize_t hawser_recv(hawser_sock *sock, void *buf, size_t size);
/* With FLAGS: MSG_PEEK, MSG_OOB ... and MSG_WAITALL, which only this call honours (all SIZE bytes of a stream, or what came
 * before its end or a failure). */
ssize_t hawser_recv_flags(hawser_sock *sock, void *buf, size_t size, int flags);

/* Receives into a large buffer of the library's, at most 64 KiB at once: *DATA is where. It is the calling task's until it
 * borrows again, on any socket, reads from a hawser_file, or ends; a task that waits for input has none, so connections that
 * are idle cost no buffer. The count; 0 at the end and -1 as above (*DATA is then NULL), and ENOMEM. No Python equivalent. */
ssize_t hawser_recv_borrow(hawser_sock *sock, const void **data);

/* The same as hawser_recv, and the sender's address in *PEER (zeroed where the kernel gives none).
 * Python: sock.recvfrom, recvfrom_into. */
ssize_t hawser_recvfrom(hawser_sock *sock, void *buf, size_t size, hawser_addr *peer);
ssize_t hawser_recvfrom_flags(hawser_sock *sock, void *buf, size_t size, int flags, hawser_addr *peer);

/* Receives exactly SIZE bytes, within one timeout in all. SIZE; 0 when the stream ended before the first byte; -1 with
 * HAWSER_EEOF when it ended in the middle, or another error: hawser_moved() bytes are in BUF and consumed. The 0 is no failure:
 * errno and hawser_error() say nothing about it.
 * Python: asyncio's readexactly. */
ssize_t hawser_recv_exactly(hawser_sock *sock, void *buf, size_t size);

/* Sends at most SIZE bytes: as many as the kernel takes, at least one. The count, or -1. Python: sock.send. */
ssize_t hawser_send(hawser_sock *sock, const void *data, size_t size);
/* With FLAGS: MSG_OOB, MSG_MORE ... */
ssize_t hawser_send_flags(hawser_sock *sock, const void *data, size_t size, int flags);

/* Sends all SIZE bytes within one timeout in all. 0; -1 when it failed midway: see hawser_moved(). Python: sock.sendall. */
int hawser_sendall(hawser_sock *sock, const void *data, size_t size);
int hawser_sendall_flags(hawser_sock *sock, const void *data, size_t size, int flags);

/* Sends one datagram to HOST and PORT (forms as in hawser_bind). The count, or -1 with EMSGSIZE, ERANGE (port), a look-up
 * code ... Python: sock.sendto. */
ssize_t hawser_sendto(hawser_sock *sock, const void *data, size_t size, const char *host, int port);
ssize_t hawser_sendto_addr(hawser_sock *sock, const void *data, size_t size, int flags, const hawser_addr *addr);

/* Sends COUNT bytes of the file FD (0 = to its end) over a stream socket, starting at OFFSET (-1 = where the file stands);
 * without passing through user memory where the kernel can, otherwise by reading (pipes and devices work, with OFFSET -1).
 * The timeout bounds each step, so a long file may take long while it moves. Afterwards, failed or not, the file stands
 * behind the last byte sent. The bytes sent; -1 with EINVAL (not a stream socket, OFFSET below -1), EAGAIN (timeout 0),
 * ESPIPE, EBADF ... and hawser_moved(). Python: sock.sendfile. */
ssize_t hawser_sendfile(hawser_sock *sock, int fd, off_t offset, size_t count);

HAWSER_END

#endif
