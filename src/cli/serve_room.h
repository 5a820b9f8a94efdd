/* SPDX-License-Identifier: MIT */
/*
 * Room: for how many workers and connections the descriptors suffice, and what the serving loops do while there is none.
 */
#ifndef CLI_SERVE_ROOM_H
#define CLI_SERVE_ROOM_H

#include <stdbool.h>
#include <stddef.h>

/* How many workers to ask hawser_run for when the user wants ASKED (0: the default). Raises the limit of descriptors first. */
int serve_room_workers(int asked);

/* How many connections may be open at once. In a run: workers take their share. */
size_t serve_room_connections(void);

/* What a loop remembers of trouble that passes: it is told at most once in 10 s, and waited out for 5 ms, doubling to 1 s.
 * Starts zeroed; DELAY is set to 0 when the trouble is over. */
struct patience {
    double delay, told;
};

/* Tells WHY, and that new clients wait, unless that was told not long ago. */
void serve_room_tell(struct patience *patience, const char *why);

/* The same, and waits. False: the task was cancelled. */
bool serve_room_wait(struct patience *patience, const char *why);

#endif
