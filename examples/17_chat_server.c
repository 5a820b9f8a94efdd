/* SPDX-License-Identifier: MIT */
/*
 * A chat for two, the side that waits: prints what the other types, and asks for the answer.
 *
 * Try it: start it, then 18_chat_client in another terminal, and type in turn. It ends when the client does, or with Ctrl-D.
 *
 * The two must take turns, since each side either waits for the network or for the keyboard. One recv stands for one message
 * only because people type slowly (12_messages).
 */
#include <hawser.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int failed(hawser_sock *s) {
    fprintf(stderr, "%s\n", hawser_error());
    hawser_close(s);
    return 1;
}

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
    hawser_sock *s = hawser_create_server("localhost", port, NULL);
    if (!s)
        return failed(s);
    puts("Waiting for the other side");

    hawser_addr peer;
    hawser_sock *c = hawser_accept(s, &peer);
    if (!c)
        return failed(s);
    hawser_close(s); /* two are company */
    printf("Connection request from: %s\n", hawser_addr_str(&peer));

    char text[1024];
    ssize_t n;
    while ((n = hawser_recv(c, text, sizeof text)) > 0) {
        printf("From client: %.*s\n", (int)n, text);
        if (!type_message(text, sizeof text))
            break;
        if (hawser_sendall(c, text, strlen(text)) < 0)
            return failed(c);
    }
    if (n < 0)
        return failed(c);
    hawser_close(c);
    return 0;
}
