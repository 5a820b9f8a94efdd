/* SPDX-License-Identifier: MIT */
/*
 * What the tests of hawser_dump share: reading what it wrote. The parser is strict; it knows no line but those that
 * hawser_run(3) describes, and holds them to the counts in their headings.
 */
#ifndef TESTS_DUMPS_H
#define TESTS_DUMPS_H

#include "support.h"

#define MOST_FIBERS 4096

struct line {
    int run, worker;
    unsigned long number;
    char name[256], state[128];
};

struct report {
    size_t runs, workers, silent, fibers; /* silent: workers without an answer */
    char wrong[256];                      /* what is wrong with the dump; "" = nothing */
    struct line lines[MOST_FIBERS];
};

/* Takes TEXT apart, which it changes and frees. */
void parse_report(char *text, struct report *ret);

/* Dumps into a file and reads that. The result of the dump, and its errno. */
int take_report(struct report *ret);

/* The one fiber called NAME; NULL when there is none, or more than one. One that holds its worker up is in the state
 * "holds". */
const struct line *find_fiber(const struct report *report, const char *name);

/* Fails the test when something was wrong. */
void assert_whole(const struct report *report);
/* There is one fiber called NAME, on WORKER, and what it does begins with STATE. */
void assert_fiber(const struct report *report, const char *name, int worker, const char *state);

/* hawser_go_with; GROUP NULL is the caller's. */
int go_named(hawser_group *group, const char *name, int worker, hawser_fn fn, void *arg);

/* Parks, looking now and then, until *FLAG, an atomic_bool, is set: 0; 1 when that took too long. */
int sleep_until_set(void *flag);

/* A census, when the calling task's own worker, if it has one, has looked into its inbox: plain threads ask every run. */
census settled_census(void);
void assert_nothing_left(census before);

#endif
