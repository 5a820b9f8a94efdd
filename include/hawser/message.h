/* SPDX-License-Identifier: MIT */
/*
 * Messages: several buffers, addresses and ancillary data in one call, and the passing of descriptors.
 *
 * The messages are libc's struct msghdr, built and read with CMSG_FIRSTHDR, CMSG_NXTHDR, CMSG_DATA, CMSG_LEN and CMSG_SPACE.
 * For msg_name the fields of a hawser_addr serve: &addr.ss and, when receiving, sizeof addr.ss (then set addr.len to the
 * msg_namelen that came back). Descriptors that arrive are close-on-exec and the caller's to close.
 * Both calls wait like those of io.h.
 */
#ifndef HAWSER_MESSAGE_H
#define HAWSER_MESSAGE_H

#include <hawser/sock.h>

HAWSER_BEGIN

/* Receives one message into the buffers and control space of MSG. msg_flags tells what was cut: MSG_TRUNC (data), MSG_CTRUNC
 * (ancillary data; only whole descriptors arrive). The count of data bytes, 0 at the end of a stream; -1 with errno.
 * Python: sock.recvmsg, sock.recvmsg_into. */
ssize_t hawser_recvmsg(hawser_sock *sock, struct msghdr *msg, int flags);

/* Sends one message. The count of data bytes, which for a stream may be fewer than given; or -1.
 * Python: sock.sendmsg, sock.sendmsg_afalg (with the SOL_ALG control data). */
ssize_t hawser_sendmsg(hawser_sock *sock, const struct msghdr *msg, int flags);

/* Sends SIZE bytes and COUNT descriptors over a Unix socket. The descriptors travel with the first byte; with SIZE 0 one zero
 * byte is sent for them. The caller keeps its own. The count of bytes, or -1 with EINVAL (over 253 descriptors), EOPNOTSUPP
 * (no Unix socket), EBADF ... Python: socket.send_fds. */
ssize_t hawser_send_fds(hawser_sock *sock, const void *data, size_t size, const int *fds, size_t count, int flags);

/* Receives bytes and at most *COUNT descriptors into FDS; *COUNT becomes the number received. FLAGS are honoured; *RET_FLAGS
 * (may be NULL) gets msg_flags: MSG_CTRUNC says that more were sent than there was room for; none of those stays open.
 * The count of bytes; 0 at the end; -1 with errno. Python: socket.recv_fds. */
ssize_t hawser_recv_fds(hawser_sock *sock, void *buf, size_t size, int *fds, size_t *count, int flags, int *ret_flags);

HAWSER_END

#endif
