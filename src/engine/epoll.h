/* SPDX-License-Identifier: MIT */
/*
 * Shared between the two files of the epoll engine: epoll_port.c, what a worker sleeps in and how it is told, and
 * epoll_wait.c, how endpoints are registered and fibers wait.
 *
 * An endpoint is registered with the first wait and not with each (but see 6), edge-triggered, in the port of the worker
 * that has to wait for it; what happens is noted in `ready`, a bit for each direction, and whoever sits there is woken, on
 * whatever worker that is. When a fiber of another worker waits for it the registration moves there, so that nobody depends
 * on a worker that he is not on; only while somebody sits at the other direction it stays, or two workers would pull it to
 * and fro.
 *
 *  1. A waiter takes its bit away and tries again; without a bit it parks. The bit is set before the seat is looked at, the
 *     seat taken before the bit is looked at: neither comes between the other.
 *  2. Events are handled on the port's own worker, between fibers. An endpoint that is closed there is freed at once; one that
 *     another thread closes may be in the batch that is being handled, so the worker frees it after the batch.
 *  3. A registration is always taken back before the descriptor is closed: a copy of it, in another process perhaps, would keep
 *     it alive, with the address of an endpoint that is gone.
 *  4. A registration that moves away from a port may still be in that port's batch: whoever moves it waits for the batch to
 *     end, which takes a few instructions and, if the worker sleeps, a wake-up.
 *  5. A watch is put on its seat under the endpoint's lock, registered in the port of the worker that puts it there: as long as
 *     it sits the registration stays. It stands for a reader that has to try first: `drained` and its bit are cleared when it
 *     sits down, and the bit is not set when it fires.
 *  6. Every message that a socket sends is told to the epoll that it is registered in once its memory is freed, a few percent
 *     of what a datagram costs. So a socket that sends many, and that nobody waits for meanwhile, leaves the port until
 *     somebody does; what comes in between is told with the new registration.
 *  7. The port outlives its worker until the last endpoint that was registered with it is closed; from its end on it is
 *     `closed` and counts for nothing.
 */
#ifndef HAWSER__EPOLL_H
#define HAWSER__EPOLL_H

#include "engine/kernel.h"

#include "base/sys_epoll.h"

#define HAWSER__EPOLL_BATCH 256

/* Bits of an endpoint's `ready`. */
#define HAWSER__EPOLL_READ ((unsigned)1 << HAWSER__IN)
#define HAWSER__EPOLL_WRITE ((unsigned)1 << HAWSER__OUT)
#define HAWSER__EPOLL_END 4u      /* hung up, at least in one direction; looked at again before it is believed */
#define HAWSER__EPOLL_URGENT 8u   /* there was urgent data: reads stop at it, too */

/* A closed endpoint that a batch may still hold; it lies in the endpoint's own memory. */
struct hawser__epoll_grave {
    struct hawser__epoll_grave *next;
};

struct hawser__epoll_port {
    struct hawser__kernel_port base;
    int epoll, wake_fd;
    atomic_int refs;         /* the worker's, and one for each endpoint that is registered */
    hawser__lock lock;       /* guards the rest, and the use of `epoll` by others than the worker */
    atomic_bool closed;
    atomic_uint turn;        /* odd: in a batch, from before epoll_wait to the last event */
    struct hawser__epoll_grave *graves;
    int grave_count;
    struct epoll_event events[HAWSER__EPOLL_BATCH];
};

/* A wait for a descriptor that is no endpoint; its address with the lowest bit set is what epoll knows it by. */
struct hawser__epoll_fd_wait {
    hawser__task *task;
    uint32_t events;
};

#define HAWSER__EPOLL_IS_WATCH ((uintptr_t)1)

extern const struct hawser__kernel_port_ops hawser__epoll_kernel_ops;

void hawser__epoll_unref(struct hawser__epoll_port *port);

/* For ports that are made on one of these, which comes first in a record of SIZE bytes (cleared). */
int hawser__epoll_open(size_t size, hawser__engine *engine, const struct hawser__kernel_port_ops *ops, hawser__port **ret);
void hawser__epoll_port_wake(hawser__port *port);
void hawser__epoll_port_close(hawser__port *port);
void hawser__epoll_port_after_fork(hawser__port *port);

/* A batch: what is between the two is over when somebody has waited for the end. */
void hawser__epoll_begin(struct hawser__epoll_port *port);
void hawser__epoll_end(struct hawser__epoll_port *port);
/* Waits, at most NS (as epoll_wait takes it), and tells what happened. True: there may be more. */
bool hawser__epoll_look(struct hawser__epoll_port *port, int64_t ns);
int64_t hawser__epoll_time_left(hawser__deadline until);   /* nanoseconds; -1 = without limit */

/* What its kernel_port_ops has. */
int hawser__epoll_wait(struct hawser__kernel_port *kernel, struct hawser__interest *interests, size_t n, const char *what,
                       hawser__deadline deadline, unsigned round);
int hawser__epoll_wait_fd(struct hawser__kernel_port *kernel, int fd, short events, hawser__deadline deadline);
int hawser__epoll_watch(struct hawser__kernel_port *kernel, struct hawser__kernel_endpoint *endpoint, hawser__watch *watch,
                        bool *ended);
void hawser__epoll_leave(struct hawser__kernel_port *kernel, struct hawser__kernel_endpoint *endpoint);
bool hawser__epoll_forget(struct hawser__kernel_port *kernel, struct hawser__kernel_endpoint *endpoint);

#endif
