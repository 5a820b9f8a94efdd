/* SPDX-License-Identifier: MIT */
/*
 * The log of a server: lines on standard error that never hold a client up.
 *
 * Lines wait in a small channel and a fiber of their own has them written. Of each kind of event at most 10 lines a second are
 * kept; the rest is counted and summed up in one line, and so is what finds the channel full because nobody reads. Verbose
 * keeps every line: then the one who logs waits for room.
 *
 * A server of processes has no fibers: there everybody writes, the processes that it starts as well, and whoever reads the log
 * too slowly does hold up those who write it. They count together what was left out.
 */
#ifndef CLI_SERVE_LOG_H
#define CLI_SERVE_LOG_H

#include <stdbool.h>

enum log_kind { LOG_OPENED, LOG_CLOSED, LOG_ANSWERED, LOG_TROUBLE, LOG_KINDS };

enum log_level { LOG_QUIET, LOG_NORMAL, LOG_VERBOSE };

/* In a fiber; or anywhere, if everybody writes (DIRECT). 0, or -1 with errno. */
int serve_log_start(enum log_level level, bool direct);

/* "HH:MM:SS  + ..." with the sign of KIND. From any fiber, thread or child. */
void serve_log_event(enum log_kind kind, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A line of its own, never dropped (except when quiet), in order with the events. */
void serve_log_note(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* To be called now and then, if everybody writes, by one of them: sums up what was left out. */
void serve_log_tick(void);

/* Writes everything that waits, the sums included, then the line, and ends the log. */
void serve_log_stop(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
