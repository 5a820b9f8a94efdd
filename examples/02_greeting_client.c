/* SPDX-License-Identifier: MIT */
/*
 * The greeting client: connects, prints what the server says, and ends when the server does.
 *
 * Try it: start 01_greeting_server in another terminal, then 02_greeting_client.
 *
 * The tutorials call recv(1024) once. A stream has no message borders: one recv may bring a part of what was sent, so the
 * greeting is whole only when recv says 0, the end of the stream. "localhost" may be ::1 or 127.0.0.1; both are tried.
 */
#include <hawser.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv) {
    int port = argc > 1 ? atoi(argv[1]) : 12345;
    hawser_sock *s = hawser_create_connection("localhost", port, NULL);
    if (!s) {
        fprintf(stderr, "%s\n", hawser_error());
        return 1;
    }
    char text[1024];
    ssize_t n;
    while ((n = hawser_recv(s, text, sizeof text)) > 0)
        fwrite(text, 1, (size_t)n, stdout);
    putchar('\n');
    if (n < 0)
        fprintf(stderr, "%s\n", hawser_error());
    hawser_close(s);
    return n < 0;
}
