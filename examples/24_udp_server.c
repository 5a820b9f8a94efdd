/* SPDX-License-Identifier: MIT */
/*
 * UDP: every datagram is answered to where it came from.
 *
 * Try it: start it, then 25_udp_client in another terminal, or nc -u localhost 9999
 *
 * There is no listen, no accept, and no end: one socket serves everybody. Unlike a stream, UDP keeps messages apart: one
 * recvfrom is one datagram, cut when the buffer is smaller. A datagram may be lost, and one of 0 bytes is a datagram too.
 */
#include <hawser.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv) {
    int port = argc > 1 ? atoi(argv[1]) : 9999;
    hawser_listen_options datagrams = {.type = SOCK_DGRAM};
    hawser_sock *s = hawser_create_server("", port, &datagrams);
    if (!s) {
        fprintf(stderr, "%s\n", hawser_error());
        return 1;
    }
    puts("Socket bind complete");

    char reply[5 + 65536] = "OK...";
    const size_t ok = 5;
    hawser_addr peer;
    ssize_t n;
    while ((n = hawser_recvfrom(s, reply + ok, sizeof reply - ok, &peer)) >= 0) {
        printf("%zd bytes from %s\n", n, hawser_addr_str(&peer));
        if (hawser_sendto_addr(s, reply, ok + (size_t)n, 0, &peer) < 0)
            fprintf(stderr, "%s\n", hawser_error()); /* this client's trouble; the others are served on */
    }
    fprintf(stderr, "%s\n", hawser_error());
    hawser_close(s);
    return 1;
}
