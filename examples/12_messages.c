/* SPDX-License-Identifier: MIT */
/*
 * A stream has no messages: what arrives is the bytes, in order, in pieces that nobody promised.
 *
 * Try it: 12_messages. It talks to itself over a pair of connected sockets.
 *
 * Where the tutorials call recv once, they take one piece for one message; where they call send, they take "sent" for "all
 * of it". The remedies are lines (hawser_readline), or a length that is sent first (hawser_recv_exactly), and hawser_sendall.
 */
#include <hawser.h>
#include <stdio.h>

static int failed(hawser_sock *pair[2]) {
    fprintf(stderr, "%s\n", hawser_error());
    hawser_close(pair[0]);
    hawser_close(pair[1]);
    return 1;
}

static int lines(hawser_sock *s) {
    hawser_file *f = hawser_makefile(s, "r");
    char line[80];
    ssize_t n = -1;
    while (f && (n = hawser_readline(f, line, sizeof line)) > 0)
        printf("readline brought a line: %s", line);
    hawser_file_close(f);
    return n < 0 ? -1 : 0;
}

int main(void) {
    static char data[4 << 20];
    hawser_sock *pair[2] = {NULL, NULL};
    if (hawser_socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0)
        return failed(pair);

    if (hawser_sendall(pair[0], "one\n", 4) < 0 || hawser_sendall(pair[0], "two\n", 4) < 0)
        return failed(pair);
    printf("sent 2 messages; one recv brought %zd bytes\n", hawser_recv(pair[1], data, 1024));

    if (hawser_sendall(pair[0], "thr", 3) < 0)
        return failed(pair);
    printf("sent half a message; one recv brought %zd bytes\n", hawser_recv(pair[1], data, 1024));

    if (hawser_sendall(pair[0], "ee\nfo", 5) < 0 || hawser_sendall(pair[0], "ur\n", 3) < 0)
        return failed(pair);
    hawser_shutdown(pair[0], SHUT_WR);
    if (lines(pair[1]) < 0)
        return failed(pair);

    ssize_t n = hawser_send(pair[1], data, sizeof data);
    printf("one send took %s of the %zu bytes\n", n > 0 && (size_t)n < sizeof data ? "a part" : "all", sizeof data);
    hawser_close(pair[0]);
    hawser_close(pair[1]);
    return 0;
}
