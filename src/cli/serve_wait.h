/* SPDX-License-Identifier: MIT */
/* What the two serving loops share: waiting while there is no room for more, and the word that they stop. */
#ifndef CLI_SERVE_WAIT_H
#define CLI_SERVE_WAIT_H

#include <stdbool.h>

/* Trouble that passes: waits 5 ms, doubling to 1 s, and tells it at most once in 10 s. False: a signal came meanwhile. */
struct patience {
    double delay, told;
};
bool serve_wait_for_room(struct patience *patience, const char *why);

/* Tells that the server stops, OPEN (", 2 connections open") behind it, and lets the next signal end the process. */
void serve_announce_stop(const char *open);

#endif
