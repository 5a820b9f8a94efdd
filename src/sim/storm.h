/* SPDX-License-Identifier: MIT */
/* What the model does to a world by itself: crashes and starts of hosts, partitions that come and heal. */
#ifndef HAWSER__STORM_H
#define HAWSER__STORM_H

#include "sim/simulation.h"

void hawser__storm_begin(hawser__simulation *self);
void hawser__storm_end(hawser__simulation *self);

/* Who waits for what, or never waits, in SIZE bytes of TEXT, behind a colon: for the sentence of a run that is stuck. */
void hawser__storm_waiters(char *text, size_t size);

#endif
