/* SPDX-License-Identifier: MIT */
/*
 * A search under way. explore.c goes through the seeds until one fails; shrink.c then looks for a smaller model that fails in
 * the same way. What has been found so far is always complete: whenever the search stops, the best of it is there.
 */
#ifndef HAWSER__SEARCH_H
#define HAWSER__SEARCH_H

#include "sim/attempt.h"

struct hawser__search {
    struct hawser__attempt attempt;   /* the next run */
    hawser_sim_report *found;
    int64_t began, told;              /* real time: when the search began, and when it last said how far it is */
    bool shows;                       /* how far it is, on a terminal */
    uint64_t runs;
    uint64_t steps, print;            /* of the run in FOUND: see hawser__effort */
};

/* One run of MODEL with SEED. Whether it failed: FOUND has it then. One that could not begin has not. */
bool hawser__search_try(struct hawser__search *search, const hawser_sim_model *model, uint64_t seed);

/* Makes the model in FOUND, which has a failure, as small as it gets. */
void hawser__search_shrink(struct hawser__search *search);

#endif
