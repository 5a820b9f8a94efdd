/* SPDX-License-Identifier: MIT */
/*
 * A restart without downtime: the new server takes the listeners over from the old one, which finishes what it has begun.
 *
 * Try it: start it, call it with telnet localhost 8888, then start it again in another terminal, in the same folder. Every new
 * telnet reaches the second one; the first telnet goes on with the first server until you leave it, or 10 seconds are over.
 * Then the first server ends by itself. Ctrl-C stops the one that serves.
 *
 * The two meet at the Unix socket that the option handover names. In between nobody is refused: both have the same listener, so
 * who comes while they change waits in one queue. Start what you have compiled anew, and the change is there.
 */
#include <hawser.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void talk(hawser_request *r) {
    char line[1024];
    hawser_printf(r->wfile, "Process %ld is here\n", (long)getpid());
    while (hawser_readline(r->rfile, line, sizeof line) > 0)
        hawser_printf(r->wfile, "OK...%s", line);
}

static void tell(hawser_server *server, hawser_log_level level, const char *sentence) {
    (void)server;
    if (level >= HAWSER_LOG_INFO)
        printf("%s\n", sentence);
}

int main(int argc, char **argv) {
    int port = argc > 1 ? atoi(argv[1]) : 8888;
    hawser_server_options options = {.handover = argc > 2 ? argv[2] : "46_restart.sock", .drain = 10, .log = tell};
    hawser_server *s = hawser_tcp_server("localhost", port, talk, &options);
    if (s && hawser_server_stop_on_signals(s) == 0)
        printf("process %ld\n", (long)getpid());
    if (!s || hawser_serve_forever(s) < 0) {
        fprintf(stderr, "%s\n", hawser_error());
        return 1;
    }
    hawser_server_close(s);
    puts("stopped");
    return 0;
}
