/* SPDX-License-Identifier: MIT */
/* Those who call the servers of handover.c, a few times each: they ask, go on while they are kept, and leave, some rudely. */
#include "handover.h"

#include <hawser/dial.h>
#include <hawser/error.h>
#include <hawser/group.h>
#include <hawser/io.h>
#include <hawser/option.h>
#include <hawser/world.h>

#include <errno.h>
#include <string.h>

#define CALLS 5

static void lose(struct handover_clients *clients, const char *what, int code) {
    hawser_sim_note("lost: %s, code %d, %s", what, code, code ? hawser_error() : "the end");
    clients->lost++;
}

/* What comes of the whole answer. */
static size_t hear(hawser_sock *sock) {
    char got[ANSWER + 1];
    size_t size = 0;
    for (ssize_t n; size < sizeof got && (n = hawser_recv(sock, got + size, sizeof got - size)) > 0;)
        size += (size_t)n;
    return size;
}

static void leave_rudely(hawser_sock *sock) {
    const struct linger none = {.l_onoff = 1, .l_linger = 0};
    if (hawser_sim_random(2))
        (void)hawser_setsockopt(sock, SOL_SOCKET, SO_LINGER, &none, sizeof none);
}

/* Asks once more or for the first time. Whether it may go on. A connection that was kept may end at any time. */
static bool ask(struct handover_clients *clients, hawser_sock *sock, bool first) {
    if (hawser_sendall(sock, "1\n", 2) < 0) {
        if (first && !hawser_cancelled())
            lose(clients, "request", errno);
        return false;
    }
    if (hawser_sim_random(8) == 0) {
        leave_rudely(sock);
        return false;
    }
    size_t size = hear(sock);
    if (size < ANSWER + 1 && (first || size > 0) && !hawser_cancelled())
        lose(clients, first ? "answer" : "rest of an answer", errno);
    return size == ANSWER + 1;
}

static void call_once(struct handover_clients *clients, const char *host) {
    hawser_connect_options options = {.timeout = 60};
    hawser_sock *sock = hawser_create_connection(host, strncmp(host, "unix:", 5) == 0 ? 0 : 4000, &options);
    if (!sock && !hawser_cancelled())
        lose(clients, "connection", errno);
    for (bool first = true; sock && ask(clients, sock, first) && hawser_sim_random(2); first = false)
        ;
    hawser_close(sock);
}

static void call_often(struct handover_clients *clients, const char *host) {
    for (int i = 0; i < CALLS && !hawser_cancelled(); i++) {
        call_once(clients, host);
        (void)hawser_sleep(0.001 * (double)hawser_sim_random(15));
    }
}

int handover_call_from_within(void *arg) {
    struct handover_clients *clients = arg;
    call_often(clients, clients->place->hosts[hawser_sim_random(2)]);
    return 0;
}

int handover_call_from_afar(void *arg) {
    struct handover_clients *clients = arg;
    while (!clients->open)
        (void)hawser_sleep(0.001);
    call_often(clients, clients->place->hosts[2]);
    return 0;
}
