/* SPDX-License-Identifier: MIT */
/*
 * System calls: the only place in the library that makes calls which can fail, so that a test can make any of them fail
 * (fault.h). Each returns what the call returns, or -errno; errno itself is kept. None is retried here on EINTR, except that
 * close never is: Linux has closed the descriptor, and a second close could hit somebody else's.
 * Descriptors are close-on-exec from birth. Names: sys_names.h has those of the resolver.
 */
#ifndef HAWSER__SYS_H
#define HAWSER__SYS_H

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/types.h>

/* Sockets. Those made here are non-blocking. */
int hawser__sys_socket(int family, int type, int proto);
int hawser__sys_socketpair(int family, int type, int proto, int ret[2]);
int hawser__sys_accept(int fd, struct sockaddr *sa, socklen_t *len);
int hawser__sys_bind(int fd, const struct sockaddr *sa, socklen_t len);
int hawser__sys_listen(int fd, int backlog);
int hawser__sys_connect(int fd, const struct sockaddr *sa, socklen_t len);
int hawser__sys_shutdown(int fd, int how);
int hawser__sys_getsockopt(int fd, int level, int name, void *value, socklen_t *size);
int hawser__sys_setsockopt(int fd, int level, int name, const void *value, socklen_t size);
int hawser__sys_getsockname(int fd, struct sockaddr *sa, socklen_t *len);
int hawser__sys_getpeername(int fd, struct sockaddr *sa, socklen_t *len);
ssize_t hawser__sys_recv(int fd, void *buf, size_t size, int flags);
ssize_t hawser__sys_send(int fd, const void *data, size_t size, int flags);            /* adds MSG_NOSIGNAL */
ssize_t hawser__sys_recvmsg(int fd, struct msghdr *msg, int flags);
ssize_t hawser__sys_sendmsg(int fd, const struct msghdr *msg, int flags);              /* adds MSG_NOSIGNAL */
int hawser__sys_recvmmsg(int fd, struct mmsghdr *messages, unsigned n, int flags);
int hawser__sys_sendmmsg(int fd, struct mmsghdr *messages, unsigned n, int flags);     /* adds MSG_NOSIGNAL */
int hawser__sys_unread(int fd);

/* Writes that have no MSG_NOSIGNAL: SIGPIPE is held back for the calling thread while they run. */
ssize_t hawser__sys_sendfile(int out, int in, int64_t *offset, size_t count);
ssize_t hawser__sys_write_nosigpipe(int fd, const void *data, size_t size);
ssize_t hawser__sys_splice(int in, int out, size_t count);   /* one is a pipe and does not wait; the other as its flags say */

/* What can be read and written without waiting, whatever the flags of FD; -EAGAIN else. To the fault hook they are "read" and
 * "write". OFFSET -1 reads where FD stands and moves that on, as read(2) does. No SIGPIPE. */
ssize_t hawser__sys_read_now(int fd, void *buf, size_t size, int64_t offset);
ssize_t hawser__sys_write_now(int fd, const void *data, size_t size);

/* Whether RESULT of one of these two says that it is not to be had: from this kind of file, this kernel, or this sandbox. */
static inline bool hawser__sys_is_lacking(ssize_t result) {
    return result == -EOPNOTSUPP || result == -ENOSYS || result == -EPERM;
}

/* Descriptors and files. */
ssize_t hawser__sys_read(int fd, void *buf, size_t size);
ssize_t hawser__sys_pread(int fd, void *buf, size_t size, int64_t offset);
int64_t hawser__sys_lseek(int fd, int64_t offset, int whence);
int hawser__sys_open(const char *path, int flags, mode_t mode);
int hawser__sys_dup(int fd);
int hawser__sys_fcntl(int fd, int command, int argument);
int hawser__sys_fstat(int fd, struct stat *ret);
int hawser__sys_lstat(const char *path, struct stat *ret);
int hawser__sys_fchmod(int fd, mode_t mode);
int hawser__sys_unlink(const char *path);
int hawser__sys_flock(int fd);                                                         /* exclusive, -EWOULDBLOCK if taken */
void hawser__sys_close(int fd);                                                        /* below 0: nothing */

/* Waiting and waking. */
int hawser__sys_poll(struct pollfd *fds, size_t n, int ms);
int hawser__sys_eventfd(void);
void hawser__sys_eventfd_signal(int fd);                                               /* async-signal-safe */
void hawser__sys_eventfd_clear(int fd);
int hawser__sys_sigaction(int signo, const struct sigaction *action, struct sigaction *old);
int hawser__sys_random(void *buf, size_t size);
void hawser__sys_yield(void);                                                          /* gives way to other threads */
int hawser__sys_processors(void);                                                      /* CPUs the process may use; 1 or more */

#endif
