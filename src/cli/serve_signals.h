/* SPDX-License-Identifier: MIT */
/* The signals of "hawser serve": SIGINT and SIGTERM end the waits of the main thread, and no other thread gets any. */
#ifndef CLI_SERVE_SIGNALS_H
#define CLI_SERVE_SIGNALS_H

#include <stdbool.h>

/* From now on the calling thread is the one that signals stop. 0, or -1 with errno. */
int serve_signals_ask(void);

/* Lets the next signal end the process. Whether the terminal has just shown "^C" in the line we are about to write. */
bool serve_signals_release(void);

/* For the start of every other thread: signals are the main thread's. That goes for SIGPIPE too, so that a log whose reader has
 * gone away is no reason to stop serving. */
void serve_signals_leave_to_main(void);

#endif
