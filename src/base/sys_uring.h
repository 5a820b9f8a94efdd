/* SPDX-License-Identifier: MIT */
/*
 * Linux's io_uring, through liburing, as sys.h: each call gives what it gives, or -errno, and keeps errno. A ring belongs to
 * the thread that opened it; another may close it.
 *
 * What is queued goes to the kernel with the next wait. The fault hook knows operations by the names of the calls whose place
 * they take, "recv" and "send", and the watch, which the kernel refuses then, as "io_uring_watch".
 */
#ifndef HAWSER__SYS_URING_H
#define HAWSER__SYS_URING_H

#include <liburing.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A ring for ENTRIES operations that are queued and COMPLETIONS that have not been looked at: of more the kernel takes care.
 * With everything this kernel has to make it cheap; -ENOSYS, -EPERM and others where there is none, or none that is good
 * enough. */
int hawser__sys_uring_open(struct io_uring *ring, unsigned entries, unsigned completions);
void hawser__sys_uring_close(struct io_uring *ring);
/* In the child of a fork, whom the ring was not given: its descriptor is all there is to close. */
void hawser__sys_uring_disown(struct io_uring *ring);
/* The descriptor is not the ring's any more, and may be somebody else's: close leaves it alone then. */
void hawser__sys_uring_abandon(struct io_uring *ring);

/* What comes back with the results of calls that are nobody's own. */
#define HAWSER__RING_WATCHES ((uint64_t)0)
#define HAWSER__RING_CANCELS ((uint64_t)1)

/* Queues: 0, or -EAGAIN when there is no room before the next wait. DATA, an address, comes back with the result. */
int hawser__sys_uring_recv(struct io_uring *ring, int fd, void *buf, size_t size, void *data);
int hawser__sys_uring_send(struct io_uring *ring, int fd, const void *buf, size_t size, void *data);   /* no SIGPIPE */
/* To be called when something has come through a ring, before it is looked at: sanitizers do not see it otherwise. */
void hawser__sys_uring_received(int fd);
/* Tells again and again that FD has something to read: HAWSER__RING_WATCHES. */
int hawser__sys_uring_watch(struct io_uring *ring, int fd);
/* The operation with DATA is cancelled: its own result comes then, if it was not on its way. Of this call:
 * HAWSER__RING_CANCELS. */
int hawser__sys_uring_cancel(struct io_uring *ring, void *data);
/* Submits, and waits for a result, at most NS nanoseconds; below 0: without limit. 0: results that are due are fetched, without
 * a call into the kernel if there is nothing to be had. -EBADR: results are lost, for want of memory. */
int hawser__sys_uring_wait(struct io_uring *ring, int64_t ns);

/* Whether the caller is the thread that the process began with. */
bool hawser__sys_on_first_thread(void);

#endif
