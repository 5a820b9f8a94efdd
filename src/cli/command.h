/* SPDX-License-Identifier: MIT */
/*
 * What a sub-command is. Each has a file of its own that defines one of these; main.c lists them.
 *
 * The command uses <hawser.h> and libc only. Its functions carry the name of their file (report_error, escape_bytes);
 * nothing here is part of the library.
 */
#ifndef CLI_COMMAND_H
#define CLI_COMMAND_H

#include <stdbool.h>
#include <stddef.h>

struct options;

/* Which commands an option belongs to. */
enum command_bit {
    FOR_SERVE = 1,
    FOR_CONNECT = 2,
    FOR_RESOLVE = 4,
    FOR_COMPLETION = 8,
    FOR_HELP = 16,
    FOR_ALL = 31
};

struct command {
    const char *name;
    enum command_bit bit;
    int (*run)(const struct options *options);   /* returns the exit status */
    int (*workers)(const struct options *options);   /* how many run its fibers, 0 = one a CPU; NULL, or below 0: it has none */
    const char *operands;                        /* "HOST[:PORT] [PORT]"; the options come from their table */
    int least, most;                             /* how many of them */
    const char *missing;                         /* the error when there are fewer */
    const char *summary;                         /* half a line */
    const char *examples;                        /* whole lines */
    const char *text;                            /* whole lines, for the full help */
    const char *const *choices;                  /* what the first operand can be, ended by NULL; NULL = anything */
};

extern const struct command command_serve, command_connect, command_resolve, command_completion, command_help;

/* All of them, ended by NULL. */
extern const struct command *const commands[];

/* The one called NAME; NULL. */
const struct command *command_find(const char *name);

#define COMMAND_DEFAULT_PORT 12345

#endif
