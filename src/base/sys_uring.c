/* SPDX-License-Identifier: MIT */
#include "base/sys_uring.h"

#include "base/sys_call.h"

#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

/* The last one came with polls that tell again and again, which have none of their own: an older kernel would refuse each. */
#define NEEDED_FEATURES                                                                                                        \
    (IORING_FEAT_NODROP | IORING_FEAT_SUBMIT_STABLE | IORING_FEAT_FAST_POLL | IORING_FEAT_EXT_ARG | IORING_FEAT_RSRC_TAGS)

/* The thread sanitizer learns from calls what happens before what, and when memory is new. liburing's own it does not see,
 * nor what a ring does with a descriptor: so it is told, by calls that do nothing else. */
#ifndef __has_feature
#define __has_feature(x) 0
#endif
#if defined(__SANITIZE_THREAD__) || __has_feature(thread_sanitizer)
#define SANITIZER_LOOKS true
#else
#define SANITIZER_LOOKS false
#endif

/* What io_uring_queue_exit does, by calls that it sees. */
static void exit_in_sight(struct io_uring *ring) {
    munmap(ring->sq.sqes, ring->sq.ring_entries * sizeof *ring->sq.sqes);
    if (ring->cq.ring_ptr && ring->cq.ring_ptr != ring->sq.ring_ptr)
        munmap(ring->cq.ring_ptr, ring->cq.ring_sz);
    munmap(ring->sq.ring_ptr, ring->sq.ring_sz);
    close(ring->ring_fd);
}

/* Of no bytes, so that they neither wait nor take an error. */
static void tell_of_read(int fd) {
    const struct iovec none = {0};
    if (SANITIZER_LOOKS)
        (void)!readv(fd, &none, 0);
}

static void tell_of_write(int fd) {
    const struct iovec none = {0};
    if (SANITIZER_LOOKS)
        (void)!writev(fd, &none, 0);
}

/* From the best to what a kernel of 2021 takes. Results that the kernel works out only when the thread asks for them, and a
 * note that there are some, spare the thread interruptions and calls in vain. */
static const unsigned flag_sets[] = {
    IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_TASKRUN_FLAG | IORING_SETUP_SUBMIT_ALL,
    IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG | IORING_SETUP_SUBMIT_ALL,
    0,
};

static bool has_operations(struct io_uring *ring) {
    static const int needed[] = {IORING_OP_POLL_ADD, IORING_OP_RECV, IORING_OP_SEND, IORING_OP_ASYNC_CANCEL};
    struct io_uring_probe *probe = io_uring_get_probe_ring(ring);
    bool all = probe != NULL;
    for (size_t i = 0; all && i < sizeof needed / sizeof *needed; i++)
        all = io_uring_opcode_supported(probe, needed[i]);
    io_uring_free_probe(probe);
    return all;
}

/* Not for children: in theirs the kernel would not look. */
static int examine(struct io_uring *ring) {
    bool good = (ring->features & NEEDED_FEATURES) == NEEDED_FEATURES && has_operations(ring);
    int result = good ? io_uring_ring_dontfork(ring) : -ENOSYS;
    if (result < 0)
        hawser__sys_uring_close(ring);
    return result;
}

/* liburing gives -errno, and calls here errno. */
static int as_call(int result) {
    errno = result < 0 ? -result : errno;
    return result < 0 ? -1 : result;
}

static int open_ring(struct io_uring *ring, unsigned entries, unsigned completions) {
    int result = -EINVAL;
    for (size_t i = 0; result == -EINVAL && i < sizeof flag_sets / sizeof *flag_sets; i++) {
        struct io_uring_params params = {.cq_entries = completions};
        params.flags = flag_sets[i] | IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP;
        memset(ring, 0, sizeof *ring);
        result = io_uring_queue_init_params(entries, ring, &params);
    }
    return as_call(result < 0 ? result : examine(ring));
}

int hawser__sys_uring_open(struct io_uring *ring, unsigned entries, unsigned completions) {
    RETURN_CALL("io_uring_setup", open_ring(ring, entries, completions));
}

void hawser__sys_uring_close(struct io_uring *ring) {
    int saved = errno;
    (SANITIZER_LOOKS ? exit_in_sight : io_uring_queue_exit)(ring);
    errno = saved;
}

void hawser__sys_uring_received(int fd) {
    int saved = errno;
    tell_of_read(fd);
    errno = saved;
}

void hawser__sys_uring_disown(struct io_uring *ring) {
    int saved = errno;
    close(ring->ring_fd);
    errno = saved;
}

void hawser__sys_uring_abandon(struct io_uring *ring) {
    ring->ring_fd = ring->enter_ring_fd = -1;
}

/* Queueing. */

/* An entry for the operation called NAME; NULL, with the code in *RESULT. */
static struct io_uring_sqe *begin(struct io_uring *ring, const char *name, int *result) {
    int injected = hawser__sys_fault(name);
    struct io_uring_sqe *entry = injected ? NULL : io_uring_get_sqe(ring);
    *result = injected ? -injected : -EAGAIN;
    return entry;
}

int hawser__sys_uring_recv(struct io_uring *ring, int fd, void *buf, size_t size, void *data) {
    int result;
    struct io_uring_sqe *entry = begin(ring, "recv", &result);
    if (!entry)
        return result;
    io_uring_prep_recv(entry, fd, buf, size, 0);
    io_uring_sqe_set_data(entry, data);
    return 0;
}

int hawser__sys_uring_send(struct io_uring *ring, int fd, const void *buf, size_t size, void *data) {
    int result;
    struct io_uring_sqe *entry = begin(ring, "send", &result);
    if (!entry)
        return result;
    tell_of_write(fd);
    io_uring_prep_send(entry, fd, buf, size, MSG_NOSIGNAL);
    io_uring_sqe_set_data(entry, data);
    return 0;
}

int hawser__sys_uring_watch(struct io_uring *ring, int fd) {
    int injected = hawser__sys_fault("io_uring_watch");
    struct io_uring_sqe *entry = io_uring_get_sqe(ring);
    if (!entry)
        return -EAGAIN;
    io_uring_prep_poll_multishot(entry, injected ? -1 : fd, POLLIN);
    io_uring_sqe_set_data64(entry, HAWSER__RING_WATCHES);
    return 0;
}

int hawser__sys_uring_cancel(struct io_uring *ring, void *data) {
    struct io_uring_sqe *entry = io_uring_get_sqe(ring);
    if (!entry)
        return -EAGAIN;
    io_uring_prep_cancel(entry, data, 0);
    io_uring_sqe_set_data64(entry, HAWSER__RING_CANCELS);
    return 0;
}

/* Waiting. */

static bool has_business(struct io_uring *ring) {
    unsigned notes = IO_URING_READ_ONCE(*ring->sq.kflags);
    bool says = ring->flags & IORING_SETUP_TASKRUN_FLAG;
    return !says || io_uring_sq_ready(ring) > 0 || (notes & (IORING_SQ_TASKRUN | IORING_SQ_CQ_OVERFLOW));
}

static int wait_for_result(struct io_uring *ring, int64_t ns) {
    struct __kernel_timespec time = {.tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000};
    struct io_uring_cqe *unused;
    if (ns == 0)
        return has_business(ring) ? io_uring_submit_and_get_events(ring) : 0;
    if (ns < 0)
        return io_uring_submit_and_wait(ring, 1);
    return io_uring_submit_and_wait_timeout(ring, &unused, 1, &time, NULL);
}

/* Of results that were dropped the kernel's own code tells only where nothing else is to be told. */
static int wait_for_all_results(struct io_uring *ring, int64_t ns) {
    int result = wait_for_result(ring, ns);
    return IO_URING_READ_ONCE(*ring->cq.koverflow) > 0 ? -EBADR : result;
}

int hawser__sys_uring_wait(struct io_uring *ring, int64_t ns) {
    RETURN_CALL("io_uring_enter", as_call(wait_for_all_results(ring, ns)));
}

bool hawser__sys_on_first_thread(void) {
    return getpid() == (pid_t)syscall(SYS_gettid);
}
