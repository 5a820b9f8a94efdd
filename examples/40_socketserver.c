/* SPDX-License-Identifier: MIT */
/*
 * socketserver.TCPServer with a handler: tells who wrote what, and answers in capitals.
 *
 * Try it: start it, then in another terminal: 41_socketserver_client 9999 happy, or telnet localhost 9999
 *
 * The handler is called for each connection, and the connection ends when it returns. As in Python's TCPServer one request is
 * served after the other: open two telnets, type into the second first, and see it wait. 42 and 43 do better. The tutorial's
 * handler takes whatever one recv(1024) brings; this one reads a line, however it is cut into pieces.
 */
#include <ctype.h>
#include <hawser.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void handle(hawser_request *r) {
    char data[1024];
    if (hawser_readline(r->rfile, data, sizeof data) < 0) {
        hawser_request_fail(r, "%s", hawser_error()); /* told to handle_error; the server goes on */
        return;
    }
    data[strcspn(data, "\r\n")] = '\0';
    printf("%s wrote:\n%s\n", hawser_addr_str(&r->peer), data);
    for (char *c = data; *c; c++)
        *c = (char)toupper((unsigned char)*c);
    hawser_puts(r->wfile, data);
}

static void handle_error(hawser_request *r, const char *sentence) {
    (void)r;
    fprintf(stderr, "%s\n", sentence); /* says with whom, too */
}

int main(int argc, char **argv) {
    int port = argc > 1 ? atoi(argv[1]) : 9999;
    hawser_server_options options = {.concurrency = HAWSER_SEQUENTIAL, .handle_error = handle_error};
    hawser_server *server = hawser_tcp_server("localhost", port, handle, &options);
    if (server)
        puts("listening");
    if (!server || hawser_serve_forever(server) < 0) {
        fprintf(stderr, "%s\n", hawser_error());
        return 1;
    }
    hawser_server_close(server);
    return 0;
}
