/* SPDX-License-Identifier: MIT */
/*
 * The stress test: actors, fibers on every worker, make random calls on sockets that others open, close and cancel under them.
 *
 * Everything an actor does is drawn from its own random numbers, which come from the seed; what the threads make of it differs from
 * run to run. Whatever a call gives is checked against what may be: a byte of another connection, a timeout before its time, a wait
 * that nobody ended, a failure without a reason end the program with a message.
 */
#ifndef TESTS_STRESS_H
#define TESTS_STRESS_H

#include <hawser.h>

#include <stdatomic.h>
#include <stdint.h>

/* No wait that somebody is about to end lasts so long, on any machine: reaching it is a lost wake-up. */
#define LOST 60.0

typedef struct actor {
    uint64_t random;
    uint64_t steps;          /* calls made so far */
    int number;
} actor;

/* A number below BOUND. */
uint64_t draw(actor *self, uint64_t bound);
/* One call more. */
void step(actor *self);

/* Ends the program: WHAT is wrong, with the last error of the calling task. */
_Noreturn void wrong(const char *what);
#define MUST(holds) ((holds) ? (void)0 : wrong(#holds))

/* What actors do. Each makes a few calls. */
void act_on_table(actor *self);      /* table.c: sockets that all actors share */
void act_in_private(actor *self);    /* private.c: scenes of an actor's own, in which a wait has to end in one way */
void open_table(void);
void close_table(void);

/* A connected pair: Unix, or TCP through a listener of its own. False: descriptors or ports ran out. */
bool make_pair(actor *self, hawser_sock *ret[2]);

/* Reads hawser_dump and checks every line. */
void check_dump(void);

#endif
