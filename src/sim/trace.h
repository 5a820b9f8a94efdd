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
/* The world's put_line. */
void hawser__trace_put_line(const char *line);
void hawser__trace_close(hawser__simulation *self);

#endif
