/* SPDX-License-Identifier: MIT */
/*
 * A server for a service manager: it takes the sockets that systemd has opened, and tells when it is ready.
 *
 * Try it: 47_systemd localhost:8888, and telnet localhost 8888 in another terminal. With systemd, where port 80 needs no root
 * in the program and no connection is refused while it starts: systemd-socket-activate -l 8888 ./47_systemd
 *
 * An address may be tcp://HOST:PORT, unix:PATH, systemd: and more. The word READY=1 goes to systemd by itself (Type=notify in
 * the unit), and STOPPING=1 when SIGTERM has come.
 */
#include <hawser.h>
#include <stdio.h>

static void talk(hawser_request *r) {
    char line[1024];
    hawser_printf(r->wfile, "Hello %s\n", hawser_addr_str(&r->peer));
    while (hawser_readline(r->rfile, line, sizeof line) > 0)
        hawser_printf(r->wfile, "OK...%s", line);
}

int main(int argc, char **argv) {
    hawser_addr own[8];
    hawser_server *s = hawser_server_open(argc > 1 ? argv[1] : "systemd:", talk, NULL);
    ssize_t n = s ? hawser_server_addresses(s, own, 8) : 0;
    for (ssize_t i = 0; i < n && i < 8; i++)
        printf("listening on %s\n", hawser_addr_str(&own[i]));
    if (!s || hawser_server_stop_on_signals(s) < 0 || hawser_serve_forever(s) < 0) {
        fprintf(stderr, "%s\n", hawser_error());
        return 1;
    }
    hawser_server_close(s);
    puts("stopped");
    return 0;
}
