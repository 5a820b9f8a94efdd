/* SPDX-License-Identifier: MIT */
/* Watches: waiting for input without a task. Each is armed by a fiber, whose worker fires it. */
#include "engine_watches.h"

#include "engine_memory.h"

#include <errno.h>
#include <sys/socket.h>

#include "engine/engines.h"

/* What can be watched: how input comes to it and goes. */
struct kind {
    struct watched (*open)(void);
    void (*come)(struct watched *scene);
    void (*take)(struct watched *scene);
};

static struct watched open_datagrams(void) {
    hawser__endpoint *pair[2];
    open_pair(SOCK_DGRAM, pair);
    return (struct watched){.self = pair[0], .far = pair[1]};
}

static struct watched open_server(void) {
    struct watched scene = {0};
    scene.self = open_listener(AF_INET, 5, &scene.addr);
    return scene;
}

static void connect_far(struct watched *scene) {
    scene->far = open_endpoint(AF_INET, SOCK_STREAM);
    EXPECT(connect_endpoint(scene->far, &scene->addr, in_seconds(WAIT_LIMIT)) == 0);
}

static void accept_far(struct watched *scene) {
    close_endpoint(accept_one(scene->self));
    close_endpoint(scene->far);
    scene->far = NULL;
}

static const struct kind kinds[] = {{open_stream, send_two, receive_two},
                                    {open_connection, send_two, receive_two},
                                    {open_datagrams, send_two, receive_two},
                                    {open_server, connect_far, accept_far}};

static int for_each_kind(void (*play)(const struct kind *kind, struct watched *scene)) {
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        struct watched scene = kinds[i].open();
        play(&kinds[i], &scene);
        strike(&scene);
    }
    return 0;
}

/* The tests. */

/* A port of another kind of engine. */
static int watch_a_stranger(void *unused) {
    (void)unused;
    hawser__engine *other = subject.descriptors ? &memory_engine : hawser__engine_named(NULL);
    hawser__endpoint *pair[2];
    struct outlook outlook = new_outlook();
    EXPECT(other->ops->pair(other, AF_UNIX, SOCK_STREAM, 0, pair) == 0);
    EXPECT(other->ops->watch(pair[0], hawser__worker_current()->port, &outlook.watch, &outlook.ended) == -EOPNOTSUPP);
    EXPECT(!other->ops->unwatch(pair[0], &outlook.watch));
    other->ops->close(pair[0]);
    other->ops->close(pair[1]);
    return 0;
}

static void what_another_kind_of_engine_has_is_not_watched(void **state) {
    (void)state;
    run_fibers(1, watch_a_stranger, NULL);
}

static void find_input(const struct kind *kind, struct watched *scene) {
    struct outlook outlook = new_outlook();
    struct hawser__interest interest = {.endpoint = scene->self, .direction = HAWSER__IN};
    for (int round = 0; round < 3; round++) {
        kind->come(scene);
        if (kind->open != open_server)
            EXPECT(ops()->await(&interest, 1, in_seconds(WAIT_LIMIT)) == 0);
        EXPECT(arm(&outlook, scene->self) == 1);
        EXPECT(!outlook.ended);
        EXPECT(arm(&outlook, scene->self) == 1);
        EXPECT(!ops()->unwatch(scene->self, &outlook.watch));
        kind->take(scene);
    }
    EXPECT(atomic_load(&outlook.shots) == 0);
}

static int find_input_of_each_kind(void *unused) {
    (void)unused;
    return for_each_kind(find_input);
}

static void what_is_there_already_is_told_at_once(void **state) {
    (void)state;
    run_fibers(1, find_input_of_each_kind, NULL);
}

static void be_told_again_and_again(const struct kind *kind, struct watched *scene) {
    struct outlook outlook = new_outlook();
    for (int round = 1; round <= 5; round++) {
        EXPECT(arm(&outlook, scene->self) == 0);
        kind->come(scene);
        wait_for_shots(&outlook, round);
        EXPECT(!outlook.ended && !outlook.in_fiber && outlook.worker == hawser__worker_current());
        EXPECT(!ops()->unwatch(scene->self, &outlook.watch));
        kind->take(scene);
    }
}

static int be_told_of_each_kind(void *unused) {
    (void)unused;
    return for_each_kind(be_told_again_and_again);
}

static void it_fires_once_when_input_comes_on_its_worker_and_in_no_fiber(void **state) {
    (void)state;
    run_fibers(1, be_told_of_each_kind, NULL);
}

/* Input that has come while the last was worked on is found, taken in parts or whole. */
static int work_while_more_comes(void *unused) {
    (void)unused;
    struct watched scene = open_connection();
    struct outlook outlook = new_outlook();
    char got[8];
    for (int round = 1; round <= 5; round++) {
        EXPECT(arm(&outlook, scene.self) == 0);
        send_two(&scene);
        wait_for_shots(&outlook, round);
        EXPECT(ops()->recv(scene.self, got, 1, 0, HAWSER__NOW) == 1);
        EXPECT(arm(&outlook, scene.self) == 1);
        EXPECT(ops()->recv(scene.self, got, sizeof got, 0, in_seconds(WAIT_LIMIT)) == 1);
        send_two(&scene);
        rest_a_moment();
        EXPECT(arm(&outlook, scene.self) == 1);
        EXPECT(ops()->recv(scene.self, got, sizeof got, 0, in_seconds(WAIT_LIMIT)) == 2);
        EXPECT(ops()->recv(scene.self, got, sizeof got, 0, HAWSER__NOW) == -EAGAIN);
    }
    strike(&scene);
    return 0;
}

static void what_came_meanwhile_or_was_left_is_told_at_once(void **state) {
    (void)state;
    run_fibers(1, work_while_more_comes, NULL);
}

static int end_in_several_ways(void *unused) {
    (void)unused;
    const struct linger at_once = {.l_onoff = 1, .l_linger = 0};
    char got[8];
    for (int way = 0; way < 3; way++) {
        struct watched scene = open_connection();
        struct outlook outlook = new_outlook();
        EXPECT(arm(&outlook, scene.self) == 0);
        if (way == 0)
            EXPECT(ops()->shutdown(scene.far, SHUT_WR) == 0);
        if (way == 1)
            EXPECT(ops()->setsockopt(scene.far, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once) == 0);
        if (way > 0) {
            close_endpoint(scene.far);
            scene.far = NULL;
        }
        wait_for_shots(&outlook, 1);
        EXPECT(outlook.ended);
        EXPECT(arm(&outlook, scene.self) == 1 && outlook.ended);
        EXPECT(ops()->recv(scene.self, got, sizeof got, 0, in_seconds(WAIT_LIMIT)) == (way == 1 ? -ECONNRESET : 0));
        EXPECT(arm(&outlook, scene.self) == 1 && outlook.ended);
        EXPECT(ops()->recv(scene.self, got, sizeof got, 0, in_seconds(WAIT_LIMIT)) == 0);
        strike(&scene);
    }
    return 0;
}

/* The last words and the end come together; the words are read, and come short. */
static int end_with_last_words(void *unused) {
    (void)unused;
    struct watched scene = open_connection();
    struct outlook outlook = new_outlook();
    EXPECT(arm(&outlook, scene.self) == 0);
    send_two(&scene);
    EXPECT(ops()->shutdown(scene.far, SHUT_WR) == 0);
    wait_for_shots(&outlook, 1);
    receive_two(&scene);
    EXPECT(arm(&outlook, scene.self) == 1 && outlook.ended);
    strike(&scene);
    return 0;
}

static void the_end_fires_it_and_is_told_as_such(void **state) {
    (void)state;
    run_fibers(1, end_with_last_words, NULL);
    run_fibers(1, end_in_several_ways, NULL);
}

static void take_back(const struct kind *kind, struct watched *scene) {
    struct outlook outlook = new_outlook();
    for (int round = 0; round < 3; round++) {
        EXPECT(arm(&outlook, scene->self) == 0);
        EXPECT(ops()->unwatch(scene->self, &outlook.watch));
        EXPECT(!ops()->unwatch(scene->self, &outlook.watch));
        kind->come(scene);
        rest_a_moment();
        kind->take(scene);
    }
    EXPECT(atomic_load(&outlook.shots) == 0);
    EXPECT(arm(&outlook, scene->self) == 0);
    kind->come(scene);
    wait_for_shots(&outlook, 1);
}

static int take_back_each_kind(void *unused) {
    (void)unused;
    return for_each_kind(take_back);
}

static void taken_back_it_does_not_fire_and_nothing_is_lost(void **state) {
    (void)state;
    run_fibers(1, take_back_each_kind, NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        engine_test(what_another_kind_of_engine_has_is_not_watched),
        engine_test(what_is_there_already_is_told_at_once),
        engine_test(it_fires_once_when_input_comes_on_its_worker_and_in_no_fiber),
        engine_test(what_came_meanwhile_or_was_left_is_told_at_once),
        engine_test(the_end_fires_it_and_is_told_as_such),
        engine_test(taken_back_it_does_not_fire_and_nothing_is_lost),
    };
    return run_for_each_engine(tests, sizeof tests / sizeof *tests);
}
