/* SPDX-License-Identifier: MIT */
/*
 * Echo once: one client, one message, sent back as it came.
 *
 * Try it: start it, then in another terminal: telnet localhost 8888, and type: happy
 *
 * "One message" holds only because a person types slowly: recv returns whatever has come so far, be it half a line or three
 * (12_messages). sendall goes on until everything is sent; a plain send may take a part and says how much.
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
    hawser_close(s); /* nobody else is served */

    char data[1024];
    ssize_t n = hawser_recv(c, data, sizeof data);
    if (n < 0 || hawser_sendall(c, data, (size_t)n) < 0)
        return failed(c);
    hawser_close(c);
    return 0;
}
