/* SPDX-License-Identifier: MIT */
/*
 * Connections: one accepting thread, and one thread a client.
 *
 * A client's thread owns its socket; the list holds a second reference, so that the main thread can shut down what is left when
 * the time to end is over. A client's thread waits with a descriptor of its own (the library's wake-up), so the connections may
 * take half of the descriptors, less a reserve: a new client never takes the last one from those who are being served.
 */
#include "cli/format.h"
#include "cli/monotonic.h"
#include "cli/report.h"
#include "cli/serve.h"
#include "cli/serve_log.h"
#include "cli/serve_signals.h"
#include "cli/serve_wait.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#define RESERVE 16             /* standard streams, listeners, log, and the accepting thread */
#define STACK (384 * 1024)     /* the buffers of service_converse, and as much again */
#define DRAIN_SECONDS 5
#define CUT_SECONDS 1
#define LINGER_SECONDS 2

struct server {
    const struct service *service;
    struct totals *totals;
    pthread_attr_t attributes;
    struct patience patience;
    size_t most;               /* connections at once */
    pthread_mutex_t lock;      /* of everything below, and of the totals */
    pthread_cond_t emptied;    /* no thread is left */
    struct client *clients;
    size_t open;               /* connections */
    size_t threads;            /* of clients; one outlives its connection by its last log line */
};

struct client {
    struct server *server;
    struct client *next, **link;
    hawser_sock *sock;
    double started;
    hawser_addr peer;
    char name[HAWSER_ADDR_TEXT + 32];
};

/* A Unix client has no name of its own: its process says more. */
static void name_client(struct client *client) {
    pid_t pid = 0;
    const char *address = hawser_addr_str(&client->peer);
    if (hawser_addr_family(&client->peer) == AF_UNIX && hawser_getpeercred(client->sock, &pid, NULL, NULL) == 0)
        snprintf(client->name, sizeof client->name, "%s pid %d", address, (int)pid);
    else
        snprintf(client->name, sizeof client->name, "%s", address);
}

static void enter(struct client *client) {
    struct server *server = client->server;
    pthread_mutex_lock(&server->lock);
    client->next = server->clients;
    client->link = &server->clients;
    if (client->next)
        client->next->link = &client->next;
    server->clients = client;
    server->open++;
    server->threads++;
    pthread_mutex_unlock(&server->lock);
}

/* The connection is closed. */
static void leave(struct client *client, const struct traffic *traffic, int code) {
    struct server *server = client->server;
    pthread_mutex_lock(&server->lock);
    *client->link = client->next;
    if (client->next)
        client->next->link = client->link;
    server->open--;
    server->totals->served++;
    server->totals->out += traffic->out;
    server->totals->in += traffic->in;
    server->totals->errors += code != 0;
    pthread_mutex_unlock(&server->lock);
    hawser_unref(client->sock);
}

static void log_end(const struct client *client, const struct traffic *traffic, int code) {
    char out[FORMAT_ROOM], in[FORMAT_ROOM], took[FORMAT_ROOM];
    serve_log_event(LOG_CLOSED, "%s  out %s  in %s  %s%s%s", client->name, format_bytes(out, traffic->out),
                    format_bytes(in, traffic->in), format_seconds(took, hawser_now() - client->started), code ? "  " : "",
                    code ? report_reason(code) : "");
}

static void finish(struct client *client) {
    struct server *server = client->server;
    free(client);
    pthread_mutex_lock(&server->lock);
    if (--server->threads == 0)
        pthread_cond_signal(&server->emptied);
    pthread_mutex_unlock(&server->lock);
}

static void *client_main(void *argument) {
    struct client *client = argument;
    struct traffic traffic = {.in = 0};
    serve_signals_leave_to_main();
    serve_log_event(LOG_OPENED, "%s", client->name);
    int code = service_converse(client->server->service, client->sock, &traffic) < 0 ? errno : 0;
    if (code == 0)
        (void)hawser_close_linger(client->sock, LINGER_SECONDS);   /* a client that stays is no error of ours */
    else
        hawser_close(client->sock);
    leave(client, &traffic, code);
    log_end(client, &traffic, code);
    finish(client);
    return NULL;
}

/* Starts the thread of CLIENT, waiting as long as there is no room. False: a signal came first, or no thread can be had. */
static bool start_thread(struct client *client) {
    struct server *server = client->server;
    pthread_t thread;
    int code;
    while ((code = pthread_create(&thread, &server->attributes, client_main, client)) == EAGAIN) {
        if (!serve_wait_for_room(&server->patience, "no thread can be started"))
            return false;
    }
    return code == 0;
}

static void start_client(struct server *server, hawser_sock *sock, const hawser_addr *peer) {
    struct client *client = malloc(sizeof *client);
    if (!client) {
        hawser_close(sock);
        serve_log_event(LOG_TROUBLE, "a connection was closed: out of memory");
        return;
    }
    *client = (struct client){.server = server, .sock = hawser_ref(sock), .started = hawser_now(), .peer = *peer};
    name_client(client);
    enter(client);
    if (!start_thread(client)) {
        hawser_close(sock);
        leave(client, &(struct traffic){.in = 0}, EAGAIN);
        serve_log_event(LOG_TROUBLE, "%s was not served: no thread can be started", client->name);
        finish(client);
    }
}

static bool is_full(struct server *server) {
    pthread_mutex_lock(&server->lock);
    bool full = server->open >= server->most;
    pthread_mutex_unlock(&server->lock);
    return full;
}

/* What Linux says when a descriptor or memory is missing: it passes. */
static bool is_shortage(int code) {
    return code == EMFILE || code == ENFILE || code == ENOMEM || code == ENOBUFS;
}

/* Until a signal (0) or a failure for good (its errno). */
static int accept_all(struct server *server, hawser_sock *listener) {
    char text[96];
    snprintf(text, sizeof text, "%zu connections are open, as many as the descriptors allow", server->most);
    for (;;) {
        hawser_addr peer;
        bool full = is_full(server);
        hawser_sock *sock = full ? NULL : hawser_accept(listener, &peer);
        int code = sock || full ? 0 : errno;
        if (sock) {
            server->patience.delay = 0;
            start_client(server, sock, &peer);
        } else if (full || is_shortage(code)) {
            if (!serve_wait_for_room(&server->patience, full ? text : report_reason(code)))
                return 0;
        } else {
            return code == ECANCELED ? 0 : code;
        }
        if (hawser_interrupted())
            return 0;
    }
}

static void wait_until_empty(struct server *server, int seconds) {
    struct timespec until = monotonic_in(seconds);
    while (server->threads > 0 && pthread_cond_timedwait(&server->emptied, &server->lock, &until) == 0)
        continue;
}

static void announce_stop(struct server *server) {
    char count[FORMAT_ROOM], text[FORMAT_ROOM + 32];
    pthread_mutex_lock(&server->lock);
    size_t open = server->open;
    pthread_mutex_unlock(&server->lock);
    snprintf(text, sizeof text, ", %s connection%s open", format_count(count, open), open == 1 ? "" : "s");
    serve_announce_stop(text);
}

/* Lets the open connections end; those that do not are shut down, which ends the calls their threads wait in. */
static void drain(struct server *server) {
    pthread_mutex_lock(&server->lock);
    wait_until_empty(server, DRAIN_SECONDS);
    server->totals->cut = server->open;
    for (struct client *client = server->clients; client; client = client->next)
        (void)hawser_shutdown(client->sock, SHUT_RDWR);
    wait_until_empty(server, CUT_SECONDS);
    pthread_mutex_unlock(&server->lock);
}

/* The system's own limit decides, not the lower one that shells start with: nothing here passes descriptors to select. */
static size_t most_connections(void) {
    struct rlimit limit = {.rlim_cur = 1024};
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
        (void)getrlimit(RLIMIT_NOFILE, &limit);
    }
    rlim_t usable = limit.rlim_cur == RLIM_INFINITY || limit.rlim_cur > 1000000 ? 1000000 : limit.rlim_cur;
    return usable > RESERVE + 2 ? (size_t)(usable - RESERVE) / 2 : 1;
}

static void prepare(struct server *server) {
    pthread_mutex_init(&server->lock, NULL);
    monotonic_init(&server->emptied);
    pthread_attr_init(&server->attributes);
    pthread_attr_setdetachstate(&server->attributes, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&server->attributes, STACK);
}

int serve_stream(hawser_sock *listener, const struct service *service, struct totals *totals) {
    static struct server server;   /* static: a thread that could not be ended in time still uses it */
    server = (struct server){.service = service, .totals = totals, .most = most_connections()};
    prepare(&server);
    int code = accept_all(&server, listener);
    hawser_close(listener);
    if (code == 0)
        announce_stop(&server);
    drain(&server);
    errno = code;
    return code == 0 ? 0 : -1;
}
