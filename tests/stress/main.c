/* SPDX-License-Identifier: MIT */
/* usage: stress [--steps N] [--seed N] [--workers N] [--engine NAME] [--actors N]. Prints the seed first and the counts at the end. */
#include "stress.h"

#include "support/support.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static uint64_t steps = 200000, seed;
static int workers = 2, actors = 32;
static const char *engine;
static atomic_uint_fast64_t made;
static atomic_bool over;

void wrong(const char *what) {
    fprintf(stderr, "stress: %s does not hold (seed %llu); errno %d (%s), \"%s\"\n", what, (unsigned long long)seed, errno,
            strerror(errno), hawser_error());
    abort();
}

/* splitmix64 */
uint64_t draw(actor *self, uint64_t bound) {
    uint64_t z = (self->random += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return (z ^ (z >> 31)) % bound;
}

void step(actor *self) {
    self->steps++;
    if (atomic_fetch_add(&made, 1) + 1 >= steps)
        atomic_store(&over, true);
}

static int act(void *arg) {
    actor *self = arg;
    char name[32];
    snprintf(name, sizeof name, "actor %d", self->number);
    hawser_fiber_setname(name);
    while (!atomic_load(&over)) {
        if (draw(self, 4) == 0)
            act_in_private(self);
        else
            act_on_table(self);
    }
    return 0;
}

static int look_around(void *arg) {
    (void)arg;
    while (!atomic_load(&over)) {
        check_dump();
        hawser_sleep(0.05);
    }
    return 0;
}

static int play(void *arg) {
    (void)arg;
    actor *all = calloc((size_t)actors, sizeof *all);
    open_table();
    hawser_group *group = hawser_group_open(NULL);
    for (int i = 0; i < actors; i++) {
        hawser_go_options options = {.group = group, .worker = 1 + i % hawser_workers()};
        all[i] = (actor){.random = seed * 1000003 + (uint64_t)i, .number = i};
        MUST(hawser_go_with(&options, act, &all[i]) == 0);
    }
    MUST(hawser_group_go(group, look_around, NULL) == 0);
    MUST(hawser_group_wait(group) == 0);
    hawser_group_close(group);
    close_table();
    free(all);
    return 0;
}

static void read_options(int argc, char **argv) {
    static const struct option known[] = {{"steps", 1, NULL, 's'},  {"seed", 1, NULL, 'r'},   {"workers", 1, NULL, 'w'},
                                          {"engine", 1, NULL, 'e'}, {"actors", 1, NULL, 'a'}, {NULL, 0, NULL, 0}};
    for (int option; (option = getopt_long(argc, argv, "", known, NULL)) != -1;) {
        if (option == 's')
            steps = strtoull(optarg, NULL, 10);
        else if (option == 'r')
            seed = strtoull(optarg, NULL, 10);
        else if (option == 'w')
            workers = (int)strtol(optarg, NULL, 10);
        else if (option == 'a')
            actors = (int)strtol(optarg, NULL, 10);
        else if (option == 'e')
            engine = optarg;
        else
            exit(2);
    }
}

/* The first run makes what the library and libc keep to the end of the process; the second leaves nothing. */
int main(void) {
    int argc = 0;
    while (test_arguments[argc])
        argc++;
    seed = (uint64_t)time(NULL);
    read_options(argc, test_arguments);
    hawser_run_options options = {.workers = workers, .engine = engine};
    printf("stress: seed %llu, %llu steps, %d workers, %d actors, engine %s\n", (unsigned long long)seed,
           (unsigned long long)steps, workers, actors, engine ? engine : "default");
    fflush(stdout);
    uint64_t wanted = steps;
    steps = 1000;
    MUST(hawser_run(play, NULL, &options) == 0);
    census before = take_census();
    steps = wanted;
    atomic_store(&made, 0);
    atomic_store(&over, false);
    clock_t began = clock();
    MUST(hawser_run(play, NULL, &options) == 0);
    const char *left = compare_census(before);
    if (left)
        fprintf(stderr, "stress: %s\n", left);
    printf("stress: %llu steps in %.1f s of processor time\n", (unsigned long long)atomic_load(&made),
           (double)(clock() - began) / CLOCKS_PER_SEC);
    return left != NULL;
}
