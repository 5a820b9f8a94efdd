/* SPDX-License-Identifier: MIT */
/*
 * All processors at work: a fiber on each worker, clients on the one that has the fewest, and one counter for everybody.
 *
 * Try it: start it, then call it several times with: telnet localhost 8888
 * Behind the port stands how many workers there are to be, one for each processor if there is nothing: 38_workers 8888 4
 *
 * Fibers of different workers run at the same time, so they cannot simply count in one variable. Here the variable belongs to
 * one fiber, which hands the numbers out through a channel of capacity 0: each is made when somebody takes it.
 */
#include <hawser.h>
#include <stdio.h>
#include <stdlib.h>

static hawser_channel *numbers;

static int count(void *unused) {
    (void)unused;
    for (int number = 1; hawser_channel_send(numbers, &number) == 0;)
        number++;
    return 0;
}

static int report(void *unused) {
    (void)unused;
    printf("worker %d of %d is there\n", hawser_worker(), hawser_workers());
    return 0;
}

static int greet(void *client) {
    int number;
    hawser_file *f = hawser_makefile(client, "w");
    if (f && hawser_channel_recv(numbers, &number) == 1)
        hawser_printf(f, "You are number %d, and worker %d serves you.\n", number, hawser_worker());
    hawser_file_close(f);
    hawser_close_linger(client, 1);
    return 0;
}

static int serve(void *listener) {
    hawser_sock *c;
    if (hawser_go(count, NULL) < 0)
        return -1;
    for (int worker = 1; worker <= hawser_workers(); worker++)
        if (hawser_go_on(worker, report, NULL) < 0)
            return -1;
    while ((c = hawser_accept(listener, NULL)))
        if (hawser_go_on(HAWSER_ANY_WORKER, greet, c) < 0)
            hawser_close(c);
    hawser_channel_close(numbers); /* ends the one that counts */
    return -1;
}

int main(int argc, char **argv) {
    hawser_run_options options = {.workers = argc > 2 ? atoi(argv[2]) : 0};
    hawser_sock *s = hawser_create_server("localhost", argc > 1 ? atoi(argv[1]) : 8888, NULL);
    numbers = s ? hawser_channel_new(sizeof(int), 0) : NULL;
    if (!numbers || hawser_run(serve, s, &options) < 0)
        fprintf(stderr, "%s\n", hawser_error());
    return 1;
}
