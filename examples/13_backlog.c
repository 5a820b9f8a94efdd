/* SPDX-License-Identifier: MIT */
/*
 * What the 5 of listen(5) means: how many connections wait to be accepted, beyond the first. It limits no clients.
 *
 * Try it: 13_backlog, or 13_backlog 2, or 13_backlog 10
 *
 * The tutorials say that with listen(5) the 6th is refused. In truth six connect, though nobody has called accept, and the
 * seventh is not refused: the kernel drops its call in silence and the client calls again after 1, 3, 7 ... seconds, until the
 * server accepts somebody or the client's own timeout ends it. Here that timeout is 0.5 s.
 */
#include <hawser.h>
#include <stdio.h>
#include <stdlib.h>

enum { MOST = 64 };

static hawser_sock *call(const hawser_addr *server) {
    hawser_sock *c = hawser_socket(AF_INET, SOCK_STREAM, 0);
    if (c && hawser_settimeout(c, 0.5) == 0 && hawser_connect_addr(c, server) == 0)
        return c;
    hawser_close(c);
    return NULL;
}

int main(int argc, char **argv) {
    int backlog = argc > 1 ? atoi(argv[1]) : 5, count = 0;
    hawser_sock *clients[MOST], *late = NULL, *accepted = NULL;
    hawser_addr server;
    hawser_sock *s = hawser_socket(AF_INET, SOCK_STREAM, 0);
    if (!s || hawser_bind(s, "127.0.0.1", 0) < 0 || hawser_listen(s, backlog) < 0 || hawser_getsockname(s, &server) < 0)
        goto out;
    printf("listen(%d), and nobody calls accept\n", backlog);

    while (count < MOST && (clients[count] = call(&server)))
        printf("client %d is connected\n", ++count);
    if (count < MOST)
        printf("client %d waits: %s\n", count + 1, hawser_error());

    accepted = hawser_accept(s, NULL);
    late = accepted ? call(&server) : NULL;
    if (late)
        printf("one accept later client %d is connected\n", count + 1);
out:
    if (!late)
        fprintf(stderr, "%s\n", hawser_error());
    while (count > 0)
        hawser_close(clients[--count]);
    hawser_close(accepted);
    hawser_close(late);
    hawser_close(s);
    return late ? 0 : 1;
}
