/* SPDX-License-Identifier: MIT */
/*
 * socketserver.UDPServer with a handler: each datagram is a request of its own, and what is in wfile goes back as one datagram.
 *
 * Try it: start it, then 25_udp_client 9999 happy in another terminal, or nc -u localhost 9999
 *
 * The server takes many datagrams with one system call and sends many answers with one. A handler that writes nothing answers
 * nothing; Python's sends an empty datagram then. Python's also cuts what is longer than 8192 bytes without a word; here the
 * limit is that of UDP, and r->truncated would say so.
 */
#include <hawser.h>
#include <stdio.h>
#include <stdlib.h>

static void handle(hawser_request *r) {
    printf("%zu bytes from %s\n", r->size, hawser_addr_str(&r->peer));
    if (r->size == 0)
        return;
    hawser_puts(r->wfile, "OK...");
    hawser_write(r->wfile, r->data, r->size); /* r->rfile reads the same bytes, line by line if you like */
}

int main(int argc, char **argv) {
    hawser_server *s = hawser_udp_server("", argc > 1 ? atoi(argv[1]) : 9999, handle, NULL);
    if (s)
        puts("waiting for datagrams");
    if (!s || hawser_serve_forever(s) < 0) {
        fprintf(stderr, "%s\n", hawser_error());
        return 1;
    }
    hawser_server_close(s);
    return 0;
}
