/* SPDX-License-Identifier: MIT */
/* The numbers of a model, from the doubles of the public header to whole ones, which every compiler reckons alike. */
#ifndef HAWSER__NUMBERS_H
#define HAWSER__NUMBERS_H

#include "world/world.h"

/* A * B / C, towards 0, without overflow in between. */
static inline int64_t hawser__numbers_share(int64_t a, int64_t b, int64_t c) {
    return (int64_t)((__int128)a * b / c);
}

/* 0; -EINVAL: *FAULT is the name of a field that is no such number. */
int hawser__limits_take(struct hawser__limits *limits, const hawser_sim_model *model, const char **fault);
int hawser__path_take(hawser__path *path, const hawser_sim_link *link, const char **fault);
bool hawser__numbers_share_of(double value, uint32_t *ret);     /* a probability, in millionths; false: it is none */
bool hawser__numbers_ns(double seconds, int64_t *ret);          /* false: negative, no number, more than 1e9 */

#endif
