/* SPDX-License-Identifier: MIT */
/*
 * A run as the public calls make it: the caller's seed and model, changed as the environment says, and what is told of a
 * failure. hawser_sim_run makes one, a search makes thousands of the same with other seeds and models.
 */
#ifndef HAWSER__ATTEMPT_H
#define HAWSER__ATTEMPT_H

#include "sim/death.h"

struct hawser__attempt {
    uint64_t seed;
    hawser_sim_model model;
    hawser_fn scenario;
    void *arg;
    bool seed_given, model_given;   /* by the environment */
    struct hawser__death *death;    /* NULL = nobody watches */
    bool began;                     /* the scenario was called: a result below 0 is a failure of the run, and not of the call */
};

/* Fills ATTEMPT in; MODEL NULL is the perfect one. 0; or the public call has failed. */
int hawser__attempt_prepare(struct hawser__attempt *attempt, uint64_t seed, const hawser_sim_model *model, hawser_fn scenario,
                            void *arg);

/* One run. SEEN: with the trace and the diagram that were asked for. As hawser__simulation_run. */
int hawser__attempt_run(struct hawser__attempt *attempt, bool seen);

#endif
