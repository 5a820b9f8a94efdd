/* SPDX-License-Identifier: MIT */
/*
 * A hundred hosts that gossip: once a second each raises its own count and tells one other, drawn by lot, all the counts that
 * it knows. At the end everybody has to know nearly the last of everybody. This is the measure of how fast simulated time goes.
 */
#include "storm.h"

#include <hawser/io.h>
#include <hawser/sock.h>
#include <hawser/world.h>

#include <stdio.h>
#include <string.h>

#define HOSTS 100
#define PORT 7000
#define SECONDS 600
#define BEHIND 30   /* seconds that news may be on its way */

struct gossiper {
    int number;
    uint32_t known[HOSTS];
};

static void tell(struct gossiper *self, hawser_sock *sock) {
    char name[16];
    self->known[self->number]++;
    snprintf(name, sizeof name, "host%d", (int)hawser_sim_random(HOSTS));
    MUST(hawser_sendto(sock, self->known, sizeof self->known, name, PORT) == (ssize_t)sizeof self->known);
}

static void hear(struct gossiper *self, hawser_sock *sock, double until) {
    uint32_t heard[HOSTS];
    for (double left; (left = until - hawser_now()) > 0;) {
        hawser_settimeout(sock, left);
        if (hawser_recv(sock, heard, sizeof heard) != (ssize_t)sizeof heard)
            continue;
        for (int i = 0; i < HOSTS; i++)
            if (heard[i] > self->known[i])
                self->known[i] = heard[i];
    }
}

static int gossip(void *arg) {
    struct gossiper *self = arg;
    hawser_sock *sock = hawser_socket(AF_INET6, SOCK_DGRAM, 0);
    MUST(sock && hawser_bind(sock, "", PORT) == 0);
    double next = hawser_now() + (double)hawser_sim_random(1000) / 1000;
    for (int i = 0; i < SECONDS; i++, next += 1) {
        hear(self, sock, next);
        tell(self, sock);
    }
    hawser_close(sock);
    return 0;
}

static int scenario(void *arg) {
    static struct gossiper gossipers[HOSTS];
    int hosts[HOSTS];
    (void)arg;
    memset(gossipers, 0, sizeof gossipers);
    for (int i = 0; i < HOSTS; i++) {
        char name[16];
        snprintf(name, sizeof name, "host%d", i);
        gossipers[i].number = i;
        hosts[i] = hawser_sim_start(name, gossip, &gossipers[i]);
        MUST(hosts[i] > 0);
    }
    for (int i = 0; i < HOSTS; i++)
        MUST(hawser_sim_join(hosts[i]) == 0);
    for (int i = 0; i < HOSTS; i++)
        for (int j = 0; j < HOSTS; j++)
            MUST(gossipers[i].known[j] + BEHIND >= SECONDS);
    storm_note_virtual(hawser_sim_now());
    return 0;
}

const struct scene storm_gossip = {.name = "gossip", .scenario = scenario,
                                   .model = {.link = {.latency = 0.05, .jitter = 0.05, .loss = 0.01, .duplicate = 0.01,
                                                      .reorder = 0.01}}};
