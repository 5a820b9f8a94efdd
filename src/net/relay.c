/* SPDX-License-Identifier: MIT */
/*
 * Relaying in one task: each direction is pumped as far as it goes without waiting, then the task waits for whatever can move
 * one of them. A direction either waits for input, holding nothing, or for room, holding what it has read.
 */
#include "base/error.h"
#include "base/mem.h"
#include "base/task.h"
#include "net/io.h"
#include "net/timeout.h"
#include "sched/lend.h"
#include "sched/park.h"

#include <hawser/relay.h>
#include <string.h>

struct direction {
    hawser_sock *from, *to;
    char *memory;            /* what has been read and not yet sent, owned; NULL = nothing */
    size_t start, size;
    bool ended;              /* the end has been read, and passed on */
    uint64_t sent;
};

struct relay {
    struct direction directions[2];
    int64_t idle;            /* HAWSER__NEVER: no limit */
    hawser__deadline until;  /* of the idle time */
};

static void drop_memory(struct direction *direction) {
    hawser__free(direction->memory);
    direction->memory = NULL;
}

/* Sends what it can of DATA. The count, or a code; 0 when there is no room. */
static ssize_t send_some(struct direction *direction, const char *data, size_t size) {
    ssize_t n = direction->to->transport->send(direction->to, data, size, 0, HAWSER__NOW);
    if (n > 0)
        direction->sent += (uint64_t)n;
    return n == -EAGAIN ? 0 : n;
}

static ssize_t send_rest(struct direction *direction) {
    ssize_t n = send_some(direction, direction->memory + direction->start, direction->size);
    if (n < 0)
        return n;
    direction->start += (size_t)n;
    direction->size -= (size_t)n;
    if (direction->size == 0)
        drop_memory(direction);
    return n;
}

/* A peer that has closed altogether does not need to be told. */
static ssize_t pass_end(struct direction *direction) {
    int result = direction->to->transport->shutdown(direction->to, SHUT_WR);
    direction->ended = true;
    return result == -ENOTCONN ? 0 : result;
}

/* Reads once and sends it; what does not go is kept. 1 = something happened, 0 = nothing to do, or a code. */
static ssize_t read_some(struct direction *direction) {
    void *lent = NULL;
    ssize_t n = direction->from->transport->recv_lend(direction->from, &lent, SIZE_MAX, HAWSER__NOW);
    if (n <= 0)
        return n == 0 ? (pass_end(direction) < 0 ? -EPIPE : 1) : n == -EAGAIN ? 0 : n;
    ssize_t sent = send_some(direction, lent, (size_t)n);
    if (sent < 0 || sent == n)
        return sent < 0 ? sent : 1;
    direction->memory = hawser__lend_keep();
    direction->start = (size_t)sent;
    direction->size = (size_t)(n - sent);
    return 1;
}

static ssize_t pump(struct direction *direction) {
    if (direction->memory)
        return send_rest(direction);
    return direction->ended ? 0 : read_some(direction);
}

/* The other direction's turn comes after each step, so that neither starves. 1 = something happened. */
static ssize_t pump_both(struct relay *relay) {
    ssize_t first = pump(&relay->directions[0]);
    ssize_t second = first < 0 ? 0 : pump(&relay->directions[1]);
    if (first < 0 || second < 0)
        return first < 0 ? first : second;
    return first > 0 || second > 0;
}

static bool is_over(const struct relay *relay) {
    for (int i = 0; i < 2; i++)
        if (relay->directions[i].memory || !relay->directions[i].ended)
            return false;
    return true;
}

static int wait_for_either(struct relay *relay) {
    const hawser__engine *engine = hawser__sock_engine(relay->directions[0].from);
    struct hawser__interest interests[2];
    size_t n = 0;
    for (int i = 0; i < 2; i++) {
        const struct direction *direction = &relay->directions[i];
        if (direction->memory)
            interests[n++] = (struct hawser__interest){.endpoint = direction->to->endpoints[0], .direction = HAWSER__OUT};
        else if (!direction->ended)
            interests[n++] = (struct hawser__interest){.endpoint = direction->from->endpoints[0], .direction = HAWSER__IN};
    }
    return engine->ops->await(interests, n, hawser__task_deadline(relay->until));
}

static void start_idling(struct relay *relay) {
    hawser__engine *engine = hawser__sock_engine(relay->directions[0].from);
    if (relay->idle != HAWSER__NEVER)
        relay->until = hawser__deadline_in(engine->ops->now(engine), relay->idle);
}

static int run(struct relay *relay) {
    start_idling(relay);
    while (!is_over(relay)) {
        ssize_t moved = pump_both(relay);
        if (moved > 0)
            start_idling(relay);
        int result = moved < 0 ? (int)moved : moved > 0 ? hawser__interrupt_check() : wait_for_either(relay);
        if (result < 0)
            return result;
    }
    return 0;
}

static int relay_entered(hawser_sock *a, hawser_sock *b, int64_t idle, uint64_t sent[2]) {
    if (hawser__sock_ops(a)->await != hawser__sock_ops(b)->await || a->endpoint_count != 1 || b->endpoint_count != 1)
        return -EOPNOTSUPP;
    struct relay relay = {.directions = {{.from = a, .to = b}, {.from = b, .to = a}}, .idle = idle, .until = HAWSER__NEVER};
    int result = run(&relay);
    for (int i = 0; i < 2; i++) {
        drop_memory(&relay.directions[i]);
        sent[i] = relay.directions[i].sent;
    }
    hawser__lend_return(hawser__task_current());
    return result;
}

/* Enters both sides of both sockets; what was entered before a failure is left again. */
static int enter_all(hawser_sock *const socks[2], enum hawser__side sides[2]) {
    for (int i = 0; i < 4; i++) {
        int result = hawser__enter(socks[i / 2], sides[i % 2]);
        if (result == 0)
            continue;
        while (--i >= 0)
            hawser__leave(socks[i / 2], sides[i % 2]);
        return result;
    }
    return 0;
}

/* Apart, so that the addresses are not on the stack of a task that relays. */
__attribute__((noinline)) static int fail(hawser_sock *a, hawser_sock *b, int code, const uint64_t sent[2]) {
    hawser_addr one, other;
    return hawser__fail_moved(code, sent[0] + sent[1], "relay between %s and %s", hawser__peer_text(a, &one),
                              hawser__peer_text(b, &other));
}

static int relay_between(hawser_sock *a, hawser_sock *b, int64_t idle, uint64_t sent[2]) {
    enum hawser__side sides[2] = {HAWSER__RECEIVER, HAWSER__SENDER};
    hawser_sock *const socks[2] = {a, b};
    int result = idle < 0 ? (int)idle : a == b || a->type != SOCK_STREAM || b->type != SOCK_STREAM ? -EINVAL : 0;
    if (result == 0)
        result = enter_all(socks, sides);
    if (result < 0)
        return fail(a, b, result, sent);
    result = relay_entered(a, b, idle, sent);
    if (result < 0)
        fail(a, b, result, sent);
    for (int i = 0; i < 4; i++)
        hawser__leave(socks[i / 2], sides[i % 2]);
    return result < 0 ? -1 : 0;
}

int hawser_relay(hawser_sock *a, hawser_sock *b, const hawser_relay_options *options, uint64_t sent[2]) {
    uint64_t moved[2] = {0, 0};
    double seconds = options && options->idle_timeout != 0 ? options->idle_timeout : HAWSER_NO_TIMEOUT;
    int result = relay_between(a, b, hawser__timeout_checked(seconds), moved);
    if (sent)
        memcpy(sent, moved, sizeof moved);
    return result;
}
