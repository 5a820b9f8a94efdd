/* SPDX-License-Identifier: MIT */
/* The modes on the closed loop. */
#include "load.h"

#include "support.h"

#include <stdio.h>
#include <unistd.h>

void load_echo(const struct settings *settings) {
    struct script script = script_echo(settings->size);
    closed_run(closed_open(settings, &script));
}

void load_lines(const struct settings *settings) {
    struct script script = script_lines(settings->depth);
    closed_run(closed_open(settings, &script));
}

/* One message on each connection, then they are held until standard input says go on; all of them must then still work. */
void load_hold(const struct settings *settings) {
    struct script script = script_echo(settings->size);
    struct load *load = closed_open(settings, &script);
    printf("holding=%zu\n", settings->connections);
    fflush(stdout);
    char go;
    if (read(STDIN_FILENO, &go, 1) < 0)
        bench_die("read");
    closed_each_once(load);
    printf("alive=%zu\n", settings->connections);
}

/* The server answers each request with the number of the worker it is served by: how many have which. */
void load_census(const struct settings *settings) {
    struct script script = script_echo(1);
    script.replies = NULL;
    const uint8_t *first = closed_first_bytes(closed_open(settings, &script));
    size_t counts[256] = {0};
    for (size_t i = 0; i < settings->connections; i++)
        counts[first[i]]++;
    for (size_t i = 0; i < 256; i++) {
        if (counts[i])
            printf("worker%zu=%zu ", i, counts[i]);
    }
    printf("connections=%zu\n", settings->connections);
}
