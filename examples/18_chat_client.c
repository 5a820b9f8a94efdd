/* SPDX-License-Identifier: MIT */
/*
 * A chat for two, the side that calls: asks for a message, sends it, prints the answer; q leaves.
 *
 * Try it: start 17_chat_server in another terminal, then 18_chat_client; or 19_upper_server, then 18_chat_client 5001
 *
 * One recv stands for one answer only because people type slowly and answers are short (12_messages). An answer of no bytes is
 * the end: the other side is gone.
 */
#include <hawser.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Asks until something is typed: an empty message would send no bytes, and both sides would wait. NULL at the end of input. */
static char *type_message(char *line, int size) {
    do {
        printf("Type message: ");
        fflush(stdout);
        if (!fgets(line, size, stdin))
            return NULL;
        line[strcspn(line, "\n")] = '\0';
    } while (!*line);
    return line;
}

int main(int argc, char **argv) {
    int port = argc > 1 ? atoi(argv[1]) : 12345;
    char text[1024];
    ssize_t n = 0;
    hawser_sock *s = hawser_create_connection("localhost", port, NULL);
    if (!s) {
        fprintf(stderr, "%s\n", hawser_error());
        return 1;
    }
    while (type_message(text, sizeof text) && strcmp(text, "q") != 0) {
        n = hawser_sendall(s, text, strlen(text));
        if (n == 0)
            n = hawser_recv(s, text, sizeof text);
        if (n <= 0)
            break;
        printf("Received from server: %.*s\n", (int)n, text);
    }
    if (n < 0)
        fprintf(stderr, "%s\n", hawser_error());
    hawser_close(s);
    return n < 0;
}
