/* SPDX-License-Identifier: MIT */
/*
 * A TCP proxy: what comes in at one port goes on to another host, and back.
 *
 * Try it: start 14_ok_threads, then this with: 37_tcp_proxy 9999 localhost 8888
 * and in another terminal: telnet localhost 9999. Any protocol will do, in both directions at once, to any length.
 */
#include <hawser.h>
#include <stdio.h>
#include <stdlib.h>

static char **target; /* host and port */

static int carry(void *client) {
    uint64_t sent[2] = {0, 0};
    hawser_sock *server = hawser_create_connection(target[0], atoi(target[1]), NULL);
    if (!server || hawser_relay(client, server, NULL, sent) < 0) /* options: an idle_timeout */
        fprintf(stderr, "%s\n", hawser_error());
    printf("%llu bytes there, %llu back\n", (unsigned long long)sent[0], (unsigned long long)sent[1]);
    hawser_close(server);
    hawser_close(client);
    return 0;
}

static int serve(void *listener) {
    hawser_sock *c;
    while ((c = hawser_accept(listener, NULL)))
        if (hawser_go_on(HAWSER_ANY_WORKER, carry, c) < 0)
            hawser_close(c);
    return -1;
}

int main(int argc, char **argv) {
    target = argv + 2;
    hawser_sock *s = argc == 4 ? hawser_create_server("localhost", atoi(argv[1]), NULL) : NULL;
    if (!s || hawser_run(serve, s, NULL) < 0)
        fprintf(stderr, "%s\n", argc == 4 ? hawser_error() : "usage: 37_tcp_proxy PORT HOST PORT");
    return 1;
}
