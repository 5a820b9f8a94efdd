/* SPDX-License-Identifier: MIT */
/* Watches that others meddle with: who evicts, closes, takes back, sends beside them, or ends their worker. */
#include "engine_watches.h"

#include <errno.h>
#include <sched.h>

#include "base/wake.h"
#include "sched/park.h"

/* Evicted, by whom it may be. */

static int evict_it(void *endpoint) {
    ops()->evict(endpoint);
    return 0;
}

static long evict_on_thread(void *endpoint) {
    return evict_it(endpoint);
}

static int be_evicted_by_each(void *unused) {
    (void)unused;
    for (int who = 0; who < 3; who++) {
        struct watched scene = open_connection();
        struct outlook outlook = new_outlook();
        runner thread;
        EXPECT(arm(&outlook, scene.self) == 0);
        if (who < 2)
            EXPECT(hawser_go_on(who + 1, evict_it, scene.self) == 0);
        else
            start_thread(&thread, evict_on_thread, scene.self);
        wait_for_shots(&outlook, 1);
        if (who == 2)
            finish(&thread);
        EXPECT(outlook.ended);
        EXPECT(!ops()->unwatch(scene.self, &outlook.watch));
        EXPECT(arm(&outlook, scene.self) == -EBADF);
        strike(&scene);
    }
    return 0;
}

static void evicting_fires_it_whoever_evicts(void **state) {
    (void)state;
    run_fibers(2, be_evicted_by_each, NULL);
}

/* The shot itself closes the endpoint: whoever fires must not touch it any more. */
static int close_in_the_shot(void *unused) {
    (void)unused;
    for (int evicted = 0; evicted < 2; evicted++) {
        struct watched scene = open_connection();
        struct outlook outlook = new_outlook();
        outlook.endpoint = scene.self;
        EXPECT(arm(&outlook, scene.self) == 0);
        if (evicted)
            ops()->evict(scene.self);
        else
            send_two(&scene);
        wait_for_shots(&outlook, 1);
        close_endpoint(scene.far);
    }
    return 0;
}

static void the_endpoint_may_be_closed_by_the_shot(void **state) {
    (void)state;
    run_fibers(1, close_in_the_shot, NULL);
}

/* Input comes while another thread takes the watch back: one of the two gets it, and after that nobody is inside. */
struct race {
    struct watched scene;
    struct outlook outlook;
    hawser__task *host;
    atomic_int round;      /* armed so often */
    atomic_int raced;
    bool taken;
};
#define ROUNDS 300

static long run_against_it(void *argument) {
    struct race *race = argument;
    for (int round = 1; round <= ROUNDS; round++) {
        while (atomic_load(&race->round) < round)
            sched_yield();
        send_two(&race->scene);
        for (int i = 0; i < round % 7; i++)
            sched_yield();
        race->taken = ops()->unwatch(race->scene.self, &race->outlook.watch);
        EXPECT(!atomic_load(&race->outlook.inside));
        atomic_store(&race->raced, round);
        hawser__task_wake(race->host);
    }
    return 0;
}

static int race_against_a_thread(void *argument) {
    struct race *race = argument;
    runner thread;
    race->scene = open_connection();
    race->outlook = (struct outlook){.watch.fire = shoot};
    race->host = hawser__task_current();
    start_thread(&thread, run_against_it, race);
    for (int round = 1; round <= ROUNDS; round++) {
        int before = atomic_load(&race->outlook.shots);
        EXPECT(arm(&race->outlook, race->scene.self) == 0);
        atomic_store(&race->round, round);
        while (atomic_load(&race->raced) < round)
            hawser__wait_through("race", -1);
        EXPECT(atomic_load(&race->outlook.shots) == before + !race->taken);
        receive_two(&race->scene);
    }
    finish(&thread);
    strike(&race->scene);
    return 0;
}

static void taking_it_back_while_it_fires_tells_which_it_was(void **state) {
    (void)state;
    struct race race = {0};
    run_fibers(1, race_against_a_thread, &race);
}

/* Many at once, some of which are taken back and closed meanwhile. */
#define MANY 40

struct many {
    struct watched scenes[MANY];
    struct outlook outlooks[MANY];
    int taken;
};

static int take_back_some(void *argument) {
    struct many *many = argument;
    for (int i = 0; i < MANY; i += 3)
        if (ops()->unwatch(many->scenes[i].self, &many->outlooks[i].watch)) {
            close_endpoint(many->scenes[i].self);
            many->scenes[i].self = NULL;
            many->taken++;
        }
    return 0;
}

static long take_back_some_on_thread(void *argument) {
    return take_back_some(argument);
}

static int count_shots(const struct many *many) {
    int shots = 0;
    for (int i = 0; i < MANY; i++)
        shots += atomic_load(&many->outlooks[i].shots);
    return shots;
}

static int watch_many(void *argument) {
    struct many *many = argument;
    runner thread;
    for (int i = 0; i < MANY; i++) {
        many->scenes[i] = open_stream();
        many->outlooks[i] = new_outlook();
        EXPECT(arm(&many->outlooks[i], many->scenes[i].self) == 0);
    }
    for (int i = 0; i < MANY; i++)
        send_two(&many->scenes[i]);
    start_thread(&thread, take_back_some_on_thread, many);
    while (!atomic_load(&thread.done) || count_shots(many) + many->taken < MANY)
        rest_a_moment();
    finish(&thread);
    for (int i = 0; i < MANY; i++) {
        if (many->scenes[i].self)
            EXPECT(!ops()->unwatch(many->scenes[i].self, &many->outlooks[i].watch));
        EXPECT(atomic_load(&many->outlooks[i].shots) == (many->scenes[i].self != NULL));
        strike(&many->scenes[i]);
    }
    EXPECT(count_shots(many) + many->taken == MANY);
    return 0;
}

static void of_many_each_fires_or_is_taken_back(void **state) {
    (void)state;
    for (int round = 0; round < 10; round++) {
        struct many many = {0};
        run_fibers(1, watch_many, &many);
    }
}

/* Another worker sends on the endpoint, and has to wait for room. */
struct crowd {
    struct watched scene;
    hawser__task *host;
    atomic_bool sent;
};

static int send_more(void *argument) {
    struct crowd *crowd = argument;
    EXPECT(send_text(crowd->scene.self, "more") == 4);
    atomic_store(&crowd->sent, true);
    hawser__task_wake(crowd->host);
    return 0;
}

static int watch_beside_a_sender(void *unused) {
    (void)unused;
    struct crowd crowd = {.scene = open_stream(), .host = hawser__task_current()};
    struct outlook outlook = new_outlook();
    fill(crowd.scene.self);
    EXPECT(arm(&outlook, crowd.scene.self) == 0);
    EXPECT(hawser_go_on(2, send_more, &crowd) == 0);
    rest_a_moment();
    send_two(&crowd.scene);
    wait_for_shots(&outlook, 1);
    EXPECT(outlook.worker == hawser__worker_current());
    receive_two(&crowd.scene);
    int armed = arm(&outlook, crowd.scene.self);
    EXPECT(armed == 0 || armed == -EOPNOTSUPP);
    drain(crowd.scene.far);
    while (!atomic_load(&crowd.sent))
        hawser__wait_through("sender", -1);
    EXPECT(ops()->unwatch(crowd.scene.self, &outlook.watch) == (armed == 0));
    strike(&crowd.scene);
    return 0;
}

static void one_may_wait_to_send_on_another_worker_meanwhile(void **state) {
    (void)state;
    run_fibers(2, watch_beside_a_sender, NULL);
}

struct left {
    struct watched scene;
    struct outlook outlook;
};

static int arm_and_go(void *argument) {
    struct left *left = argument;
    EXPECT(arm(&left->outlook, left->scene.self) == 0);
    return 0;
}

static void after_its_worker_it_does_not_fire(void **state) {
    (void)state;
    struct left left = {.outlook.watch.fire = shoot};
    left.scene = open_connection();
    run_fibers(1, arm_and_go, &left);
    send_two(&left.scene);
    assert_int_equal(atomic_load(&left.outlook.shots), 0);
    assert_true(ops()->unwatch(left.scene.self, &left.outlook.watch));
    receive_two(&left.scene);
    assert_as_expected();
    strike(&left.scene);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        engine_test(evicting_fires_it_whoever_evicts),
        engine_test(the_endpoint_may_be_closed_by_the_shot),
        engine_test(taking_it_back_while_it_fires_tells_which_it_was),
        engine_test(of_many_each_fires_or_is_taken_back),
        engine_test(one_may_wait_to_send_on_another_worker_meanwhile),
        engine_test(after_its_worker_it_does_not_fire),
    };
    return run_for_each_engine(tests, sizeof tests / sizeof *tests);
}
