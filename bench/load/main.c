/* SPDX-License-Identifier: MIT */
/*
 * The load generator's command line: see load.h for what it does.
 *
 * usage: load MODE [NAME=NUMBER ...] [file=PATH] [-- PROGRAM ARGUMENT ...]
 * modes: echo lines churn hold census download datagrams start
 * names: port server connections size depth segments seconds warm patience times
 */
#include "load.h"

#include "support.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct {
    const char *name;
    void (*run)(const struct settings *settings);
} modes[] = {
    {"echo", load_echo},     {"lines", load_lines},       {"churn", load_churn},         {"hold", load_hold},
    {"census", load_census}, {"download", load_download}, {"datagrams", load_datagrams}, {"start", load_start},
};

/* NAME=VALUE into SETTINGS. */
static void set(struct settings *settings, const char *name, const char *text) {
    char *end;
    double value = strtod(text, &end);
    const struct {
        const char *name;
        size_t *field;
    } counts[] = {
        {"connections", &settings->connections},
        {"size", &settings->size},
        {"depth", &settings->depth},
        {"segments", &settings->segments},
        {"times", &settings->times},
    };
    errno = 0;
    if (end == text || *end || value < 0)
        bench_die(text);
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        if (strcmp(name, counts[i].name) == 0) {
            *counts[i].field = (size_t)value;
            return;
        }
    }
    if (strcmp(name, "port") == 0)
        settings->port = (int)value;
    else if (strcmp(name, "server") == 0)
        settings->server = (pid_t)value;
    else if (strcmp(name, "seconds") == 0)
        settings->seconds = value;
    else if (strcmp(name, "warm") == 0)
        settings->warm = value;
    else if (strcmp(name, "patience") == 0)
        settings->patience = value;
    else
        bench_die(name);
}

static void read_arguments(struct settings *settings, char **arguments) {
    for (; *arguments; arguments++) {
        if (strcmp(*arguments, "--") == 0) {
            settings->program = arguments + 1;
            return;
        }
        char *equals = strchr(*arguments, '=');
        errno = 0;
        if (!equals)
            bench_die(*arguments);
        *equals = 0;
        if (strcmp(*arguments, "file") == 0)
            settings->file = equals + 1;
        else
            set(settings, *arguments, equals + 1);
    }
}

int main(int argc, char **argv) {
    struct settings settings = {
        .connections = 50, .size = 64, .depth = 1, .segments = 1, .seconds = 1, .warm = 0.3, .patience = 20, .times = 20};
    if (argc < 2)
        bench_die("usage: load MODE NAME=NUMBER ...");
    read_arguments(&settings, argv + 2);
    size_t files = bench_raise_files();
    errno = 0;
    if (settings.connections == 0 || settings.connections + 16 > files)
        bench_die("more connections than descriptors: raise the hard limit (ulimit -Hn)");
    alarm((unsigned)(settings.seconds + settings.warm) + 240); /* whatever happens, it ends */
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        if (strcmp(argv[1], modes[i].name) == 0) {
            modes[i].run(&settings);
            return 0;
        }
    }
    bench_die(argv[1]);
}
