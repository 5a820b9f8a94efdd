/* SPDX-License-Identifier: MIT */
/* hawser_sim_explore: seed after seed, until one fails. */
#include "base/clock.h"
#include "base/error.h"
#include "base/mem.h"
#include "base/sys.h"
#include "sim/replay.h"
#include "sim/search.h"
#include "sim/simulation.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Telling. */

static double seconds_since(int64_t began) {
    return (double)(hawser__clock_monotonic() - began) / HAWSER__SECOND;
}

/* How far it is, over what was said before. */
static void show(struct hawser__search *search) {
    char line[160];
    int64_t now = hawser__clock_monotonic(), passed = now - search->began;
    if (!search->shows || now - search->told < HAWSER__SECOND)
        return;
    search->told = now;
    uint64_t rate = (uint64_t)((double)search->runs * HAWSER__SECOND / (double)passed);
    int length = snprintf(line, sizeof line, "\r\033[Khawser: %" PRIu64 " runs, %" PRIu64 " a second, %s", search->runs, rate,
                          search->found->code ? "looking for a smaller model" : "none has failed");
    (void)hawser__sys_write_nosigpipe(2, line, (size_t)length);
}

static void clear_line(const struct hawser__search *search) {
    if (search->shows && search->told > search->began)
        (void)hawser__sys_write_nosigpipe(2, "\r\033[K", 4);
}

static void tell_first(const struct hawser__search *search) {
    const hawser_sim_report *found = search->found;
    clear_line(search);
    hawser__replay_say("hawser: run %" PRIu64 ", seed %" PRIu64 ", failed: %s\n", search->runs, found->seed, found->sentence);
}

static void say_unsteady(uint64_t seed) {
    hawser__replay_say("hawser: seed %" PRIu64 " did not go the same way again: something beside it decides in this "
                       "scenario\n", seed);
}

static void tell(const struct hawser__search *search) {
    clear_line(search);
    hawser__replay_tell(search->found->sentence, search->found->command);
    if (search->found->unsteady)
        say_unsteady(search->found->seed);
}

/* Searching. */

bool hawser__search_try(struct hawser__search *search, const hawser_sim_model *model, uint64_t seed) {
    hawser_sim_report *found = search->found;
    search->attempt.model = *model;
    search->attempt.seed = seed;
    search->runs++;
    int result = hawser__attempt_run(&search->attempt, false);
    if (result >= 0 || !search->attempt.began) {
        show(search);
        return false;
    }
    search->steps = hawser__effort_here.steps;
    search->print = hawser__effort_here.print;
    found->code = errno;
    found->seed = seed;
    found->model = *model;
    snprintf(found->sentence, sizeof found->sentence, "%s", hawser_error());
    show(search);
    return true;
}

/* 1: one failed; 0: none; -1: the search cannot be done. */
static int look(struct hawser__search *search, uint64_t seed, uint64_t count) {
    const hawser_sim_model model = search->attempt.model;
    for (uint64_t i = 0; i < count; i++) {
        if (hawser__search_try(search, &model, seed + i))
            return 1;
        if (!search->attempt.began)
            return -1;
    }
    return 0;
}

/* Once more, to be seen. */
static void run_smallest(struct hawser__search *search) {
    hawser_sim_report *found = search->found;
    search->attempt.model = found->model;
    search->attempt.seed = found->seed;
    search->runs++;
    int result = hawser__attempt_run(&search->attempt, true), code = errno;
    found->unsteady = result >= 0 || code != found->code || hawser__effort_here.print != search->print;
}

static void report(struct hawser__search *search, uint64_t first) {
    hawser_sim_report *found = search->found;
    const hawser_sim_model *model = &found->model;
    found->first = first;
    run_smallest(search);
    hawser__replay_command(found->seed, model, found->command, sizeof found->command);
    if (!model->quiet)
        tell(search);
    hawser__fail_sentence(found->code, "%s", found->sentence);
}

/* None has failed. The last seed once more, to be seen, and to see that it goes the same way. Keeps errno. */
static void run_last(struct hawser__search *search) {
    int saved = errno;
    uint64_t print = hawser__effort_here.print;
    bool failed = hawser__attempt_run(&search->attempt, true) < 0;
    search->found->unsteady = failed || hawser__effort_here.print != print;
    if (failed && !search->attempt.model.quiet)
        hawser__replay_say("hawser: seed %" PRIu64 ", run once more, failed: %s\n", search->attempt.seed, hawser_error());
    if (search->found->unsteady && !search->attempt.model.quiet)
        say_unsteady(search->attempt.seed);
    errno = saved;
}

static void find_smallest(struct hawser__search *search) {
    if (!search->found->model.quiet)
        tell_first(search);
    hawser__search_shrink(search);
}

static int search_all(struct hawser__search *search, uint64_t seed, uint64_t count) {
    search->shows = !search->attempt.model.quiet && isatty(2);
    search->began = search->told = hawser__clock_monotonic();
    int result = look(search, seed, count);
    if (result > 0) {
        uint64_t first = search->found->seed;
        if (!search->attempt.seed_given)
            find_smallest(search);
        report(search, first);
    } else {
        clear_line(search);
        if (result == 0)
            run_last(search);
    }
    search->found->runs = search->runs;
    search->found->seconds = seconds_since(search->began);
    return result;
}

int hawser_sim_explore(uint64_t first_seed, uint64_t count, const hawser_sim_model *model, hawser_fn scenario, void *arg,
                       hawser_sim_report *ret) {
    struct hawser__search search = {.runs = 0};
    if (hawser__attempt_prepare(&search.attempt, first_seed, model, scenario, arg) < 0)
        return -1;
    if (count == 0)
        return hawser__fail(EINVAL, "explore no seeds");
    search.found = hawser__zalloc(sizeof *search.found);
    if (!search.found)
        return hawser__fail(ENOMEM, "explore seeds");
    search.attempt.death = hawser__death_watch(true);
    int result = search_all(&search, search.attempt.seed, search.attempt.seed_given ? 1 : count), code = errno;
    hawser__death_unwatch(search.attempt.death);
    if (ret)
        *ret = *search.found;
    hawser__free(search.found);
    errno = code;
    return result;
}
