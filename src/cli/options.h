/* SPDX-License-Identifier: MIT */
/*
 * The option table, and what was given on the command line.
 *
 * The table is the only place that names an option: parsing, the help and the completions are made from it, and a test compares
 * the manual with it.
 */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include "cli/command.h"

#include <hawser.h>

#define OPTIONS_MOST_NETWORKS 16

enum option_id {
    OPTION_IPV4,
    OPTION_IPV6,
    OPTION_DRAIN,
    OPTION_IDLE_TIMEOUT,
    OPTION_JSON,
    OPTION_MAX_CONNECTIONS,
    OPTION_METRICS,
    OPTION_MODE,
    OPTION_PROXY_FROM,
    OPTION_PUBLIC,
    OPTION_QUIET,
    OPTION_TIMEOUT,
    OPTION_UDP,
    OPTION_VERBOSE,
    OPTION_WORKERS,
    OPTION_SHORT_HELP,
    OPTION_HELP,
    OPTION_VERSION,
    OPTION_COUNT
};

struct option_spec {
    char letter;            /* '\0' = none */
    const char *name;       /* NULL = none */
    const char *value;      /* what the help calls its value; NULL = takes none */
    unsigned commands;      /* command bits */
    const char *text;
};

extern const struct option_spec option_table[OPTION_COUNT];

struct options {
    const struct command *command;     /* NULL: none was named */
    const char *value[OPTION_COUNT];   /* NULL = not given; "" for options without a value */
    const char *operand[8];
    int operand_count;
    const char *networks[OPTIONS_MOST_NETWORKS];   /* of --proxy-from, which can be given several times */
    int networks_count;
};

/* Reads the command line. 0; or the exit status, after an error message. */
int options_parse(struct options *ret, int argc, char **argv);

bool options_has(const struct options *options, enum option_id id);

/* AF_INET, AF_INET6, or AF_UNSPEC. */
int options_family(const struct options *options);

/* The seconds of --timeout; 10 unless given. */
double options_timeout(const struct options *options);

/* The seconds of option ID; UNSET unless given. */
double options_seconds(const struct options *options, enum option_id id, double unset);

/* The number of option ID; 0 unless given. */
int options_number(const struct options *options, enum option_id id);

/* What --mode names; fibers unless given. */
hawser_concurrency options_mode(const struct options *options);

/* For commands with nothing to spread: one worker, which is the main thread. */
int options_one_worker(const struct options *options);

/* The one of CHOICES (ended by NULL) that TEXT was probably meant to be; NULL when none is near. */
const char *options_nearest(const char *text, const char *const *choices);

#endif
