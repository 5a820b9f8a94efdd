/* SPDX-License-Identifier: MIT */
/*
 * Who is let in, and how a request begins: get_request, verify_request, process_request.
 *
 * Behind a proxy the address that matters comes with the header, so such a connection is checked where it runs, when that was
 * read.
 */
#include "server/children.h"
#include "server/connection.h"
#include "server/datagrams.h"

#include <hawser/deadline.h>
#include <hawser/world.h>

#include <errno.h>

#define FIRST_DELAY 0.001
#define LONGEST_DELAY 0.1
#define COMPLAIN_EVERY (10 * HAWSER__SECOND)

static bool refuse(hawser_request *r, _Atomic uint64_t *count, const char *why) {
    hawser__tally_add(count, 1);
    hawser__log(r->server, HAWSER_LOG_INFO, "refused %s: %s", hawser_addr_str(&r->peer), why);
    return false;
}

bool hawser__is_allowed(const hawser_server *server, const hawser_addr *peer) {
    return !hawser__networks_contain(&server->deny, peer) &&
           (server->allow.count == 0 || hawser__networks_contain(&server->allow, peer));
}

/* What verify_request refuses is ended politely, as in Python; what the others do is closed at once, since it is an attack as a
 * rule. */
bool hawser__admit(struct hawser__connection *connection, hawser_request *r) {
    hawser_server *server = connection->server;
    struct hawser__tally *tally = server->tally;
    if (!hawser__is_allowed(server, &r->peer)) {
        connection->cause = HAWSER__PEER_GONE;
        return refuse(r, &tally->refused_network, "its network is not allowed");
    }
    if (server->peers && !hawser__peers_add(server->peers, &r->peer, server->options.max_per_peer)) {
        connection->cause = HAWSER__PEER_GONE;
        return refuse(r, &tally->refused_peer, "it has as many connections as one address may have");
    }
    connection->counted = server->peers != NULL;
    if (!server->options.verify_request(r))
        return refuse(r, &tally->refused_verify, "verify_request does not let it in");
    connection->admitted = true;
    return true;
}

static bool is_shortage(int code) {
    return code == EAGAIN || code == ENOMEM || code == EMFILE || code == ENFILE || code == ENOBUFS;
}

static void complain(hawser_server *server, const char *what) {
    int64_t now = hawser__server_now(server);
    if (now < server->next_complaint)
        return;
    server->next_complaint = now + COMPLAIN_EVERY;
    hawser__log_failure(server, HAWSER_LOG_WARNING, what);
}

/* Where there is no memory for one more the others end some time, so it is worth waiting. */
static int start_when_possible(hawser_request *r) {
    struct hawser__connection *connection = hawser__call_of(r)->connection;
    double delay = FIRST_DELAY;
    while (hawser__start(connection) < 0) {
        if (!is_shortage(errno))
            return -1;
        complain(r->server, "a connection has to wait");
        hawser__children_reap(r->server);
        if (hawser__is_cut(r->server))
            return hawser__fail(ECANCELED, "start a connection");
        if (hawser_sleep(delay) < 0)
            return -1;
        delay = delay < LONGEST_DELAY ? 2 * delay : LONGEST_DELAY;
    }
    return 0;
}

int hawser_server_process_request(hawser_request *r) {
    struct hawser__call *call = hawser__call_of(r);
    if (!call->connection)
        return hawser__letter_start(hawser__letter_of(r));
    if (start_when_possible(r) < 0)
        return -1;
    call->offered = false;
    return 0;
}

/* A request that is taken over may be over by then, and its record gone. */
int hawser__process_request(hawser_request *r) {
    hawser_server *server = r->server;
    hawser__failure_forget(hawser__task_current());
    errno = 0;
    int result = server->options.process_request(r);
    int code = errno;
    if (server->options.service_actions && server->requests)
        hawser__bell_ring(server);
    errno = code;
    return result;
}

/* The hook has failed, or has served the request itself. */
static void conclude(struct hawser__call *call, bool failed) {
    if (failed)
        hawser__call_fail_as_told(call, "process_request failed");
    if (failed && hawser__is_cut(call->request.server))
        call->connection->cut = true;   /* nobody waits for its polite end any more */
    hawser__call_close_files(call);
    hawser__call_report(call);
    if (failed)
        call->request.server->options.shutdown_request(&call->request);
    if (call->handed_over)
        return;
    hawser__connection_look(call->connection);
    hawser__connection_leave(call->connection);
}

/* False: it was refused. One that verify_request refused has only its end before it, which is not for this task to wait for. */
static bool begin(struct hawser__connection *connection) {
    struct hawser__call call;
    hawser__call_begin(&call, connection);
    if (!connection->proxied && !hawser__admit(connection, &call.request)) {
        connection->refused = true;
        if (connection->cause == HAWSER__PEER_GONE || hawser__start(connection) < 0)
            hawser__connection_leave(connection);
        return false;
    }
    call.offered = true;
    int result = hawser__process_request(&call.request);
    if (call.offered)
        conclude(&call, result < 0);
    return true;
}

static void count_in(hawser_server *server) {
    atomic_fetch_add(&server->active, 1);
    hawser__tally_add(&server->tally->accepted, 1);
    hawser__tally_add(&server->tally->active, 1);
}

int hawser__get_request(hawser_request *r, bool waits) {
    int64_t outer = hawser_deadline_push(waits ? HAWSER_NO_TIMEOUT : 0);
    int result = r->server->options.get_request(r->server, r);
    int code = errno;
    hawser_deadline_pop(outer);
    errno = code;
    return result;
}

int hawser__take_request(hawser_server *server, size_t listener, bool waits) {
    struct hawser__call call = {.connection = NULL};
    hawser_request *r = &call.request;
    r->server = server;
    r->listener = server->listeners[listener]->sock;
    if (hawser__get_request(r, waits) < 0)
        return -1;
    struct hawser__connection *connection = hawser__connection_new(server, r);
    if (!connection) {
        hawser_close(r->sock);
        hawser__log(server, HAWSER_LOG_WARNING, "%s was not served: no memory", hawser_addr_str(&r->peer));
        return hawser__fail(ENOMEM, "serve a connection");
    }
    connection->listener = (uint16_t)listener;
    count_in(server);
    return begin(connection) ? 0 : 1;
}

int hawser_server_get_request(hawser_server *server, hawser_request *r) {
    (void)server;
    if (hawser_type(r->listener) == SOCK_DGRAM)
        return hawser__letter_take(r);
    r->sock = hawser_accept(r->listener, &r->peer);
    return r->sock ? 0 : -1;
}
