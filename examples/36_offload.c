/* SPDX-License-Identifier: MIT */
/*
 * A long computation, and a fiber that ticks beside it: hawser_offload takes the computation to a thread of its own.
 *
 * Try it: start it, and the ticks go on; start it with "here" after its name, and the fiber computes by itself: no tick until
 * it has ended, since a worker runs one fiber at a time and this one never waits.
 *
 * The same goes for all code that keeps its thread and does not know this library: a database driver, a lock of pthreads, a
 * compressor. Files and names need no such care; reading and looking them up in a fiber goes elsewhere by itself.
 */
#include <hawser.h>
#include <stdio.h>
#include <string.h>

static int computing = 1, ticks; /* both fibers are on one worker: between two waits nobody else touches these */

/* Of all numbers below *LIMIT the one that takes most steps to 1, by "half it if even, else three times it and one". */
static int longest_way(void *limit) {
    int best = 1, most = 0;
    for (int start = 1; start < *(int *)limit; start++) {
        int steps = 0;
        for (long long n = start; n != 1; n = n % 2 ? 3 * n + 1 : n / 2)
            steps++;
        if (steps > most) {
            most = steps;
            best = start;
        }
    }
    return best;
}

static int tick(void *arg) {
    (void)arg;
    for (; hawser_sleep(0.05) == 0 && computing; ticks++)
        puts("tick");
    return 0;
}

static int compute(void *here) {
    int limit = 1000000;
    if (hawser_go(tick, NULL) < 0)
        return -1;
    hawser_yield(); /* the other one begins */
    int best = *(int *)here ? longest_way(&limit) : hawser_offload(longest_way, &limit);
    computing = 0;
    if (best < 0)
        return -1;
    printf("below %d the longest way has %d, and there were %d ticks\n", limit, best, ticks);
    return 0;
}

int main(int argc, char **argv) {
    int here = argc > 1 && strcmp(argv[1], "here") == 0;
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (hawser_run(compute, &here, NULL) < 0) {
        fprintf(stderr, "%s\n", hawser_error());
        return 1;
    }
    return 0;
}
