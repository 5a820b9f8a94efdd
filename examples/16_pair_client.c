/* SPDX-License-Identifier: MIT */
/*
 * The other half of the pair: the client reads the server's line, sends its own, and ends.
 *
 * Try it: start 15_pair_server in another terminal, then 16_pair_client.
 *
 * Each side knows that it is the other's turn only because both programs agree on the order. Had both waited first, they would
 * wait for ever; a timeout ends that.
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
    hawser_settimeout(s, 10);
    if (hawser_connect(s, host, port) < 0)
        return failed(s);
    printf("Connected to %s\n", host);

    ssize_t n = hawser_recv(s, text, sizeof text);
    if (n < 0)
        return failed(s);
    printf("The server says: %.*s\n", (int)n, text);
    if (hawser_sendall(s, "Hello from the client", 21) < 0)
        return failed(s);
    hawser_close(s);
    puts("Disconnected");
    return 0;
}
