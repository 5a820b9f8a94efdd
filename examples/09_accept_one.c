/* SPDX-License-Identifier: MIT */
/*
 * A server in its smallest form: bind, listen, wait for one client, say who it was, end.
 *
 * Try it: start it, then in another terminal: telnet localhost 8888
 * telnet says "Connection closed by foreign host." at once. Start it twice to see "Bind failed".
 *
 * The tutorial says that listen(10) rejects an 11th client. Eleven connections are made and a 12th client waits in silence;
 * nobody is rejected (13_backlog).
 */
#include <hawser.h>
#include <stdio.h>
#include <stdlib.h>

static int failed(hawser_sock *s) {
    fprintf(stderr, "%s\n", hawser_error());
    hawser_close(s);
    return 1;
}

int main(int argc, char **argv) {
    int port = argc > 1 ? atoi(argv[1]) : 8888;
    hawser_sock *s = hawser_socket(AF_INET, SOCK_STREAM, 0);
    if (!s)
        return failed(s);
    puts("Socket created");
    hawser_set_reuseaddr(s, true);
    if (hawser_bind(s, "", port) < 0) {
        printf("Bind failed. Error Code : %d Message %s\n", errno, hawser_strerror(errno));
        return failed(s);
    }
    puts("Socket bind complete");
    if (hawser_listen(s, 10) < 0)
        return failed(s);
    puts("Socket now listening");

    hawser_addr peer;
    hawser_sock *c = hawser_accept(s, &peer);
    if (!c)
        return failed(s);
    printf("Connected with %s\n", hawser_addr_str(&peer));
    hawser_close(c);
    hawser_close(s);
    return 0;
}
