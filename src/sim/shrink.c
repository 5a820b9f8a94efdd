/* SPDX-License-Identifier: MIT */
/*
 * A model is made smaller field by field: first to zero, which is to say that the failure has nothing to do with it, then to
 * something milder. Each smaller model may be tried with several seeds, because with another model another seed may be needed
 * to come to the same failure. It goes round until a whole round has changed nothing.
 */
#include "sim/model_text.h"
#include "sim/search.h"
#include "sim/simulation.h"

#include <stdio.h>
#include <stdlib.h>

#define SEEDS 20          /* for each smaller model */
#define MORE_SEEDS 400    /* for zeros, when nothing else is left to try */
#define RUNS 2000         /* altogether */
#define EFFORT 100        /* times what the failure cost first: so much may a try cost */
#define EFFORT_LEAST 300000
#define SMALLEST 1e-3     /* milder than that is not asked for: zero was tried */
#define LARGEST 1e6

struct shrink {
    struct hawser__search *search;
    uint64_t limit;       /* of search->runs */
    uint64_t seeds;
    int code;             /* the failure that is wanted */
};

/* Whether MODEL fails as well, with any of the seeds: then it is the smallest so far. Where one takes too long, all do. */
static bool fails(struct shrink *shrink, const hawser_sim_model *model) {
    hawser_sim_report *found = shrink->search->found;
    const hawser_sim_report before = *found;
    const uint64_t print = shrink->search->print;
    for (uint64_t i = 0; i < shrink->seeds && shrink->search->runs < shrink->limit; i++) {
        if (!hawser__search_try(shrink->search, model, before.seed + i))
            continue;
        if (found->code == shrink->code && !hawser__effort_here.given_up)
            return true;
        *found = before;
        shrink->search->print = print;
        if (hawser__effort_here.given_up)
            break;
    }
    return false;
}

static bool fails_with(struct shrink *shrink, const struct hawser__model_field *field, double value) {
    hawser_sim_model model = shrink->search->found->model;
    return hawser__model_set(&model, field, value) && fails(shrink, &model);
}

static bool drop(struct shrink *shrink, const struct hawser__model_field *field) {
    double value = hawser__model_get(&shrink->search->found->model, field);
    return value != 0 && field->milder != HAWSER__MILDER_NOTHING && fails_with(shrink, field, 0);
}

/* Half, or twice, to two digits, which is what people read. */
static double milder(double value, enum hawser__milder direction) {
    char text[32];
    snprintf(text, sizeof text, "%.2g", direction == HAWSER__MILDER_LESS ? value / 2 : value * 2);
    return strtod(text, NULL);
}

static bool soften(struct shrink *shrink, const struct hawser__model_field *field) {
    bool changed = false;
    for (;;) {
        double value = hawser__model_get(&shrink->search->found->model, field);
        double next = value > 0 && field->milder != HAWSER__MILDER_NOTHING ? milder(value, field->milder) : 0;
        if (next < SMALLEST || next > LARGEST || next == value || !fails_with(shrink, field, next))
            return changed;
        changed = true;
    }
}

static bool go_round(struct shrink *shrink, bool (*step)(struct shrink *, const struct hawser__model_field *)) {
    bool changed = false;
    for (size_t i = 0; i < HAWSER__MODEL_FIELDS; i++)
        changed |= step(shrink, &hawser__model_fields[i]);
    return changed;
}

/* Everything at once first: most failures need next to nothing. */
static void drop_all(struct shrink *shrink) {
    hawser_sim_model model = shrink->search->found->model;
    bool dropped = false;
    for (size_t i = 0; i < HAWSER__MODEL_FIELDS; i++) {
        const struct hawser__model_field *field = &hawser__model_fields[i];
        if (field->milder == HAWSER__MILDER_NOTHING || hawser__model_get(&model, field) == 0)
            continue;
        dropped |= hawser__model_set(&model, field, 0);
    }
    if (dropped)
        (void)fails(shrink, &model);
}

/* With many seeds. A failure that is rare is not seen with few. */
static bool try_harder(struct shrink *shrink) {
    shrink->seeds = MORE_SEEDS;
    bool changed = go_round(shrink, drop);
    shrink->seeds = SEEDS;
    return changed;
}

void hawser__search_shrink(struct hawser__search *search) {
    struct shrink shrink = {search, search->runs + RUNS, SEEDS, search->found->code};
    hawser__effort_here.most = search->steps < EFFORT_LEAST / EFFORT ? EFFORT_LEAST : search->steps * EFFORT;
    drop_all(&shrink);
    do {
        while (go_round(&shrink, drop) || go_round(&shrink, soften))
            ;
    } while (try_harder(&shrink));
    hawser__effort_here.most = 0;
}
