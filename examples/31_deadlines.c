/* SPDX-License-Identifier: MIT */
/*
 * A quiz against the clock: five seconds for each answer, and eight for all three together.
 *
 * Try it: start it, then in another terminal: telnet localhost 8888
 * Answer, or let the time pass. The seconds for an answer and for all may be given behind the port: 31_deadlines 8888 2 4
 *
 * A timeout belongs to a socket and bounds one call. A deadline encloses code: whatever waits between push and pop ends with
 * ETIMEDOUT when the time is up. An inner one never lasts longer than the outer one.
 */
#include <hawser.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static double for_one = 5, for_all = 8;
static const struct { const char *question, *answer; } quiz[] = {
    {"What is thick, laid from many fibers, and holds a ship?", "hawser"},
    {"How many results must a read keep apart?", "five"}, {"What has no borders between messages?", "stream"}};

enum { LATE = -2, GONE, WRONG, RIGHT };
static int ask(hawser_file *f, size_t number) {
    char line[80];
    int64_t outer = hawser_deadline_push(for_one);
    hawser_printf(f, "%.1f s are left. %s\n", hawser_deadline_left(), quiz[number].question);
    ssize_t n = hawser_readline(f, line, sizeof line);
    hawser_deadline_pop(outer);
    if (n > 0)
        return strncmp(line, quiz[number].answer, strlen(quiz[number].answer)) == 0 ? RIGHT : WRONG;
    return n < 0 && errno == ETIMEDOUT ? LATE : GONE; /* the end of the stream is 0, and errno then nobody's */
}

static void play(hawser_file *f) {
    int right = 0, result = 0;
    hawser_file_tie(f, f);
    int64_t outer = hawser_deadline_push(for_all);
    for (size_t i = 0; i < 3 && result >= 0; i++) {
        result = ask(f, i);
        right += result == RIGHT;
    }
    hawser_deadline_pop(outer);
    hawser_printf(f, "%s%d of 3 are right.\n", result == LATE ? "Too late. " : "", right);
}

static int talk(void *client) {
    hawser_file *f = hawser_makefile(client, "rw");
    if (f)
        play(f);
    hawser_file_close(f);
    hawser_close(client);
    return 0;
}

static int serve(void *listener) {
    hawser_sock *c;
    puts("listening");
    while ((c = hawser_accept(listener, NULL)))
        if (hawser_go(talk, c) < 0) /* each client has a fiber, and a fiber its own deadlines */
            hawser_close(c);
    return -1;
}

int main(int argc, char **argv) {
    for_one = argc > 2 ? atof(argv[2]) : for_one;
    for_all = argc > 3 ? atof(argv[3]) : for_all;
    hawser_sock *s = hawser_create_server("localhost", argc > 1 ? atoi(argv[1]) : 8888, NULL);
    if (!s || hawser_run(serve, s, NULL) < 0)
        fprintf(stderr, "%s\n", hawser_error());
    return 1;
}
