/* SPDX-License-Identifier: MIT */
/*
 * Micro-benchmarks print lines "NAME VALUE UNIT"; the driver reads them. A figure is the best of several rounds on the CPU
 * clock of the process: what disturbs a round only makes it longer.
 */
#ifndef BENCH_MICRO_H
#define BENCH_MICRO_H

#include <stddef.h>
#include <stdint.h>

#define MICRO_ROUNDS 7

/* Runs ONCE, which does TIMES operations, MICRO_ROUNDS times. The fewest nanoseconds of one operation. */
double micro_best(void (*once)(void *arg, size_t times), void *arg, size_t times);

void micro_print(const char *name, double value, const char *unit);

/* Resident bytes of this process, exact; and those of its page tables. */
size_t micro_resident(void);
size_t micro_page_tables(void);

#endif
