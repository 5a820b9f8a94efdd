/* SPDX-License-Identifier: MIT */
/*
 * Many fibers parked in sleep at once: the memory of each, the time to start them, and the time until all have ended after
 * they were cancelled.
 *
 * usage: parked [FIBERS]
 */
#include "micro.h"
#include "serve.h"
#include "support.h"

#include <inttypes.h>
#include <stdio.h>

#define AT_ONCE 1000

static uint64_t parked, cut;

static int sleep_long(void *arg) {
    (void)arg;
    parked++;
    if (hawser_sleep(1e6) < 0 && errno == ECANCELED)
        cut++;
    return 0;
}

static void start_all(hawser_group *group, uint64_t fibers) {
    for (uint64_t i = 0; i < fibers; i++) {
        if (hawser_group_go(group, sleep_long, NULL) < 0) {
            fprintf(stderr, "after %" PRIu64 " fibers: ", i);
            serve_die();
        }
        if (i % AT_ONCE == 0)
            hawser_yield();
    }
    while (parked < fibers)
        hawser_yield();
}

static int measure(void *arg) {
    uint64_t fibers = *(const uint64_t *)arg;
    hawser_group *group = hawser_group_open(NULL);
    size_t resident = micro_resident(), tables = micro_page_tables();
    int64_t begin = bench_now();
    if (!group)
        serve_die();
    start_all(group, fibers);
    int64_t started = bench_now();
    micro_print("parked_fibers", (double)parked, "fibers");
    micro_print("parked_resident", (double)(micro_resident() - resident) / (double)fibers, "B/fiber");
    micro_print("parked_page_tables", (double)(micro_page_tables() - tables) / (double)fibers, "B/fiber");
    micro_print("parked_start", (double)(started - begin) / (double)fibers, "ns/fiber");
    begin = bench_now();
    hawser_group_close(group);
    micro_print("parked_end", (double)(bench_now() - begin) / (double)fibers, "ns/fiber");
    errno = 0;
    if (cut != fibers)
        bench_die("some fibers did not hear that they were cancelled");
    return 0;
}

int main(int argc, char **argv) {
    uint64_t fibers = (uint64_t)bench_number(argc, argv, 1, 1000000);
    return serve_run(1, measure, &fibers);
}
