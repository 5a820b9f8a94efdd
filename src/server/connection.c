/* SPDX-License-Identifier: MIT */
/* The life of a connection: its record, the parts of its life that run in a task, and its end. */
#include "server/connection.h"

#include "base/mem.h"
#include "server/proxy.h"

#include <hawser/group.h>

#include <errno.h>
#include <string.h>

/* Of an IPv4 address the padding is left out: it makes the record fit a smaller piece of memory. */
#define IPV4_LEN offsetof(struct sockaddr_in, sin_zero)

static size_t kept_len(const hawser_addr *addr) {
    return addr->ss.ss_family == AF_INET ? IPV4_LEN : addr->len;
}

void hawser__connection_set_peer(struct hawser__connection *connection, const hawser_addr *peer) {
    connection->peer_len = (uint8_t)kept_len(peer);
    memcpy(connection->peer, &peer->ss, connection->peer_len);
}

void hawser__connection_peer(const struct hawser__connection *connection, hawser_addr *ret) {
    size_t len = connection->peer_len;
    memcpy(&ret->ss, connection->peer, len);
    ret->len = (socklen_t)len;
    ret->text[0] = '\0';
    if (len == IPV4_LEN && ret->ss.ss_family == AF_INET) {
        ret->len = sizeof(struct sockaddr_in);
        memset((char *)&ret->ss + len, 0, ret->len - len);
    }
}

struct hawser__connection *hawser__connection_new(hawser_server *server, const hawser_request *r) {
    bool proxied = hawser__networks_contain(&server->proxy_from, &r->peer);
    size_t room = proxied ? sizeof(struct sockaddr_storage) : kept_len(&r->peer);
    size_t size = offsetof(struct hawser__connection, peer) + room;
    if (server->options.min_rate > 0)
        size = hawser__rate_offset(room) + sizeof(struct hawser__rate);
    struct hawser__connection *made = hawser__zalloc(size > sizeof *made ? size : sizeof *made);
    if (!made)
        return NULL;
    made->server = server;
    made->sock = hawser_ref(r->sock);   /* a handler may close what it was given */
    made->owners = 2;
    made->proxied = proxied;
    made->first = server->limits.patience[HAWSER__FIRST_BYTE] != HAWSER__NEVER;
    made->peer_room = (uint8_t)room;
    hawser__connection_set_peer(made, &r->peer);
    if (server->options.min_rate > 0)
        ((struct hawser__rate *)(void *)((char *)made + hawser__rate_offset(room)))->credit = HAWSER__RATE_GRANTED;
    if (server->limits.patience[HAWSER__IDLE] != HAWSER__NEVER)
        atomic_store(&r->sock->timeout, server->limits.patience[HAWSER__IDLE]);
    r->sock->transport_state = made;
    r->sock->transport = &hawser__counting_transport;
    return made;
}

void hawser__connection_unref(struct hawser__connection *connection) {
    if (atomic_fetch_sub(&connection->owners, 1) == 1)
        hawser__free(connection);
}

void hawser__connection_count(struct hawser__connection *connection) {
    struct hawser__tally *tally = connection->server->tally;
    uint32_t in = atomic_exchange_explicit(&connection->in, 0, memory_order_relaxed);
    uint32_t out = atomic_exchange_explicit(&connection->out, 0, memory_order_relaxed);
    if (in)
        hawser__tally_add(&tally->bytes_in, in);
    if (out)
        hawser__tally_add(&tally->bytes_out, out);
}

/* The end. */

void hawser__connection_look(struct hawser__connection *connection) {
    if (hawser__is_closed(connection->sock))
        connection->released = true;
}

void hawser__connection_close(struct hawser__connection *connection) {
    if (connection->released)
        return;
    connection->released = true;
    hawser_close(connection->sock);
}

void hawser__connection_linger(struct hawser__connection *connection) {
    int64_t linger = connection->server->limits.linger;
    if (linger == HAWSER__NEVER || connection->cut || connection->cause == HAWSER__PEER_GONE)
        hawser__connection_close(connection);
    if (connection->released)
        return;
    connection->released = true;
    (void)hawser_close_linger(connection->sock, hawser__timeout_seconds(linger));
}

static void count_end(struct hawser__connection *connection) {
    hawser_server *server = connection->server;
    hawser__connection_count(connection);
    if (connection->admitted)
        hawser__tally_add(&server->tally->finished, 1);
    if (connection->counted) {
        hawser_addr peer;
        hawser__connection_peer(connection, &peer);
        hawser__peers_remove(server->peers, &peer);
    }
}

/* The descriptor is free before the permit is, so whoever takes that finds one. */
void hawser__connection_leave(struct hawser__connection *connection) {
    hawser_server *server = connection->server;
    _Atomic size_t *placed = connection->placed && server->shards ? &server->shards[connection->shard].connections : NULL;
    count_end(connection);
    hawser__connection_close(connection);
    hawser_unref(connection->sock);
    hawser__connection_unref(connection);
    if (server->is_child)
        return;
    if (placed)
        atomic_fetch_sub(placed, 1);
    hawser__tally_add(&server->tally->active, (uint64_t)-1);
    hawser_semaphore_release(server->room);
    if (atomic_load(&server->short_of) > 0)
        hawser_semaphore_release(server->relief);
    if (atomic_fetch_sub(&server->active, 1) == 1 && hawser__stopping(server))
        hawser__bell_ring(server);
}

/* Its parts. */

/* One that ends without a byte only wanted to know whether anybody is there: proxies do that all the time. */
static void refuse_header(struct hawser__call *call) {
    hawser_request *r = &call->request;
    bool asks_only = errno == HAWSER_EEOF && hawser_moved() == 0;
    call->connection->admitted = asks_only;
    if (!asks_only)
        hawser__tally_add(&r->server->tally->refused_proxy, 1);
    hawser__log(r->server, asks_only ? HAWSER_LOG_DEBUG : HAWSER_LOG_INFO, "refused %s: %s", hawser_addr_str(&r->peer),
                hawser_error());
    call->connection->cause = HAWSER__PEER_GONE;
}

/* The header that tells whose the connection is; then it is checked as others were before. */
static bool read_header(struct hawser__call *call) {
    struct hawser__connection *connection = call->connection;
    hawser_server *server = connection->server;
    hawser_addr told;
    double seconds = hawser__timeout_seconds(server->limits.proxy);
    if (hawser__proxy_read(connection->sock, seconds, &told) < 0) {
        refuse_header(call);
        return false;
    }
    if (told.len > 0) {
        hawser__connection_set_peer(connection, &told);
        hawser__connection_peer(connection, &call->request.peer);
    }
    connection->proxied = false;
    return hawser__admit(connection, &call->request);
}

ssize_t hawser__connection_peek(struct hawser__connection *connection) {
    char byte;
    hawser_sock *sock = connection->sock;
    ssize_t n = hawser__enter(sock, HAWSER__RECEIVER);
    if (n < 0)
        return n;
    n = sock->transport->recv(sock, &byte, 1, MSG_PEEK, HAWSER__NOW);
    hawser__leave(sock, HAWSER__RECEIVER);
    return n;
}

bool hawser__connection_goes_on(struct hawser__connection *connection) {
    if (connection->cut)
        return false;
    if (connection->reason == HAWSER__PEER_ENDED || connection->reason == HAWSER__STOPPED)
        return hawser__connection_peek(connection) > 0;
    return connection->reason != HAWSER__TIMED_OUT;
}

static void note_patience(struct hawser__connection *connection) {
    struct hawser__tally *tally = connection->server->tally;
    if (connection->reason == HAWSER__TIMED_OUT)
        hawser__tally_add(connection->first ? &tally->timed_out_first_byte : &tally->timed_out_idle, 1);
}

/* Before the handler has ever been called. True: now it may be, or only the end is left (`refused`). */
static bool prepare(struct hawser__call *call) {
    struct hawser__connection *connection = call->connection;
    if (connection->refused || (connection->proxied && !read_header(call))) {
        connection->refused = true;
        return true;
    }
    if (connection->first && connection->reason == HAWSER__NEW)
        return false;
    if (connection->first && !hawser__connection_goes_on(connection))
        connection->refused = true;
    connection->first = false;
    return true;
}

static void finish(struct hawser__call *call) {
    hawser_request *r = &call->request;
    hawser__call_close_files(call);
    hawser__call_report(call);
    call->connection->server->options.shutdown_request(r);
    if (call->handed_over)
        return;
    hawser__connection_look(call->connection);
    hawser__connection_leave(call->connection);
}

/* True: the connection is over. False: it waits for more. */
static bool converse(struct hawser__connection *connection) {
    struct hawser__call call;
    hawser__call_begin(&call, connection);
    note_patience(connection);
    if (!prepare(&call))
        return false;
    if (!connection->refused)
        connection->server->options.finish_request(&call.request);
    hawser__connection_look(connection);
    if (call.keep) {
        hawser__call_close_files(&call);
        return false;
    }
    finish(&call);
    return true;
}

int hawser__connection_run(void *arg) {
    struct hawser__connection *connection = arg;
    const void *before = hawser__serves(connection->server);
    int kept = 0;
    while (kept <= 0 && !converse(connection)) {
        kept = hawser__keep(connection);
        if (kept < 0)
            hawser__keep_here(connection);
    }
    hawser__serves_not(before);
    return 0;
}
