/* SPDX-License-Identifier: MIT */
/*
 * The trace: a line for each thing that happened, "SECONDS HOST TEXT". It goes to the model's callback, or to the file that
 * HAWSER_SIM_TRACE names, and is the same for the same seed with every compiler.
 */
#ifndef HAWSER__TRACE_H
#define HAWSER__TRACE_H

#include "sim/simulation.h"

/* While it is set, runs of the calling thread write no trace: those of a search. */
extern _Thread_local bool hawser__trace_off __attribute__((tls_model("initial-exec")));

/* Whether anybody wants one. */
bool hawser__trace_open(hawser__simulation *self);
/* The world's put_line. The model's callback is called as a plain thread outside of every world, with what belongs to the
 * thread put aside; control bytes are gone from LINE, so that it is one line whatever a program has in its sentences. */
void hawser__trace_put_line(const char *line);
/* What has been put so far is written; async-signal-safe as far as writing is. */
void hawser__trace_flush(hawser__simulation *self);
/* The same for the calling thread's run, if any, also in its callback. */
void hawser__trace_flush_here(void);
/* Where not all of it could be written, that is said. */
void hawser__trace_close(hawser__simulation *self);

/* Whether the calling thread is in the callback of a run. */
bool hawser__trace_in_callback(void);
/* The run in whose callback the caller is has failed. False: it is in none. */
bool hawser__trace_fail(const char *sentence);

/* TEXT with a space for each newline, and "?" for other control bytes. */
void hawser__trace_clean(char *text);

#endif
