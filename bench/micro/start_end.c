/* SPDX-License-Identifier: MIT */
/* A fiber from start to end: one at a time, and a hundred at once. Both with the yields that let them run. */
#include "micro.h"
#include "serve.h"

#define TIMES 200000

static int nothing(void *arg) {
    (void)arg;
    return 0;
}

static void start_many(void *arg, size_t times) {
    size_t at_once = *(size_t *)arg;
    for (size_t i = 0; i < times; i += at_once) {
        for (size_t j = 0; j < at_once; j++) {
            if (hawser_go(nothing, NULL) < 0)
                serve_die();
        }
        hawser_yield();
    }
}

static int measure(void *arg) {
    (void)arg;
    size_t one = 1, hundred = 100;
    micro_print("start_end", micro_best(start_many, &one, TIMES), "ns");
    micro_print("start_end_100", micro_best(start_many, &hundred, TIMES), "ns");
    return 0;
}

int main(void) {
    return serve_run(1, measure, NULL);
}
