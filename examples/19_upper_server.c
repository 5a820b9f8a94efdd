/* SPDX-License-Identifier: MIT */
/*
 * The upper-case server: whatever a client sends comes back in capitals.
 *
 * Try it: start it, then in another terminal: telnet localhost 5001, or 18_chat_client 5001
 *
 * It changes byte by byte, so it does not matter how the stream is cut into pieces: a server that works on bytes needs no
 * messages. (Letters beyond ASCII stay as they are.) Clients are served one after the other.
 */
#include <ctype.h>
#include <hawser.h>
#include <stdio.h>
#include <stdlib.h>

static int answer(hawser_sock *c) {
    char data[1024];
    ssize_t n;
    while ((n = hawser_recv(c, data, sizeof data)) > 0) {
        for (ssize_t i = 0; i < n; i++)
            data[i] = (char)toupper((unsigned char)data[i]);
        printf("From client: %.*s%s", (int)n, data, data[n - 1] == '\n' ? "" : "\n");
        if (hawser_sendall(c, data, (size_t)n) < 0)
            return -1;
    }
    return (int)n;
}

int main(int argc, char **argv) {
    int port = argc > 1 ? atoi(argv[1]) : 5001;
    hawser_sock *s = hawser_create_server("localhost", port, NULL);
    if (!s) {
        fprintf(stderr, "%s\n", hawser_error());
        return 1;
    }
    puts("Waiting for clients");
    hawser_addr peer;
    hawser_sock *c;
    while ((c = hawser_accept(s, &peer))) {
        printf("Connection from: %s\n", hawser_addr_str(&peer));
        if (answer(c) < 0)
            fprintf(stderr, "%s\n", hawser_error());
        hawser_close(c);
    }
    fprintf(stderr, "%s\n", hawser_error());
    hawser_close(s);
    return 1;
}
