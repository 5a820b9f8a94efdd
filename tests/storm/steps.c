/* SPDX-License-Identifier: MIT */
#include "storm.h"

#include "sim/simulation.h"

#include <pthread.h>

static unsigned spacing;   /* on average so many steps between two changes of the strand; 0 = none */

void storm_set_spacing(unsigned steps) {
    spacing = steps;
}

void storm_step(void) {
    hawser__simulation *self = hawser__simulation_here;
    if (!self || self->inside || !self->strands.running || spacing == 0)
        return;
    if (hawser__chance_below(&self->world.chance, spacing) == 0)
        hawser__strand_give_way();
}

/* This file is built without the steps: this is the real one. */
int storm_mutex_lock(pthread_mutex_t *mutex) {
    while (hawser__simulation_here && hawser__simulation_here->strands.running && pthread_mutex_trylock(mutex) != 0)
        hawser__strand_give_way();
    if (!hawser__simulation_here || !hawser__simulation_here->strands.running)
        return pthread_mutex_lock(mutex);
    return 0;
}
