/* SPDX-License-Identifier: MIT */
/* sim/storm: what the model does to a world by itself, beside what its scenario does. */
#include "support.h"

#define PORT 7000
#define LETTERS 200

static int count_letters(void *arg) {
    char letter;
    hawser_sock *sock = hawser_socket(AF_INET6, SOCK_DGRAM, 0);
    if (!sock || hawser_bind(sock, "", PORT) < 0)
        return -1;
    while (hawser_recv(sock, &letter, 1) == 1)
        ++*(int *)arg;
    return 0;
}

/* To a peer that it has cut itself off from, or not. */
static int send_letters(bool cut, int *heard) {
    int peer = hawser_sim_start("peer", count_letters, heard);
    hawser_sock *sock = hawser_socket(AF_INET6, SOCK_DGRAM, 0);
    hawser_sleep(0.1);
    if (!sock || (cut && hawser_sim_cut(0, peer) < 0))
        return -1;
    for (int i = 0; i < LETTERS; i++) {
        hawser_sendto(sock, "x", 1, "peer", PORT);
        hawser_sleep(0.02);
    }
    hawser_close(sock);
    return 0;
}

static int send_openly(void *arg) {
    return send_letters(false, arg);
}

static int send_into_a_cut(void *arg) {
    return send_letters(true, arg);
}

struct storm {
    hawser_fn scenario;
    int heard;
};

/* On a thread of its own: the test itself may be a fiber. */
static long run_storm(void *argument) {
    const hawser_sim_model model = {.partition_every = 0.1, .partition_time = 0.1};
    struct storm *storm = argument;
    return hawser_sim_run(1, &model, storm->scenario, &storm->heard);
}

static int letters_heard(hawser_fn scenario) {
    struct storm storm = {.scenario = scenario};
    runner thread;
    start_thread(&thread, run_storm, &storm);
    assert_int_equal(finish(&thread), 0);
    return storm.heard;
}

static void a_partition_loses_some_and_heals(void **state) {
    (void)state;
    assert_in_range(letters_heard(send_openly), 1, LETTERS - 1);
}

static void a_partition_that_heals_leaves_a_cut_of_the_scenario(void **state) {
    (void)state;
    assert_int_equal(letters_heard(send_into_a_cut), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_partition_loses_some_and_heals),
        cmocka_unit_test(a_partition_that_heals_leaves_a_cut_of_the_scenario),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
