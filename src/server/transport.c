/* SPDX-License-Identifier: MIT */
/*
 * The plain transport, and a record of what goes through it: how many bytes, why a wait for the peer ended, and whether the
 * peer keeps to min_rate.
 *
 * The rate is a credit of seconds: each that is spent in waiting for the peer takes one away, each byte that moves gives one
 * back by its share. So a slow peer is found out by the very wait that it causes, without anybody looking at the clock in
 * between.
 */
#include "server/connection.h"

#include "net/transport.h"

#define COUNTED 16384       /* bytes that may be missing in the tally */

static struct hawser__connection *connection_of(hawser_sock *sock) {
    return sock->transport_state;
}

static bool has_rate(const struct hawser__connection *connection) {
    return connection->server->options.min_rate > 0;
}

static struct hawser__rate *rate_of(struct hawser__connection *connection) {
    return (struct hawser__rate *)(void *)((char *)connection + hawser__rate_offset(connection->peer_room));
}

/* A wait that begins now. */
struct wait {
    int64_t began;
    hawser__deadline deadline;
    bool by_rate;
};

static struct wait begin(struct hawser__connection *connection, hawser__deadline deadline) {
    struct wait wait = {.deadline = deadline};
    if (!has_rate(connection))
        return wait;
    wait.began = hawser__server_now(connection->server);
    hawser__deadline end = wait.began + (int64_t)(rate_of(connection)->credit * (double)HAWSER__SECOND);
    wait.by_rate = end < deadline;
    wait.deadline = wait.by_rate ? end : deadline;
    return wait;
}

static void pay(struct hawser__connection *connection, const struct wait *wait, size_t moved) {
    struct hawser__rate *rate = rate_of(connection);
    double seconds = (double)(hawser__server_now(connection->server) - wait->began) / (double)HAWSER__SECOND;
    rate->credit += (double)moved / connection->server->options.min_rate - seconds;
    rate->credit = rate->credit > HAWSER__RATE_GRANTED ? HAWSER__RATE_GRANTED : rate->credit < 0 ? 0 : rate->credit;
}

/* A timeout of the handler's own is its own affair. */
static void note_failure(struct hawser__connection *connection, ssize_t code, const struct wait *wait) {
    bool limited = connection->server->limits.patience[HAWSER__IDLE] != HAWSER__NEVER;
    bool passed = code == -ETIMEDOUT && wait->deadline <= hawser__server_now(connection->server);
    if (passed && wait->by_rate)
        connection->cause = HAWSER__PEER_SLOW;
    else if (passed && limited && hawser__task_current()->deadline > wait->deadline)
        connection->cause = HAWSER__PEER_IDLE;
    else if (passed)
        return;
    else if (code == -ETIMEDOUT || code == -ECONNRESET || code == -EPIPE || code == -EHOSTUNREACH || code == -ENETUNREACH)
        connection->cause = HAWSER__PEER_GONE;
}

/* Rarely two tasks at once, and then for different directions. */
static void add(_Atomic uint32_t *bytes, ssize_t n) {
    atomic_store_explicit(bytes, atomic_load_explicit(bytes, memory_order_relaxed) + (uint32_t)n, memory_order_relaxed);
}

static ssize_t end(struct hawser__connection *connection, _Atomic uint32_t *bytes, ssize_t n, const struct wait *wait) {
    if (has_rate(connection))
        pay(connection, wait, n > 0 ? (size_t)n : 0);
    if (n < 0) {
        note_failure(connection, n, wait);
    } else {
        if (connection->cause == HAWSER__PEER_IDLE)
            connection->cause = HAWSER__NO_CAUSE;   /* the handler went on, and so did the peer */
        add(bytes, n);
        if (atomic_load_explicit(bytes, memory_order_relaxed) >= COUNTED)
            hawser__connection_count(connection);
    }
    return n;
}

static ssize_t counting_recv(hawser_sock *sock, void *buf, size_t size, int flags, hawser__deadline deadline) {
    struct hawser__connection *connection = connection_of(sock);
    struct wait wait = begin(connection, deadline);
    ssize_t n = hawser__plain_transport.recv(sock, buf, size, flags, wait.deadline);
    return flags & MSG_PEEK ? n : end(connection, &connection->in, n, &wait);
}

static ssize_t counting_recv_lend(hawser_sock *sock, void **ret, size_t size, hawser__deadline deadline) {
    struct hawser__connection *connection = connection_of(sock);
    struct wait wait = begin(connection, deadline);
    return end(connection, &connection->in, hawser__plain_transport.recv_lend(sock, ret, size, wait.deadline), &wait);
}

static ssize_t counting_send(hawser_sock *sock, const void *data, size_t size, int flags, hawser__deadline deadline) {
    struct hawser__connection *connection = connection_of(sock);
    struct wait wait = begin(connection, deadline);
    return end(connection, &connection->out, hawser__plain_transport.send(sock, data, size, flags, wait.deadline), &wait);
}

static ssize_t counting_recvmsg(hawser_sock *sock, struct msghdr *msg, int flags, hawser__deadline deadline) {
    struct hawser__connection *connection = connection_of(sock);
    struct wait wait = begin(connection, deadline);
    ssize_t n = hawser__plain_transport.recvmsg(sock, msg, flags, wait.deadline);
    return flags & MSG_PEEK ? n : end(connection, &connection->in, n, &wait);
}

static ssize_t counting_sendmsg(hawser_sock *sock, const struct msghdr *msg, int flags, hawser__deadline deadline) {
    struct hawser__connection *connection = connection_of(sock);
    struct wait wait = begin(connection, deadline);
    return end(connection, &connection->out, hawser__plain_transport.sendmsg(sock, msg, flags, wait.deadline), &wait);
}

static ssize_t counting_sendfile(hawser_sock *sock, int fd, int64_t *offset, size_t count, hawser__deadline deadline) {
    struct hawser__connection *connection = connection_of(sock);
    struct wait wait = begin(connection, deadline);
    ssize_t n = hawser__plain_transport.sendfile(sock, fd, offset, count, wait.deadline);
    return end(connection, &connection->out, n, &wait);
}

static int counting_shutdown(hawser_sock *sock, int how) {
    return hawser__plain_transport.shutdown(sock, how);
}

static void counting_release(hawser_sock *sock) {
    hawser__connection_unref(connection_of(sock));
}

const struct hawser__transport hawser__counting_transport = {
    .name = "counting",
    .recv = counting_recv,
    .recv_lend = counting_recv_lend,
    .send = counting_send,
    .recvmsg = counting_recvmsg,
    .sendmsg = counting_sendmsg,
    .sendfile = counting_sendfile,
    .shutdown = counting_shutdown,
    .release = counting_release,
};
