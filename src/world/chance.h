/* SPDX-License-Identifier: MIT */
/*
 * Chance in a simulated world: one generator, started with the seed, from which every decision is drawn. Whole numbers only, so
 * that every compiler draws the same.
 */
#ifndef HAWSER__CHANCE_H
#define HAWSER__CHANCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct hawser__chance {
    uint64_t state[4];
} hawser__chance;

void hawser__chance_seed(hawser__chance *chance, uint64_t seed);
uint64_t hawser__chance_next(hawser__chance *chance);
/* 0 to N - 1, each as likely; 0 for N 0. */
uint64_t hawser__chance_below(hawser__chance *chance, uint64_t n);
/* LOW to HIGH, both included; LOW when it is the larger one. */
int64_t hawser__chance_between(hawser__chance *chance, int64_t low, int64_t high);
/* True in MILLIONTHS of 1,000,000 cases. Draws nothing for 0. */
bool hawser__chance_hits(hawser__chance *chance, uint32_t millionths);
/* Memoryless, with this mean: the time to the next of things that come at random. At most 20 times the mean. */
int64_t hawser__chance_wait(hawser__chance *chance, int64_t mean);
void hawser__chance_bytes(hawser__chance *chance, void *buf, size_t size);

#endif
