/* SPDX-License-Identifier: MIT */
/*
 * hawser_sendfile: the kernel moves the bytes where it can (regular files, plain sockets); otherwise they are read and sent
 * here. The deadline starts anew with every step: a long file may take long, a peer that takes nothing may not.
 */
#include "base/error.h"
#include "base/mem.h"
#include "base/sys.h"
#include "net/io.h"
#include "sched/pause.h"

#include <hawser/world.h>

#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#define CHUNK ((size_t)1 << 30)
#define PIECE ((size_t)64 * 1024)

struct transfer {
    hawser_sock *sock;
    int fd;
    bool seekable;
    int64_t at;       /* next byte of a seekable file */
    uint64_t left;    /* bytes still to send; UINT64_MAX = to the end */
    uint64_t moved;
};

static void advance(struct transfer *transfer, size_t n) {
    transfer->moved += n;
    if (transfer->left != UINT64_MAX)
        transfer->left -= n;
}

/* 0 = done, -EINVAL with nothing moved = this file or socket cannot. */
static ssize_t by_kernel(struct transfer *transfer) {
    while (transfer->left > 0) {
        size_t count = transfer->left < CHUNK ? (size_t)transfer->left : CHUNK;
        hawser_sock *sock = transfer->sock;
        ssize_t n = sock->transport->sendfile(sock, transfer->fd, &transfer->at, count, hawser__sock_deadline(sock));
        if (n <= 0)
            return n;
        advance(transfer, (size_t)n);
    }
    return 0;
}

/* What is read from a pipe is gone from it, so nothing is read before the socket has room for it. */
static ssize_t read_stream(struct transfer *transfer, char *buf, size_t size, hawser__deadline deadline) {
    hawser_sock *sock = transfer->sock;
    hawser__endpoint *endpoint = sock->endpoints[0];
    const struct hawser__engine_ops *ops = sock->engine->ops;
    ssize_t n = ops->descriptor(endpoint);
    if (n >= 0)
        n = ops->wait_fd(sock->engine, endpoint, (int)n, HAWSER_WRITABLE, deadline);
    if (n > 0)
        n = ops->wait_fd(sock->engine, endpoint, transfer->fd, HAWSER_READABLE, deadline);
    return n < 0 ? n : hawser__sys_read(transfer->fd, buf, size < PIPE_BUF ? size : PIPE_BUF);
}

static ssize_t read_piece(struct transfer *transfer, char *buf, size_t size) {
    hawser__engine *engine = transfer->sock->engine;
    hawser__deadline deadline = hawser__sock_deadline(transfer->sock);
    for (unsigned round = 0;; round++) {
        ssize_t n = transfer->seekable ? hawser__sys_pread(transfer->fd, buf, size, transfer->at)
                                       : read_stream(transfer, buf, size, deadline);
        bool vain = n == -EAGAIN && !transfer->seekable && deadline != HAWSER__NOW;   /* another reader was faster */
        if (n != -EINTR && !vain)
            return n;
        int result = hawser__pause(engine, round, deadline);
        if (result < 0 && deadline != HAWSER__NOW)
            return result;
    }
}

static ssize_t by_hand(struct transfer *transfer, char *buf) {
    while (transfer->left > 0) {
        ssize_t n = read_piece(transfer, buf, transfer->left < PIECE ? (size_t)transfer->left : PIECE);
        if (n <= 0)
            return n;
        size_t sent = 0;
        ssize_t result = hawser__send_all(transfer->sock, buf, (size_t)n, 0, hawser__sock_deadline(transfer->sock), &sent);
        transfer->at += (int64_t)sent;
        advance(transfer, sent);
        if (result < 0)
            return result;
    }
    return 0;
}

static ssize_t run(struct transfer *transfer) {
    ssize_t result = transfer->seekable ? by_kernel(transfer) : -EINVAL;
    if ((result != -EINVAL && result != -ENOSYS && result != -EOPNOTSUPP) || transfer->moved > 0)
        return result;
    char *buf = hawser__alloc(PIECE);
    if (!buf)
        return -ENOMEM;
    result = by_hand(transfer, buf);
    hawser__free(buf);
    return result;
}

/* Where the file stands, or is to start. Pipes and terminals have no position and take only -1. */
static int position(struct transfer *transfer, off_t offset) {
    struct stat about;
    int result = hawser__sys_fstat(transfer->fd, &about);
    if (result < 0)
        return result;
    transfer->seekable = S_ISREG(about.st_mode) || S_ISBLK(about.st_mode);
    if (!transfer->seekable)
        return offset < 0 ? 0 : -ESPIPE;
    transfer->at = offset < 0 ? hawser__sys_lseek(transfer->fd, 0, SEEK_CUR) : offset;
    return transfer->at < 0 ? (int)transfer->at : 0;
}

ssize_t hawser_sendfile(hawser_sock *sock, int fd, off_t offset, size_t count) {
    struct transfer transfer = {.sock = sock, .fd = fd, .left = count ? count : UINT64_MAX};
    ssize_t result = sock->type == SOCK_STREAM && offset >= -1 ? hawser__enter(sock, HAWSER__SENDER) : -EINVAL;
    if (result < 0)
        return hawser__io_fail(sock, result, 0, "send file to");
    result = position(&transfer, offset);
    if (result == 0) {
        result = run(&transfer);
        if (transfer.seekable)
            hawser__sys_lseek(fd, transfer.at, SEEK_SET);
    }
    if (result < 0)
        hawser__io_fail(sock, result, transfer.moved, "send file to");
    hawser__leave(sock, HAWSER__SENDER);
    return result < 0 ? -1 : (ssize_t)transfer.moved;
}
