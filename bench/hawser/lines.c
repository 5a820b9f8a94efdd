/* SPDX-License-Identifier: MIT */
/*
 * Lines, each answered with "OK..." before it: readline and printf on one file, and nothing about gathering.
 *
 * usage: lines [WORKERS]
 */
#include "serve.h"
#include "support.h"

static int answer_lines(void *client) {
    hawser_file *file = hawser_makefile(client, "rw");
    char line[256];
    if (file)
        hawser_file_tie(file, file);
    while (file && hawser_readline(file, line, sizeof line) > 0 && hawser_printf(file, "OK...%s", line) > 0)
        ;
    hawser_file_close(file);
    hawser_close(client);
    return 0;
}

int main(int argc, char **argv) {
    return serve(bench_number(argc, argv, 1, 1), answer_lines);
}
