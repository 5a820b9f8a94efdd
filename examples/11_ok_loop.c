/* SPDX-License-Identifier: MIT */
/*
 * The "OK..." server that stays: each client in turn gets one answer and is closed.
 *
 * Try it: start it, then open three terminals with: telnet localhost 5000
 * Type in the second first: it must wait, because the server is waiting for the first. 14_ok_threads serves all at once.
 *
 * The tutorial's loop ends for everybody when one client leaves without a word; this one goes on with the next.
 */
#include <hawser.h>
#include <stdio.h>
#include <stdlib.h>

static int failed(hawser_sock *s) {
    fprintf(stderr, "%s\n", hawser_error());
    hawser_close(s);
    return 1;
}

static void answer(hawser_sock *c) {
    char reply[5 + 1024] = "OK...";
    const size_t ok = 5;
    ssize_t n = hawser_recv(c, reply + ok, sizeof reply - ok);
    if (n < 0 || (n > 0 && hawser_sendall(c, reply, ok + (size_t)n) < 0))
        fprintf(stderr, "%s\n", hawser_error());
}

int main(int argc, char **argv) {
    int port = argc > 1 ? atoi(argv[1]) : 5000;
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
    hawser_sock *c;
    while ((c = hawser_accept(s, &peer))) {
        printf("Connected with %s\n", hawser_addr_str(&peer));
        answer(c);
        hawser_close(c);
    }
    return failed(s);
}
