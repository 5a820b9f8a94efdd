/* SPDX-License-Identifier: MIT */
/* Watches for the tests of engines: one that counts its shots, and connections to watch. For fibers: failures are noted (EXPECT). */
#ifndef TESTS_ENGINE_WATCHES_H
#define TESTS_ENGINE_WATCHES_H

#include "engine_suite.h"

#include "sched/worker.h"

struct outlook {
    hawser__watch watch;
    hawser__endpoint *endpoint;   /* which the shot closes; NULL: it does not */
    hawser__task *waiter;
    hawser__worker *worker;
    atomic_int shots;
    atomic_bool inside;
    bool ended, in_fiber;
};

/* What the watch of an outlook does when it fires. */
void shoot(hawser__watch *watch, bool ended);

/* One that wakes the calling task. */
struct outlook new_outlook(void);

/* Arms it in the port of the calling fiber's worker. */
int arm(struct outlook *outlook, hawser__endpoint *endpoint);

/* Until it has fired so often, and no more. */
void wait_for_shots(struct outlook *outlook, int shots);

/* An endpoint to watch, and where its input comes from. */
struct watched {
    hawser__endpoint *self, *far;
    hawser_addr addr;
};

struct watched open_stream(void);
struct watched open_connection(void);
void send_two(struct watched *scene);
void receive_two(struct watched *scene);
void strike(struct watched *scene);

#endif
