/* SPDX-License-Identifier: MIT */
/* Messages with ancillary data, and the passing of descriptors: message.h. */
#include "base/error.h"
#include "base/sys.h"
#include "net/io.h"

#include <hawser/message.h>

#include <string.h>

/* What the kernel takes in one message (SCM_MAX_FD). */
#define MOST_FDS 253

ssize_t hawser_recvmsg(hawser_sock *sock, struct msghdr *msg, int flags) {
    ssize_t n = hawser__enter(sock, HAWSER__RECEIVER);
    if (n < 0)
        return hawser__io_fail(sock, n, 0, "receive message from");
    n = sock->transport->recvmsg(sock, msg, flags, hawser__sock_deadline(sock));
    if (n < 0)
        hawser__io_fail(sock, n, 0, "receive message from");
    hawser__leave(sock, HAWSER__RECEIVER);
    return n < 0 ? -1 : n;
}

ssize_t hawser_sendmsg(hawser_sock *sock, const struct msghdr *msg, int flags) {
    ssize_t n = hawser__enter(sock, HAWSER__SENDER);
    if (n < 0)
        return hawser__io_fail(sock, n, 0, "send message to");
    n = sock->transport->sendmsg(sock, msg, flags, hawser__sock_deadline(sock));
    if (n < 0)
        hawser__io_fail(sock, n, 0, "send message to");
    hawser__leave(sock, HAWSER__SENDER);
    return n < 0 ? -1 : n;
}

/* Credentials and a security label may come along, if the socket asked for them. */
union fd_control {
    struct cmsghdr align;
    char space[CMSG_SPACE(MOST_FDS * sizeof(int)) + CMSG_SPACE(sizeof(struct ucred)) + CMSG_SPACE(256)];
};

/* Without a data byte a stream would drop the descriptors, so one zero byte goes with them. */
ssize_t hawser_send_fds(hawser_sock *sock, const void *data, size_t size, const int *fds, size_t count, int flags) {
    union fd_control control;
    char zero = 0;
    struct iovec part = {.iov_base = size ? (void *)data : &zero, .iov_len = size ? size : count > 0};
    struct msghdr msg = {.msg_iov = &part, .msg_iovlen = 1};
    if (count > MOST_FDS)
        return hawser__fail(EINVAL, "send %zu descriptors: at most %d fit one message", count, MOST_FDS);
    if (count > 0 && sock->family != AF_UNIX)   /* the kernel would send the bytes and say nothing */
        return hawser__fail(EOPNOTSUPP, "send %zu descriptors over a socket that is no Unix socket", count);
    if (count > 0) {
        memset(&control, 0, sizeof control);
        msg.msg_control = &control;
        msg.msg_controllen = CMSG_SPACE(count * sizeof *fds);
        struct cmsghdr *head = CMSG_FIRSTHDR(&msg);
        head->cmsg_level = SOL_SOCKET;
        head->cmsg_type = SCM_RIGHTS;
        head->cmsg_len = CMSG_LEN(count * sizeof *fds);
        memcpy(CMSG_DATA(head), fds, count * sizeof *fds);
    }
    return hawser_sendmsg(sock, &msg, flags);
}

/* Takes the descriptors of one control message; those there is no room for are closed. */
static void take_fds(const struct cmsghdr *head, int *fds, size_t room, size_t *taken, bool *surplus) {
    size_t n = (head->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t i = 0; i < n; i++) {
        int fd;
        memcpy(&fd, CMSG_DATA(head) + i * sizeof fd, sizeof fd);
        if (*taken < room) {
            fds[(*taken)++] = fd;
            continue;
        }
        hawser__sys_close(fd);
        *surplus = true;
    }
}

/* Control space is for as many as one message can carry, however few the caller wants: padding can make room for one more than
 * asked, and what arrives has to be closed by somebody. */
ssize_t hawser_recv_fds(hawser_sock *sock, void *buf, size_t size, int *fds, size_t *count, int flags, int *ret_flags) {
    union fd_control control;
    struct iovec part = {.iov_base = buf, .iov_len = size};
    struct msghdr msg = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    size_t room = *count, taken = 0;
    bool surplus = false;
    ssize_t n = hawser_recvmsg(sock, &msg, flags);
    if (n < 0)
        return -1;
    for (struct cmsghdr *head = CMSG_FIRSTHDR(&msg); head; head = CMSG_NXTHDR(&msg, head))
        if (head->cmsg_level == SOL_SOCKET && head->cmsg_type == SCM_RIGHTS)
            take_fds(head, fds, room, &taken, &surplus);
    *count = taken;
    if (ret_flags)
        *ret_flags = msg.msg_flags | (surplus ? MSG_CTRUNC : 0);
    return n;
}
