/* SPDX-License-Identifier: MIT */
/* A yield that lets another fiber run: among 2, 1,000 and 10,000 of them. */
#include "micro.h"
#include "serve.h"

#define TIMES 1000000

static bool stop;

static int yield_on(void *arg) {
    (void)arg;
    while (!stop)
        hawser_yield();
    return 0;
}

static void yield_many(void *arg, size_t times) {
    size_t fibers = *(size_t *)arg;
    for (size_t i = 0; i < times; i += fibers) /* each time all of them yield once */
        hawser_yield();
}

static void measure_among(const char *name, size_t fibers) {
    hawser_group *group = hawser_group_open(NULL);
    stop = false;
    for (size_t i = 1; i < fibers; i++) {
        if (!group || hawser_group_go(group, yield_on, NULL) < 0)
            serve_die();
    }
    hawser_yield();
    micro_print(name, micro_best(yield_many, &fibers, TIMES), "ns");
    stop = true;
    hawser_group_close(group);
}

static int measure(void *arg) {
    (void)arg;
    measure_among("yield", 2);
    measure_among("yield_1000", 1000);
    measure_among("yield_10000", 10000);
    return 0;
}

int main(void) {
    return serve_run(1, measure, NULL);
}
