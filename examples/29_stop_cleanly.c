/* SPDX-License-Identifier: MIT */
/*
 * A server that stops cleanly: Ctrl-C ends the accept loop, and those who are still talking hear "goodbye".
 *
 * Try it: start it, call it from two other terminals with telnet localhost 8888, then press Ctrl-C in the first.
 *
 * Each client has a fiber: the next example is about those. The signal ends only the waits of the fiber that asked for it, so
 * the conversations go on until their group is closed. That cancels them: the call that each of them waits in fails, it says
 * goodbye and returns, and hawser_group_close returns when all have.
 */
#include <hawser.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

static int talk(void *client) {
    char text[1024];
    ssize_t n;
    while ((n = hawser_recv(client, text, sizeof text)) > 0 && hawser_sendall(client, text, (size_t)n) == 0)
        ;
    if (hawser_cancelled()) {
        hawser_cancel_clear();        /* otherwise the goodbye would be cut short as well */
        hawser_settimeout(client, 1); /* one who does not read must not keep us */
        hawser_sendall(client, "goodbye\n", 8);
    }
    hawser_close(client);
    return 0;
}

static int serve(void *listener) {
    hawser_group *clients = hawser_group_open(NULL);
    if (!clients || hawser_interrupt_on_signal(SIGINT) < 0)
        return -1;
    puts("listening, Ctrl-C stops");
    hawser_sock *c;
    while ((c = hawser_accept(listener, NULL)))
        if (hawser_group_go(clients, talk, c) < 0) {
            fprintf(stderr, "%s\n", hawser_error());
            hawser_close(c);
        }
    hawser_close(listener);
    hawser_group_close(clients);
    return hawser_interrupted() ? 0 : -1; /* errno and the sentence are still those of accept */
}

int main(int argc, char **argv) {
    hawser_sock *s = hawser_create_server("localhost", argc > 1 ? atoi(argv[1]) : 8888, NULL);
    if (!s || hawser_run(serve, s, NULL) < 0) {
        fprintf(stderr, "%s\n", hawser_error());
        return 1;
    }
    puts("stopped");
    return 0;
}
