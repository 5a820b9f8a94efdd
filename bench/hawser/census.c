/* SPDX-License-Identifier: MIT */
/*
 * Says to every connection, for each byte received, the number of the worker that serves it.
 *
 * usage: census [WORKERS]
 */
#include "serve.h"
#include "support.h"

static void tell_worker(hawser_request *r) {
    char request[1], worker = (char)hawser_worker();
    while (hawser_recv(r->sock, request, sizeof request) > 0 && hawser_sendall(r->sock, &worker, 1) == 0)
        ;
}

int main(int argc, char **argv) {
    return serve_requests(bench_number(argc, argv, 1, 2), SOCK_STREAM, tell_worker, NULL);
}
