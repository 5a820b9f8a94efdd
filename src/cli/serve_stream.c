/* SPDX-License-Identifier: MIT */
/*
 * Connections: one accepting fiber, and one fiber a client on the worker that has the fewest.
 *
 * A client's fiber owns its socket. The clients are a group: when the server stops they have some seconds to come to their end,
 * and those that do not are cancelled, which ends the calls they wait in. There are as many permits as connections may be open;
 * the accepting fiber takes one before it accepts, and the client's fiber gives it back when the connection is closed.
 *
 * One fiber accepts for all workers because that balances exactly, for every kind of listener, and costs little: it is busy for
 * 4 microseconds a connection, a fourth of what a connection costs that asks one thing and goes. The kernel's own ways to share
 * the work go by chance or favour, and Unix sockets and adopted descriptors do not have them.
 */
#include "cli/format.h"
#include "cli/report.h"
#include "cli/serve.h"
#include "cli/serve_log.h"
#include "cli/serve_room.h"
#include "cli/serve_signals.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DRAIN_SECONDS 5
#define LINGER_SECONDS 2
#define NAME (HAWSER_ADDR_TEXT + 32)

struct server {
    const struct service *service;
    struct totals *totals;
    hawser_sock *listener;
    hawser_group *clients;
    hawser_semaphore *room;
    size_t most;                /* connections at once */
    atomic_size_t open;
    struct patience patience;   /* of the accepting fiber */
};

struct client {
    struct server *server;
    hawser_sock *sock;
    double started;
    char name[];
};

/* The connection is closed. */
static void leave(struct server *server, const struct traffic *traffic, int code) {
    server->totals->served++;
    server->totals->out += traffic->out;
    server->totals->in += traffic->in;
    server->totals->errors += code != 0;
    server->open--;
    hawser_semaphore_release(server->room);
}

static void log_end(const struct client *client, const struct traffic *traffic, int code) {
    char out[FORMAT_ROOM], in[FORMAT_ROOM], took[FORMAT_ROOM];
    serve_log_event(LOG_CLOSED, "%s  out %s  in %s  %s%s%s", client->name, format_bytes(out, traffic->out),
                    format_bytes(in, traffic->in), format_seconds(took, hawser_now() - client->started), code ? "  " : "",
                    code ? report_reason(code) : "");
}

/* To the end of the conversation and of the connection: 0, or why it broke. Being cut off, or staying on, is no error. */
static int converse(struct client *client, struct traffic *traffic) {
    int code = service_converse(client->server->service, client->sock, traffic) < 0 ? errno : 0;
    if (code == 0)
        (void)hawser_close_linger(client->sock, LINGER_SECONDS);
    else
        hawser_close(client->sock);
    return code == ECANCELED ? 0 : code;
}

static int serve_client(void *arg) {
    struct client *client = arg;
    struct traffic traffic = {.in = 0};
    serve_log_event(LOG_OPENED, "%s", client->name);
    int code = converse(client, &traffic);
    hawser_cancel_clear();   /* what is left to say may have to wait for room in the log */
    leave(client->server, &traffic, code);
    log_end(client, &traffic, code);
    free(client);
    return 0;
}

/* A Unix client has no name of its own: its process says more. */
static void write_name(char name[static NAME], hawser_sock *sock, hawser_addr *peer) {
    pid_t pid = 0;
    const char *address = hawser_addr_str(peer);
    if (hawser_addr_family(peer) == AF_UNIX && hawser_getpeercred(sock, &pid, NULL, NULL) == 0)
        snprintf(name, NAME, "%s pid %d", address, (int)pid);
    else
        snprintf(name, NAME, "%s", address);
}

/* NULL: no memory. */
static struct client *new_client(struct server *server, hawser_sock *sock, hawser_addr *peer) {
    char name[NAME];
    write_name(name, sock, peer);
    size_t size = strlen(name) + 1;
    struct client *client = malloc(sizeof *client + size);
    if (!client)
        return NULL;
    *client = (struct client){.server = server, .sock = sock, .started = hawser_now()};
    memcpy(client->name, name, size);
    return client;
}

/* Waits as long as there is no room. False: a signal came first. */
static bool start_fiber(struct server *server, struct client *client) {
    const hawser_go_options options = {.name = "client", .worker = HAWSER_ANY_WORKER, .group = server->clients};
    while (hawser_go_with(&options, serve_client, client) < 0) {
        if (!serve_room_wait(&server->patience, "no fiber can be started"))
            return false;
    }
    return true;
}

static void start_client(struct server *server, hawser_sock *sock, hawser_addr *peer) {
    struct client *client = new_client(server, sock, peer);
    server->open++;
    if (client && start_fiber(server, client))
        return;
    hawser_close(sock);
    leave(server, &(struct traffic){.in = 0}, ENOMEM);
    serve_log_event(LOG_TROUBLE, "%s was not served: no memory", hawser_addr_str(peer));
    free(client);
}

/* False: a signal came first. */
static bool take_room(struct server *server) {
    char text[96];
    if (hawser_semaphore_tryacquire(server->room) == 0)
        return true;
    snprintf(text, sizeof text, "%zu connections are open, as many as the descriptors allow", server->most);
    serve_room_tell(&server->patience, text);
    return hawser_semaphore_acquire(server->room) == 0;
}

/* What Linux says when a descriptor or memory is missing: it passes. */
static bool is_shortage(int code) {
    return code == EMFILE || code == ENFILE || code == ENOMEM || code == ENOBUFS;
}

/* Takes a connection, waiting for one and for what it needs. NULL: a signal came first, or accepting failed for good. */
static hawser_sock *accept_one(struct server *server, hawser_addr *peer) {
    for (;;) {
        hawser_sock *sock = hawser_accept(server->listener, peer);
        if (sock)
            server->patience.delay = 0;
        if (sock || !is_shortage(errno) || !serve_room_wait(&server->patience, report_reason(errno)))
            return sock;
    }
}

static int accept_all(void *arg) {
    struct server *server = arg;
    hawser_addr peer;
    hawser_sock *sock;
    hawser_fiber_setname("accept");
    while (take_room(server) && (sock = accept_one(server, &peer)))
        start_client(server, sock, &peer);
    return -1;
}

static void announce_stop(size_t open) {
    char count[FORMAT_ROOM], text[FORMAT_ROOM + 32];
    snprintf(text, sizeof text, ", %s connection%s open", format_count(count, open), open == 1 ? "" : "s");
    serve_signals_announce_stop(text);
}

/* Lets the open connections end; those that do not are cut off. */
static void drain(struct server *server) {
    int64_t outer = hawser_deadline_push(DRAIN_SECONDS);
    (void)hawser_group_wait(server->clients);
    hawser_deadline_pop(outer);
    server->totals->cut = server->open;
}

static int prepare(struct server *server) {
    server->most = serve_room_connections();
    server->room = hawser_semaphore_new(server->most);
    server->clients = hawser_group_open(NULL);
    return server->room && server->clients ? 0 : -1;
}

int serve_stream(hawser_sock *listener, const struct service *service, struct totals *totals, hawser_group *work) {
    struct server server = {.service = service, .totals = totals, .listener = listener};
    int result = prepare(&server);
    if (result == 0)
        result = hawser_group_go(work, accept_all, &server);
    if (result == 0)
        result = hawser_group_wait(work);
    int code = result < 0 && errno != ECANCELED ? errno : 0;
    hawser_close(listener);
    if (code == 0)
        announce_stop(server.open);
    if (server.clients)
        drain(&server);
    hawser_group_close(server.clients);
    hawser_semaphore_free(server.room);
    errno = code;
    return code == 0 ? 0 : -1;
}
