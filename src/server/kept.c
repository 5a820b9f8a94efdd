/* SPDX-License-Identifier: MIT */
/*
 * Connections between two calls of their handler, and before the first byte: a record in a list, and a watch of the engine's.
 *
 * Each worker has two lists, one for each patience, in the order in which they began to wait: so whose time is up first is
 * always at the front, and no timer is needed. Whoever takes a record out of its list, under the lock, owns it: the watch when
 * it fires, or the loop that has looked at the clock. The loop takes the watch back before it goes on; if that had fired
 * already, its firing finds the record off the list and lets it be.
 */
#include "server/connection.h"

#include <hawser/group.h>

#include <errno.h>

/* How often a task that has to wait by itself looks whether the server is stopping. */
#define SLICE (HAWSER__SECOND / 10)

static enum hawser__patience patience_of(const struct hawser__connection *connection) {
    return connection->first ? HAWSER__FIRST_BYTE : HAWSER__IDLE;
}

/* Under the lock. */
static void enlist(struct hawser__shard *shard, struct hawser__connection *connection) {
    enum hawser__patience patience = patience_of(connection);
    connection->next = NULL;
    connection->previous = shard->kept_end[patience];
    connection->listed = true;
    *connection->previous = connection;
    shard->kept_end[patience] = &connection->next;
}

/* Under the lock. True: the caller has it now. */
static bool delist(struct hawser__shard *shard, struct hawser__connection *connection) {
    if (!connection->listed)
        return false;
    connection->listed = false;
    *connection->previous = connection->next;
    if (connection->next)
        connection->next->previous = connection->previous;
    else
        shard->kept_end[patience_of(connection)] = connection->previous;
    return true;
}

static bool take(struct hawser__connection *connection) {
    struct hawser__shard *shard = &connection->server->shards[connection->shard];
    hawser__lock_take(&shard->lock);
    bool taken = delist(shard, connection);
    hawser__lock_drop(&shard->lock);
    if (taken)
        hawser__tally_add(&connection->server->tally->kept, (uint64_t)-1);
    return taken;
}

static void fire(hawser__watch *watch, bool ended) {
    struct hawser__connection *connection = (struct hawser__connection *)watch;
    if (!take(connection))
        return;
    hawser__leave(connection->sock, HAWSER__RECEIVER);
    connection->reason = ended ? HAWSER__PEER_ENDED : HAWSER__INPUT;
    hawser__start_or_starve(connection);
}

/* Into the list and into the engine's hands at once, under the lock: who finds it in the list finds it armed. A stop that comes
 * later finds it there; one that came before is seen here. As the engine's watch. */
static int arm_locked(struct hawser__shard *shard, struct hawser__connection *connection, bool *ended) {
    hawser__endpoint *endpoint = connection->sock->endpoints[0];
    int result = 1;
    enlist(shard, connection);
    if (!hawser__stopping(connection->server))
        result = endpoint->engine->ops->watch(endpoint, hawser__worker_current()->port, &connection->watch, ended);
    if (result != 0)
        delist(shard, connection);
    return result;
}

/* In the port of the calling fiber's worker. As hawser__keep. A kept connection has its receiver's side taken: nobody else
 * receives on it meanwhile, and its descriptor stays until the watch has fired. */
static int arm(struct hawser__connection *connection) {
    hawser_server *server = connection->server;
    hawser_sock *sock = connection->sock;
    struct hawser__shard *shard = &server->shards[connection->shard];
    bool ended = false;
    connection->reason = HAWSER__PEER_ENDED;
    if (hawser__enter(sock, HAWSER__RECEIVER) < 0)
        return 0;
    connection->since = hawser__server_now(server);
    connection->watch.fire = fire;
    hawser__tally_add(&server->tally->kept, 1);
    hawser__lock_take(&shard->lock);
    int result = arm_locked(shard, connection, &ended);
    hawser__lock_drop(&shard->lock);
    if (result == 0)
        return 1;
    hawser__leave(sock, HAWSER__RECEIVER);
    hawser__tally_add(&server->tally->kept, (uint64_t)-1);
    connection->reason = hawser__stopping(server) ? HAWSER__STOPPED : ended ? HAWSER__PEER_ENDED : HAWSER__INPUT;
    return result < 0 ? -1 : 0;
}

/* A thread of the pool is on no worker: a fiber of the loop's own does it for it. */
static int arm_in_fiber(void *arg) {
    struct hawser__connection *connection = arg;
    int kept = arm(connection);
    if (kept == 0)
        hawser__start_or_starve(connection);
    if (kept < 0) {
        hawser__keep_here(connection);
        hawser__start_or_starve(connection);
    }
    return 0;
}

int hawser__keep(struct hawser__connection *connection) {
    hawser_server *server = connection->server;
    if (!connection->placed || !server->shards)
        return -1;
    hawser__worker *here = hawser__worker_current();
    if (here && here->number == connection->shard + 1)
        return arm(connection);
    hawser_go_options options = {.name = "keep", .worker = connection->shard + 1, .group = server->requests};
    return hawser_go_with(&options, arm_in_fiber, connection) < 0 ? -1 : 1;
}

/* One slice of the wait. True: there is a reason to go on. */
static bool wait_slice(struct hawser__connection *connection, hawser__deadline deadline) {
    hawser_sock *sock = connection->sock;
    hawser__deadline slice = hawser__server_now(connection->server) + SLICE;
    struct hawser__interest interest = {.endpoint = sock->endpoints[0], .direction = HAWSER__IN};
    int result = hawser__enter(sock, HAWSER__RECEIVER);
    if (result == 0) {
        result = hawser__sock_ops(sock)->await(&interest, 1, slice < deadline ? slice : deadline);
        hawser__leave(sock, HAWSER__RECEIVER);
    }
    bool late = hawser__server_now(connection->server) >= deadline;
    bool stopping = atomic_load(&connection->server->tally->stopping) || result == -ECANCELED;
    connection->reason = result < 0 && result != -ETIMEDOUT ? HAWSER__PEER_ENDED : HAWSER__INPUT;
    if (interest.ready || interest.ended) {
        connection->reason = HAWSER__PEER_ENDED;   /* or input, for which this reason makes it look; or neither, after all */
        return hawser__connection_peek(connection) != -EAGAIN;
    }
    if (stopping || late)
        connection->reason = stopping ? HAWSER__STOPPED : HAWSER__TIMED_OUT;
    return stopping || late || (result < 0 && result != -ETIMEDOUT);
}

/* What has come already may not be told again. */
void hawser__keep_here(struct hawser__connection *connection) {
    hawser_server *server = connection->server;
    connection->reason = HAWSER__INPUT;
    if (hawser__connection_peek(connection) > 0)
        return;
    int64_t patience = server->limits.patience[patience_of(connection)];
    hawser__deadline deadline = patience == HAWSER__NEVER ? HAWSER__NEVER : hawser__server_now(server) + patience;
    hawser__tally_add(&server->tally->kept, 1);
    while (!wait_slice(connection, deadline))
        ;
    hawser__tally_add(&server->tally->kept, (uint64_t)-1);
}

/* Expiry. */

/* The first of a list if its time has come; else *NEXT becomes when it does. */
static struct hawser__connection *take_due(hawser_server *server, struct hawser__shard *shard, enum hawser__patience patience,
                                           int64_t now, hawser__deadline *next) {
    bool all = hawser__stopping(server);
    int64_t length = server->limits.patience[patience];
    hawser__lock_take(&shard->lock);
    struct hawser__connection *first = shard->kept[patience];
    hawser__deadline due = first && length != HAWSER__NEVER ? first->since + length : HAWSER__NEVER;
    if (first && !all && due > now) {
        *next = due < *next ? due : *next;
        first = NULL;
    }
    if (first)
        delist(shard, first);
    hawser__lock_drop(&shard->lock);
    return first;
}

static void end(struct hawser__connection *connection) {
    hawser__tally_add(&connection->server->tally->kept, (uint64_t)-1);
    (void)connection->sock->endpoints[0]->engine->ops->unwatch(connection->sock->endpoints[0], &connection->watch);
    hawser__leave(connection->sock, HAWSER__RECEIVER);
    connection->reason = hawser__stopping(connection->server) ? HAWSER__STOPPED : HAWSER__TIMED_OUT;
    hawser__start_or_starve(connection);
}

hawser__deadline hawser__kept_expire(hawser_server *server, int64_t now) {
    hawser__deadline next = HAWSER__NEVER;
    for (size_t i = 0; i < server->shard_count; i++)
        for (int patience = HAWSER__FIRST_BYTE; patience <= HAWSER__IDLE; patience++) {
            struct hawser__connection *due;
            while ((due = take_due(server, &server->shards[i], patience, now, &next)))
                end(due);
        }
    return next;
}
