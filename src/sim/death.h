/* SPDX-License-Identifier: MIT */
/*
 * A process that dies in the middle of a run: by a signal of its own making (SEGV, BUS, FPE, ILL, ABRT), by a sanitizer's
 * verdict, or because a simulated program calls exit. Each is told as a run that has failed is: what happened, and the line
 * that runs it again.
 *
 * A signal then has the effect that it would have had: the handler that was there before is called, such as a sanitizer's, or
 * the system's own action put back. A handler of the program's own may let it go on, so what is told before it is no failure.
 * The process that calls exit ends with status 1, for it has not done what it was to do.
 * Handlers are there while anybody watches, and only then.
 */
#ifndef HAWSER__DEATH_H
#define HAWSER__DEATH_H

#include <hawser/sim.h>

struct hawser__death;

/* From now on the calling thread's runs are watched, in place of those that were. WITH_MODEL: the line has the model, too.
 * NULL: they are not, which is no failure. */
struct hawser__death *hawser__death_watch(bool with_model);
/* A run begins; it is over. DEATH may be NULL. */
void hawser__death_run(struct hawser__death *death, uint64_t seed, const hawser_sim_model *model);
void hawser__death_run_over(struct hawser__death *death);
/* The calling thread's own, the last one first; NULL does nothing. Keeps errno. */
void hawser__death_unwatch(struct hawser__death *death);

#endif
