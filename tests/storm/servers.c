/* SPDX-License-Identifier: MIT */
/*
 * A server in any mode that a simulated host can have, clients that ask and go, some rudely, and a stop that comes at any
 * moment by any way: a signal, a call from a handler, a call from another task. What is promised then has to hold: serving
 * returns, the counts add up, and when nothing was cut no client has half an answer.
 */
#include "storm.h"

#include <hawser/counters.h>
#include <hawser/dial.h>
#include <hawser/error.h>
#include <hawser/file.h>
#include <hawser/io.h>
#include <hawser/request.h>
#include <hawser/server.h>
#include <hawser/world.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#define PORT 4000
#define CLIENTS 3
#define CALLS 2
#define ANSWER 300
#define LATE 300.0

struct storm {
    hawser_server_options options;
    double drain;
    int halves;                 /* answers of which only a part came */
    hawser_server_counters counters;
    bool served;
};

/* "N\n" is answered by N bytes and a newline, after a while perhaps; "stop\n" stops the server. */
static void answer(hawser_request *r) {
    const struct storm *storm = hawser_server_user(r->server);
    char line[16];
    if (hawser_readline(r->rfile, line, sizeof line) <= 0)
        return;
    if (strcmp(line, "stop\n") == 0)
        hawser_server_stop(r->server, storm->drain);
    if (hawser_sim_random(2))
        (void)hawser_sleep(0.001 * (double)hawser_sim_random(20));
    for (int i = 0; i < ANSWER; i++)
        hawser_write(r->wfile, "x", 1);
    hawser_write(r->wfile, "\n", 1);
    if (hawser_sim_random(2))
        hawser_keep(r);
}

static int serve(void *arg) {
    struct storm *storm = arg;
    hawser_server *server = hawser_tcp_server("", PORT, answer, &storm->options);
    MUST(server);
    MUST(hawser_server_stop_on_signals(server) == 0);
    MUST(hawser_serve_forever(server) == 0);
    hawser_server_get_counters(server, &storm->counters);
    storm->served = true;
    hawser_server_close(server);
    return 0;
}

/* Asks once. False: there is nobody any more. */
static bool ask(struct storm *storm, hawser_sock *sock, const char *line) {
    char got[ANSWER + 1];
    if (hawser_sendall(sock, line, strlen(line)) < 0)
        return false;
    if (hawser_sim_random(8) == 0)
        return false;
    ssize_t n = hawser_recv_exactly(sock, got, sizeof got);
    storm->halves += n < 0 && errno == HAWSER_EEOF;
    return n == (ssize_t)sizeof got;
}

static int call(void *arg) {
    hawser_connect_options options = {.timeout = 20};
    for (int i = 0; i < CALLS; i++) {
        hawser_sock *sock = hawser_create_connection("server", PORT, &options);
        if (!sock)
            return 0;
        while (ask(arg, sock, "1\n") && hawser_sim_random(2))
            ;
        hawser_close(sock);
    }
    return 0;
}

static int call_and_stop(void *arg) {
    hawser_connect_options options = {.timeout = 20};
    (void)arg;
    hawser_sock *sock = hawser_create_connection("server", PORT, &options);
    if (sock)
        (void)hawser_sendall(sock, "stop\n", 5);
    hawser_close(sock);
    return 0;
}

static void check(const struct storm *storm) {
    const hawser_server_counters *counters = &storm->counters;
    MUST(storm->served);
    MUST(counters->active == 0 && counters->kept == 0);
    MUST(counters->accepted == counters->finished);
    MUST(counters->cut > 0 || counters->broken > 0 || storm->halves == 0);
    MUST(hawser_sim_now() < LATE);
}

static int scenario(void *arg) {
    static const hawser_concurrency modes[] = {HAWSER_FIBERS, HAWSER_THREADS, HAWSER_SEQUENTIAL};
    static const double drains[] = {0, 0.005, 0.1, HAWSER_NO_TIMEOUT};
    struct storm storm = {.halves = 0};
    int clients[CLIENTS];
    (void)arg;
    storm.options.workers = storm_workers();
    storm.options.concurrency = modes[hawser_sim_random(3)];
    storm.options.user = &storm;
    storm.options.idle_timeout = 5;
    storm.options.first_byte_timeout = hawser_sim_random(2) ? 3 : 0;
    storm.drain = storm.options.drain = drains[hawser_sim_random(4)];
    hawser_sim_note("mode %d, %d workers, drain %g", storm.options.concurrency, storm.options.workers, storm.drain);
    int server = hawser_sim_start("server", serve, &storm);
    (void)hawser_sleep(0.01);
    for (int i = 0; i < CLIENTS; i++) {
        char name[16];
        snprintf(name, sizeof name, "client%d", i);
        clients[i] = hawser_sim_start(name, i == 0 && hawser_sim_random(2) ? call_and_stop : call, &storm);
    }
    (void)hawser_sleep(0.0005 * (double)hawser_sim_random(40));
    MUST(hawser_sim_kill(server, SIGTERM) == 0 || errno == ESRCH);
    MUST(hawser_sim_join(server) == 0 || storm.served);   /* the signal may come when the server has given them back */
    for (int i = 0; i < CLIENTS; i++)
        MUST(hawser_sim_join(clients[i]) == 0);
    check(&storm);
    return 0;
}

const struct scene storm_servers = {.name = "servers", .scenario = scenario,
                                    .model = {.link = {.latency = 0.0005, .jitter = 0.001},
                                              .short_reads = 0.1, .short_writes = 0.1}};
