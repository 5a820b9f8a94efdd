/* SPDX-License-Identifier: MIT */
/*
 * The "OK..." server with a fiber for each client: as many clients at once as there are descriptors, on a handful of threads.
 *
 * Try it: start it, then in three other terminals: telnet localhost 8888
 * Type into all three. To leave telnet press Ctrl-] and enter: close
 *
 * talk is the one of 14_ok_threads. What is different is who waits: hawser_run starts a worker, a thread, for each processor
 * and runs fibers on them. A call that would wait puts its fiber aside, and the worker goes on with another one. A fiber that
 * waits costs some kilobytes and no thread.
 */
#include <hawser.h>
#include <stdio.h>
#include <stdlib.h>

static int talk(void *client) {
    hawser_sock *c = client;
    hawser_file *f = hawser_makefile(c, "rw");
    char line[1024];
    ssize_t n = -1;
    if (f) {
        hawser_file_tie(f, f); /* whatever was printed goes out before the next line is awaited */
        hawser_puts(f, "Welcome to the server. Type something and hit enter\n");
        while ((n = hawser_readline(f, line, sizeof line)) > 0)
            hawser_printf(f, "OK...%s", line);
    }
    if (n < 0)
        fprintf(stderr, "%s\n", hawser_error());
    hawser_file_close(f);
    hawser_close(c);
    return 0;
}

static int serve(void *listener) {
    hawser_addr peer;
    hawser_sock *c;
    while ((c = hawser_accept(listener, &peer))) {
        printf("Connected with %s\n", hawser_addr_str(&peer));
        if (hawser_go_on(HAWSER_ANY_WORKER, talk, c) < 0) { /* on the worker that has the fewest fibers */
            fprintf(stderr, "%s\n", hawser_error());
            hawser_close(c);
        }
    }
    return -1;
}

int main(int argc, char **argv) {
    hawser_sock *s = hawser_create_server("", argc > 1 ? atoi(argv[1]) : 8888, NULL);
    if (s)
        puts("listening");
    if (!s || hawser_run(serve, s, NULL) < 0) /* returns when serve and every talk have */
        fprintf(stderr, "%s\n", hawser_error());
    hawser_close(s);
    return 1;
}
