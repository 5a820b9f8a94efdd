/* SPDX-License-Identifier: MIT */
/*
 * Messages of 64 bytes go back; between two of them a connection is kept without a fiber.
 *
 * usage: kept [WORKERS]
 */
#include "serve.h"
#include "support.h"

static void answer(hawser_request *r) {
    char message[64];
    if (hawser_recv_exactly(r->sock, message, sizeof message) == sizeof message &&
        hawser_sendall(r->sock, message, sizeof message) == 0)
        hawser_keep(r);
}

int main(int argc, char **argv) {
    const hawser_server_options options = {.first_byte_timeout = 60};   /* the client speaks first: until then it has no fiber */
    return serve_requests(bench_number(argc, argv, 1, 1), SOCK_STREAM, answer, &options);
}
