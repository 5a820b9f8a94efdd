/* SPDX-License-Identifier: MIT */
/*
 * The "OK..." server with a thread for each client: many clients at once, many lines each.
 *
 * Try it: start it, then in three other terminals: telnet localhost 8888
 * Type into all three. To leave telnet press Ctrl-] and enter: close
 *
 * The tutorial answers each recv, so two lines that come together get one "OK..."; this one reads line by line. A thread costs
 * memory for its stack whether its client talks or not; 30_fibers does without.
 */
#include <hawser.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

static int failed(hawser_sock *s) {
    fprintf(stderr, "%s\n", hawser_error());
    hawser_close(s);
    return 1;
}

static void *talk(void *client) {
    pthread_detach(pthread_self());
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
    return NULL;
}

int main(int argc, char **argv) {
    int port = argc > 1 ? atoi(argv[1]) : 8888;
    hawser_sock *s = hawser_socket(AF_INET, SOCK_STREAM, 0);
    if (!s)
        return failed(s);
    puts("Socket created");
    hawser_set_reuseaddr(s, true);
    if (hawser_bind(s, "", port) < 0) {
        printf("Bind failed. Error Code : %d Message %s\n", errno, hawser_strerror(errno));
        return failed(s);
    }
    puts("Socket bind complete");
    if (hawser_listen(s, 10) < 0)
        return failed(s);
    puts("Socket now listening");

    hawser_addr peer;
    hawser_sock *c;
    while ((c = hawser_accept(s, &peer))) {
        printf("Connected with %s\n", hawser_addr_str(&peer));
        pthread_t thread;
        if (pthread_create(&thread, NULL, talk, c) != 0) {
            fprintf(stderr, "no thread for this client\n");
            hawser_close(c);
        }
    }
    return failed(s);
}
