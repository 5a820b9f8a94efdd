/* SPDX-License-Identifier: MIT */
/*
 * The loop of a server whose requests run in fibers or in threads: a fiber that starts those that accept, and then minds what
 * has a time: kept connections, service_actions, and the stop.
 *
 *   serving --- bell: stop ---> draining: acceptors take what is queued and end; kept connections end; handlers end
 *                                  |  cut_at: the groups are cancelled
 *                                  v
 *                               quiet: nobody is left
 */
#include "server/connection.h"
#include "server/acceptor.h"
#include "server/datagrams.h"
#include "server/handover.h"
#include "server/loop.h"
#include "server/pool.h"

#include "base/mem.h"

#include <hawser/deadline.h>
#include <hawser/group.h>

#include <errno.h>

#define STARVED_LOOK (HAWSER__SECOND / 100)

static int open_shards(hawser_server *server) {
    size_t count = (size_t)hawser_workers();
    server->shards = hawser__zalloc(count * sizeof *server->shards);
    if (!server->shards)
        return hawser__fail(ENOMEM, "serve");
    server->shard_count = count;
    for (size_t i = 0; i < count; i++)
        for (int patience = HAWSER__FIRST_BYTE; patience <= HAWSER__IDLE; patience++)
            server->shards[i].kept_end[patience] = &server->shards[i].kept[patience];
    return 0;
}

static int open_front(hawser_server *server) {
    if (open_shards(server) < 0)
        return -1;
    server->requests = hawser_group_open(NULL);
    server->acceptors = hawser_group_open(NULL);
    if (!server->requests || !server->acceptors)
        return -1;
    hawser__loop_hand_over(server);
    return server->options.concurrency == HAWSER_THREADS && !server->pool ? hawser__pool_open(server) : 0;
}

static void close_front(hawser_server *server) {
    int saved = errno;
    hawser_group_close(server->acceptors);
    hawser_group_close(server->requests);
    hawser__pool_free(server);
    hawser__free(server->shards);
    server->acceptors = server->requests = NULL;
    server->shards = NULL;
    server->shard_count = 0;
    errno = saved;
}

/* What could not be started for want of memory. */

void hawser__start_or_starve(struct hawser__connection *connection) {
    hawser_server *server = connection->server;
    if (hawser__start(connection) == 0)
        return;
    struct hawser__shard *shard = &server->shards[0];
    hawser__lock_take(&shard->lock);
    connection->next = server->starved;
    server->starved = connection;
    hawser__lock_drop(&shard->lock);
    hawser__bell_ring(server);
}

static struct hawser__connection *take_starved(hawser_server *server) {
    struct hawser__shard *shard = &server->shards[0];
    hawser__lock_take(&shard->lock);
    struct hawser__connection *all = server->starved;
    server->starved = NULL;
    hawser__lock_drop(&shard->lock);
    return all;
}

/* In the server's own fiber, which nobody cancels: the handler is not called again, and its finish cannot wait. */
static void end_here(struct hawser__connection *connection) {
    int64_t outer = hawser_deadline_push(0);
    connection->reason = HAWSER__STOPPED;
    connection->cut = true;
    hawser__tally_add(&connection->server->tally->cut, 1);
    hawser__connection_run(connection);
    hawser_deadline_pop(outer);
}

/* Once they are cancelled no fiber starts any more: then what is left of them runs here. */
static hawser__deadline feed_starved(hawser_server *server, int64_t now) {
    struct hawser__connection *next, *connection = take_starved(server);
    hawser__deadline again = connection ? now + STARVED_LOOK : HAWSER__NEVER;
    for (; connection; connection = next) {
        next = connection->next;
        if (now >= atomic_load(&server->cut_at)) {
            end_here(connection);
        } else {
            hawser__start_or_starve(connection);
        }
    }
    return again;
}

/* Minding. */

static hawser__deadline earlier(hawser__deadline a, hawser__deadline b) {
    return a < b ? a : b;
}

/* A connection may begin to wait right after the look at those who do, but not run out of patience before this. */
static hawser__deadline least_patience(const hawser_server *server, int64_t now) {
    int64_t least = earlier(server->limits.patience[HAWSER__FIRST_BYTE], server->limits.patience[HAWSER__IDLE]);
    return least == HAWSER__NEVER ? HAWSER__NEVER : now + least;
}

static hawser__deadline mind(hawser_server *server) {
    int64_t now = hawser__server_now(server);
    hawser__deadline next = earlier(hawser__kept_expire(server, now), least_patience(server, now));
    next = earlier(next, feed_starved(server, now));
    if (server->options.service_actions) {
        server->options.service_actions(server);
        next = earlier(next, now + server->limits.poll_interval);
    }
    return next;
}

/* Until the stop is asked for, or the group that this fiber belongs to is cancelled: then it is a stop as well. */
static void serve(hawser_server *server) {
    while (!hawser__stopping(server)) {
        int result = hawser__bell_wait(server, mind(server));
        if (result == -ECANCELED)
            hawser_server_stop(server, 0);
    }
}

static bool anybody_left(hawser_server *server) {
    return atomic_load(&server->active) > 0 || atomic_load(&server->accepting) > 0;
}

static void cut(hawser_server *server) {
    hawser_group_cancel(server->acceptors);
    hawser_group_cancel(server->requests);
    hawser__pool_cancel(server);
}

/* While the server drains its fiber has to wait as any other; its caller finds it cancelled still. */
static void put_cancellation_off(hawser_server *server) {
    server->cancelled = server->cancelled || hawser_cancelled();
    hawser_cancel_clear();
}

static void take_cancellation_up(hawser_server *server) {
    if (server->cancelled)
        atomic_store(&hawser__task_current()->cancelled, true);
    server->cancelled = false;
}

/* When it is time to cut it is done at every look: a task may have cleared its cancellation, to say goodbye or to look once
 * more, and then wait again. */
static void drain(hawser_server *server) {
    hawser__result_begin(server);
    hawser_group_cancel(server->acceptors);
    hawser__datagrams_stop(server);
    put_cancellation_off(server);
    while (anybody_left(server)) {
        int64_t now = hawser__server_now(server);
        hawser__deadline next = mind(server), cut_at = atomic_load(&server->cut_at);
        if (now >= cut_at)
            cut(server);
        next = earlier(next, now >= cut_at ? now + STARVED_LOOK : cut_at);
        if (hawser__bell_wait(server, next) == -ECANCELED)
            put_cancellation_off(server);
    }
    hawser__result_end(server);
}

static int begin(hawser_server *server) {
    if (open_front(server) < 0 || hawser__acceptors_start(server) < 0)
        return -1;
    if (hawser__handover_serve(server) < 0)
        return -1;
    hawser__tell_manager(server, "READY=1");
    return 0;
}

/* Why it ended by itself, if it did. */
static int conclude(hawser_server *server) {
    return server->failure.code ? hawser__failure_tell(&server->failure) : 0;
}

static int front(void *arg) {
    hawser_server *server = arg;
    const void *before = hawser__serves(server);
    hawser_fiber_setname("server");
    int result = begin(server);
    if (result == 0)
        serve(server);
    else
        hawser__give_up(server);
    if (result == 0)
        hawser__tell_manager(server, "STOPPING=1");
    hawser__handover_stop(server);
    if (server->requests && server->acceptors)
        drain(server);
    close_front(server);
    take_cancellation_up(server);
    hawser__serves_not(before);
    return conclude(server);
}

/* Inside of a run the server has that one's workers. */
int hawser__front_serve(hawser_server *server) {
    hawser_run_options options = server->run_options;
    if (hawser_worker() > 0)
        return front(server);
    options.workers = server->options.concurrency == HAWSER_THREADS ? 1 : server->options.workers;
    return hawser_run(front, server, &options);
}
