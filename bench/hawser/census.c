/* SPDX-License-Identifier: MIT */
/*
 * Says to every connection, for each byte received, the number of the worker that serves it.
 *
 * usage: census [WORKERS]
 */
#include "serve.h"
#include "support.h"

static int tell_worker(void *client) {
    char request[1], worker = (char)hawser_worker();
    while (hawser_recv(client, request, sizeof request) > 0 && hawser_sendall(client, &worker, 1) == 0)
        ;
    hawser_close(client);
    return 0;
}

int main(int argc, char **argv) {
    return serve(bench_number(argc, argv, 1, 2), tell_worker);
}
