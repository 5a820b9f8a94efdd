/* SPDX-License-Identifier: MIT */
/*
 * Asks several servers of this machine at the same time: who needs any answer takes the first, who needs all of them gives up
 * with the first that fails.
 *
 * Try it: in two other terminals: nc -l 5001 and nc -l 5002, then here: 32_groups any 5001 5002
 * Type a line into one of them. Then the same with "all". Or type nothing: after 5 seconds the question is withdrawn.
 *
 * Whoever opens a group closes it, and closing waits: however this ends, no fiber is left behind. Cancelling means that the
 * call a fiber waits in fails with ECANCELED. It cleans up and returns, as after any failure.
 */
#include <hawser.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static hawser_group *group;
static bool any;
static int answers;

/* Prints what the server at the port says. */
static int ask(void *arg) {
    char line[256], *port = arg;
    hawser_sock *s = hawser_create_connection("localhost", atoi(port), NULL);
    hawser_file *f = s ? hawser_makefile(s, "r") : NULL;
    ssize_t n = f ? hawser_readline(f, line, sizeof line) : -1;
    if (n > 0)
        printf("%s: %.*s\n", port, (int)strcspn(line, "\n"), line);
    else
        printf("%s: %s\n", port, n < 0 ? hawser_error() : "said nothing");
    answers += n > 0;
    if (n > 0 && any)
        hawser_group_cancel(group); /* the others need not go on */
    hawser_file_close(f);
    hawser_close(s);
    return n > 0 || any ? 0 : -1;
}

static int ask_all(void *arg) {
    char **ports = arg;
    int64_t outer = hawser_deadline_push(5);
    for (int i = 0; ports[i]; i++)
        if (hawser_group_go(group, ask, ports[i]) < 0)
            break;
    int result = hawser_group_wait(group); /* of the first that failed, if one did */
    hawser_deadline_pop(outer);
    printf("%d answered%s%s\n", answers, result < 0 ? "; " : "", result < 0 ? hawser_error() : "");
    return 0;
}

static int open_and_close(void *ports) {
    group = hawser_group_open(&(hawser_group_options){.cancel_on_failure = !any});
    int result = group ? ask_all(ports) : -1;
    hawser_group_close(group); /* cancels those that are left, and waits for them */
    return result;
}

int main(int argc, char **argv) {
    any = argc > 1 && strcmp(argv[1], "any") == 0;
    if (argc < 3 || (!any && strcmp(argv[1], "all") != 0)) {
        fprintf(stderr, "usage: %s any|all PORT...\n", argv[0]);
        return 2;
    }
    if (hawser_run(open_and_close, argv + 2, NULL) == 0)
        return 0;
    fprintf(stderr, "%s\n", hawser_error());
    return 1;
}
