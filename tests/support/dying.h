/* SPDX-License-Identifier: MIT */
/* A process that dies in a simulated run, in one of many ways: for tests/unit/test_sim_death.c, which starts it. */
#ifndef TESTS_DYING_H
#define TESTS_DYING_H

#include <stdbool.h>

#define DYING_SEED 17

/* Dies in the way called HOW, in a run or (SEARCHES) in a search for one; what main is to return if it does not. */
int be_child(const char *how, bool searches);

#endif
