/* SPDX-License-Identifier: MIT */
/*
 * Storms: short scenarios, each a world of its own, in which the steps of workers come in an order that the seed decides
 * (steps.h). A scene fails by hawser_sim_fail, by getting stuck, or by taking more virtual time than it can need.
 */
#ifndef TESTS_STORM_H
#define TESTS_STORM_H

#include <hawser/sim.h>

#include <pthread.h>

struct scene {
    const char *name;
    hawser_fn scenario;
    hawser_sim_model model;
};

extern const struct scene storm_wakes, storm_sockets, storm_servers, storm_handover, storm_gossip;

void storm_step(void);
void storm_set_spacing(unsigned steps);
int storm_mutex_lock(pthread_mutex_t *mutex);

/* Draws how densely this world's strands change, and with which number of workers. In a scenario, first of all. */
int storm_workers(void);

/* This world lasted so many virtual seconds, which is what is told of scenes that say so. */
void storm_note_virtual(double seconds);

/* A check of a scene. */
#define MUST(condition)                                                                                                       \
    do {                                                                                                                      \
        if (!(condition))                                                                                                     \
            hawser_sim_fail("%s:%d: not so: %s", __FILE__, __LINE__, #condition);                                        \
    } while (0)

#endif
