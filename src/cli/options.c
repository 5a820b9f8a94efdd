/* SPDX-License-Identifier: MIT */
/* See options.h. The command line is read in one pass; what depends on the command is checked when the command is known. */
#include "cli/options.h"

#include "cli/report.h"

#include <hawser.h>

#include <ctype.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CLIENTS (FOR_CONNECT | FOR_RESOLVE)
#define JOBS (FOR_SERVE | FOR_CONNECT | FOR_RESOLVE)
#define MOST_WORKERS 1024
#define MOST_CONNECTIONS 1000000
#define MODES 4

const struct option_spec option_table[OPTION_COUNT] = {
    [OPTION_IPV4] = {'4', "ipv4", NULL, JOBS, "only IPv4"},
    [OPTION_IPV6] = {'6', "ipv6", NULL, JOBS, "only IPv6"},
    [OPTION_DRAIN] = {'\0', "drain", "D", FOR_SERVE, "after Ctrl-C, time for connections to end (default 5s)"},
    [OPTION_IDLE_TIMEOUT] = {'\0', "idle-timeout", "D", FOR_SERVE, "end connections that are silent for D: 500ms, 10s, 2m"},
    [OPTION_JSON] = {'\0', "json", NULL, FOR_RESOLVE, "one JSON object a line, errors too"},
    [OPTION_MAX_CONNECTIONS] = {'\0', "max-connections", "N", FOR_SERVE, "how many may be open at once; further ones wait"},
    [OPTION_METRICS] = {'\0', "metrics", "ADDR", FOR_SERVE, "the counters for Prometheus, at http://ADDR/metrics"},
    [OPTION_MODE] = {'\0', "mode", "M", FOR_SERVE, "fibers, threads, forks or sequential (default fibers)"},
    [OPTION_PROXY_FROM] = {'\0', "proxy-from", "CIDR", FOR_SERVE, "networks whose clients begin with a PROXY header"},
    [OPTION_PUBLIC] = {'\0', "public", NULL, FOR_SERVE, "listen on every address, for other machines too"},
    [OPTION_QUIET] = {'q', "quiet", NULL, JOBS, "no notes and no log lines, only errors"},
    [OPTION_TIMEOUT] = {'\0', "timeout", "D", CLIENTS, "give up after D: 500ms, 10s, 2m (default 10s)"},
    [OPTION_UDP] = {'\0', "udp", NULL, FOR_SERVE | FOR_RESOLVE, "datagrams instead of connections"},
    [OPTION_VERBOSE] = {'v', "verbose", NULL, JOBS, "every log line and note"},
    [OPTION_WORKERS] = {'\0', "workers", "N", FOR_SERVE, "threads that share the clients; of mode threads or forks the most"},
    [OPTION_SHORT_HELP] = {'h', NULL, NULL, FOR_ALL, "short help, examples first"},
    [OPTION_HELP] = {'\0', "help", NULL, FOR_ALL, "full help"},
    [OPTION_VERSION] = {'\0', "version", NULL, FOR_ALL, "the version"},
};

/* By hawser_concurrency. */
static const char *const modes[MODES + 1] = {[HAWSER_FIBERS] = "fibers", [HAWSER_THREADS] = "threads", [HAWSER_FORKS] = "forks",
                                             [HAWSER_SEQUENTIAL] = "sequential"};

struct reader {
    struct options *options;
    char **at;              /* the next argument */
    const char *spelled[OPTION_COUNT];
};

static int minimum(int a, int b) {
    return a < b ? a : b;
}

/* Edits from A to B: insert, drop, replace, swap neighbours. Words over 31 letters are not near anything. */
static int distance(const char *a, const char *b) {
    int rows[33][33];
    int m = (int)strlen(a), n = (int)strlen(b);
    if (m > 31 || n > 31)
        return 32;
    for (int i = 0; i <= m; i++) {
        for (int j = 0; j <= n; j++) {
            if (i == 0 || j == 0) {
                rows[i][j] = i + j;
                continue;
            }
            int same = a[i - 1] == b[j - 1];
            rows[i][j] = minimum(minimum(rows[i - 1][j], rows[i][j - 1]) + 1, rows[i - 1][j - 1] + !same);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                rows[i][j] = minimum(rows[i][j], rows[i - 2][j - 2] + 1);
        }
    }
    return rows[m][n];
}

const char *options_nearest(const char *text, const char *const *choices) {
    const char *best = NULL;
    int least = 1 + (int)strlen(text) / 3;   /* more mistakes than that are another word */
    for (; *choices; choices++) {
        int edits = distance(text, *choices);
        if (edits <= least && edits * 2 <= (int)strlen(*choices) && (!best || edits < least)) {
            best = *choices;
            least = edits;
        }
    }
    return best;
}

/* The option called NAME, LENGTH bytes of it; -1. */
static int find_name(const char *name, size_t length) {
    for (int id = 0; id < OPTION_COUNT; id++) {
        const char *known = option_table[id].name;
        if (known && strlen(known) == length && memcmp(known, name, length) == 0)
            return id;
    }
    return -1;
}

static int find_letter(char letter) {
    for (int id = 0; id < OPTION_COUNT; id++) {
        if (option_table[id].letter != '\0' && option_table[id].letter == letter)
            return id;
    }
    return -1;
}

static int unknown_option(const struct reader *reader, const char *name, size_t length) {
    const char *names[OPTION_COUNT + 1] = {NULL};
    size_t count = 0;
    for (int id = 0; id < OPTION_COUNT; id++) {
        if (option_table[id].name)
            names[count++] = option_table[id].name;
    }
    char word[64];
    snprintf(word, sizeof word, "%.*s", (int)length, name);
    const char *nearest = options_nearest(word, names);
    if (nearest)
        return report_usage(reader->options->command, "no option \"--%s\"; did you mean \"--%s\"?", word, nearest);
    return report_usage(reader->options->command, "no option \"--%s\"", word);
}

static int keep_networks(struct options *options) {
    if (options->networks_count == OPTIONS_MOST_NETWORKS)
        return report_usage(options->command, "--proxy-from is given more than %d times", OPTIONS_MOST_NETWORKS);
    options->networks[options->networks_count++] = options->value[OPTION_PROXY_FROM];
    return 0;
}

static int read_long(struct reader *reader, const char *spelled) {
    const char *name = spelled + 2, *value = strchr(name, '=');
    size_t length = value ? (size_t)(value - name) : strlen(name);
    int id = find_name(name, length);
    if (id < 0)
        return unknown_option(reader, name, length);
    if (!option_table[id].value && value)
        return report_usage(reader->options->command, "--%s takes no value", option_table[id].name);
    if (option_table[id].value && !value && !*reader->at)
        return report_usage(reader->options->command, "--%s needs a value", option_table[id].name);
    reader->spelled[id] = spelled;
    if (!option_table[id].value)
        reader->options->value[id] = "";
    else
        reader->options->value[id] = value ? value + 1 : *reader->at++;
    return id == OPTION_PROXY_FROM ? keep_networks(reader->options) : 0;
}

static int read_letters(struct reader *reader, const char *spelled) {
    for (const char *letter = spelled + 1; *letter; letter++) {
        int id = find_letter(*letter);
        if (id < 0)
            return report_usage(reader->options->command, "no option \"-%c\"", *letter);
        reader->spelled[id] = spelled;
        reader->options->value[id] = "";
    }
    return 0;
}

/* "-1" is meant as a number, and its range is what is wrong with it; "-4" and "-6" are options. */
static bool is_negative_number(const char *text) {
    return text[0] == '-' && isdigit((unsigned char)text[1]) && strspn(text + 1, "46") != strlen(text + 1) &&
           strspn(text + 1, "0123456789") == strlen(text + 1);
}

static int unknown_command(const char *name) {
    const char *names[16] = {NULL};
    for (size_t i = 0; commands[i]; i++)
        names[i] = commands[i]->name;
    const char *nearest = options_nearest(name, names);
    if (nearest)
        return report_usage(NULL, "no command \"%s\"; did you mean \"%s\"?", name, nearest);
    return report_usage(NULL, "no command \"%s\"", name);
}

static int read_operand(struct reader *reader, const char *text) {
    struct options *options = reader->options;
    if (!options->command) {
        options->command = command_find(text);
        return options->command ? 0 : unknown_command(text);
    }
    if (options->operand_count == options->command->most)
        return report_usage(options->command, "\"%s\" is one argument too many", text);
    options->operand[options->operand_count++] = text;
    return 0;
}

static int read_all(struct reader *reader) {
    bool options_ended = false;
    while (*reader->at) {
        const char *text = *reader->at++;
        int status = 0;
        if (options_ended || text[0] != '-' || text[1] == '\0' || is_negative_number(text))
            status = read_operand(reader, text);
        else if (strcmp(text, "--") == 0)
            options_ended = true;
        else if (text[1] == '-')
            status = read_long(reader, text);
        else
            status = read_letters(reader, text);
        if (status != 0)
            return status;
    }
    return 0;
}

/* "10s" in seconds; below 0 when it is no duration above 0. */
static double duration(const char *text) {
    static const struct {
        const char *name;
        double seconds;
    } units[] = {{"", 1}, {"ms", 1e-3}, {"s", 1}, {"m", 60}, {"h", 3600}};
    char *end;
    if (!isdigit((unsigned char)text[0]) && text[0] != '.')
        return -1;
    double number = strtod(text, &end);
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        if (strcmp(end, units[i].name) == 0 && number > 0 && number * units[i].seconds <= 1e9)
            return number * units[i].seconds;
    }
    return -1;
}

static const struct {
    enum option_id id;
    int most;
} numbers[] = {{OPTION_WORKERS, MOST_WORKERS}, {OPTION_MAX_CONNECTIONS, MOST_CONNECTIONS}};

static const enum option_id times[] = {OPTION_TIMEOUT, OPTION_IDLE_TIMEOUT, OPTION_DRAIN};

/* 0 when TEXT is no number from 1 to MOST. */
static int number(const char *text, int most) {
    size_t digits = strspn(text, "0123456789");
    long value = digits > 0 && text[digits] == '\0' ? strtol(text, NULL, 10) : 0;
    return value <= most ? (int)value : 0;
}

/* MODES when there is none called TEXT. */
static int find_mode(const char *text) {
    int mode = 0;
    while (mode < MODES && strcmp(text, modes[mode]) != 0)
        mode++;
    return mode;
}

static int check_mode(const struct options *options) {
    const char *text = options->value[OPTION_MODE];
    if (!text || find_mode(text) < MODES)
        return 0;
    const char *nearest = options_nearest(text, modes);
    if (nearest)
        return report_usage(options->command, "no mode \"%s\"; did you mean \"%s\"?", text, nearest);
    return report_usage(options->command, "no mode \"%s\"; there is fibers, threads, forks and sequential", text);
}

static int check_values(const struct options *options) {
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        const char *text = options->value[times[i]];
        if (text && duration(text) <= 0)
            return report_usage(options->command, "--%s \"%s\" is no time, such as 500ms, 10s or 2m",
                                option_table[times[i]].name, text);
    }
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        const char *text = options->value[numbers[i].id];
        if (text && number(text, numbers[i].most) <= 0)
            return report_usage(options->command, "--%s \"%s\" is no number from 1 to %d",
                                option_table[numbers[i].id].name, text, numbers[i].most);
    }
    return check_mode(options);
}

static int check_pair(const struct options *options, enum option_id a, enum option_id b) {
    if (!options->value[a] || !options->value[b])
        return 0;
    return report_usage(options->command, "-%c and -%c exclude each other", option_table[a].letter, option_table[b].letter);
}

static int check_options(const struct reader *reader) {
    const struct options *options = reader->options;
    for (int id = 0; id < OPTION_COUNT; id++) {
        if (options->value[id] && options->command && !(option_table[id].commands & options->command->bit))
            return report_usage(options->command, "%s is no option of \"%s\"", reader->spelled[id], options->command->name);
    }
    int status = check_values(options);
    if (status == 0)
        status = check_pair(options, OPTION_IPV4, OPTION_IPV6);
    return status != 0 ? status : check_pair(options, OPTION_QUIET, OPTION_VERBOSE);
}

static bool asks_for_text(const struct options *options) {
    return options_has(options, OPTION_SHORT_HELP) || options_has(options, OPTION_HELP) || options_has(options, OPTION_VERSION);
}

/* A usage error must be an object as well, wherever --json stands. */
static bool names_json(char **argv) {
    for (; *argv && strcmp(*argv, "--") != 0; argv++) {
        if (strcmp(*argv, "--json") == 0)
            return true;
    }
    return false;
}

int options_parse(struct options *ret, int argc, char **argv) {
    *ret = (struct options){.command = NULL};
    struct reader reader = {.options = ret, .at = argv + (argc > 0)};
    if (names_json(reader.at))
        report_as_json();
    int status = read_all(&reader);
    if (status != 0 || asks_for_text(ret))
        return status;
    status = check_options(&reader);
    if (status == 0 && ret->command && ret->operand_count < ret->command->least)
        return report_usage(ret->command, "%s", ret->command->missing);
    return status;
}

bool options_has(const struct options *options, enum option_id id) {
    return options->value[id] != NULL;
}

int options_family(const struct options *options) {
    if (options_has(options, OPTION_IPV4))
        return AF_INET;
    return options_has(options, OPTION_IPV6) ? AF_INET6 : AF_UNSPEC;
}

double options_seconds(const struct options *options, enum option_id id, double unset) {
    return options_has(options, id) ? duration(options->value[id]) : unset;
}

double options_timeout(const struct options *options) {
    return options_seconds(options, OPTION_TIMEOUT, 10);
}

int options_number(const struct options *options, enum option_id id) {
    return options_has(options, id) ? number(options->value[id], INT_MAX) : 0;
}

hawser_concurrency options_mode(const struct options *options) {
    return options_has(options, OPTION_MODE) ? (hawser_concurrency)find_mode(options->value[OPTION_MODE]) : HAWSER_FIBERS;
}

int options_one_worker(const struct options *options) {
    (void)options;
    return 1;
}
