/* SPDX-License-Identifier: MIT */
/*
 * The poll engine: the kernel's sockets on any POSIX system, for plain threads. Every operation tries first, waits in poll only
 * when the kernel says "not now", and tries again: readiness is a hint, the try decides.
 *
 * The table at the end is the engine; the rest of it is in poll_endpoint.c, poll_wait.c, poll_connect.c, unix_file.c and
 * lookup_thread.c.
 */
#include "engine/engines.h"
#include "engine/lookup_thread.h"
#include "engine/poll.h"
#include "engine/unix_file.h"

#include "base/mem.h"
#include "base/sys.h"

#include <errno.h>

/* Linux and others move at most about this much in one call. */
#define CHUNK ((size_t)1 << 30)
#define LENT ((size_t)64 * 1024)

/* An evicted endpoint has no descriptor for those who are still inside, so that even what could go at once is EBADF. */
static int fd_of(hawser__endpoint *endpoint) {
    return atomic_load(&endpoint->evicted) ? -1 : hawser__poll_endpoint(endpoint)->fd;
}

/* How often an operation has waited so far, and what it learnt by it. */
struct tries {
    hawser__deadline deadline;
    unsigned round;
    bool ended;   /* nothing more will come in */
};

/* Whether an operation that gave RESULT should be tried again; waits before saying so. Flags that make the kernel answer at
 * once (the caller's own MSG_DONTWAIT, out-of-band data, the error queue) are not waited for: no readiness announces them. A
 * datagram socket whose receiving direction was shut has no end of its own to report: it says EAGAIN, and that is the end. */
static bool again(hawser__endpoint *endpoint, enum hawser__direction direction, int flags, struct tries *tries,
                  ssize_t *result) {
    if (*result == -EINTR)
        return true;
    if (*result != -EAGAIN || (flags & (MSG_DONTWAIT | MSG_ERRQUEUE)) || (direction == HAWSER__IN && (flags & MSG_OOB)))
        return false;
    if (tries->ended) {
        *result = 0;
        return false;
    }
    *result = hawser__poll_wait(endpoint, direction, tries->deadline, tries->round++);
    tries->ended = *result == 1;
    return *result >= 0;
}

static ssize_t poll_recv(hawser__endpoint *endpoint, void *buf, size_t size, int flags, hawser__deadline deadline) {
    ssize_t n;
    struct tries tries = {.deadline = deadline};
    do
        n = hawser__sys_recv(fd_of(endpoint), buf, size, flags | MSG_DONTWAIT);
    while (again(endpoint, HAWSER__IN, flags, &tries, &n));
    return n;
}

static ssize_t poll_send(hawser__endpoint *endpoint, const void *data, size_t size, int flags, hawser__deadline deadline) {
    ssize_t n;
    struct tries tries = {.deadline = deadline};
    do
        n = hawser__sys_send(fd_of(endpoint), data, size, flags | MSG_DONTWAIT);
    while (again(endpoint, HAWSER__OUT, flags, &tries, &n));
    return n;
}

/* Only Unix sockets bring descriptors; some other families (AF_PACKET) refuse the flag that makes them close-on-exec. */
static ssize_t poll_recvmsg(hawser__endpoint *endpoint, struct msghdr *msg, int flags, hawser__deadline deadline) {
    int added = MSG_DONTWAIT | (hawser__poll_endpoint(endpoint)->is_unix ? MSG_CMSG_CLOEXEC : 0);
    ssize_t n;
    struct tries tries = {.deadline = deadline};
    do
        n = hawser__sys_recvmsg(fd_of(endpoint), msg, flags | added);
    while (again(endpoint, HAWSER__IN, flags, &tries, &n));
    if (n >= 0)
        msg->msg_flags &= ~MSG_CMSG_CLOEXEC;   /* Linux echoes it; nobody asked */
    return n;
}

static ssize_t poll_sendmsg(hawser__endpoint *endpoint, const struct msghdr *msg, int flags, hawser__deadline deadline) {
    ssize_t n;
    struct tries tries = {.deadline = deadline};
    do
        n = hawser__sys_sendmsg(fd_of(endpoint), msg, flags | MSG_DONTWAIT);
    while (again(endpoint, HAWSER__OUT, flags, &tries, &n));
    return n;
}

static ssize_t poll_sendfile(hawser__endpoint *endpoint, int fd, int64_t *offset, size_t count, hawser__deadline deadline) {
    ssize_t n;
    struct tries tries = {.deadline = deadline};
    if (hawser__poll_may_block(hawser__poll_endpoint(endpoint)))
        return -EINVAL;   /* sendfile has no MSG_DONTWAIT: the caller reads and sends instead */
    do
        n = hawser__sys_sendfile(fd_of(endpoint), fd, offset, count < CHUNK ? count : CHUNK);
    while (again(endpoint, HAWSER__OUT, 0, &tries, &n));
    return n;
}

/* One buffer a task, because it is valid only until the task next waits. */
static ssize_t poll_recv_lend(hawser__endpoint *endpoint, void **ret, hawser__deadline deadline) {
    hawser__task *task = hawser__task_current();
    if (!task->lent && !(task->lent = hawser__alloc(LENT)))
        return -ENOMEM;
    *ret = task->lent;
    return poll_recv(endpoint, task->lent, LENT, 0, deadline);
}

static void poll_give_back(hawser__endpoint *endpoint, void *lent) {
    (void)endpoint;
    (void)lent;
}

/* Bytes are taken from FROM only after TO has them: a deadline in between loses nothing. */
static ssize_t poll_splice(hawser__endpoint *from, hawser__endpoint *to, size_t size, hawser__deadline deadline) {
    hawser__task *task = hawser__task_current();
    if (!task->lent && !(task->lent = hawser__alloc(LENT)))
        return -ENOMEM;
    ssize_t n = poll_recv(from, task->lent, size < LENT ? size : LENT, MSG_PEEK, deadline);
    if (n <= 0)
        return n;
    ssize_t sent = poll_send(to, task->lent, (size_t)n, 0, deadline);
    return sent <= 0 ? sent : poll_recv(from, task->lent, (size_t)sent, 0, HAWSER__NOW);
}

static int poll_resolve(hawser__engine *engine, hawser__lookup *lookup, hawser__deadline deadline) {
    (void)engine;
    return hawser__lookup_on_thread(lookup, deadline);
}

static int64_t poll_now(hawser__engine *engine) {
    (void)engine;
    return hawser__clock_monotonic();
}

static int64_t poll_time(hawser__engine *engine) {
    (void)engine;
    return hawser__clock_wall();
}

static int poll_random(hawser__engine *engine, void *buf, size_t size) {
    (void)engine;
    return hawser__sys_random(buf, size);
}

static const struct hawser__engine_ops poll_ops = {
    .name = "poll",
    .open = hawser__poll_open,
    .adopt = hawser__poll_adopt,
    .pair = hawser__poll_pair,
    .dup = hawser__poll_dup,
    .bind = hawser__poll_bind,
    .listen = hawser__poll_listen,
    .shutdown = hawser__poll_shutdown,
    .getsockopt = hawser__poll_getsockopt,
    .setsockopt = hawser__poll_setsockopt,
    .getsockname = hawser__poll_getsockname,
    .getpeername = hawser__poll_getpeername,
    .unread = hawser__poll_unread,
    .descriptor = hawser__poll_descriptor,
    .accept = hawser__poll_accept,
    .connect_begin = hawser__poll_connect_begin,
    .connect_wait = hawser__poll_connect_wait,
    .connect_result = hawser__poll_connect_result,
    .recv = poll_recv,
    .recv_lend = poll_recv_lend,
    .give_back = poll_give_back,
    .send = poll_send,
    .recvmsg = poll_recvmsg,
    .sendmsg = poll_sendmsg,
    .sendfile = poll_sendfile,
    .splice = poll_splice,
    .wait_fd = hawser__poll_wait_fd,
    .sleep = hawser__poll_sleep,
    .evict = hawser__poll_evict,
    .close = hawser__poll_close,
    .detach = hawser__poll_detach,
    .resolve = poll_resolve,
    .now = poll_now,
    .time = poll_time,
    .random = poll_random,
    .unix_claim = hawser__unix_claim,
    .unix_settle = hawser__unix_settle,
    .unix_remove = hawser__unix_remove,
};

hawser__engine hawser__poll_engine = {.ops = &poll_ops};
