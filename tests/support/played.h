/* SPDX-License-Identifier: MIT */
/*
 * Plays of one worker, on an engine with a clock of its own, which stands still while fibers run and leaps to the end of each
 * sleep: nothing is timed, and every look at the port is counted. One play at a time.
 */
#ifndef TESTS_PLAYED_H
#define TESTS_PLAYED_H

#include "sched/engine.h"

#include <hawser/run.h>

extern struct played {
    int64_t now;            /* 1000 at the beginning */
    int looks;              /* at the port */
    hawser__deadline until; /* of the last look */
    hawser__task *sleeper;  /* woken when the worker would sleep for ever */
    atomic_int wakes;       /* of the port */
    char order[64];         /* what happened, a letter each */
} played;

/* FN(ARG) and what it starts, on one worker of that engine. */
void play(hawser_fn fn, void *arg);

/* In a play: LETTER has happened. */
void note_letter(char letter);

#endif
