/* SPDX-License-Identifier: MIT */
/*
 * Echo of large messages with a buffer of 64 KiB for each connection, as a program does that does not borrow.
 *
 * usage: echo_large [WORKERS]
 */
#include "serve.h"
#include "support.h"

#include <stdlib.h>

#define SIZE 65536

static int echo(void *client) {
    char *data = malloc(SIZE);
    ssize_t n;
    while (data && (n = hawser_recv(client, data, SIZE)) > 0 && hawser_sendall(client, data, (size_t)n) == 0)
        ;
    free(data);
    hawser_close(client);
    return 0;
}

int main(int argc, char **argv) {
    return serve(bench_number(argc, argv, 1, 1), echo);
}
