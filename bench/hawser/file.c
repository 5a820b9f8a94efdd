/* SPDX-License-Identifier: MIT */
/*
 * A file for everybody who connects.
 *
 * usage: file PATH [WORKERS]
 */
#include "serve.h"
#include "support.h"

#include <fcntl.h>

static int file;

static int send_file(void *client) {
    hawser_sendfile(client, file, 0, 0);
    hawser_close(client);
    return 0;
}

int main(int argc, char **argv) {
    file = argc > 1 ? open(argv[1], O_RDONLY | O_CLOEXEC) : -1;
    if (file < 0)
        bench_die("open");
    return serve(bench_number(argc, argv, 2, 1), send_file);
}
