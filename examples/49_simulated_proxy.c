/* SPDX-License-Identifier: MIT */
/*
 * The proxy of 37 (carry and serve are as there) where it is hard to be one: connections are reset, and computers crash.
 *
 * Try it: start it, with a number for another storm. The scenario asks questions through the proxy, each until it is answered.
 */
#include <hawser.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { QUESTIONS = 1000 };

static int carry(void *client) {
    hawser_sock *server = hawser_create_connection("server", 8888, NULL);
    if (server)
        hawser_relay(client, server, NULL, NULL);
    hawser_close(server);
    hawser_close(client);
    return 0;
}

static int serve(void *listener) {
    hawser_sock *c;
    while ((c = hawser_accept(listener, NULL)))
        if (hawser_go_on(HAWSER_ANY_WORKER, carry, c) < 0)
            hawser_close(c);
    return -1;
}

static int proxy(void *arg) { return hawser_run(serve, hawser_create_server("", 9999, arg), NULL); }

static void answer(hawser_request *r) {
    char line[1024];
    while (hawser_readline(r->rfile, line, sizeof line) > 0)
        hawser_printf(r->wfile, "OK...%s", line);
}

static int server(void *arg) { return hawser_serve_forever(hawser_tcp_server("", 8888, answer, arg)); }

/* Asks from question FIRST on, until the connection breaks. The first one without an answer. A wrong answer ends it all. */
static int ask(hawser_sock *s, int first) {
    char question[32], answer[64];
    for (; s && first < QUESTIONS; first++) {
        size_t length = (size_t)snprintf(question, sizeof question, "%d\n", first);
        if (hawser_sendall(s, question, length) < 0 || hawser_recv_exactly(s, answer, length + 5) <= 0)
            break;
        if (memcmp(answer, "OK...", 5) != 0 || memcmp(answer + 5, question, length) != 0)
            hawser_sim_fail("the answer to %d was %.*s", first, (int)length + 4, answer);
    }
    return first;
}

static int scenario(void *arg) {
    hawser_connect_options patience = {.timeout = 5}; /* for every wait: who has lost power does not say goodbye */
    int done = 0, calls = 0;
    hawser_sim_start("server", server, arg);
    for (hawser_sim_start("proxy", proxy, arg); done < QUESTIONS && hawser_sleep(0.1) == 0; calls++) {
        hawser_sock *s = hawser_create_connection("proxy", 9999, &patience);
        done = ask(s, done);
        hawser_close(s);
    }
    printf("%d answers in %d calls and %.0f seconds, and all of them right\n", done, calls, hawser_sim_now());
    return 0;
}

int main(int argc, char **argv) {
    hawser_sim_model storm = {.link = {.latency = 0.01, .loss = 0.01}, .reset_every = 20, .crash_every = 60, .crash_time = 5};
    return hawser_sim_run(argc > 1 ? strtoull(argv[1], NULL, 10) : 1, &storm, scenario, NULL) < 0;
}
