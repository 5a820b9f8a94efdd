/* SPDX-License-Identifier: MIT */
/*
 * Echo as everybody writes it first: receive into a small buffer on the stack, send it back.
 *
 * usage: echo [WORKERS]
 */
#include "serve.h"
#include "support.h"

static int echo(void *client) {
    char text[512];
    ssize_t n;
    while ((n = hawser_recv(client, text, sizeof text)) > 0 && hawser_sendall(client, text, (size_t)n) == 0)
        ;
    hawser_close(client);
    return 0;
}

int main(int argc, char **argv) {
    return serve(bench_number(argc, argv, 1, 1), echo);
}
