/* SPDX-License-Identifier: MIT */
/*
 * Echo with the worker's large buffer lent for the time of a read: no buffer of its own, for messages of any size.
 *
 * usage: echo_borrow [WORKERS]
 */
#include "serve.h"
#include "support.h"

static int echo(void *client) {
    const void *data;
    ssize_t n;
    while ((n = hawser_recv_borrow(client, &data)) > 0 && hawser_sendall(client, data, (size_t)n) == 0)
        ;
    hawser_close(client);
    return 0;
}

int main(int argc, char **argv) {
    return serve(bench_number(argc, argv, 1, 1), echo);
}
