/* SPDX-License-Identifier: MIT */
/*
 * usage: differential [--first SEED] [--count N] [--all] [--seconds N]
 *
 * Runs N random programs of socket calls (steps.h) in a simulated world where nothing goes wrong, and on the kernel's loopback,
 * and compares what came of every call. At the first difference it shows the program, shrunk to what is needed for one; --all
 * gives a line to each that differs and goes on. With --seconds it ends after that time, however many there were.
 */
#include "steps.h"

#include <hawser/sim.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct run {
    struct program program;
    struct step done[STEPS_MOST];
    char lines[STEPS_MOST][LINE];
    char folder[64];
};

static uint64_t cut_short;   /* programs whose rest was left to chance */

static int simulate(void *arg) {
    struct run *run = arg;
    struct stage stage = {.mapped = run->program.seed % 2, .theme = (int)(run->program.seed / 2 % 10)};
    snprintf(stage.folder, sizeof stage.folder, "%s", run->folder);
    for (int i = 0; i < run->program.count; i++) {
        do_step(&stage, &run->program.steps[i], run->lines[i]);
        run->done[i] = stage.done;
    }
    end_stage(&stage);
    return 0;
}

static void empty_folder(const char *path) {
    DIR *folder = opendir(path);
    char name[512];
    for (struct dirent *entry; folder && (entry = readdir(folder));)
        if (entry->d_name[0] != '.') {
            snprintf(name, sizeof name, "%s/%s", path, entry->d_name);
            unlink(name);
        }
    if (folder)
        closedir(folder);
}

static void show(const struct run *run, int until, const char *got) {
    char text[LINE];
    for (int i = 0; i <= until; i++) {
        describe_step(&run->done[i], text);
        printf("  %-32s %s\n", text, run->lines[i]);
    }
    printf("  %-32s %s\n", "  the kernel:", got);
}

/* The step at which the kernel differs, -1 if at none; GOT is then what it said. */
static int run_on_kernel(const struct run *run, char got[static LINE]) {
    struct stage stage = {.waits = true, .mapped = run->program.seed % 2, .theme = (int)(run->program.seed / 2 % 10)};
    int differs = -1;
    snprintf(stage.folder, sizeof stage.folder, "%s", run->folder);
    for (int i = 0; i < run->program.count && differs < 0; i++) {
        stage.expected = run->lines[i];
        do_step(&stage, &run->program.steps[i], got);
        if (stage.over) {
            cut_short++;
            break;
        }
        if (strcmp(got, run->lines[i]) != 0)
            differs = i;
    }
    end_stage(&stage);
    empty_folder(run->folder);
    return differs;
}

/* The step at which the two differ, -1 if at none, -2 if the simulation could not be run. What differs by chance (a port of the
 * kernel's choice that was another socket's a moment ago) does not do so three times over. */
static int compare(struct run *run, char got[static LINE]) {
    int at = 0;
    if (hawser_sim_run(run->program.seed, NULL, simulate, run) < 0)
        return -2;
    for (int i = 0; i < 3 && at >= 0; i++)
        at = run_on_kernel(run, got);
    return at;
}

/* Leaves out what is not needed for a difference, which may become another one by that. */
static int shrink(struct run *run, int at, char got[static LINE]) {
    static struct run less;
    char said[LINE];
    run->program.count = at + 1;
    for (int i = at; i >= 0; i--) {
        less = *run;
        less.program.count--;
        struct step *gone = &less.program.steps[i];
        memmove(gone, gone + 1, (size_t)(less.program.count - i) * sizeof *gone);
        int found = compare(&less, said);
        if (found < 0)
            continue;
        *run = less;
        run->program.count = found + 1;
        memcpy(got, said, LINE);
        at = found;
        i = i < found + 1 ? i : found + 1;
    }
    return at;
}

static bool differs(struct run *run, uint64_t seed, bool whole) {
    char got[LINE], text[LINE];
    make_program(&run->program, seed);
    int at = compare(run, got);
    if (at == -2)
        return printf("seed %llu: the simulation failed: %s\n", (unsigned long long)seed, hawser_error()), true;
    if (at < 0)
        return false;
    if (whole) {
        at = shrink(run, at, got);
        printf("seed %llu differs:\n", (unsigned long long)seed);
        show(run, at, got);
        return true;
    }
    describe_step(&run->done[at], text);
    printf("seed %llu differs at step %d: %s: %s; the kernel: %s\n", (unsigned long long)seed, at, text, run->lines[at], got);
    return true;
}

int main(int argc, char **argv) {
    static struct run run;
    uint64_t first = 1, count = 1000, seconds = UINT32_MAX, done = 0, different = 0;
    bool all = false;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--all") == 0)
            all = true;
        else if (i + 1 < argc && strcmp(argv[i], "--first") == 0)
            first = strtoull(argv[++i], NULL, 10);
        else if (i + 1 < argc && strcmp(argv[i], "--count") == 0)
            count = strtoull(argv[++i], NULL, 10);
        else if (i + 1 < argc && strcmp(argv[i], "--seconds") == 0)
            seconds = strtoull(argv[++i], NULL, 10);
        else
            return fprintf(stderr, "usage: differential [--first SEED] [--count N] [--all] [--seconds N]\n"), 2;
    }
    snprintf(run.folder, sizeof run.folder, "/tmp/hawser-differential-XXXXXX");
    if (!mkdtemp(run.folder))
        return 2;
    time_t end = time(NULL) + (time_t)seconds;
    for (; done < count && (all || !different) && time(NULL) < end; done++)
        different += differs(&run, first + done, !all);
    rmdir(run.folder);
    printf("%llu programs of %d calls from seed %llu on, %llu of them differ; %llu were cut short by chance\n",
           (unsigned long long)done, STEPS_MOST, (unsigned long long)first, (unsigned long long)different,
           (unsigned long long)cut_short);
    return different > 0;
}
