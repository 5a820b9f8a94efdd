/* SPDX-License-Identifier: MIT */
/*
 * Short connections: one request of 64 bytes, written back, and closed in the polite way of a server.
 *
 * usage: churn_server [WORKERS]
 */
#include "serve.h"
#include "support.h"

static void visit(hawser_request *r) {
    char request[64];
    if (hawser_recv_exactly(r->sock, request, sizeof request) > 0)
        hawser_sendall(r->sock, request, sizeof request);
}

int main(int argc, char **argv) {
    return serve_requests(bench_number(argc, argv, 1, 1), SOCK_STREAM, visit, NULL);
}
