/* SPDX-License-Identifier: MIT */
/*
 * One handler, four ways to run it: fibers, threads, forks, or one client after the other.
 *
 * Try it: 43_modes threads, then in three other terminals: telnet localhost 8888
 * The first line says where the client is served. Ctrl-C stops the server: clients have a second to leave, or as many as stand
 * behind the port (43_modes threads 8888 10). Ctrl-C once more: at once.
 *
 * The handler does not know how it runs. With fibers a call that waits costs nothing; threads are for handlers that block in
 * other people's code; processes are for handlers that must not be able to harm each other; one after the other is for handlers
 * that share data without a lock, or a machine with one user.
 */
#include <hawser.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void talk(hawser_request *r) {
    char line[1024];
    hawser_printf(r->wfile, "process %ld, worker %d\n", (long)getpid(), hawser_worker());
    while (hawser_readline(r->rfile, line, sizeof line) > 0)
        hawser_printf(r->wfile, "OK...%s", line);
}

/* -1: there is no such mode. */
static int mode_called(const char *name) {
    static const char *const names[] = {
        [HAWSER_FIBERS] = "fibers", [HAWSER_THREADS] = "threads", [HAWSER_FORKS] = "forks", [HAWSER_SEQUENTIAL] = "sequential"};
    for (int mode = HAWSER_FIBERS; mode <= HAWSER_SEQUENTIAL; mode++)
        if (strcmp(name, names[mode]) == 0)
            return mode;
    return -1;
}

int main(int argc, char **argv) {
    int mode = argc > 1 ? mode_called(argv[1]) : -1;
    if (mode < 0) {
        fputs("usage: 43_modes fibers|threads|forks|sequential [PORT [SECONDS]]\n", stderr);
        return 2;
    }
    hawser_server_options options = {.concurrency = (hawser_concurrency)mode, .drain = argc > 3 ? atof(argv[3]) : 1};
    hawser_server *s = hawser_tcp_server("localhost", argc > 2 ? atoi(argv[2]) : 8888, talk, &options);
    if (s && hawser_server_stop_on_signals(s) == 0)
        puts("listening, Ctrl-C stops");
    if (!s || hawser_serve_forever(s) < 0) {
        fprintf(stderr, "%s\n", hawser_error());
        return 1;
    }
    hawser_server_counters counters; /* also those of processes that have ended */
    hawser_server_get_counters(s, &counters);
    printf("%llu clients, %llu of them cut\n", (unsigned long long)counters.finished, (unsigned long long)counters.cut);
    hawser_server_close(s);
    return 0;
}
