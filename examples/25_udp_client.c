/* SPDX-License-Identifier: MIT */
/*
 * UDP: sends a line, waits a second for the answer, and asks again when none comes.
 *
 * Try it: start 24_udp_server in another terminal, then 25_udp_client 9999 happy; then without the server.
 *
 * sendto succeeds whether anybody is there or not: only an answer proves that the question arrived. So the one who asks needs a
 * timeout, and must expect that a question asked again is answered twice.
 */
#include <hawser.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv) {
    int port = argc > 1 ? atoi(argv[1]) : 9999;
    const char *text = argc > 2 ? argv[2] : "happy";
    char answer[65536];
    hawser_addr peer;
    ssize_t n = -1;

    hawser_sock *s = hawser_socket(AF_INET, SOCK_DGRAM, 0);
    if (!s || hawser_settimeout(s, 1) < 0)
        goto out;
    for (int attempt = 1; n < 0 && attempt <= 3; attempt++) {
        if (hawser_sendto(s, text, strlen(text), "127.0.0.1", port) < 0)
            goto out;
        n = hawser_recvfrom(s, answer, sizeof answer, &peer);
        if (n < 0)
            printf("no answer to question %d\n", attempt);
    }
    if (n >= 0)
        printf("%s answers: %.*s\n", hawser_addr_str(&peer), (int)n, answer);
out:
    if (n < 0)
        fprintf(stderr, "%s\n", hawser_error());
    hawser_close(s);
    return n < 0;
}
