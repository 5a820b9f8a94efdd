/* SPDX-License-Identifier: MIT */
/*
 * Datagrams go back to where they came from: a handler that sees one of them.
 *
 * usage: datagrams [WORKERS] [SEGMENTATION: 0 or 1]
 */
#include "serve.h"
#include "support.h"

static void answer(hawser_request *r) {
    hawser_write(r->wfile, r->data, r->size);
}

int main(int argc, char **argv) {
    const hawser_server_options options = {.segmentation = bench_number(argc, argv, 2, 0) != 0};
    return serve_requests(bench_number(argc, argv, 1, 1), SOCK_DGRAM, answer, &options);
}
