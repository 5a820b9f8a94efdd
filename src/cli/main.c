/* SPDX-License-Identifier: MIT */
/* hawser: one command, a table of sub-commands. Standard output carries data only; the exit status is in report.h. */
#include "cli/help.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/report.h"

#include <hawser.h>

#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

const struct command *const commands[] = {
    &command_serve, &command_connect, &command_resolve, &command_completion, &command_help, NULL,
};

const struct command *command_find(const char *name) {
    for (size_t i = 0; commands[i]; i++) {
        if (strcmp(commands[i]->name, name) == 0)
            return commands[i];
    }
    return NULL;
}

static int run_command(void *arg) {
    const struct options *options = arg;
    return options->command->run(options);
}

static int run_in_fiber(struct options *options, int workers) {
    hawser_run_options how = {.workers = workers};
    int status = hawser_run(run_command, options, &how);
    if (status >= 0)
        return status;
    int code = errno;
    report_error(STATUS_LOCAL, "cannot start fibers: %s", report_reason(code));
    if (code == EINVAL)   /* nothing else that could be wrong comes from outside */
        report_hint("HAWSER_ENGINE must be poll or, where they are built in, epoll or uring; HAWSER_STALL a number of seconds");
    return STATUS_LOCAL;
}

static int dispatch(struct options *options) {
    if (options_has(options, OPTION_VERSION)) {
        printf("hawser %s\n", hawser_version());
        return STATUS_DONE;
    }
    if (options_has(options, OPTION_HELP)) {
        help_full(options->command);
        return STATUS_DONE;
    }
    if (options_has(options, OPTION_SHORT_HELP)) {
        help_short(options->command);
        return STATUS_DONE;
    }
    if (!options->command)
        return report_usage(NULL, "no command given");
    int workers = options->command->workers ? options->command->workers(options) : -1;
    return workers >= 0 ? run_in_fiber(options, workers) : options->command->run(options);
}

/* A reader of standard output that goes away ends the command quietly, even if the parent ignores or blocks the signal. */
static void die_of_broken_pipes(void) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGPIPE);
    signal(SIGPIPE, SIG_DFL);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
}

int main(int argc, char **argv) {
    output_prepare();
    die_of_broken_pipes();
    setlocale(LC_CTYPE, "");
    struct options options;
    int status = options_parse(&options, argc, argv);
    if (status == 0)
        status = dispatch(&options);
    int code = output_close();
    return code != 0 && status == STATUS_DONE ? report_output_failed(code) : status;
}
