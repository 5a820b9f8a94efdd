/* SPDX-License-Identifier: MIT */
/*
 * What the command tells its user, and how it ends.
 *
 * An error reads "hawser: cannot VERB OBJECT: REASON" and may be followed by indented lines: what was tried, what to do. All of
 * it goes to standard error, one write a line; on a terminal it passes the escaper. With --json an error is an object on
 * standard output as well.
 */
#ifndef CLI_REPORT_H
#define CLI_REPORT_H

#include "cli/command.h"

#include <stdarg.h>

enum status {
    STATUS_DONE = 0,
    STATUS_USAGE = 2,
    STATUS_NAME = 3,
    STATUS_CONNECT = 4,
    STATUS_TIMEOUT = 5,
    STATUS_INTEGRITY = 7,
    STATUS_LOCAL = 8,
    STATUS_BUG = 70
};

/* The table of "help exit-status", one line each, to be printed in order; .text NULL ends it. */
struct status_line {
    int status;
    const char *text;
};
extern const struct status_line report_statuses[];

/* From now on errors are JSON objects as well. */
void report_as_json(void);

/* "hawser: " and the message. Returns STATUS. */
int report_error(int status, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A second or third line of the last error. */
void report_hint(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The message, and how the command is used (NULL: no command yet). Returns STATUS_USAGE. */
int report_usage(const struct command *command, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A line that is no error. */
void report_note(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Why, for code CODE: "connection refused". Valid until the thread's next call. */
const char *report_reason(int code);
/* The same in a word or two, for lists: "refused". */
const char *report_brief(int code);

/* Standard output does not take what it is given: CODE says why. Returns the status. */
int report_output_failed(int code);

/* HOST could not be looked up: code CODE of a name function. Returns the status. */
int report_lookup_failed(int code, const char *host, double timeout);
/* Whether CODE is one of those, for a look-up that may also run out of time. */
bool report_is_lookup(int code);

#endif
