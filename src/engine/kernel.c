/* SPDX-License-Identifier: MIT */
/*
 * Bytes through the kernel's sockets. Every operation tries first, waits only when the kernel says "not now", and tries again:
 * readiness is a hint, the try decides.
 *
 * One try is saved: a read from a TCP socket that came short has emptied it, and so has a batch of datagrams with fewer than
 * were asked for; where the port tells changes the next read waits first. Urgent data, at which reads stop as well, end that
 * for good (epoll_port.c).
 */
#include "engine/kernel.h"

#include "base/sys.h"
#include "sched/lend.h"
#include "sched/pause.h"

#include <errno.h>
#include <hawser/world.h>

/* Linux and others move at most about this much in one call. */
#define CHUNK ((size_t)1 << 30)
/* The most messages that Linux takes in one call; of more it leaves the rest without a word. */
#define BATCH 1024u
/* From here on a batch leaves the port: with 20 that costs what it saves, of 64 it saves 3 percent. */
#define MANY 32u

/* An evicted endpoint has no descriptor for those who are still inside, so that even what could go at once is EBADF. */
static int fd_of(hawser__endpoint *endpoint) {
    return atomic_load(&endpoint->evicted) ? -1 : hawser__kernel_endpoint(endpoint)->fd;
}

/* How often an operation has waited so far, and what it learnt by it. */
struct tries {
    const char *what;
    hawser__deadline deadline;
    unsigned round;
    bool ended;   /* nothing more will come in */
};

/* Whether an operation that gave RESULT should be tried again; waits before saying so. Flags that make the kernel answer at
 * once (the caller's own MSG_DONTWAIT, out-of-band data, the error queue) are not waited for: no readiness announces them. A
 * datagram socket whose receiving direction was shut has no end of its own to report: it says EAGAIN, and that is the end. */
static bool wait_again(hawser__endpoint *endpoint, enum hawser__direction direction, int flags, struct tries *tries,
                       ssize_t *result) {
    if (*result == -EINTR)
        return true;
    if (*result != -EAGAIN || (flags & (MSG_DONTWAIT | MSG_ERRQUEUE)) || (direction == HAWSER__IN && (flags & MSG_OOB)))
        return false;
    if (tries->ended) {
        *result = 0;
        return false;
    }
    *result = hawser__kernel_wait(endpoint, direction, tries->what, tries->deadline, tries->round++);
    tries->ended = *result == 1;
    return *result >= 0;
}

/* What failed is counted as well: a fiber that goes on in spite of it must not keep the others from running. */
static bool again(hawser__endpoint *endpoint, enum hawser__direction direction, int flags, struct tries *tries,
                  ssize_t *result) {
    if (*result < 0 && wait_again(endpoint, direction, flags, tries, result))
        return true;
    hawser__worker_spend();
    return false;
}

/* Reading from a stream: waits first when the last read has emptied the socket. 0, or a negative code. */
static int before_read(hawser__endpoint *endpoint, int flags, struct tries *tries) {
    struct hawser__kernel_endpoint *self = hawser__kernel_endpoint(endpoint);
    if (!self->drained || flags || tries->deadline == HAWSER__NOW)
        return 0;
    self->drained = false;
    if (!hawser__kernel_tells_changes(self))
        return 0;
    int result = hawser__kernel_wait(endpoint, HAWSER__IN, tries->what, tries->deadline, 0);
    tries->round = 1;
    if (result < 0)
        hawser__worker_spend();
    return result < 0 ? result : 0;
}

ssize_t hawser__kernel_try_read(hawser__endpoint *endpoint, void *buf, size_t size, int flags) {
    struct hawser__kernel_endpoint *self = hawser__kernel_endpoint(endpoint);
    ssize_t n = hawser__sys_recv(fd_of(endpoint), buf, size, flags | MSG_DONTWAIT);
    self->drained = self->is_tcp && n > 0 && (size_t)n < size && !flags;
    return n;
}

ssize_t hawser__kernel_try_send(hawser__endpoint *endpoint, const void *data, size_t size, int flags) {
    return hawser__sys_send(fd_of(endpoint), data, size, flags | MSG_DONTWAIT);
}

/* The port that does SIZE bytes of a stream by itself; NULL = the call tries, and waits. */
static struct hawser__kernel_port *doing_port(hawser__endpoint *endpoint, size_t size, int flags, hawser__deadline deadline) {
    bool may = hawser__kernel_endpoint(endpoint)->type == SOCK_STREAM && size > 0 && !flags && deadline != HAWSER__NOW;
    struct hawser__kernel_port *port = may ? hawser__kernel_port() : NULL;
    return port && port->ops->recv ? port : NULL;
}

/* True: RESULT, of the port's, is the call's. */
static bool is_done(ssize_t result) {
    if (result != -EAGAIN)
        hawser__worker_spend();
    return result != -EAGAIN;
}

ssize_t hawser__kernel_recv(hawser__endpoint *endpoint, void *buf, size_t size, int flags, hawser__deadline deadline) {
    struct tries tries = {.what = "recv", .deadline = deadline};
    struct hawser__kernel_port *port = doing_port(endpoint, size, flags, deadline);
    ssize_t n = port ? port->ops->recv(port, hawser__kernel_endpoint(endpoint), buf, size, deadline) : -EAGAIN;
    if (is_done(n))
        return n;
    n = before_read(endpoint, flags, &tries);
    if (n < 0)
        return n;
    do
        n = hawser__kernel_try_read(endpoint, buf, size, flags);
    while (again(endpoint, HAWSER__IN, flags, &tries, &n));
    return n;
}

/* While the task waits it has no buffer. */
ssize_t hawser__kernel_recv_lend(hawser__endpoint *endpoint, void **ret, size_t size, hawser__deadline deadline) {
    struct tries tries = {.what = "recv", .deadline = deadline};
    hawser__task *task = hawser__task_current();
    hawser__lend_return(task);
    ssize_t n = before_read(endpoint, 0, &tries);
    if (n < 0)
        return n;
    do {
        *ret = hawser__lend_take();
        n = *ret ? hawser__kernel_try_read(endpoint, *ret, size < HAWSER__LOAN ? size : HAWSER__LOAN, 0) : -ENOMEM;
        if (n <= 0)
            hawser__lend_return(task);
    } while (again(endpoint, HAWSER__IN, 0, &tries, &n));
    return n;
}

void hawser__kernel_give_back(hawser__endpoint *endpoint, void *lent) {
    (void)endpoint;
    (void)lent;
    hawser__lend_return(hawser__task_current());
}

ssize_t hawser__kernel_send(hawser__endpoint *endpoint, const void *data, size_t size, int flags, hawser__deadline deadline) {
    struct tries tries = {.what = "send", .deadline = deadline};
    struct hawser__kernel_port *port = doing_port(endpoint, size, flags, deadline);
    ssize_t n = port ? port->ops->send(port, hawser__kernel_endpoint(endpoint), data, size, deadline) : -EAGAIN;
    if (is_done(n))
        return n;
    do
        n = hawser__kernel_try_send(endpoint, data, size, flags);
    while (again(endpoint, HAWSER__OUT, flags, &tries, &n));
    return n;
}

/* Only Unix sockets bring descriptors; some other families (AF_PACKET) refuse the flag that makes them close-on-exec. */
ssize_t hawser__kernel_recvmsg(hawser__endpoint *endpoint, struct msghdr *msg, int flags, hawser__deadline deadline) {
    int added = MSG_DONTWAIT | (hawser__kernel_endpoint(endpoint)->is_unix ? MSG_CMSG_CLOEXEC : 0);
    ssize_t n;
    struct tries tries = {.what = "recvmsg", .deadline = deadline};
    do
        n = hawser__sys_recvmsg(fd_of(endpoint), msg, flags | added);
    while (again(endpoint, HAWSER__IN, flags, &tries, &n));
    if (n >= 0)
        msg->msg_flags &= ~MSG_CMSG_CLOEXEC;   /* Linux echoes it; nobody asked */
    return n;
}

ssize_t hawser__kernel_sendmsg(hawser__endpoint *endpoint, const struct msghdr *msg, int flags, hawser__deadline deadline) {
    ssize_t n;
    struct tries tries = {.what = "sendmsg", .deadline = deadline};
    do
        n = hawser__sys_sendmsg(fd_of(endpoint), msg, flags | MSG_DONTWAIT);
    while (again(endpoint, HAWSER__OUT, flags, &tries, &n));
    return n;
}

/* Batches. */

/* A batch that came short has emptied a socket for datagrams: its last look found none. What else ends one early, an error that
 * came in between, is told as a change. */
static int try_batch(hawser__endpoint *endpoint, struct mmsghdr *messages, unsigned n, int flags) {
    struct hawser__kernel_endpoint *self = hawser__kernel_endpoint(endpoint);
    int added = MSG_DONTWAIT | (self->is_unix ? MSG_CMSG_CLOEXEC : 0);
    int came = hawser__sys_recvmmsg(fd_of(endpoint), messages, n, flags | added);
    self->drained = self->type == SOCK_DGRAM && came > 0 && (unsigned)came < n && !flags;
    for (int i = 0; i < came; i++)
        messages[i].msg_hdr.msg_flags &= ~MSG_CMSG_CLOEXEC;
    return came;
}

int hawser__kernel_recvmmsg(hawser__endpoint *endpoint, struct mmsghdr *messages, unsigned n, int flags,
                            hawser__deadline deadline) {
    struct tries tries = {.what = "recvmmsg", .deadline = deadline};
    ssize_t came = before_read(endpoint, flags, &tries);
    if (came < 0)
        return (int)came;
    do
        came = try_batch(endpoint, messages, n < BATCH ? n : BATCH, flags);
    while (again(endpoint, HAWSER__IN, flags, &tries, &came));
    return (int)came;
}

static void leave_port(struct hawser__kernel_endpoint *self) {
    struct hawser__kernel_port *port = hawser__kernel_port();
    hawser__kernel_renew(self);
    if (port && port->ops->leave)
        port->ops->leave(port, self);
}

int hawser__kernel_sendmmsg(hawser__endpoint *endpoint, struct mmsghdr *messages, unsigned n, int flags,
                            hawser__deadline deadline) {
    ssize_t sent;
    struct tries tries = {.what = "sendmmsg", .deadline = deadline};
    if (n >= MANY)
        leave_port(hawser__kernel_endpoint(endpoint));
    do
        sent = hawser__sys_sendmmsg(fd_of(endpoint), messages, n, flags | MSG_DONTWAIT);
    while (again(endpoint, HAWSER__OUT, flags, &tries, &sent));
    return (int)sent;
}

/* Files. */

/* Waits until the pipe FD has something and the endpoint takes something: which of the two it was that said "not now", nobody
 * tells. ROUND counts the times that both were said to be ready in vain. */
static ssize_t wait_for_both(hawser__endpoint *endpoint, int fd, hawser__deadline deadline, unsigned round) {
    hawser__engine *engine = endpoint->engine;
    int result = round == 0 ? 0 : hawser__pause(engine, round - 1, deadline);
    if (result >= 0)
        result = hawser__kernel_wait_fd(engine, endpoint, hawser__kernel_endpoint(endpoint)->fd, HAWSER_WRITABLE, deadline);
    if (result >= 0)
        result = hawser__kernel_wait_fd(engine, endpoint, fd, HAWSER_READABLE, deadline);
    return result;
}

/* What leaves the pipe is in the socket: nothing is lost where the socket takes less. */
static ssize_t send_from_pipe(hawser__endpoint *endpoint, int fd, size_t count, hawser__deadline deadline) {
    for (unsigned round = 0;; round++) {
        ssize_t n;
        do
            n = hawser__sys_splice(fd, fd_of(endpoint), count < CHUNK ? count : CHUNK);
        while (n == -EINTR);
        if (n >= 0 && round == 0)
            hawser__worker_spend();
        if (n != -EAGAIN || deadline == HAWSER__NOW)
            return n;
        n = wait_for_both(endpoint, fd, deadline, round);
        if (n < 0)
            return n;
    }
}

ssize_t hawser__kernel_sendfile(hawser__endpoint *endpoint, int fd, int64_t *offset, size_t count, hawser__deadline deadline) {
    ssize_t n;
    struct tries tries = {.what = "sendfile", .deadline = deadline};
    if (hawser__kernel_may_block(hawser__kernel_endpoint(endpoint)))
        return -EINVAL;   /* sendfile has no MSG_DONTWAIT: the caller reads and sends instead */
    if (!offset)
        return send_from_pipe(endpoint, fd, count, deadline);
    do
        n = hawser__sys_sendfile(fd_of(endpoint), fd, offset, count < CHUNK ? count : CHUNK);
    while (again(endpoint, HAWSER__OUT, 0, &tries, &n));
    return n;
}

/* Bytes are taken from FROM only after TO has them: a deadline in between loses nothing. */
ssize_t hawser__kernel_splice(hawser__endpoint *from, hawser__endpoint *to, size_t size, hawser__deadline deadline) {
    void *loan = hawser__lend_take();
    if (!loan)
        return -ENOMEM;
    ssize_t n = hawser__kernel_recv(from, loan, size < HAWSER__LOAN ? size : HAWSER__LOAN, MSG_PEEK, deadline);
    ssize_t sent = n > 0 ? hawser__kernel_send(to, loan, (size_t)n, 0, deadline) : n;
    if (sent > 0)
        sent = hawser__kernel_recv(from, loan, (size_t)sent, 0, HAWSER__NOW);
    hawser__lend_return(hawser__task_current());
    return sent;
}

int hawser__kernel_resolve(hawser__engine *engine, hawser__lookup *lookup, hawser__deadline deadline) {
    (void)engine;
    return hawser__lookup_on_thread(lookup, deadline);
}

int64_t hawser__kernel_now(hawser__engine *engine) {
    (void)engine;
    return hawser__clock_monotonic();
}

int64_t hawser__kernel_time(hawser__engine *engine) {
    (void)engine;
    return hawser__clock_wall();
}

int hawser__kernel_random(hawser__engine *engine, void *buf, size_t size) {
    (void)engine;
    return hawser__sys_random(buf, size);
}
