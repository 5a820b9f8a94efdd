/* SPDX-License-Identifier: MIT */
/*
 * The client of 40 and 42: sends a line on a connection of its own, and prints the answer.
 *
 * Try it: start 40_socketserver in another terminal, then 41_socketserver_client 9999 happy, or without a text: then it asks
 * for one after the other, until Ctrl-D.
 *
 * The tutorial connects first and then waits for somebody to type, which keeps a server that serves one client after the other
 * waiting, and all others with it. This one connects when there is something to say, and says with shutdown that it was all.
 */
#include <hawser.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int ask(int port, const char *text) {
    char received[1024];
    hawser_sock *sock = hawser_create_connection("localhost", port, NULL);
    hawser_file *file = hawser_makefile(sock, "rw"); /* without a socket there is no file either */
    ssize_t n = -1;
    if (file && hawser_printf(file, "%s\n", text) >= 0 && hawser_flush(file) == 0 && hawser_shutdown(sock, SHUT_WR) == 0)
        n = hawser_read(file, received, sizeof received - 1); /* to the end of the stream */
    if (n < 0) {
        fprintf(stderr, "%s\n", hawser_error());
    } else {
        received[n] = '\0';
        received[strcspn(received, "\r\n")] = '\0';
        printf("Sent: %s\nReceived: %s\n", text, received);
    }
    hawser_file_close(file);
    hawser_close(sock);
    return n < 0;
}

int main(int argc, char **argv) {
    int port = argc > 1 ? atoi(argv[1]) : 9999;
    char line[1000];
    if (argc > 2)
        return ask(port, argv[2]);
    for (;;) {
        fputs("Enter text: ", stdout);
        fflush(stdout);
        if (!fgets(line, sizeof line, stdin))
            return 0;
        line[strcspn(line, "\n")] = '\0';
        if (ask(port, line) != 0)
            return 1;
    }
}
