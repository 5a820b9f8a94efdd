/* SPDX-License-Identifier: MIT */
/*
 * The greeting server again, step by step: socket, bind, listen, accept.
 *
 * Try it: start it, then in another terminal: telnet localhost 12345
 * A second argument names the address to serve: 03_greeting_steps 12345 127.0.0.1, or your own host name.
 *
 * listen(5) does not mean that a sixth client is refused. Six connections are made before the first accept, and the seventh
 * client waits in silence (13_backlog shows it). An IPv4 socket has no ::1, so telnet tries ::1 in vain first.
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
    int port = argc > 1 ? atoi(argv[1]) : 12345;
    const char *host = argc > 2 ? argv[2] : ""; /* "" = every address of this machine */

    hawser_sock *s = hawser_socket(AF_INET, SOCK_STREAM, 0);
    if (!s)
        return failed(s);
    puts("Socket successfully created");

    hawser_set_reuseaddr(s, true); /* without it a restart within a minute fails: Address already in use */
    if (hawser_bind(s, host, port) < 0)
        return failed(s);
    printf("socket binded to %d\n", port);

    if (hawser_listen(s, 5) < 0)
        return failed(s);
    puts("socket is listening");

    hawser_addr peer;
    hawser_sock *c;
    while ((c = hawser_accept(s, &peer))) {
        printf("Got connection from %s\n", hawser_addr_str(&peer));
        if (hawser_sendall(c, "Thank you for connecting", 24) < 0)
            fprintf(stderr, "%s\n", hawser_error());
        hawser_close(c);
    }
    return failed(s);
}
