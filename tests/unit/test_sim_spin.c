/* SPDX-License-Identifier: MIT */
/* Programs in a simulated world that never wait: time goes on, others have their turns, and a search does not get stuck. */
#include "support.h"

#include "sim_call.h"

#define SPINS 100000000   /* many more than any of these needs: the test fails in place of hanging */

/* A search is one thread, with nothing for the thread sanitizer to see at a thirtieth of the speed. */
#ifdef __SANITIZE_THREAD__
#define skip_where_slow() skip()
#else
#define skip_where_slow() ((void)0)
#endif

static int look_at_the_clock(void *arg) {
    (void)arg;
    return hawser_now() < 0;
}

static int look_at_the_date(void *arg) {
    (void)arg;
    return hawser_time() < 0;
}

static int sleep_for_nothing(void *arg) {
    (void)arg;
    return hawser_sleep(0);
}

static int receive_nothing(void *arg) {
    char byte;
    return hawser_recv(arg, &byte, 1) >= 0;
}

static int send_to_nobody(void *arg) {
    return hawser_sendto(arg, "x", 1, "main", 9) < 0;
}

static int accept_nobody(void *arg) {
    hawser_close(hawser_accept(arg, NULL));
    return 0;
}

static hawser_sock *bound(int type) {
    hawser_sock *sock = hawser_socket(AF_INET, type, 0);
    hawser_bind(sock, "", 1);
    hawser_settimeout(sock, 0);
    return sock;
}

static const hawser_fn ways[] = {look_at_the_clock, look_at_the_date, sleep_for_nothing,
                                 receive_nothing,   send_to_nobody,   accept_nobody};

/* One of the ways, until the host is killed. */
static int spin_on(void *arg) {
    hawser_fn way = *(const hawser_fn *)arg;
    hawser_sock *sock = bound(way == accept_nobody ? SOCK_STREAM : SOCK_DGRAM);
    if (way == accept_nobody)
        hawser_listen(sock, 5);
    for (int i = 0; i < SPINS && way(sock) <= 0; i++)
        ;
    return hawser_sim_fail("the world stood still"), 0;
}

/* The timer of another host is on time, as far as chance lets it: it draws whose turn is next. */
static int watch_it_spin(void *arg) {
    int host = hawser_sim_start("spinner", spin_on, arg);
    hawser_sleep(0.01);
    if (hawser_sim_now() > 0.05)
        hawser_sim_fail("it was %g s", hawser_sim_now());
    return hawser_sim_crash(host);
}

static void who_never_waits_keeps_nobody_from_his_turn(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        struct call call = {.seed = i, .scenario = watch_it_spin, .arg = (void *)(uintptr_t)&ways[i]};
        if (make(&call) < 0)
            fail_msg("way %zu: %s", i, call.sentence);
    }
}

static int join_spinner(void *arg) {
    return hawser_sim_join(hawser_sim_start("spinner", spin_on, arg));
}

/* Even that of a whole day is reached in seconds. */
static void who_spins_for_ever_comes_to_the_end_of_the_time(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        struct call call = {.seed = i, .scenario = join_spinner, .arg = (void *)(uintptr_t)&ways[i]};
        call.model.time_limit = i == 0 ? 0 : 0.05;
        assert_int_equal(make(&call), -1);
        assert_int_equal(call.code, ETIMEDOUT);
        assert_non_null(strstr(call.sentence, "spinner: never waits"));
    }
}

static int echo(void *arg) {
    char byte;
    (void)arg;
    hawser_sock *server = hawser_create_server("", 9, NULL), *client = hawser_accept(server, NULL);
    while (hawser_recv(client, &byte, 1) == 1)
        hawser_sendall(client, &byte, 1);
    return -1;
}

/* Asks again and again, as fast as the network is. */
static int ask_for_ever(void *arg) {
    char byte;
    (void)arg;
    hawser_sim_start("server", echo, NULL);
    hawser_sleep(1);
    hawser_sock *sock = hawser_create_connection("server", 9, NULL);
    for (int i = 0; i < SPINS; i++)
        if (hawser_sendall(sock, "?", 1) < 0 || hawser_recv(sock, &byte, 1) != 1)
            return -1;
    return 0;
}

static void a_smaller_model_that_takes_too_long_is_given_up(void **state) {
    (void)state;
    skip_where_slow();
    struct call call = {.seed = 1, .count = 2, .scenario = ask_for_ever, .model = {.link = {.latency = 0.5}, .time_limit = 60}};
    assert_int_equal(make(&call), 1);
    assert_int_equal(call.code, ETIMEDOUT);
    assert_true(call.report.model.link.latency > 0);
}

/* Fails with the errno that a run which is given up has, where there is latency. */
static int ask_impatiently(void *arg) {
    hawser_deadline_push(1.5);
    int result = ask_for_ever(arg);
    if (result < 0)
        errno = ECANCELED;
    return result;
}

static void what_was_given_up_is_not_taken_for_the_failure(void **state) {
    (void)state;
    skip_where_slow();
    struct call call = {.seed = 1, .count = 2, .scenario = ask_impatiently, .model = {.link = {.latency = 0.2}}};
    assert_int_equal(make(&call), 1);
    assert_int_equal(call.report.code, ECANCELED);
    assert_true(call.report.model.link.latency > 0);
    assert_null(strstr(call.report.sentence, "takes too long"));
    assert_false(call.report.unsteady);
}

static int wander(void *arg) {
    hawser_sleep(++*(int *)arg);
    return 0;
}

static void what_goes_another_way_is_noticed_though_nothing_fails(void **state) {
    (void)state;
    int runs = 0;
    struct call call = {.seed = 1, .count = 3, .scenario = wander, .arg = &runs};
    assert_int_equal(make(&call), 0);
    assert_true(call.report.unsteady);
    assert_said(&call, "seed 3 did not go the same way again");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_never_waits_keeps_nobody_from_his_turn),
        cmocka_unit_test(who_spins_for_ever_comes_to_the_end_of_the_time),
        cmocka_unit_test(a_smaller_model_that_takes_too_long_is_given_up),
        cmocka_unit_test(what_was_given_up_is_not_taken_for_the_failure),
        cmocka_unit_test(what_goes_another_way_is_noticed_though_nothing_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
