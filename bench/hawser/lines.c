/* SPDX-License-Identifier: MIT */
/*
 * Lines, each answered with "OK..." before it: a handler of a server, and nothing about gathering.
 *
 * usage: lines [WORKERS]
 */
#include "serve.h"
#include "support.h"

static void answer_lines(hawser_request *r) {
    char line[256];
    while (hawser_readline(r->rfile, line, sizeof line) > 0)
        hawser_printf(r->wfile, "OK...%s", line);
}

int main(int argc, char **argv) {
    return serve_requests(bench_number(argc, argv, 1, 1), SOCK_STREAM, answer_lines, NULL);
}
