/* SPDX-License-Identifier: MIT */
/*
 * The life of a hawser_sock, safe from any thread.
 *
 * state, one atomic word:
 *   CLOSED     hawser_close was called: calls on the socket fail with EBADF
 *   ENDED      the last share of the connection was dropped: calls of files fail as well; nobody gets in any more
 *   RECEIVING  a task is inside as receiver       SENDING  a task is inside as sender
 *   GONE       nobody has a reference any more
 *   the rest   how many calls are inside (27 bits), and the fork generation in which that was counted (32 bits)
 *
 * ENDED is set exactly once. From then on the count of those inside only falls, so exactly one call finds itself the last, and
 * that one closes the endpoints before it leaves. The memory outlives a hawser_close that wakes somebody inside: of GONE and
 * the last leave, whichever comes second frees it. That costs no reference for each call.
 */
#include "net/handle.h"

#include "base/error.h"
#include "base/lock.h"
#include "base/mem.h"
#include "base/task.h"
#include "engine/engines.h"
#include "net/timeout.h"
#include "net/transport.h"
#include "sched/park.h"
#include "sched/pause.h"
#include "sched/worker.h"

#include <errno.h>
#include <stddef.h>
#include <sys/un.h>

enum { CLOSED = 1, ENDED = 2, RECEIVING = 4, SENDING = 8, GONE = 16, ONE_INSIDE = 32 };

#define GENERATION_SHIFT 32
/* Tries in a row before a sender of datagrams pauses. */
#define TURNS 64

static const uint64_t side_bit[] = {[HAWSER__SHORT] = 0, [HAWSER__RECEIVER] = RECEIVING, [HAWSER__SENDER] = SENDING};

/* With ROOM bytes for endpoints and what is behind them. */
static hawser_sock *make(hawser__endpoint *endpoint, size_t room, int family, int type, int proto) {
    hawser_sock *sock = hawser__zalloc(sizeof *sock + room);
    if (!sock)
        return NULL;
    sock->refs = 1;
    sock->ios = 1;
    sock->transport = &hawser__plain_transport;
    sock->endpoints[0] = endpoint;
    sock->endpoint_count = 1;
    sock->timeout = hawser__default_timeout();
    sock->family = (uint8_t)family;
    sock->type = (uint8_t)type;
    sock->proto = (uint16_t)proto;
    return sock;
}

hawser_sock *hawser__handle_around(hawser__endpoint *endpoint, int family, int type, int proto) {
    return make(endpoint, sizeof endpoint, family, type, proto);
}

hawser_sock *hawser__handle_around_both(hawser__endpoint *endpoints[2], int family, int type) {
    hawser_sock *sock = make(endpoints[0], 2 * sizeof endpoints[0], family, type, 0);
    if (!sock)
        return NULL;
    sock->endpoints[1] = endpoints[1];
    sock->endpoint_count = 2;
    return sock;
}

/* Of a socket that has one. */
static struct hawser__unix_file *file_of(hawser_sock *sock) {
    return (struct hawser__unix_file *)(void *)&sock->endpoints[1];
}

hawser_sock *hawser__handle_with_file(hawser__endpoint *endpoint, const struct hawser__unix_file *file, int type) {
    hawser_sock *sock = make(endpoint, sizeof endpoint + sizeof *file, AF_UNIX, type, 0);
    if (!sock)
        return NULL;
    sock->has_unix_file = true;
    *file_of(sock) = *file;
    return sock;
}

void hawser__leave_unix_file(hawser_sock *sock) {
    if (sock->has_unix_file)
        file_of(sock)->owner = 0;
}

hawser_sock *hawser__handle_new(hawser__endpoint *endpoint, int family, int type, int proto) {
    hawser_sock *sock = hawser__handle_around(endpoint, family, type, proto);
    if (!sock)
        endpoint->engine->ops->close(endpoint);
    return sock;
}

/* A file whose endpoint was detached is somebody else's. */
static void close_endpoints(hawser_sock *sock) {
    if (sock->transport->release)
        sock->transport->release(sock);
    if (sock->has_unix_file && sock->endpoint_count > 0)
        hawser__sock_ops(sock)->unix_remove(hawser__sock_engine(sock), file_of(sock));
    for (size_t i = 0; i < sock->endpoint_count; i++)
        sock->endpoints[i]->engine->ops->close(sock->endpoints[i]);
    sock->endpoint_count = 0;
}

/* STATE without those who stayed behind at a fork. */
static uint64_t fresh(uint64_t state) {
    uint64_t generation = hawser__fork_generation();
    return state >> GENERATION_SHIFT == generation ? state : generation << GENERATION_SHIFT | (state & (CLOSED | ENDED | GONE));
}

static uint64_t inside(uint64_t state) {
    return (uint32_t)state / ONE_INSIDE;
}

static int get_in(hawser_sock *sock, enum hawser__side side, unsigned shut) {
    uint64_t state = atomic_load(&sock->state), next;
    do {
        next = fresh(state);
        if (next & shut)
            return -EBADF;
        if (next & side_bit[side])
            return -EBUSY;
    } while (!hawser__swap_weak(&sock->state, &state, (next | side_bit[side]) + ONE_INSIDE));
    int interrupted = side == HAWSER__SHORT ? 0 : hawser__interrupt_check();
    if (interrupted < 0)
        hawser__leave(sock, side);
    return interrupted;
}

/* Datagrams are whole, so their senders take turns, as the tasks of a server do that answer by one socket. It is mostly a
 * matter of some microseconds: a datagram seldom waits. */
static int take_turn(hawser_sock *sock, enum hawser__side side, unsigned shut) {
    hawser__deadline deadline = hawser__sock_deadline(sock);
    int result = -EBUSY;
    for (unsigned round = 0; result == -EBUSY; round++) {
        int code = 0;
        if (round < TURNS)
            hawser_yield();
        else
            code = hawser__pause(hawser__engine_current(), round - TURNS, deadline);
        result = code < 0 ? code : get_in(sock, side, shut);
    }
    return result;
}

/* Who is refused and tries again must not keep those from running who could change that. */
__attribute__((noinline)) static int refused(hawser_sock *sock, enum hawser__side side, unsigned shut, int result) {
    if (result == -EBUSY && side == HAWSER__SENDER && sock->type == SOCK_DGRAM)
        result = take_turn(sock, side, shut);
    if (result < 0)
        hawser__worker_spend();
    return result;
}

static inline int enter(hawser_sock *sock, enum hawser__side side, unsigned shut) {
    int result = get_in(sock, side, shut);
    return result < 0 ? refused(sock, side, shut, result) : 0;
}

/* What the task has written to a file and holds back goes out before what it sends past the file. */
static void send_held(enum hawser__side side) {
    hawser__task *task = hawser__task_current();
    if (side == HAWSER__SENDER && task->held)
        (void)hawser__task_send_held(task);
}

int hawser__enter(hawser_sock *sock, enum hawser__side side) {
    send_held(side);
    return enter(sock, side, CLOSED | ENDED);
}

int hawser__file_enter(hawser_sock *sock, enum hawser__side side) {
    return enter(sock, side, ENDED);
}

/* The last one inside of an ended socket: nobody joins it any more, and until it has left the memory stays. */
static bool is_last(uint64_t state) {
    return (state & ENDED) && inside(state) == 1;
}

void hawser__leave(hawser_sock *sock, enum hawser__side side) {
    uint64_t state = atomic_load(&sock->state), less = side_bit[side] + ONE_INSIDE;
    while (!is_last(state) && !hawser__swap_weak(&sock->state, &state, state - less))
        ;
    if (!is_last(state))
        return;
    close_endpoints(sock);
    if (atomic_fetch_sub(&sock->state, less) & GONE)
        hawser__free(sock);
}

/* The connection ends: whoever waits is woken; the last one out closes. The ending itself counts as one inside, so that a
 * waiter that leaves meanwhile does not free what is still being evicted. */
static void end(hawser_sock *sock) {
    uint64_t state = atomic_load(&sock->state);
    while (!atomic_compare_exchange_weak(&sock->state, &state, (fresh(state) | CLOSED | ENDED) + ONE_INSIDE))
        ;
    for (size_t i = 0; i < sock->endpoint_count; i++)
        sock->endpoints[i]->engine->ops->evict(sock->endpoints[i]);
    hawser__leave(sock, HAWSER__SHORT);
}

static void drop_share(hawser_sock *sock) {
    if (atomic_fetch_sub(&sock->ios, 1) == 1)
        end(sock);
}

/* A share is taken only from those there are: at 0 somebody is ending the connection, which must not be ended twice. */
static bool take_share(hawser_sock *sock) {
    unsigned shares = atomic_load(&sock->ios);
    while (shares > 0 && !atomic_compare_exchange_weak(&sock->ios, &shares, shares + 1))
        ;
    return shares > 0;
}

int hawser__file_attach(hawser_sock *sock) {
    int result = hawser__enter(sock, HAWSER__SHORT);
    if (result < 0)
        return result;
    bool taken = take_share(sock);
    if (taken)
        hawser_ref(sock);
    hawser__leave(sock, HAWSER__SHORT);
    return taken ? 0 : -EBADF;
}

void hawser__file_detach(hawser_sock *sock) {
    drop_share(sock);
    hawser_unref(sock);
}

hawser_sock *hawser_ref(hawser_sock *sock) {
    atomic_fetch_add(&sock->refs, 1);
    return sock;
}

/* The last reference may go without a hawser_close: the connection ends all the same, on a reference lent for the purpose. */
void hawser_unref(hawser_sock *sock) {
    if (!sock || atomic_fetch_sub(&sock->refs, 1) != 1)
        return;
    if (!(atomic_fetch_or(&sock->state, CLOSED) & CLOSED)) {
        atomic_store(&sock->refs, 1);
        drop_share(sock);
    }
    if (inside(fresh(atomic_fetch_or(&sock->state, GONE))) == 0)
        hawser__free(sock);
}

void hawser_close(hawser_sock *sock) {
    if (!sock)
        return;
    if (!(atomic_fetch_or(&sock->state, CLOSED) & CLOSED))
        drop_share(sock);
    hawser_unref(sock);
}

bool hawser__is_closed(hawser_sock *sock) {
    return atomic_load(&sock->state) & CLOSED;
}

/* Unless the last reference has gone meanwhile: then the leave that follows closes and frees. */
static void reopen(hawser_sock *sock) {
    uint64_t state = atomic_load(&sock->state);
    while (!(state & GONE) && !atomic_compare_exchange_weak(&sock->state, &state, state & ~(uint64_t)(CLOSED | ENDED)))
        ;
}

/* The caller is the only one inside. From ENDED on nobody else gets in, and the leave that follows finds no endpoint to
 * close. */
static int detach_alone(hawser_sock *sock) {
    uint64_t alone = fresh(0) + ONE_INSIDE;
    if (sock->endpoint_count != 1)
        return -EOPNOTSUPP;
    if (atomic_load(&sock->ios) != 1 || !atomic_compare_exchange_strong(&sock->state, &alone, alone | CLOSED | ENDED))
        return -EBUSY;
    int fd = hawser__sock_ops(sock)->detach(sock->endpoints[0], atomic_load(&sock->timeout) == HAWSER__NEVER);
    if (fd < 0) {
        reopen(sock);
        return fd;
    }
    sock->endpoint_count = 0;
    return fd;
}

int hawser__handle_detach(hawser_sock *sock) {
    int result = hawser__enter(sock, HAWSER__SHORT);
    if (result < 0)
        return result;
    result = detach_alone(sock);
    hawser__leave(sock, HAWSER__SHORT);
    if (result >= 0)
        hawser_unref(sock);
    return result;
}

hawser__deadline hawser__sock_deadline(const hawser_sock *sock) {
    int64_t timeout = atomic_load(&sock->timeout);
    if (timeout != HAWSER__NEVER && timeout != 0) {
        hawser__engine *engine = hawser__engine_current();
        timeout = hawser__deadline_in(engine->ops->now(engine), timeout);
    }
    return hawser__task_deadline(timeout);
}

static const char *text(hawser_sock *sock, hawser_addr *addr, bool peer) {
    if (hawser__enter(sock, HAWSER__SHORT) < 0)
        return "a closed socket";
    addr->len = sizeof addr->ss;
    hawser__endpoint *endpoint = sock->endpoints[0];
    const struct hawser__engine_ops *ops = endpoint->engine->ops;
    int result = peer ? ops->getpeername(endpoint, (struct sockaddr *)&addr->ss, &addr->len)
                      : ops->getsockname(endpoint, (struct sockaddr *)&addr->ss, &addr->len);
    hawser__leave(sock, HAWSER__SHORT);
    bool unnamed = result == 0 && addr->ss.ss_family == AF_UNIX && addr->len <= offsetof(struct sockaddr_un, sun_path);
    return result < 0 || unnamed ? NULL : hawser_addr_str(addr);
}

const char *hawser__own_text(hawser_sock *sock, hawser_addr *addr) {
    const char *own = text(sock, addr, false);
    return own ? own : "socket";
}

/* A connection that was reset has no peer any more, and that of a Unix listener's client mostly has no name: its own address is
 * then the best there is. */
const char *hawser__peer_text(hawser_sock *sock, hawser_addr *addr) {
    const char *peer = text(sock, addr, true);
    return peer ? peer : hawser__own_text(sock, addr);
}
