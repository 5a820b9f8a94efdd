/* SPDX-License-Identifier: MIT */
/*
 * A foreign descriptor as the source of a file: terminal, pipe, device, regular file, or a socket of somebody else.
 *
 * Such a descriptor is shared, with the shell and with other programs, so O_NONBLOCK is never set on it: a read or write
 * follows a wait that said "ready". Two costs of that are accepted. Another process that takes the input between the two makes
 * a read wait on. And a write has to be small enough not to wait: PIPE_BUF bytes for a pipe; a terminal that says "writable"
 * promises room for no more than one, so a write that must end in time goes byte by byte there. Without a deadline there is
 * nothing to miss, and it takes PIPE_BUF bytes as well.
 *
 * In a fiber a read that waits on would hold up the worker, and a wait costs more than a try. So a fiber tries first, with
 * calls that do not wait (Linux has them for pipes, not for terminals), and does as above only where there are none.
 */
#include "stream/source.h"

#include "base/sys.h"
#include "base/task.h"
#include "engine/engines.h"
#include "sched/pause.h"
#include "sched/worker.h"

#include <fcntl.h>
#include <hawser/world.h>
#include <limits.h>
#include <stdio.h>

static int wait_for(const struct hawser__source *source, int events, hawser__deadline deadline) {
    hawser__engine *engine = hawser__engine_current();
    int ready = engine->ops->wait_fd(engine, NULL, source->fd, events, deadline);
    return ready < 0 ? ready : 0;
}

/* Whether a try would have waited. Foreign sockets say so, calls that do not wait, and descriptors that somebody else made
 * non-blocking. */
static bool again(const struct hawser__source *source, ssize_t result) {
    return result == -EINTR || (source->kind != HAWSER__READY && (result == -EAGAIN || result == -EWOULDBLOCK));
}

/* Whether a try, in the direction that LACKING belongs to, can be made that does not wait. */
static bool can_try(const struct hawser__source *source, bool lacking) {
    if (source->kind == HAWSER__FOREIGN || source->kind == HAWSER__READY)
        return true;
    return !lacking && hawser__task_current()->fiber;
}

/* ROUND counts the tries in vain: after the second, "ready" is no more believed without a pause. */
static int before_try(const struct hawser__source *source, bool lacking, unsigned round, int events,
                      hawser__deadline deadline) {
    if (source->kind == HAWSER__READY || (round == 0 && can_try(source, lacking)))
        return 0;
    int result = round < 2 ? 0 : hawser__pause(hawser__engine_current(), round - 2, deadline);
    return result < 0 ? result : wait_for(source, events, deadline);
}

/* What came of a call that does not wait; -EAGAIN, and *LACKING for the next time, when there is none for this descriptor. */
static ssize_t without_waiting(ssize_t result, bool *lacking) {
    if (!hawser__sys_is_lacking(result))
        return result;
    *lacking = true;
    return -EAGAIN;
}

static ssize_t try_read(struct hawser__source *source, void *buf, size_t size, hawser__deadline deadline) {
    if (source->kind == HAWSER__READY)
        return hawser__disk_read(&source->disk, source->fd, buf, size, -1, deadline);
    if (source->kind == HAWSER__FOREIGN)
        return hawser__sys_recv(source->fd, buf, size, MSG_DONTWAIT);
    if (can_try(source, source->no_read_now))
        return without_waiting(hawser__sys_read_now(source->fd, buf, size, -1), &source->no_read_now);
    return hawser__sys_read(source->fd, buf, size);
}

static ssize_t try_write(struct hawser__source *source, const void *data, size_t size, hawser__deadline deadline) {
    if (source->kind == HAWSER__READY)
        return hawser__disk_write(&source->disk, source->fd, data, size, deadline);
    if (source->kind == HAWSER__FOREIGN)
        return hawser__sys_send(source->fd, data, size, MSG_DONTWAIT);
    if (can_try(source, source->no_write_now))
        return without_waiting(hawser__sys_write_now(source->fd, data, size), &source->no_write_now);
    if (source->kind == HAWSER__DEVICE && deadline != HAWSER__NEVER)
        size = 1;
    else if (size > PIPE_BUF)
        size = PIPE_BUF;
    return hawser__sys_write_nosigpipe(source->fd, data, size);
}

/* A task for which there is always something to do lets others run now and then. */
static ssize_t done(ssize_t result, unsigned round) {
    if (round == 0)
        hawser__worker_spend();
    return result;
}

static ssize_t fd_read(struct hawser__source *source, void *buf, size_t size, hawser__deadline deadline) {
    for (unsigned round = 0;; round++) {
        int ready = before_try(source, source->no_read_now, round, HAWSER_READABLE, deadline);
        if (ready < 0)
            return ready;
        ssize_t n = try_read(source, buf, size, deadline);
        if (!again(source, n))
            return done(n, round);
    }
}

/* A device that takes nothing and says nothing would be asked for ever: that is an error. */
static ssize_t fd_write(struct hawser__source *source, const void *data, size_t size, hawser__deadline deadline) {
    for (unsigned round = 0;; round++) {
        int ready = before_try(source, source->no_write_now, round, HAWSER_WRITABLE, deadline);
        if (ready < 0)
            return ready;
        ssize_t n = try_write(source, data, size, deadline);
        if (!again(source, n))
            return done(n == 0 ? -EIO : n, round);
    }
}

static hawser__deadline fd_deadline(struct hawser__source *source) {
    hawser__engine *engine = hawser__engine_current();
    int64_t timeout = atomic_load(&source->timeout);
    if (timeout != HAWSER__NEVER && timeout != 0)
        timeout = hawser__deadline_in(engine->ops->now(engine), timeout);
    return hawser__task_deadline(timeout);
}

static int fd_settimeout(struct hawser__source *source, int64_t ns) {
    atomic_store(&source->timeout, ns);
    return 0;
}

static const char *fd_name(struct hawser__source *source, hawser_addr *addr) {
    snprintf(addr->text, sizeof addr->text, "descriptor %d", source->fd);
    return addr->text;
}

static void fd_close(struct hawser__source *source) {
    source->fd = -1;
}

static const struct hawser__source_ops fd_ops = {
    .read = fd_read,
    .write = fd_write,
    .deadline = fd_deadline,
    .settimeout = fd_settimeout,
    .name = fd_name,
    .close = fd_close,
};

static enum hawser__source_kind kind_of(mode_t mode) {
    if (S_ISREG(mode) || S_ISBLK(mode) || S_ISDIR(mode))
        return HAWSER__READY;
    if (S_ISSOCK(mode))
        return HAWSER__FOREIGN;
    return S_ISCHR(mode) ? HAWSER__DEVICE : HAWSER__PIPE;
}

/* Asked at once: a file that can never be written should fail where it is made, not at its first flush. */
static bool allows(int flags, bool readable, bool writable) {
    int access = flags & O_ACCMODE;
    return !(flags & O_PATH) && !(readable && access == O_WRONLY) && !(writable && access == O_RDONLY);
}

int hawser__source_open_fd(struct hawser__source *source, int fd, bool readable, bool writable) {
    struct stat status;
    int flags = hawser__sys_fcntl(fd, F_GETFL, 0);
    int result = flags < 0 ? flags : hawser__sys_fstat(fd, &status);
    if (result < 0)
        return result;
    if (!allows(flags, readable, writable))
        return -EBADF;
    source->ops = &fd_ops;
    source->fd = fd;
    source->kind = kind_of(status.st_mode);
    source->disk = (hawser__disk){0};
    source->no_read_now = source->no_write_now = false;
    atomic_init(&source->timeout, HAWSER__NEVER);
    return 0;
}
