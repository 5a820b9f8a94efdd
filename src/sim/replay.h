/* SPDX-License-Identifier: MIT */
/* Having a run that failed again: the line that does it, and saying so. */
#ifndef HAWSER__REPLAY_H
#define HAWSER__REPLAY_H

#include <hawser/sim.h>

/* The line for a shell that runs this process's program again with SEED, and MODEL (NULL: the one that the program has). Of its
 * arguments those that SIZE bytes hold, and a comment where there are more; the variables alone where they cannot be found
 * out. */
void hawser__replay_command(uint64_t seed, const hawser_sim_model *model, char *command, size_t size);

/* Of that line what comes behind the variables: a space before each word. */
void hawser__replay_arguments(char *text, size_t size);

/* Writes to standard error, in one piece, at most 8 KiB. Control bytes become "?", except newlines: what a program's
 * sentence has in it does nothing to a terminal. errno and the sentence of the caller are kept. */
HAWSER_FORMAT(1, 2) void hawser__replay_say(const char *format, ...);

/* The two lines about a run that failed with SENTENCE. */
void hawser__replay_tell(const char *sentence, const char *command);

#endif
