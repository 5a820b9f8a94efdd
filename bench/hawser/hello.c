/* SPDX-License-Identifier: MIT */
/*
 * How fast a program is up: greets each connection with "hello".
 *
 * usage: hello [WORKERS]    0 = one for each CPU
 */
#include "serve.h"
#include "support.h"

static int greet(void *client) {
    hawser_sendall(client, "hello\n", 6);
    hawser_close(client);
    return 0;
}

int main(int argc, char **argv) {
    return serve(bench_number(argc, argv, 1, 0), greet);
}
