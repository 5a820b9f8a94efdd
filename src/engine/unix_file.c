/* SPDX-License-Identifier: MIT */
/*
 * Unix socket files without theft.
 *
 * A file at the path may be a live server's, a dead one's, or no socket at all. Only connecting tells: a dead one refuses.
 * Between that probe and our own bind another server may do the same, so both happen under a lock file beside the socket:
 *
 *   claim   lock PATH.lock; connect: refused -> unlink; accepted -> EADDRINUSE; no socket -> ENOTSOCK; nothing there -> fine
 *   (the caller binds and listens, or wanted to know no more)
 *   settle  remember device and inode of what was made; remove the lock file while still holding it
 *
 * A lock file that was removed while we waited for it is no lock: after locking, the name has to lead to the same file still.
 * At the end the socket file is removed only by the process that made it and only if it is still the same file: a successor's,
 * or one inherited over fork, stays.
 */
#include "engine/unix_file.h"

#include "base/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#define LOCK_PAUSE (5 * HAWSER__SECOND / 1000)
#define LOCK_PATIENCE (2 * HAWSER__SECOND)

static void lock_path(const struct hawser__unix_file *file, char out[128]) {
    snprintf(out, 128, "%s.lock", file->path);
}

/* The locked descriptor; -EAGAIN when somebody else holds it or has just removed it. O_NOFOLLOW: a link planted there would let
 * somebody else choose the file. */
static int try_lock(const char *path) {
    int fd = hawser__sys_open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK, 0600);
    if (fd < 0)
        return fd;
    struct stat ours, named;
    int result = hawser__sys_fstat(fd, &ours);
    if (result == 0 && (!S_ISREG(ours.st_mode) || ours.st_size > 0)) {
        hawser__sys_close(fd);
        return -EEXIST;   /* a file of somebody's that only has the name of our lock */
    }
    if (result == 0)
        result = hawser__sys_flock(fd);
    if (result == 0) {
        result = hawser__sys_lstat(path, &named);
        if (result == -ENOENT || (result == 0 && (ours.st_dev != named.st_dev || ours.st_ino != named.st_ino)))
            result = -EAGAIN;
    }
    if (result == 0)
        return fd;
    if (result != -EAGAIN && result != -EINTR)
        hawser__sys_unlink(path);   /* no locks here: what open made would stay */
    hawser__sys_close(fd);
    return result == -EINTR ? -EAGAIN : result;
}

static int lock(hawser__engine *engine, const struct hawser__unix_file *file, hawser__deadline deadline) {
    char path[128];
    lock_path(file, path);
    int64_t give_up = engine->ops->now(engine) + LOCK_PATIENCE;
    for (;;) {
        int fd = try_lock(path);
        if (fd != -EAGAIN || deadline == HAWSER__NOW)
            return fd;
        int64_t now = engine->ops->now(engine);
        if (now >= deadline)
            return -ETIMEDOUT;
        if (now >= give_up)
            return -EADDRINUSE;   /* whoever holds the lock is about to listen here */
        int result = engine->ops->sleep(engine, now + LOCK_PAUSE);
        if (result < 0)
            return result;
    }
}

/* Connects to see whether anybody is behind the file: 1 live, 0 not. A listener with a full queue (EAGAIN) or a socket of
 * another type (EPROTOTYPE) is live; so is one that we may not reach. */
static int probe(const char *path) {
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    memcpy(sa.sun_path, path, strlen(path));
    int fd = hawser__sys_socket(AF_UNIX, SOCK_STREAM, 0);
    if (fd < 0)
        return fd;
    socklen_t length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path) + 1);
    int result = hawser__sys_connect(fd, (struct sockaddr *)&sa, length);
    hawser__sys_close(fd);
    return result == -ECONNREFUSED || result == -ENOENT ? 0 : 1;
}

static int make_room(const struct hawser__unix_file *file) {
    struct stat there;
    int result = hawser__sys_lstat(file->path, &there);
    if (result == -ENOENT)
        return 0;
    if (result < 0)
        return result;
    if (!S_ISSOCK(there.st_mode))
        return -ENOTSOCK;
    int live = probe(file->path);
    if (live != 0)
        return live < 0 ? live : -EADDRINUSE;
    result = hawser__sys_unlink(file->path);
    return result == -ENOENT ? 0 : result;
}

static void unlock(struct hawser__unix_file *file) {
    char path[128];
    if (file->lock < 0)
        return;
    lock_path(file, path);
    hawser__sys_unlink(path);
    hawser__sys_close(file->lock);
    file->lock = -1;
}

int hawser__unix_claim(hawser__engine *engine, struct hawser__unix_file *file, hawser__deadline deadline) {
    file->owner = 0;
    file->lock = lock(engine, file, deadline);
    if (file->lock < 0) {
        int result = file->lock;
        file->lock = -1;
        return result;
    }
    int result = make_room(file);
    if (result < 0)
        unlock(file);
    return result;
}

void hawser__unix_settle(hawser__engine *engine, struct hawser__unix_file *file, bool bound) {
    (void)engine;
    struct stat made;
    if (bound && hawser__sys_lstat(file->path, &made) == 0) {
        file->device = made.st_dev;
        file->inode = made.st_ino;
        file->owner = getpid();
    }
    unlock(file);
}

/* Between the look and the unlink a successor could appear; the window is a few instructions, and closing it would need the
 * lock, for which a close must not wait. */
void hawser__unix_remove(hawser__engine *engine, struct hawser__unix_file *file) {
    (void)engine;
    struct stat there;
    if (file->owner == getpid() && hawser__sys_lstat(file->path, &there) == 0 && there.st_dev == file->device &&
        there.st_ino == file->inode)
        hawser__sys_unlink(file->path);
    file->owner = 0;
}
