/* SPDX-License-Identifier: MIT */
/*
 * usage: weather SEED ... Prints the trace of a world in which everything goes wrong that can: a server in one of its modes,
 * and clients that come from other hosts, in a storm. Whoever compiled this, and the library, the same seed prints the same.
 */
#include <hawser.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CLIENTS 8
#define PORT 12345

static void answer(hawser_request *r) {
    char line[128];
    while (hawser_readline(r->rfile, line, sizeof line) > 0)
        hawser_printf(r->wfile, "OK...%s", line);
}

static int slow_sum(void *arg) {
    int *number = arg;
    return *number * 2;
}

static int serve(void *arg) {
    const hawser_server_options options = {.concurrency = *(hawser_concurrency *)arg, .drain = 1, .idle_timeout = 5};
    hawser_server *server = hawser_tcp_server("", PORT, answer, &options);
    int result = !server || hawser_server_stop_on_signals(server) < 0 ? -1 : hawser_serve_forever(server);
    if (result < 0)
        hawser_sim_note("server: %s", hawser_error());
    hawser_server_close(server);
    return result;
}

static int talk(hawser_sock *sock, int number) {
    char line[32], got[64];
    for (int i = 0; i < 5; i++) {
        int doubled = hawser_offload(slow_sum, &i);
        snprintf(line, sizeof line, "%d says %d at %.3f\n", number, doubled, hawser_time());
        if (hawser_sendall(sock, line, strlen(line)) < 0 || hawser_recv_exactly(sock, got, strlen(line) + 5) <= 0)
            return -1;
        if (memcmp(got, "OK...", 5) != 0 || memcmp(got + 5, line, strlen(line)) != 0)
            hawser_sim_fail("client %d has a wrong answer", number);
        hawser_sleep(0.01);
    }
    return 0;
}

static int call(void *arg) {
    hawser_connect_options options = {.timeout = 20};
    hawser_sock *sock = hawser_create_connection("server", PORT, &options);
    int result = sock ? talk(sock, *(int *)arg) : -1;
    if (result < 0)
        hawser_sim_note("client: %s", hawser_error());
    hawser_close(sock);
    return result;
}

static int scenario(void *arg) {
    static const hawser_concurrency modes[] = {HAWSER_FIBERS, HAWSER_THREADS, HAWSER_SEQUENTIAL};
    hawser_concurrency mode = modes[hawser_sim_random(3)];
    int hosts[CLIENTS], numbers[CLIENTS], failed = 0;
    (void)arg;
    int server = hawser_sim_start("server", serve, &mode);
    hawser_sleep(0.1);
    for (int i = 0; i < CLIENTS; i++) {
        char name[16];
        snprintf(name, sizeof name, "client%d", i);
        numbers[i] = i;
        hosts[i] = hawser_sim_start(name, call, &numbers[i]);
    }
    for (int i = 0; i < CLIENTS; i++)
        failed += hawser_sim_join(hosts[i]) < 0;
    hawser_sim_kill(server, SIGTERM);
    hawser_sim_note("server %d, %d failed", hawser_sim_join(server), failed);
    return 0;
}

static void show(const char *line, void *arg) {
    (void)arg;
    puts(line);
}

int main(int argc, char **argv) {
    const hawser_sim_model storm = {
        .link = {.latency = 0.02, .jitter = 0.01, .loss = 0.05, .duplicate = 0.1, .reorder = 0.1, .bandwidth = 10000},
        .crash_every = 0.7, .crash_time = 0.2, .partition_every = 0.5, .partition_time = 0.3, .reset_every = 1,
        .half_open = 0.5, .refuse = 0.1, .black_hole = 0.05, .short_reads = 0.5, .short_writes = 0.5, .allocation_fails = 0.002,
        .clock_skew = 5, .clock_drift = 0.01, .offload_time = 0.01, .lookup_time = 0.05, .lookup_fails = 0.05,
        .descriptors = 9, .read_rate = 5000, .trace = show, .quiet = true};
    for (int i = 1; i < argc; i++) {
        int result = hawser_sim_run(strtoull(argv[i], NULL, 10), &storm, scenario, NULL);
        printf("%s: %d%s%s\n", argv[i], result, result < 0 ? " " : "", result < 0 ? hawser_error() : "");
    }
    return 0;
}
