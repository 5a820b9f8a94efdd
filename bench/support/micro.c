/* SPDX-License-Identifier: MIT */
/* See micro.h. */
#include "micro.h"

#include "support.h"

#include <stdio.h>
#include <string.h>

double micro_best(void (*once)(void *arg, size_t times), void *arg, size_t times) {
    int64_t best = INT64_MAX;
    for (int round = 0; round < MICRO_ROUNDS; round++) {
        int64_t begin = bench_cpu();
        once(arg, times);
        int64_t took = bench_cpu() - begin;
        best = took < best ? took : best;
    }
    return (double)best / (double)times;
}

void micro_print(const char *name, double value, const char *unit) {
    printf("%s %.2f %s\n", name, value, unit);
    fflush(stdout);
}

/* The number of KiB behind NAME in a file of /proc, in bytes. */
static size_t bytes_in(const char *path, const char *name) {
    char line[256];
    size_t kibibytes = 0;
    FILE *file = fopen(path, "re");
    if (!file)
        bench_die(path);
    while (fgets(line, sizeof line, file)) {
        if (strncmp(line, name, strlen(name)) == 0 && sscanf(line + strlen(name), "%zu", &kibibytes) == 1)
            break;
    }
    fclose(file);
    return kibibytes * 1024;
}

size_t micro_resident(void) {
    return bytes_in("/proc/self/smaps_rollup", "Rss:"); /* VmRSS of status lags behind */
}

size_t micro_page_tables(void) {
    return bytes_in("/proc/self/status", "VmPTE:");
}
