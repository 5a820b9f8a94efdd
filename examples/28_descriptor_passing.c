/* SPDX-License-Identifier: MIT */
/*
 * Passing a connection to another process: one process accepts, the other answers.
 *
 * Try it: start it, then in another terminal: telnet localhost 12345
 *
 * A descriptor travels over a Unix socket together with at least one byte. The receiver gets a descriptor of its own on the
 * same connection; the connection ends when both have closed theirs.
 */
#include <hawser.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static int failed(hawser_sock *s) {
    fprintf(stderr, "%s\n", hawser_error());
    hawser_close(s);
    return 1;
}

/* The process that answers: for each descriptor that arrives, a greeting. Ends when the other process does. */
static int work(hawser_sock *channel) {
    char byte, text[80];
    int fd;
    size_t count;
    ssize_t n;
    for (count = 1; (n = hawser_recv_fds(channel, &byte, 1, &fd, &count, 0, NULL)) > 0; count = 1) {
        hawser_sock *c = count == 1 ? hawser_sock_from_fd(fd) : NULL;
        int size = snprintf(text, sizeof text, "Thank you for connecting, says process %ld\n", (long)getpid());
        if (c && hawser_sendall(c, text, (size_t)size) == 0)
            printf("process %ld answered\n", (long)getpid());
        hawser_close(c);
    }
    hawser_close(channel);
    return n < 0;
}

int main(int argc, char **argv) {
    int port = argc > 1 ? atoi(argv[1]) : 12345;
    hawser_sock *pair[2], *c, *s = hawser_create_server("", port, NULL);
    hawser_addr peer;
    if (!s || hawser_socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0)
        return failed(s);
    pid_t worker = fork();
    if (worker < 0) {
        perror("fork");
        return 1;
    }
    if (worker == 0) {
        hawser_close(pair[0]);
        hawser_close(s);
        return work(pair[1]);
    }
    hawser_close(pair[1]);
    printf("process %ld is listening, process %ld answers\n", (long)getpid(), (long)worker);
    while ((c = hawser_accept(s, &peer))) {
        printf("Got connection from %s\n", hawser_addr_str(&peer));
        int fd = hawser_fileno(c);
        if (hawser_send_fds(pair[0], "c", 1, &fd, 1, 0) < 0)
            fprintf(stderr, "%s\n", hawser_error());
        hawser_close(c);
    }
    hawser_close(pair[0]);
    return failed(s);
}
