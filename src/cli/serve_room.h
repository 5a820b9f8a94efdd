/* SPDX-License-Identifier: MIT */
/* Room: for how many workers and connections the descriptors suffice. */
#ifndef CLI_SERVE_ROOM_H
#define CLI_SERVE_ROOM_H

#include <hawser.h>

#include <stddef.h>

/* The system's own limit of descriptors decides, not the lower one that shells start with: nothing here passes descriptors to
 * select. */
void serve_room_raise_limit(void);

/* How many workers to ask hawser_run for when the user wants ASKED (0: the default). */
int serve_room_workers(int asked);

/* How many connections may be open at once in MODE. In a run: workers take their share, and so does METRICS, the server of the
 * counters. */
size_t serve_room_connections(hawser_concurrency mode, bool metrics);

#endif
