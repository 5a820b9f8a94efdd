/* SPDX-License-Identifier: MIT */
/*
 * usage: storm [--scene NAME] [--first SEED] [--count N] [--seconds S] [--expect-failure] [--trace]
 *
 * Runs N worlds from SEED on, of each scene (but gossip, of which one world is long) or of one, and prints how many it did a
 * second. At the first that fails it says with which seed, and how to see that again. After S seconds a scene ends, however
 * many are left. --expect-failure: one has to fail.
 */
#include "storm.h"

#include <hawser/error.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

int hawser__simulation_run(uint64_t seed, const hawser_sim_model *model, hawser_fn scenario, void *arg);

struct wishes {
    const char *scene;
    uint64_t first, count;
    double seconds;
    bool expect_failure, trace;
};

static const struct scene *const scenes[] = {&storm_wakes, &storm_sockets, &storm_servers, &storm_handover, &storm_gossip};
#define SCENES (sizeof scenes / sizeof *scenes)

int storm_workers(void) {
    static const unsigned spacings[] = {2, 3, 8, 30, 100};
    storm_set_spacing(spacings[hawser_sim_random(sizeof spacings / sizeof *spacings)]);
    return 2 + (int)hawser_sim_random(2);
}

static double virtual_seconds;

void storm_note_virtual(double seconds) {
    virtual_seconds += seconds;
}

static double seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void show(const char *line, void *arg) {
    (void)arg;
    puts(line);
}

/* How many worlds there were; the last of them is the one that *FAILED. */
static uint64_t run(const struct scene *scene, const struct wishes *wishes, bool *failed) {
    hawser_sim_model model = scene->model;
    double end = seconds() + wishes->seconds;
    uint64_t done = 0;
    model.trace = wishes->trace ? show : NULL;
    for (*failed = false; !*failed && done < wishes->count && (wishes->seconds == 0 || seconds() < end); done++) {
        storm_set_spacing(0);
        *failed = hawser__simulation_run(wishes->first + done, &model, scene->scenario, NULL) < 0;
    }
    return done;
}

static int report(const struct scene *scene, const struct wishes *wishes) {
    bool failed;
    double begun = seconds();
    uint64_t done = run(scene, wishes, &failed), seed = wishes->first + done - 1;
    double took = seconds() - begun;
    if (failed)
        printf("%s: seed %llu failed: %s\n    again: storm --scene %s --first %llu --count 1 --trace\n", scene->name,
               (unsigned long long)seed, hawser_error(), scene->name, (unsigned long long)seed);
    if (virtual_seconds > 0)
        printf("%s: %.1f virtual hours a real minute\n", scene->name, virtual_seconds / 3600 / (took / 60));
    virtual_seconds = 0;
    printf("%s: from seed %llu on %llu interleavings in %.1f s, %.0f a second\n", scene->name,
           (unsigned long long)wishes->first, (unsigned long long)done, took, (double)done / took);
    return failed != wishes->expect_failure;
}

static int usage(void) {
    fprintf(stderr, "usage: storm [--scene NAME] [--first SEED] [--count N] [--seconds S] [--expect-failure] [--trace]\n");
    return 2;
}

static bool take(struct wishes *wishes, int argc, char **argv) {
    for (int i = 1; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : NULL;
        if (strcmp(argv[i], "--expect-failure") == 0)
            wishes->expect_failure = true;
        else if (strcmp(argv[i], "--trace") == 0)
            wishes->trace = true;
        else if (!value)
            return false;
        else if (strcmp(argv[i], "--scene") == 0)
            wishes->scene = argv[++i];
        else if (strcmp(argv[i], "--first") == 0)
            wishes->first = strtoull(argv[++i], NULL, 10);
        else if (strcmp(argv[i], "--count") == 0)
            wishes->count = strtoull(argv[++i], NULL, 10);
        else if (strcmp(argv[i], "--seconds") == 0)
            wishes->seconds = strtod(argv[++i], NULL);
        else
            return false;
    }
    return true;
}

int main(int argc, char **argv) {
    struct wishes wishes = {.first = 1, .count = 1000};
    int result = 0, found = 0;
    if (!take(&wishes, argc, argv))
        return usage();
    for (size_t i = 0; i < SCENES; i++)
        if (!wishes.scene || strcmp(wishes.scene, scenes[i]->name) == 0) {
            found++;
            struct wishes own = wishes;
            if (!wishes.scene && scenes[i] == &storm_gossip)
                own.count = 1;
            result |= report(scenes[i], &own);
        }
    return found ? result : usage();
}
