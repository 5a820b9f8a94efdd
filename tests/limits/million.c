/* SPDX-License-Identifier: MIT */
/*
 * usage: million [FIBERS]
 *
 * Parks so many fibers in sleep at once, prints their memory, and cancels them all. When a start fails, it says so, and goes on with
 * those there are.
 */
#include <hawser.h>

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static atomic_long asleep, woken;

static long resident(void) {
    long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (!file || fscanf(file, "%*d %ld", &pages) != 1)
        return 0;
    fclose(file);
    return pages * sysconf(_SC_PAGESIZE);
}

static int nap(void *arg) {
    (void)arg;
    asleep++;
    if (hawser_sleep(3600) < 0 && errno == ECANCELED)
        woken++;
    return 0;
}

static long start_naps(hawser_group *group, long wanted) {
    for (long i = 0; i < wanted; i++)
        if (hawser_group_go(group, nap, NULL) < 0) {
            printf("after %ld: %s\n", i, hawser_error());
            return i;
        }
    return wanted;
}

static int park_all(void *arg) {
    long before = resident();
    double began = hawser_now();
    hawser_group *group = hawser_group_open(NULL);
    long started = start_naps(group, *(long *)arg);
    while (asleep < started)
        hawser_yield();
    printf("%ld fibers parked, %ld bytes each, in %.2f s\n", started, (resident() - before) / (started ? started : 1),
           hawser_now() - began);
    began = hawser_now();
    hawser_group_close(group);
    printf("cancelled and ended in %.2f s\n", hawser_now() - began);
    return woken == started && started > 0 ? 0 : 1;
}

int main(int argc, char **argv) {
    long wanted = argc > 1 ? strtol(argv[1], NULL, 10) : 1000000;
    hawser_run_options options = {.workers = 1};
    int result = hawser_run(park_all, &wanted, &options);
    if (result < 0)
        printf("%s\n", hawser_error());
    return result != 0;
}
