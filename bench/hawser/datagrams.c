/* SPDX-License-Identifier: MIT */
/*
 * Datagrams go back to where they came from, one at a time.
 *
 * usage: datagrams [WORKERS]
 */
#include "serve.h"
#include "support.h"

static int answer(void *arg) {
    (void)arg;
    hawser_sock *socket = serve_listen(SOCK_DGRAM);
    char data[2048];
    hawser_addr peer;
    ssize_t n;
    while ((n = hawser_recvfrom(socket, data, sizeof data, &peer)) >= 0)
        hawser_sendto_addr(socket, data, (size_t)n, 0, &peer);
    return -1;
}

int main(int argc, char **argv) {
    return serve_run(bench_number(argc, argv, 1, 1), answer, NULL);
}
