/* SPDX-License-Identifier: MIT */
/*
 * Short connections: one request of 64 bytes, written back, and closed.
 *
 * usage: churn [WORKERS]
 */
#include "serve.h"
#include "support.h"

static int visit(void *client) {
    char request[64];
    if (hawser_recv_exactly(client, request, sizeof request) > 0)
        hawser_sendall(client, request, sizeof request);
    hawser_close(client);
    return 0;
}

int main(int argc, char **argv) {
    return serve(bench_number(argc, argv, 1, 1), visit);
}
