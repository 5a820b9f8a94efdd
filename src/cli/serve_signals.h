/* SPDX-License-Identifier: MIT */
/*
 * The signals of "hawser serve". The first SIGINT or SIGTERM stops the accepting fibers and no other, so that conversations can
 * come to their end; the second ends the process. SIGUSR1 writes what every fiber does to standard error.
 */
#ifndef CLI_SERVE_SIGNALS_H
#define CLI_SERVE_SIGNALS_H

#include <hawser.h>

/* From now on the signals are heard: the first that asks for it cancels WORK. 0, or -1 with errno. */
int serve_signals_start(hawser_group *work);

/* Ends the fiber that hears them. Does nothing when there is none. */
void serve_signals_end(void);

/* Tells that the server stops, OPEN (", 2 connections open") behind it. */
void serve_signals_announce_stop(const char *open);

#endif
