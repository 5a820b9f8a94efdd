/* SPDX-License-Identifier: MIT */
/*
 * Timers: FIBERS fibers that sleep for 1 to 20 ms again and again. The CPU time of one sleep, with parking, timer, the turn
 * of the loop and waking.
 *
 * usage: sleep [FIBERS]
 */
#include "micro.h"
#include "serve.h"
#include "support.h"

#define SECONDS 0.5

static bool stop;
static uint64_t sleeps;

static int sleep_on(void *arg) {
    uint64_t state = (uintptr_t)arg * 2654435761u + 1;
    while (!stop) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        hawser_sleep(0.001 + 0.019 * (double)(state >> 40) / (1 << 24));
        sleeps++;
    }
    return 0;
}

static int measure(void *arg) {
    uintptr_t fibers = *(const uintptr_t *)arg;
    for (uintptr_t i = 0; i < fibers; i++) {
        if (hawser_go(sleep_on, (void *)i) < 0)
            serve_die();
    }
    hawser_sleep(SECONDS / 5);
    int64_t begin = bench_cpu();
    uint64_t before = sleeps;
    hawser_sleep(SECONDS);
    micro_print("sleep", (double)(bench_cpu() - begin) / (double)(sleeps - before), "ns");
    stop = true;
    return 0;
}

int main(int argc, char **argv) {
    uintptr_t fibers = (uintptr_t)bench_number(argc, argv, 1, 10000);
    return serve_run(1, measure, &fibers);
}
