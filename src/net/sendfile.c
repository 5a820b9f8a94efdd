/* SPDX-License-Identifier: MIT */
/*
 * hawser_sendfile: the kernel moves the bytes where it can (regular files, pipes, plain sockets); otherwise they are read and
 * sent here. The deadline starts anew with every step: a long file may take long, a peer that takes nothing may not.
 *
 * A fiber's worker is not held up by the disk: what is in memory is sent by the fiber, piece by piece; a piece that is not is
 * sent by a helper thread, which stops where the socket is full.
 */
#include "base/error.h"
#include "base/mem.h"
#include "base/sys.h"
#include "net/io.h"
#include "sched/disk.h"
#include "sched/pause.h"
#include "sched/worker.h"

#include <hawser/world.h>

#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

/* What the kernel is asked to move in one go: anything on a thread of our own; in a fiber what takes some 100 microseconds. */
#define CHUNK ((size_t)1 << 30)
#define FIBER_CHUNK ((size_t)2 << 20)
/* What is read and sent in one go. */
#define PIECE ((size_t)64 * 1024)

struct transfer {
    hawser_sock *sock;
    int fd;
    bool seekable;
    int64_t at;       /* next byte of a seekable file */
    int64_t size;     /* what that file said to have */
    uint64_t left;    /* bytes still to send; UINT64_MAX = to the end */
    uint64_t moved;
    hawser__disk disk;
};

/* A step that a helper makes. */
struct step {
    hawser__job job;
    struct transfer *transfer;
    size_t count;
    ssize_t result;
};

static void advance(struct transfer *transfer, size_t n) {
    transfer->moved += n;
    if (transfer->left != UINT64_MAX)
        transfer->left -= n;
}

/* Waits until the socket can take something. 0 or a negative code. */
static int await_room(struct transfer *transfer, hawser__deadline deadline) {
    hawser_sock *sock = transfer->sock;
    hawser__engine *engine = hawser__sock_engine(sock);
    struct hawser__interest room = {.endpoint = sock->endpoints[0], .direction = HAWSER__OUT};
    int fd = engine->ops->descriptor(sock->endpoints[0]);
    if (fd == -EOPNOTSUPP)
        return engine->ops->await(&room, 1, deadline);
    int ready = fd < 0 ? fd : engine->ops->wait_fd(engine, sock->endpoints[0], fd, HAWSER_WRITABLE, deadline);
    return ready < 0 ? ready : 0;
}

static void run_step(hawser__job *job) {
    struct step *step = (struct step *)job;
    struct transfer *transfer = step->transfer;
    hawser_sock *sock = transfer->sock;
    step->result = sock->transport->sendfile(sock, transfer->fd, &transfer->at, step->count, HAWSER__NOW);
}

/* -EINTR: waited, try again. */
static ssize_t send_elsewhere(struct transfer *transfer, size_t count, hawser__deadline deadline) {
    struct step step = {.job = {.run = run_step}, .transfer = transfer, .count = count};
    int code = hawser__disk_offload(&step.job, transfer->fd, deadline);
    if (code < 0)
        return code;
    if (step.result != -EAGAIN || deadline == HAWSER__NOW)
        return step.result;
    code = await_room(transfer, deadline);
    return code < 0 ? code : -EINTR;
}

/* Whether the next COUNT bytes can be sent without the disk. The end of the last piece tells of the beginning of this one. */
static bool is_at_hand(struct transfer *transfer, size_t count) {
    int64_t left = transfer->size - transfer->at;
    if (left > 0 && (uint64_t)left < count)
        count = (size_t)left;
    size_t known = transfer->moved > 0 ? count - 1 : 0;
    return !transfer->seekable ||
           hawser__disk_holds(&transfer->disk, transfer->fd, transfer->at + (int64_t)known, count - known);
}

static ssize_t send_some(struct transfer *transfer) {
    hawser_sock *sock = transfer->sock;
    hawser__deadline deadline = hawser__sock_deadline(sock);
    size_t most = hawser__task_current()->fiber ? FIBER_CHUNK : CHUNK;
    size_t count = transfer->left < most ? (size_t)transfer->left : most;
    if (!is_at_hand(transfer, count))
        return send_elsewhere(transfer, count, deadline);
    return sock->transport->sendfile(sock, transfer->fd, transfer->seekable ? &transfer->at : NULL, count, deadline);
}

/* 0 = done, -EINVAL with nothing moved = this file or socket cannot. A peer that takes all at once would keep other fibers
 * waiting. */
static ssize_t by_kernel(struct transfer *transfer) {
    while (transfer->left > 0) {
        ssize_t n = send_some(transfer);
        if (n <= 0 && n != -EINTR)
            return n;
        advance(transfer, n > 0 ? (size_t)n : 0);
        hawser__worker_give_way();
    }
    return 0;
}

/* A stream that is ready. In a fiber one that has been emptied since by somebody else must not hold up the worker. */
static ssize_t read_ready(struct transfer *transfer, char *buf, size_t size) {
    if (hawser__task_current()->fiber && !transfer->disk.blind) {
        ssize_t n = hawser__sys_read_now(transfer->fd, buf, size, -1);
        if (!hawser__sys_is_lacking(n))
            return n;
        transfer->disk.blind = true;
    }
    return hawser__sys_read(transfer->fd, buf, size);
}

/* What is read from a pipe is gone from it, so nothing is read before the socket has room for it. */
static ssize_t read_stream(struct transfer *transfer, char *buf, size_t size, hawser__deadline deadline) {
    hawser_sock *sock = transfer->sock;
    hawser__engine *engine = hawser__sock_engine(sock);
    int code = await_room(transfer, deadline);
    if (code == 0)
        code = engine->ops->wait_fd(engine, sock->endpoints[0], transfer->fd, HAWSER_READABLE, deadline);
    return code < 0 ? code : read_ready(transfer, buf, size < PIPE_BUF ? size : PIPE_BUF);
}

static ssize_t read_piece(struct transfer *transfer, char *buf, size_t size) {
    hawser__engine *engine = hawser__sock_engine(transfer->sock);
    hawser__deadline deadline = hawser__sock_deadline(transfer->sock);
    for (unsigned round = 0;; round++) {
        ssize_t n = transfer->seekable
                        ? hawser__disk_read(&transfer->disk, transfer->fd, buf, size, transfer->at, deadline)
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
    ssize_t result = by_kernel(transfer);
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
    transfer->size = about.st_size;
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
