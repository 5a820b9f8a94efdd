/* SPDX-License-Identifier: MIT */
/*
 * One half of a pair: the server sends a line, reads the client's, and both part.
 *
 * Try it: start it, then 16_pair_client in another terminal.
 *
 * Bound to the host name it answers only at that name's address: on Debian 127.0.1.1, which no other machine reaches. The
 * tutorial says that listen(2) queues two and declines the rest: three connect, and a fourth waits in silence (13_backlog).
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
    int port = argc > 1 ? atoi(argv[1]) : 12121;
    char host[65], text[1024];

    hawser_sock *s = hawser_socket(AF_INET, SOCK_STREAM, 0);
    if (!s || hawser_gethostname(host, sizeof host) < 0)
        return failed(s);
    hawser_set_reuseaddr(s, true);
    if (hawser_bind(s, host, port) < 0 || hawser_listen(s, 2) < 0)
        return failed(s);
    printf("%s is listening on port %d\n", host, port);

    hawser_addr peer;
    hawser_sock *c = hawser_accept(s, &peer);
    if (!c)
        return failed(s);
    printf("Got connection from %s\n", hawser_addr_str(&peer));
    hawser_close(s);

    if (hawser_sendall(c, "Hello from the server", 21) < 0)
        return failed(c);
    ssize_t n = hawser_recv(c, text, sizeof text);
    if (n < 0)
        return failed(c);
    printf("The client says: %.*s\n", (int)n, text);
    hawser_close(c);
    return 0;
}
