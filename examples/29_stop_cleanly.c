/* SPDX-License-Identifier: MIT */
/*
 * A server that stops cleanly: Ctrl-C ends the accept loop, and those who are still talking hear "goodbye".
 *
 * Try it: start it, call it from two other terminals with telnet localhost 8888, then press Ctrl-C in the first.
 *
 * Each client has a fiber: the next example is about those. The signal ends only the waits of the fiber that asked for it, so
 * the conversations go on: for a second, or until all have ended by themselves. Then their group is closed, which cancels them:
 * the call that each of them waits in fails, it says goodbye and returns, and hawser_group_close returns when all have.
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

static void wait_a_little(hawser_group *clients) {
    hawser_interrupt_clear();                /* the signal would end this wait as well; a second Ctrl-C does */
    int64_t outer = hawser_deadline_push(1); /* in seconds */
    hawser_group_wait(clients);
    hawser_deadline_pop(outer);
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
    bool asked = hawser_interrupted() != 0;
    hawser_close(listener);
    if (asked)
        wait_a_little(clients);
    hawser_group_close(clients); /* cancels those that are left */
    return asked ? 0 : -1;       /* -1: errno and the sentence are still those of accept */
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
