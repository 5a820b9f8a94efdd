/* SPDX-License-Identifier: MIT */
/*
 * A server that stops cleanly: Ctrl-C ends the accept loop, those who are still talking hear "goodbye", threads are joined.
 *
 * Try it: start it, call it from two other terminals with telnet localhost 8888, then press Ctrl-C in the first.
 *
 * main keeps a reference to each client: the socket may be closed by its thread, and main's calls then fail with EBADF and do
 * no harm. To stay short it serves 100 clients in its life; a longer one would drop the references of those who have left.
 */
#include <hawser.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

static void *talk(void *client) {
    char text[1024];
    ssize_t n;
    while ((n = hawser_recv(client, text, sizeof text)) > 0 && hawser_sendall(client, text, (size_t)n) == 0)
        ;
    hawser_close(client);
    return NULL;
}

int main(int argc, char **argv) {
    hawser_sock *s = hawser_create_server("localhost", argc > 1 ? atoi(argv[1]) : 8888, NULL);
    if (!s || hawser_interrupt_on_signal(SIGINT) < 0) {
        fprintf(stderr, "%s\n", hawser_error());
        hawser_close(s);
        return 1;
    }
    puts("listening, Ctrl-C stops");
    hawser_sock *clients[100], *c;
    pthread_t threads[100];
    int count = 0;
    while (count < 100 && (c = hawser_accept(s, NULL))) {
        clients[count] = hawser_ref(c); /* before its thread can close it */
        if (pthread_create(&threads[count], NULL, talk, c) == 0) {
            count++;
        } else {
            hawser_close(c);
            hawser_unref(c);
        }
    }
    int stopped = hawser_interrupted();
    if (!stopped)
        fprintf(stderr, "%s\n", count == 100 ? "that was the last client" : hawser_error());
    hawser_interrupt_clear(); /* otherwise the goodbyes would be interrupted as well */
    hawser_close(s);
    for (int i = 0; i < count; i++) {
        hawser_settimeout(clients[i], 1); /* one who does not read must not keep us */
        hawser_sendall(clients[i], "goodbye\n", 8);
        hawser_shutdown(clients[i], SHUT_RDWR); /* wakes its thread, which reads the end */
        pthread_join(threads[i], NULL);
        hawser_unref(clients[i]);
    }
    puts("stopped");
    return !stopped;
}
