/* SPDX-License-Identifier: MIT */
/*
 * A handler that is called once for each line, and costs nothing in between: for very many clients that say little.
 *
 * Try it: start it, then in another terminal: telnet localhost 8888
 * Each line comes back with its number. Who says nothing for a minute is sent home (44_keep 8888 5: for five seconds).
 *
 * A handler that waits for its client keeps a fiber with a stack. This one returns, with hawser_keep, and is called again when
 * more has come; with first_byte_timeout even the first call comes when the client has said something. What is to last from
 * call to call hangs on r->user: setup makes it and finish frees it, once for a connection.
 */
#include <hawser.h>
#include <stdio.h>
#include <stdlib.h>

struct client {
    int lines;
};

static int setup(hawser_request *r) {
    r->user = calloc(1, sizeof(struct client));
    return r->user ? 0 : -1; /* -1: neither handle nor finish is called */
}

static void handle(hawser_request *r) {
    struct client *client = r->user;
    char line[1024];
    if (hawser_readline(r->rfile, line, sizeof line) <= 0)
        return;
    hawser_printf(r->wfile, "%d: %s", ++client->lines, line);
    hawser_keep(r);
}

static void finish(hawser_request *r) {
    struct client *client = r->user;
    hawser_printf(r->wfile, "%d lines, goodbye\n", client->lines);
    free(client);
}

int main(int argc, char **argv) {
    double patience = argc > 2 ? atof(argv[2]) : 60;
    hawser_server_options options = {
        .setup = setup, .finish = finish, .idle_timeout = patience, .first_byte_timeout = patience};
    hawser_server *s = hawser_tcp_server("localhost", argc > 1 ? atoi(argv[1]) : 8888, handle, &options);
    if (s)
        puts("listening");
    if (!s || hawser_serve_forever(s) < 0) {
        fprintf(stderr, "%s\n", hawser_error());
        return 1;
    }
    hawser_server_close(s);
    return 0;
}
