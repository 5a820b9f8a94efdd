/* SPDX-License-Identifier: MIT */
/*
 * Taking connections. One fiber does it for a listener, on whatever worker the server was started; where each connection goes
 * is start.c's choice. That balances exactly, for every kind of listener, and no connection is reset that waits in the queue of
 * a worker which ends: both are what SO_REUSEPORT cannot do.
 *
 * When there is no descriptor left accepting fails at once and for ever, so it is tried again when a connection of our own has
 * been closed, and else with growing pauses. The spare descriptor lets one more in at that moment, who may be the one to find
 * out what is wrong.
 */
#include "server/acceptor.h"

#include "base/machine.h"
#include "base/mem.h"
#include "base/sys.h"
#include "server/connection.h"
#include "server/datagrams.h"

#include <hawser/deadline.h>
#include <hawser/group.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#define FIRST_PAUSE 0.005
#define LONGEST_PAUSE 0.25
#define COMPLAIN_EVERY (10 * HAWSER__SECOND)

struct acceptor {
    hawser_server *server;
    size_t listener;
    bool last_look;      /* the server stops: what is queued is taken, and no more */
};

static bool is_shortage(int code) {
    return code == EMFILE || code == ENFILE || code == ENOMEM || code == ENOBUFS;
}

/* One line in a while. */
static void complain(hawser_server *server, const char *why) {
    int64_t now = hawser__server_now(server);
    if (now < server->next_complaint)
        return;
    server->next_complaint = now + COMPLAIN_EVERY;
    hawser__log(server, HAWSER_LOG_WARNING, "%s; new connections wait", why);
}

/* Ends early when one of our own connections has ended. -1: the task is cancelled. */
static int pause_for(hawser_server *server, double seconds) {
    int64_t outer = hawser_deadline_push(seconds);
    int result = hawser_semaphore_acquire(server->relief);
    int code = errno;
    hawser_deadline_pop(outer);
    errno = code;
    return result < 0 && code == ECANCELED ? -1 : 0;
}

static bool give_spare(hawser_server *server) {
    if (server->spare < 0 || (errno != EMFILE && errno != ENFILE))
        return false;
    hawser__sys_close(server->spare);
    server->spare = -1;
    return true;
}

bool hawser__bear(hawser_server *server) {
    if (errno == EAGAIN)
        return true;
    if (!is_shortage(errno))
        return false;
    hawser__tally_add(&server->tally->shortages, 1);
    complain(server, hawser_error());
    if (give_spare(server))
        return true;
    atomic_fetch_add(&server->short_of, 1);
    int result = pause_for(server, server->pause);
    atomic_fetch_sub(&server->short_of, 1);
    server->pause = server->pause < LONGEST_PAUSE ? 2 * server->pause : LONGEST_PAUSE;
    return result == 0;
}

void hawser__spare_open(hawser_server *server) {
    server->spare = hawser__machine_here ? -1 : hawser__sys_open("/dev/null", O_RDONLY, 0);
}

/* Things are well again. */
static void recover(hawser_server *server) {
    server->pause = FIRST_PAUSE;
    if (server->spare < 0)
        hawser__spare_open(server);
}

void hawser__note_pause(hawser_server *server) {
    size_t most = server->options.max_connections;
    char why[96];
    snprintf(why, sizeof why, "%zu connection%s open, as many as may be", most, most == 1 ? " is" : "s are");
    hawser__tally_add(&server->tally->paused, 1);
    complain(server, why);
}

/* A permit for one more connection: 0. Without one, waits for it; -1 with errno. */
static int take_room(hawser_server *server) {
    if (hawser_semaphore_tryacquire(server->room) == 0)
        return 0;
    hawser__note_pause(server);
    return hawser_semaphore_acquire(server->room);
}

/* Cancelled by the stop, or by its end. From then on it only looks. Cancelled together with all the run, it ends, and the
 * server with it. */
static bool is_told_to_end(struct acceptor *acceptor) {
    if (errno == ECANCELED && !hawser__stopping(acceptor->server))
        hawser_server_stop(acceptor->server, 0);
    if (errno != ECANCELED || acceptor->last_look)
        return true;
    acceptor->last_look = true;
    hawser_cancel_clear();
    return false;
}

/* A permit, and a connection for it. False: it is over. */
static bool take_one(struct acceptor *acceptor) {
    hawser_server *server = acceptor->server;
    if (acceptor->last_look && hawser__is_cut(server))
        return false;
    if (take_room(server) < 0)
        return !is_told_to_end(acceptor);
    if (hawser__take_request(server, acceptor->listener, !acceptor->last_look) >= 0) {
        recover(server);
        return true;
    }
    int code = errno;
    hawser_semaphore_release(server->room);
    errno = code;
    if (code == ECANCELED || (code == EAGAIN && acceptor->last_look))
        return code == ECANCELED && !is_told_to_end(acceptor);
    return hawser__bear(server) || (errno == ECANCELED && !is_told_to_end(acceptor));
}

static void end(struct acceptor *acceptor) {
    hawser_server *server = acceptor->server;
    if (!hawser__stopping(server)) {
        hawser__log_failure(server, HAWSER_LOG_ERROR, "a listener has failed");
        hawser__give_up(server);
    }
    hawser__free(acceptor);
    atomic_fetch_sub(&server->accepting, 1);
    hawser__bell_ring(server);
}

static int accept_all(void *arg) {
    struct acceptor *acceptor = arg;
    const void *before = hawser__serves(acceptor->server);
    while (take_one(acceptor))
        ;
    hawser__serves_not(before);
    end(acceptor);
    return 0;
}

static int start(hawser_server *server, size_t listener) {
    hawser_go_options options = {.name = "accept", .group = server->acceptors};
    struct acceptor *acceptor = hawser__alloc(sizeof *acceptor);
    if (!acceptor)
        return hawser__fail(ENOMEM, "serve");
    *acceptor = (struct acceptor){.server = server, .listener = listener};
    atomic_fetch_add(&server->accepting, 1);
    if (hawser_go_with(&options, accept_all, acceptor) == 0)
        return 0;
    atomic_fetch_sub(&server->accepting, 1);
    hawser__free(acceptor);
    return -1;
}

int hawser__acceptors_start(hawser_server *server) {
    server->pause = FIRST_PAUSE;
    for (size_t i = 0; i < server->listener_count; i++) {
        if (!server->listeners[i]->sock)
            return hawser__fail(EINVAL, "serve before the server is bound");
        if ((server->listeners[i]->datagrams ? hawser__datagrams_start(server, i) : start(server, i)) < 0)
            return -1;
    }
    return 0;
}
