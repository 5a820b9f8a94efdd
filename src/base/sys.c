/* SPDX-License-Identifier: MIT */
#include "base/sys.h"

#include "base/machine.h"
#include "base/sys_call.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/sendfile.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define NOWAIT 8   /* RWF_NOWAIT of <linux/fs.h>, which C libraries have or have not */

int hawser__sys_socket(int family, int type, int proto) {
    RETURN_CALL("socket", socket(family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, proto));
}

int hawser__sys_socketpair(int family, int type, int proto, int ret[2]) {
    RETURN_CALL("socketpair", socketpair(family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, proto, ret));
}

int hawser__sys_accept(int fd, struct sockaddr *sa, socklen_t *len) {
    RETURN_CALL("accept", accept4(fd, sa, len, SOCK_CLOEXEC | SOCK_NONBLOCK));
}

int hawser__sys_bind(int fd, const struct sockaddr *sa, socklen_t len) {
    RETURN_CALL("bind", bind(fd, sa, len));
}

int hawser__sys_listen(int fd, int backlog) {
    RETURN_CALL("listen", listen(fd, backlog));
}

int hawser__sys_connect(int fd, const struct sockaddr *sa, socklen_t len) {
    RETURN_CALL("connect", connect(fd, sa, len));
}

int hawser__sys_shutdown(int fd, int how) {
    RETURN_CALL("shutdown", shutdown(fd, how));
}

int hawser__sys_getsockopt(int fd, int level, int name, void *value, socklen_t *size) {
    RETURN_CALL("getsockopt", getsockopt(fd, level, name, value, size));
}

int hawser__sys_setsockopt(int fd, int level, int name, const void *value, socklen_t size) {
    RETURN_CALL("setsockopt", setsockopt(fd, level, name, value, size));
}

int hawser__sys_getsockname(int fd, struct sockaddr *sa, socklen_t *len) {
    RETURN_CALL("getsockname", getsockname(fd, sa, len));
}

int hawser__sys_getpeername(int fd, struct sockaddr *sa, socklen_t *len) {
    RETURN_CALL("getpeername", getpeername(fd, sa, len));
}

ssize_t hawser__sys_recv(int fd, void *buf, size_t size, int flags) {
    RETURN_CALL("recv", recv(fd, buf, size, flags));
}

ssize_t hawser__sys_send(int fd, const void *data, size_t size, int flags) {
    RETURN_CALL("send", send(fd, data, size, flags | MSG_NOSIGNAL));
}

ssize_t hawser__sys_recvmsg(int fd, struct msghdr *msg, int flags) {
    RETURN_CALL("recvmsg", recvmsg(fd, msg, flags));
}

ssize_t hawser__sys_sendmsg(int fd, const struct msghdr *msg, int flags) {
    RETURN_CALL("sendmsg", sendmsg(fd, msg, flags | MSG_NOSIGNAL));
}

/* The flags are an int or unsigned, as the C library has it. */
int hawser__sys_recvmmsg(int fd, struct mmsghdr *messages, unsigned n, int flags) {
    RETURN_CALL("recvmmsg", recvmmsg(fd, messages, n, (unsigned)flags, NULL));
}

int hawser__sys_sendmmsg(int fd, struct mmsghdr *messages, unsigned n, int flags) {
    RETURN_CALL("sendmmsg", sendmmsg(fd, messages, n, (unsigned)(flags | MSG_NOSIGNAL)));
}

static int unread_bytes(int fd) {
    int bytes = 0;
    return ioctl(fd, FIONREAD, &bytes) < 0 ? -1 : bytes;
}

int hawser__sys_unread(int fd) {
    RETURN_CALL("ioctl", unread_bytes(fd));
}

/* A SIGPIPE that was pending before stays pending; one that the write raised is taken back before anybody sees it. A write that
 * moved part of the data may have raised one, too. */
static bool hold_sigpipe(sigset_t *pipe_only, sigset_t *before) {
    sigset_t pending;
    sigemptyset(pipe_only);
    sigaddset(pipe_only, SIGPIPE);
    sigpending(&pending);
    pthread_sigmask(SIG_BLOCK, pipe_only, before);
    return sigismember(&pending, SIGPIPE);
}

static void let_sigpipe(const sigset_t *pipe_only, const sigset_t *before, bool suspect) {
    int saved = errno;
    const struct timespec at_once = {0, 0};
    sigset_t pending;
    sigemptyset(&pending);
    if (suspect)
        sigpending(&pending);
    if (sigismember(&pending, SIGPIPE))
        while (sigtimedwait(pipe_only, NULL, &at_once) < 0 && errno == EINTR)
            ;
    pthread_sigmask(SIG_SETMASK, before, NULL);
    errno = saved;
}

#define WITHOUT_SIGPIPE(result, size, call)                                                                                   \
    do {                                                                                                                      \
        sigset_t pipe_only, before;                                                                                           \
        bool was_pending = hold_sigpipe(&pipe_only, &before);                                                                 \
        result = (call);                                                                                                      \
        let_sigpipe(&pipe_only, &before, !was_pending && result != (ssize_t)(size));                                          \
    } while (0)

static ssize_t quiet_sendfile(int out, int in, int64_t *offset, size_t count) {
    off_t at = *offset;
    ssize_t result;
    WITHOUT_SIGPIPE(result, count, sendfile(out, in, &at, count));
    *offset = at;
    return result;
}

ssize_t hawser__sys_sendfile(int out, int in, int64_t *offset, size_t count) {
    RETURN_CALL("sendfile", quiet_sendfile(out, in, offset, count));
}

static ssize_t quiet_write(int fd, const void *data, size_t size) {
    ssize_t result;
    WITHOUT_SIGPIPE(result, size, write(fd, data, size));
    return result;
}

/* Numbers of another machine's sockets, which no system call sees. */

static int ask_number(int number, enum hawser__number_call call, int argument) {
    return hawser__machine_here->number(number, call, argument);
}

#define UNLESS_NUMBER(fd, call, argument)                                                                                     \
    do {                                                                                                                      \
        if (hawser__is_number(fd))                                                                                            \
            return ask_number(fd, call, argument);                                                                            \
    } while (0)

ssize_t hawser__sys_write_nosigpipe(int fd, const void *data, size_t size) {
    UNLESS_NUMBER(fd, HAWSER__NUMBER_OTHER, 0);
    RETURN_CALL("write", quiet_write(fd, data, size));
}

/* By number: not every C library has names for these two. */
static ssize_t call_vector(long number, int fd, struct iovec vector, int64_t offset) {
    return syscall(number, fd, &vector, 1L, (long)offset, (long)(offset >> 32), NOWAIT);
}

static ssize_t quiet_write_now(int fd, const void *data, size_t size) {
    ssize_t result;
    WITHOUT_SIGPIPE(result, size, call_vector(SYS_pwritev2, fd, (struct iovec){(void *)data, size}, -1));
    return result;
}

ssize_t hawser__sys_write_now(int fd, const void *data, size_t size) {
    RETURN_CALL("write", quiet_write_now(fd, data, size));
}

ssize_t hawser__sys_read_now(int fd, void *buf, size_t size, int64_t offset) {
    if (hawser__machine_here && offset >= 0)   /* what is in this one's memory is no matter there */
        return hawser__sys_pread(fd, buf, size, offset);
    RETURN_CALL("read", call_vector(SYS_preadv2, fd, (struct iovec){buf, size}, offset));
}

static ssize_t quiet_splice(int in, int out, size_t count) {
    ssize_t result;
    WITHOUT_SIGPIPE(result, count, splice(in, NULL, out, NULL, count, SPLICE_F_NONBLOCK | SPLICE_F_MOVE));
    return result;
}

ssize_t hawser__sys_splice(int in, int out, size_t count) {
    RETURN_CALL("splice", quiet_splice(in, out, count));
}

ssize_t hawser__sys_read(int fd, void *buf, size_t size) {
    UNLESS_NUMBER(fd, HAWSER__NUMBER_OTHER, 0);
    RETURN_CALL("read", read(fd, buf, size));
}

ssize_t hawser__sys_pread(int fd, void *buf, size_t size, int64_t offset) {
    UNLESS_NUMBER(fd, HAWSER__NUMBER_OTHER, 0);
    RETURN_CALL("pread", pread(fd, buf, size, offset));
}

int64_t hawser__sys_lseek(int fd, int64_t offset, int whence) {
    RETURN_CALL("lseek", lseek(fd, offset, whence));
}

int hawser__sys_open(const char *path, int flags, mode_t mode) {
    RETURN_CALL("open", open(path, flags | O_CLOEXEC, mode));
}

int hawser__sys_dup(int fd) {
    UNLESS_NUMBER(fd, HAWSER__NUMBER_DUP, 0);
    RETURN_CALL("dup", fcntl(fd, F_DUPFD_CLOEXEC, 0));
}

static enum hawser__number_call of_command(int command) {
    return command == F_GETFD ? HAWSER__NUMBER_GETFD : command == F_SETFD ? HAWSER__NUMBER_SETFD : HAWSER__NUMBER_OTHER;
}

int hawser__sys_fcntl(int fd, int command, int argument) {
    UNLESS_NUMBER(fd, of_command(command), argument);
    RETURN_CALL("fcntl", fcntl(fd, command, argument));
}

int hawser__sys_fstat(int fd, struct stat *ret) {
    UNLESS_NUMBER(fd, HAWSER__NUMBER_OTHER, 0);
    RETURN_CALL("fstat", fstat(fd, ret));
}

int hawser__sys_lstat(const char *path, struct stat *ret) {
    RETURN_CALL("lstat", lstat(path, ret));
}

int hawser__sys_fchmod(int fd, mode_t mode) {
    UNLESS_NUMBER(fd, HAWSER__NUMBER_CHMOD, (int)mode);
    RETURN_CALL("fchmod", fchmod(fd, mode));
}

int hawser__sys_unlink(const char *path) {
    RETURN_CALL("unlink", unlink(path));
}

int hawser__sys_flock(int fd) {
    RETURN_CALL("flock", flock(fd, LOCK_EX | LOCK_NB));
}

void hawser__sys_close(int fd) {
    int saved = errno;
    if (hawser__is_number(fd))
        (void)ask_number(fd, HAWSER__NUMBER_CLOSE, 0);
    else if (fd >= 0)
        close(fd);
    errno = saved;
}

static int poll_system(struct pollfd *fds, size_t n, int ms) {
    RETURN_CALL("poll", poll(fds, n, ms));
}

/* Each by itself: on another machine nobody waits here. */
static int poll_at_once(struct pollfd *fds, size_t n) {
    int ready = 0;
    for (size_t i = 0; i < n; i++) {
        bool number = hawser__is_number(fds[i].fd);
        int result = number ? ask_number(fds[i].fd, HAWSER__NUMBER_POLL, fds[i].events) : poll_system(&fds[i], 1, 0);
        if (result < 0 && !number)
            return result;
        if (number)
            fds[i].revents = (short)(result < 0 ? POLLNVAL : result);
        ready += fds[i].revents != 0;
    }
    return ready;
}

int hawser__sys_poll(struct pollfd *fds, size_t n, int ms) {
    return hawser__machine_here ? poll_at_once(fds, n) : poll_system(fds, n, ms);
}

int hawser__sys_eventfd(void) {
    RETURN_CALL("eventfd", eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
}

/* Neither can fail in a way that matters: a full counter is already a wake-up, an empty one already cleared. */
void hawser__sys_eventfd_signal(int fd) {
    int saved = errno;
    eventfd_write(fd, 1);
    errno = saved;
}

void hawser__sys_eventfd_clear(int fd) {
    int saved = errno;
    eventfd_t count;
    eventfd_read(fd, &count);
    errno = saved;
}

int hawser__sys_sigaction(int signo, const struct sigaction *action, struct sigaction *old) {
    if (hawser__machine_here)
        return hawser__machine_here->sigaction(signo, action, old);
    RETURN_CALL("sigaction", sigaction(signo, action, old));
}

static ssize_t random_piece(void *buf, size_t size) {
    RETURN_CALL("getrandom", getrandom(buf, size, 0));
}

/* Requests of up to 256 bytes come whole; larger ones may be interrupted. */
int hawser__sys_random(void *buf, size_t size) {
    if (hawser__machine_here)
        return hawser__machine_here->random(buf, size);
    unsigned char *at = buf;
    while (size > 0) {
        ssize_t n = random_piece(at, size < 256 ? size : 256);
        if (n < 0 && n != -EINTR)
            return (int)n;
        if (n > 0) {
            at += n;
            size -= (size_t)n;
        }
    }
    return 0;
}

void hawser__sys_yield(void) {
    if (hawser__machine_here)
        hawser__machine_here->yield();
    else
        sched_yield();
}

int hawser__sys_processors(void) {
    if (hawser__machine_here)
        return hawser__machine_here->processors();
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0)
        return CPU_COUNT(&set);
    long online = sysconf(_SC_NPROCESSORS_ONLN);
    return online > 0 ? (int)online : 1;
}
