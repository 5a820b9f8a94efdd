/* SPDX-License-Identifier: MIT */
/*
 * What other threads may know of a worker without its help: which fiber runs there, whether that is still the one of a while
 * ago, and who it is. For those who ask because the worker itself does not answer.
 */
#ifndef HAWSER__SIGHT_H
#define HAWSER__SIGHT_H

#include "sched/worker.h"

/* Two that are equal: the fiber has had the worker for itself in between. */
typedef struct hawser__sight {
    hawser__fiber *fiber;   /* NULL: none runs */
    unsigned switches;
} hawser__sight;

hawser__sight hawser__sight_take(hawser__worker *worker);
bool hawser__sight_equal(hawser__sight one, hawser__sight other);

/* Room for what a fiber is called: its name, or something about its function. */
#define HAWSER__CALLED 64

struct hawser__identity {
    uint64_t number;
    hawser_fn fn;
    char name[HAWSER__CALLED];
};

/* Who the fiber of SIGHT is; false when the worker has gone on since. From any thread, while the run lasts. */
bool hawser__sight_identify(hawser__worker *worker, hawser__sight sight, struct hawser__identity *ret);

/* What FN is called, for people: its name if it can be found, else "program+0x1234", else its address. Cut at SIZE - 1
 * bytes. */
void hawser__function_text(hawser_fn fn, char *text, size_t size);

/* The same, quoted. */
#define HAWSER__QUOTED (4 * HAWSER__CALLED)

/* NAME with what is no printable ASCII, quotes and backslashes written as \xNN, cut at SIZE - 1 bytes. Its length. */
size_t hawser__quote(const char *name, char *text, size_t size);

#endif
