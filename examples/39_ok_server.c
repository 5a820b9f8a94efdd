/* SPDX-License-Identifier: MIT */
/*
 * The "OK..." server once more, as a server: many clients at once, many lines each. Here one fiber a client, on every core.
 *
 * Try it: start it, then in three other terminals: telnet localhost 8888
 * Type into all three. To leave telnet press Ctrl-] and enter: close
 *
 * The socket, the loop that accepts, the fibers and the end of each connection are the server's. What is left to write is the
 * conversation.
 */
#include <hawser.h>
#include <stdio.h>

static void talk(hawser_request *r) {
    char line[1024];
    hawser_puts(r->wfile, "Welcome to the server. Type something and hit enter\n");
    while (hawser_readline(r->rfile, line, sizeof line) > 0)
        hawser_printf(r->wfile, "OK...%s", line);
}

int main(void) {
    hawser_server *s = hawser_tcp_server("", 8888, talk, NULL);
    if (!s || hawser_serve_forever(s) < 0) { fprintf(stderr, "%s\n", hawser_error()); return 1; }
    hawser_server_close(s);
}
