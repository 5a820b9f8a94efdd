/* SPDX-License-Identifier: MIT */
/* Where the next part of a connection runs, by the mode of the server; and where its end is awaited. */
#include "server/connection.h"
#include "server/children.h"
#include "server/loop.h"
#include "server/pool.h"

#include <hawser/group.h>

/* A new connection goes to the worker that has the fewest; later parts stay where the first was. */
static void choose_shard(hawser_server *server, struct hawser__connection *connection) {
    size_t best = 0;
    for (size_t i = 1; i < server->shard_count; i++)
        if (atomic_load(&server->shards[i].connections) < atomic_load(&server->shards[best].connections))
            best = i;
    atomic_fetch_add(&server->shards[best].connections, 1);
    connection->shard = (uint16_t)best;
    connection->placed = true;
}

static int start_fiber(hawser_server *server, struct hawser__connection *connection, hawser_fn fn) {
    hawser_go_options options = {.name = "client", .worker = connection->shard + 1, .group = server->requests};
    return hawser_go_with(&options, fn, connection);
}

static int run_here(struct hawser__connection *connection) {
    hawser__connection_run(connection);
    return 0;
}

int hawser__start(struct hawser__connection *connection) {
    hawser_server *server = connection->server;
    if (server->shards && !connection->placed)
        choose_shard(server, connection);
    switch (server->options.concurrency) {
    case HAWSER_FIBERS:
        return server->requests ? start_fiber(server, connection, hawser__connection_run) : run_here(connection);
    case HAWSER_THREADS:
        return hawser__pool_submit(server, hawser__connection_run, connection);
    case HAWSER_FORKS:
        return hawser__children_start(server, connection);
    default:
        return run_here(connection);
    }
}

/* On a thread of the pool's behalf. */
static int linger_in_fiber(void *arg) {
    struct hawser__connection *connection = arg;
    hawser__connection_linger(connection);
    hawser__call_close(connection);
    hawser__connection_leave(connection);
    return 0;
}

void hawser__linger_in_fiber(struct hawser__connection *connection) {
    if (start_fiber(connection->server, connection, linger_in_fiber) < 0)
        (void)linger_in_fiber(connection);
}

/* Fibers and processes wait themselves, since they are in nobody's way; so do threads that hawser_handle_request has started,
 * which have no place in a run. */
bool hawser__linger_elsewhere(struct hawser__connection *connection) {
    hawser_server *server = connection->server;
    if (connection->cut || connection->cause == HAWSER__PEER_GONE || server->limits.linger == HAWSER__NEVER ||
        hawser__is_closed(connection->sock))
        return false;
    if (server->options.concurrency == HAWSER_THREADS)
        return connection->placed && hawser_worker() == 0 && start_fiber(server, connection, linger_in_fiber) == 0;
    return !server->requests && server->loop && !server->is_child && hawser__loop_linger(server, connection);
}
