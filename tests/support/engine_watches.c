/* SPDX-License-Identifier: MIT */
#include "engine_watches.h"

#include <sched.h>

#include "base/wake.h"
#include "sched/park.h"

void shoot(hawser__watch *watch, bool ended) {
    struct outlook *outlook = (struct outlook *)watch;
    hawser__task *waiter = outlook->waiter;
    atomic_store(&outlook->inside, true);
    close_endpoint(outlook->endpoint);
    outlook->ended = ended;
    outlook->worker = hawser__worker_current();
    outlook->in_fiber = hawser__task_current()->fiber != NULL;
    for (int i = 0; i < 3 && !in_world(); i++)   /* where nobody can stop inside of it */
        sched_yield();
    atomic_store(&outlook->inside, false);
    atomic_fetch_add(&outlook->shots, 1);
    if (waiter)
        hawser__task_wake(waiter);
}

struct outlook new_outlook(void) {
    return (struct outlook){.watch.fire = shoot, .waiter = hawser__task_current()};
}

int arm(struct outlook *outlook, hawser__endpoint *endpoint) {
    outlook->ended = false;
    return ops()->watch(endpoint, hawser__worker_current()->port, &outlook->watch, &outlook->ended);
}

void wait_for_shots(struct outlook *outlook, int shots) {
    while (atomic_load(&outlook->shots) < shots)
        hawser__wait_through("shot", -1);
    EXPECT(atomic_load(&outlook->shots) == shots);
}

struct watched open_stream(void) {
    hawser__endpoint *pair[2];
    open_pair(SOCK_STREAM, pair);
    return (struct watched){.self = pair[0], .far = pair[1]};
}

struct watched open_connection(void) {
    hawser__endpoint *pair[2];
    open_tcp(pair);
    return (struct watched){.self = pair[1], .far = pair[0]};
}

void send_two(struct watched *scene) {
    EXPECT(send_text(scene->far, "ab") == 2);
}

void receive_two(struct watched *scene) {
    char got[8];
    EXPECT(ops()->recv(scene->self, got, sizeof got, 0, in_seconds(WAIT_LIMIT)) == 2);
}

void strike(struct watched *scene) {
    close_endpoint(scene->self);
    close_endpoint(scene->far);
}
