/* SPDX-License-Identifier: MIT */
/*
 * The greeting server of 01 in a storm: a simulated network that loses every fifth packet.
 *
 * Try it: start it, with a number for another storm. The same number gives the same storm, on any machine:
 *     HAWSER_SIM_DIAGRAM=storm.svg 48_simulated_greeting 7
 * and a browser shows what happened. Other weather: HAWSER_SIM_MODEL=loss=0.5 in front.
 *
 * The server knows nothing of all this: it calls hawser.h, and hawser_sim_start runs it on a host of its own. Seconds pass in
 * no time, because the simulator's clock jumps to whatever happens next.
 */
#include <hawser.h>
#include <stdio.h>
#include <stdlib.h>

/* What main does in 01. */
static int server(void *arg) {
    hawser_sock *s = hawser_create_server("", 12345, NULL);
    hawser_sock *c;
    (void)arg;
    while (s && (c = hawser_accept(s, NULL))) {
        hawser_sendall(c, "Thank you for connecting", 24);
        hawser_close(c);
    }
    hawser_close(s);
    return -1;
}

/* Calls again until it has been greeted: the server may not be there yet, and a network that loses much may lose a call. */
static int client(void *name) {
    char text[100] = "";
    for (int calls = 1; calls <= 10; calls++) {
        hawser_sock *s = hawser_create_connection("server", 12345, NULL);
        ssize_t n = s ? hawser_recv_exactly(s, text, 24) : -1;
        hawser_close(s);
        if (n > 0) {
            printf("%7.3f s: \"%s\", reads %s, call %d\n", hawser_sim_now(), text, (const char *)name, calls);
            return 0;
        }
        hawser_sleep(1);
    }
    return -1;
}

static int scenario(void *arg) {
    static char names[3][4] = {"ann", "bob", "eve"};
    int hosts[3];
    (void)arg;
    if (hawser_sim_start("server", server, NULL) < 0)
        return -1;
    for (int i = 0; i < 3; i++)
        hosts[i] = hawser_sim_start(names[i], client, names[i]);
    for (int i = 0; i < 3; i++)
        if (hosts[i] < 0 || hawser_sim_join(hosts[i]) < 0)
            return -1;
    return 0;
}

int main(int argc, char **argv) {
    hawser_sim_model storm = {.link = {.latency = 0.03, .jitter = 0.02, .loss = 0.2}};
    return hawser_sim_run(argc > 1 ? strtoull(argv[1], NULL, 10) : 1, &storm, scenario, NULL) < 0;
}
