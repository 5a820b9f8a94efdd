/* SPDX-License-Identifier: MIT */
/* The epoll engine: registering endpoints, and waiting for them. epoll.h has the invariants. */
#include "engine/epoll.h"

#include "base/mem.h"
#include "base/sys.h"
#include "sched/park.h"
#include "sched/pause.h"
#include "sched/worker.h"

#include <errno.h>

/* A worker that sleeps is woken when so many closed endpoints wait for it. */
#define GRAVES 64
/* The longest that a fiber relies on the port of another worker. */
#define VISIT (50 * HAWSER__SECOND / 1000)

static struct hawser__epoll_port *epoll_port(struct hawser__kernel_port *port) {
    return (struct hawser__epoll_port *)port;
}

void hawser__epoll_unref(struct hawser__epoll_port *port) {
    if (atomic_fetch_sub(&port->refs, 1) == 1)
        hawser__free(port);
}

/* Registering. */

static int add(struct hawser__epoll_port *port, struct hawser__kernel_endpoint *endpoint) {
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLPRI | EPOLLET, .data = {.ptr = endpoint}};
    return hawser__sys_epoll_ctl(port->epoll, EPOLL_CTL_ADD, endpoint->fd, &event);
}

static bool in_batch(struct hawser__epoll_port *port) {
    return atomic_load(&port->turn) % 2 == 1;
}

/* Takes ENDPOINT out of PORT, and waits until no batch of PORT can have it any more. */
static void move_away(struct hawser__epoll_port *port, struct hawser__kernel_endpoint *endpoint) {
    struct epoll_event none = {0};
    hawser__lock_take(&port->lock);
    bool closed = atomic_load(&port->closed);
    if (!closed)
        (void)hawser__sys_epoll_ctl(port->epoll, EPOLL_CTL_DEL, endpoint->fd, &none);
    unsigned turn = atomic_load(&port->turn);
    if (!closed && turn % 2 == 1)
        hawser__sys_eventfd_signal(port->wake_fd);
    hawser__lock_drop(&port->lock);
    while (turn % 2 == 1 && atomic_load(&port->turn) == turn)
        hawser__sys_yield();
    hawser__epoll_unref(port);
}

/* Under the endpoint's lock: two tasks, one for each direction, may come at once. 0, a negative code, or 1: it stays in another
 * worker's port. */
static int register_locked(struct hawser__epoll_port *port, struct hawser__kernel_endpoint *endpoint,
                           enum hawser__direction direction) {
    struct hawser__kernel_port *old = atomic_load(&endpoint->port);
    bool other_waits = atomic_load(&endpoint->seats[!direction].sitter) != 0;
    if (old == &port->base)
        return 0;
    if (old && other_waits && !atomic_load(&epoll_port(old)->closed))
        return 1;
    if (old)
        move_away(epoll_port(old), endpoint);
    atomic_fetch_add(&port->refs, 1);
    atomic_store(&endpoint->port, &port->base);
    int result = add(port, endpoint);
    if (result < 0) {
        atomic_store(&endpoint->port, NULL);
        hawser__epoll_unref(port);
    }
    return result;
}

/* As above. Another port than our own is only looked at under the lock: it may be on its way out. */
static int register_here(struct hawser__epoll_port *port, struct hawser__kernel_endpoint *endpoint,
                         enum hawser__direction direction) {
    if (atomic_load_explicit(&endpoint->port, memory_order_acquire) == &port->base)
        return 0;
    hawser__lock_take(&endpoint->lock);
    int result = register_locked(port, endpoint, direction);
    hawser__lock_drop(&endpoint->lock);
    return result;
}

/* On the port's own worker: no batch can have the endpoint, and nobody takes the short way of register_here meanwhile. */
void hawser__epoll_leave(struct hawser__kernel_port *kernel, struct hawser__kernel_endpoint *endpoint) {
    if (atomic_load_explicit(&endpoint->port, memory_order_acquire) != kernel)
        return;
    hawser__lock_take(&endpoint->lock);
    bool waited_for = atomic_load(&endpoint->seats[HAWSER__IN].sitter) || atomic_load(&endpoint->seats[HAWSER__OUT].sitter);
    if (atomic_load(&endpoint->port) == kernel && !waited_for) {
        atomic_store(&endpoint->port, NULL);
        move_away(epoll_port(kernel), endpoint);
    }
    hawser__lock_drop(&endpoint->lock);
}

static bool bury(struct hawser__epoll_port *port, struct hawser__kernel_endpoint *endpoint) {
    hawser__worker *here = hawser__worker_current();
    if (!in_batch(port) || (here && here->port == &port->base.base))
        return false;
    struct hawser__epoll_grave *grave = (struct hawser__epoll_grave *)endpoint;
    grave->next = port->graves;
    port->graves = grave;
    if (++port->grave_count % GRAVES == 0)
        hawser__sys_eventfd_signal(port->wake_fd);
    return true;
}

bool hawser__epoll_forget(struct hawser__kernel_port *kernel, struct hawser__kernel_endpoint *endpoint) {
    struct hawser__epoll_port *port = epoll_port(kernel);
    bool buried = false;
    hawser__free(endpoint->retry);
    endpoint->retry = NULL;
    hawser__lock_take(&port->lock);
    if (!port->closed) {
        struct epoll_event none = {0};
        (void)hawser__sys_epoll_ctl(port->epoll, EPOLL_CTL_DEL, endpoint->fd, &none);
        buried = bury(port, endpoint);
    }
    hawser__lock_drop(&port->lock);
    hawser__epoll_unref(port);
    return buried;
}

/* Waiting. */

/* This and wait_for_receiver are out of line: what they keep is not for the stack of everybody who waits. */

/* A hang-up is looked at again: the socket may have been connected anew since. */
__attribute__((noinline)) static bool has_ended(struct hawser__kernel_endpoint *endpoint) {
    struct pollfd fd = {.fd = endpoint->fd, .events = POLLIN | POLLRDHUP};
    bool ended = hawser__sys_poll(&fd, 1, 0) > 0 && (fd.revents & POLLRDHUP);
    if (!ended)
        hawser__and(&endpoint->ready, ~HAWSER__EPOLL_END);
    return ended;
}

static bool take_ready(struct hawser__interest *interest) {
    struct hawser__kernel_endpoint *endpoint = hawser__kernel_endpoint(interest->endpoint);
    unsigned bit = 1u << interest->direction, ready = atomic_load(&endpoint->ready);
    interest->ready = (ready & bit) && (hawser__and(&endpoint->ready, ~bit) & bit);
    if (interest->ready && interest->direction == HAWSER__IN)
        endpoint->drained = false;   /* what came is told once: the next read has to try */
    interest->ended = !interest->ready && (ready & HAWSER__EPOLL_END) && interest->direction == HAWSER__IN &&
                      has_ended(endpoint);
    return interest->ready || interest->ended || atomic_load(&interest->endpoint->evicted);
}

static bool take_any(struct hawser__interest *interests, size_t n) {
    bool any = false;
    for (size_t i = 0; i < n; i++)
        any |= take_ready(&interests[i]);
    return any;
}

static bool is_writable(struct hawser__kernel_endpoint *endpoint) {
    struct pollfd fd = {.fd = endpoint->fd, .events = POLLOUT};
    return hawser__sys_poll(&fd, 1, 0) != 0;
}

/* For a message to a Unix socket whose queue is full. Each try in vain is told as a change, because its own memory was freed,
 * and that of a socket which is not connected is the only one: poll calls it writable all the time. So changes are believed
 * when poll agrees, and did not at the beginning; else it is tried again after a pause. */
__attribute__((noinline)) static int wait_for_receiver(struct hawser__kernel_endpoint *endpoint, const char *what,
                                                       hawser__deadline deadline, unsigned round) {
    hawser__deadline until = hawser__pause_end(hawser__clock_monotonic(), round, deadline);
    bool always = is_writable(endpoint);
    if (until < 0)
        return (int)until;
    for (;;) {
        int result = hawser__wait(what, endpoint->fd, until);
        if (result < 0)
            return result == -ETIMEDOUT && until != deadline ? 0 : result;
        if (atomic_load(&endpoint->base.evicted) || (!always && is_writable(endpoint)))
            return 0;
    }
}

static bool sends_messages(const struct hawser__interest *interest) {
    const struct hawser__kernel_endpoint *endpoint = hawser__kernel_endpoint(interest->endpoint);
    return interest->direction == HAWSER__OUT && endpoint->is_unix && endpoint->type != SOCK_STREAM;
}

/* 0 or 1, as above, or a negative code. */
static int register_all(struct hawser__epoll_port *port, struct hawser__interest *interests, size_t n) {
    int result = 0;
    for (size_t i = 0; i < n && result >= 0; i++) {
        int one = register_here(port, hawser__kernel_endpoint(interests[i].endpoint), interests[i].direction);
        result = one != 0 ? one : result;
    }
    return result;
}

/* Somebody else's port may close, with its run, and tell nobody: whoever depends on one looks up now and then. */
static hawser__deadline visit_end(hawser__deadline deadline) {
    hawser__deadline end = hawser__clock_monotonic() + VISIT;
    return end < deadline ? end : deadline;
}

int hawser__epoll_wait(struct hawser__kernel_port *kernel, struct hawser__interest *interests, size_t n, const char *what,
                       hawser__deadline deadline, unsigned round) {
    int result = register_all(epoll_port(kernel), interests, n);
    if (result >= 0 && n == 1 && sends_messages(interests))
        return wait_for_receiver(hawser__kernel_endpoint(interests->endpoint), what, deadline, round);
    while (result >= 0 && !take_any(interests, n)) {
        hawser__deadline until = result > 0 ? visit_end(deadline) : deadline;
        int code = hawser__wait(what, hawser__kernel_endpoint(interests[0].endpoint)->fd, until);
        if (code < 0 && (code != -ETIMEDOUT || until == deadline))
            return code;
        result = result > 0 ? register_all(epoll_port(kernel), interests, n) : 0;
    }
    return result < 0 ? result : 0;
}

/* Watches. */

/* With poll, which leaves a pending error where it is. */
__attribute__((noinline)) static bool anything_there(struct hawser__kernel_endpoint *endpoint, bool *ended) {
    struct pollfd fd = {.fd = endpoint->fd, .events = POLLIN | POLLRDHUP};
    if (hawser__sys_poll(&fd, 1, 0) == 0) {
        hawser__and(&endpoint->ready, ~HAWSER__EPOLL_END);   /* from before it was connected anew */
        return false;
    }
    *ended = fd.revents & (POLLRDHUP | POLLHUP);
    return true;
}

/* After a read that came short nothing can be there that has not been told. */
static bool has_input(struct hawser__kernel_endpoint *endpoint, bool *ended) {
    unsigned ready = atomic_load(&endpoint->ready);
    bool empty = endpoint->drained && !(ready & (HAWSER__EPOLL_READ | HAWSER__EPOLL_END | HAWSER__EPOLL_URGENT));
    endpoint->drained = false;
    if (ready & HAWSER__EPOLL_READ)
        hawser__and(&endpoint->ready, ~HAWSER__EPOLL_READ);
    return !empty && anything_there(endpoint, ended);
}

/* 0: WATCH sits there, held. 1: another worker's port has the endpoint, and keeps it for one who waits there. */
static int put_down(struct hawser__epoll_port *port, struct hawser__kernel_endpoint *endpoint, hawser__watch *watch) {
    hawser__lock_take(&endpoint->lock);
    int result = register_locked(port, endpoint, HAWSER__IN);
    if (result == 0)
        hawser__seat_put(&endpoint->seats[HAWSER__IN], watch);
    hawser__lock_drop(&endpoint->lock);
    return result;
}

/* Only those who evict come while the seat is held: events of the endpoint are handled on this thread. */
int hawser__epoll_watch(struct hawser__kernel_port *kernel, struct hawser__kernel_endpoint *endpoint, hawser__watch *watch,
                        bool *ended) {
    int result = put_down(epoll_port(kernel), endpoint, watch);
    if (result != 0)
        return result < 0 ? result : -EOPNOTSUPP;
    if (atomic_load(&endpoint->evicted))
        result = -EBADF;
    else
        result = has_input(endpoint, ended);
    hawser__seat_keep(&endpoint->seats[HAWSER__IN], result == 0);
    return result;
}

bool hawser__kernel_tells_changes(struct hawser__kernel_endpoint *self) {
    struct hawser__kernel_port *port = hawser__kernel_port();
    unsigned ready = atomic_load_explicit(&self->ready, memory_order_relaxed);
    return port && port->ops->edge && !(ready & (HAWSER__EPOLL_END | HAWSER__EPOLL_URGENT));
}

/* Looks every few milliseconds, without room for a copy. The events, 0 when woken, or a negative code. */
static int look_again_and_again(int fd, short events, hawser__deadline deadline) {
    struct pollfd watched = {.fd = fd, .events = events};
    int result = hawser__park(&watched, 1, deadline);
    return result > 0 ? watched.revents : result;
}

/* Registers WATCH for FD and waits; the same. Without events the caller looks why it was woken. */
static int wait_registered(struct hawser__epoll_port *port, int fd, short events, hawser__deadline deadline) {
    struct hawser__epoll_fd_wait watch = {.task = hawser__task_current()};
    struct epoll_event event = {.events = (uint32_t)events, .data = {.u64 = (uintptr_t)&watch | HAWSER__EPOLL_IS_WATCH}};
    int result = hawser__sys_epoll_ctl(port->epoll, EPOLL_CTL_ADD, fd, &event);
    if (result < 0)
        return result;
    result = hawser__wait("descriptor", fd, deadline);
    hawser__sys_epoll_ctl(port->epoll, EPOLL_CTL_DEL, fd, &event);
    return watch.events ? (int)watch.events : result;
}

/* A copy of the descriptor is registered, which nobody else can close, and which may be there beside another wait for the same.
 * A file that epoll refuses never waits. */
int hawser__epoll_wait_fd(struct hawser__kernel_port *kernel, int fd, short events, hawser__deadline deadline) {
    int copy = hawser__sys_dup(fd);
    if (copy < 0)
        return look_again_and_again(fd, events, deadline);
    int result = wait_registered(epoll_port(kernel), copy, events, deadline);
    hawser__sys_close(copy);
    return result == -EPERM ? events : result;
}

const struct hawser__kernel_port_ops hawser__epoll_kernel_ops = {
    .edge = true,
    .wait = hawser__epoll_wait,
    .watch = hawser__epoll_watch,
    .wait_fd = hawser__epoll_wait_fd,
    .leave = hawser__epoll_leave,
    .forget = hawser__epoll_forget,
};
