/* SPDX-License-Identifier: MIT */
/*
 * Random programs of socket calls, and what came of each call as a line of text that is the same wherever they run: addresses
 * are told by whose they are, errors by their sentences.
 */
#ifndef TESTS_DIFFERENTIAL_STEPS_H
#define TESTS_DIFFERENTIAL_STEPS_H

#include <hawser.h>

#include <stdbool.h>
#include <stdint.h>

#define SLOTS 8
#define STEPS_MOST 48
#define LINE 160

struct step {
    const struct deed *deed;
    int slot, other;
    int size, how;
};

struct program {
    uint64_t seed;
    int count;
    struct step steps[STEPS_MOST];
};

/* What the calls work on. */
struct stage {
    hawser_sock *socks[SLOTS];
    unsigned char sent[SLOTS];       /* the next byte that goes out there */
    bool shut[SLOTS];                /* its receiving side was */
    char folder[64];                 /* where Unix socket files are made */
    struct step done;                /* the last step, as it was aimed */
    int made;                        /* names of Unix sockets so far */
    bool waits;                      /* what is to come may take a moment to come */
    int patience;                    /* milliseconds that may still be waited for this step */
    bool mapped;                     /* who connects by IPv6 does so to an IPv4 address */
    int theme;                       /* what kinds of sockets are opened */
    bool over;                       /* chance has come in: the rest of the program may well be different */
    const char *expected;            /* the line that this step ought to give; NULL = unknown */
};

void make_program(struct program *program, uint64_t seed);
/* Does STEP, and writes what came of it to LINE. */
void do_step(struct stage *stage, const struct step *step, char line[static LINE]);
/* What it is: "send 2 1340". */
void describe_step(const struct step *step, char text[static LINE]);
void end_stage(struct stage *stage);

#endif
