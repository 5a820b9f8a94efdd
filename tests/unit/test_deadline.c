/* SPDX-License-Identifier: MIT */
/* sched/deadline. That the calls which wait look at it: test_waiters_calls.c for locks and channels, here for the others. */
#include "support.h"

#include <errno.h>
#include <hawser/deadline.h>
#include <hawser/io.h>
#include <hawser/world.h>
#include <math.h>

static void without_a_deadline_there_is_no_limit(void **state) {
    (void)state;
    assert_true(hawser_deadline_left() == HAWSER_NO_TIMEOUT);
    int64_t outer = hawser_deadline_push(HAWSER_NO_TIMEOUT);
    assert_true(outer >= 0);
    assert_true(hawser_deadline_left() == HAWSER_NO_TIMEOUT);
    hawser_deadline_pop(outer);
    assert_true(hawser_deadline_left() == HAWSER_NO_TIMEOUT);
}

static void what_is_left_is_what_was_pushed_less_the_time_since(void **state) {
    (void)state;
    double began = seconds_now();
    int64_t outer = assert_works(hawser_deadline_push(100));
    double left = hawser_deadline_left();
    assert_true(left <= 100 && left >= 100 - (seconds_now() - began) - 1e-6);
    hawser_deadline_pop(outer);
}

static void an_inner_deadline_never_lasts_longer_than_an_outer_one(void **state) {
    (void)state;
    int64_t outermost = hawser_deadline_push(100);
    int64_t outer = hawser_deadline_push(10);
    assert_true(hawser_deadline_left() <= 10);
    int64_t inner = hawser_deadline_push(50);
    assert_true(hawser_deadline_left() <= 10);
    hawser_deadline_pop(inner);
    inner = hawser_deadline_push(HAWSER_NO_TIMEOUT);
    assert_true(hawser_deadline_left() <= 10);
    hawser_deadline_pop(inner);
    assert_true(hawser_deadline_left() <= 10);
    hawser_deadline_pop(outer);
    assert_true(hawser_deadline_left() > 10);
    hawser_deadline_pop(outermost);
    assert_true(hawser_deadline_left() == HAWSER_NO_TIMEOUT);
}

static void when_the_time_is_up_nothing_is_left(void **state) {
    (void)state;
    int64_t outer = hawser_deadline_push(1e-9);
    double began = seconds_now();
    while (seconds_now() == began)
        ;
    assert_true(hawser_deadline_left() == 0);
    int64_t inner = hawser_deadline_push(10);
    assert_true(hawser_deadline_left() == 0);
    hawser_deadline_pop(inner);
    hawser_deadline_pop(outer);
}

static void a_deadline_of_0_has_nothing_left_from_the_start(void **state) {
    (void)state;
    int64_t outer = hawser_deadline_push(0);
    assert_true(hawser_deadline_left() == 0);
    int64_t inner = hawser_deadline_push(10);
    assert_true(hawser_deadline_left() == 0);
    hawser_deadline_pop(inner);
    hawser_deadline_pop(outer);
}

static void what_is_no_time_is_refused_and_changes_nothing(void **state) {
    (void)state;
    assert_fails(hawser_deadline_push(-0.5), EINVAL);
    assert_sentence("set deadline to -0.5 seconds: Invalid argument");
    assert_fails(hawser_deadline_push(NAN), EINVAL);
    assert_fails(hawser_deadline_push(1.1e9), ERANGE);
    assert_true(hawser_deadline_left() == HAWSER_NO_TIMEOUT);
    int64_t outer = hawser_deadline_push(10);
    hawser_deadline_pop(-1);
    assert_true(hawser_deadline_left() <= 10 && hawser_deadline_left() > 0);
    hawser_deadline_pop(outer);
}

static long look(void *argument) {
    *(double *)argument = hawser_deadline_left();
    return 0;
}

static void a_deadline_belongs_to_its_task(void **state) {
    (void)state;
    double left = 0;
    runner run;
    int64_t outer = hawser_deadline_push(10);
    start(&run, look, &left);
    finish(&run);
    hawser_deadline_pop(outer);
    assert_true(left == HAWSER_NO_TIMEOUT);
}

static void calls_on_sockets_end_with_it_whatever_their_own_timeout(void **state) {
    (void)state;
    hawser_sock *pair[2];
    char byte;
    assert_works(hawser_socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
    assert_works(hawser_settimeout(pair[0], 20));
    double began = seconds_now();
    int64_t outer = hawser_deadline_push(0.02);
    assert_fails(hawser_recv(pair[0], &byte, 1), ETIMEDOUT);
    assert_fails(hawser_sleep(20), ETIMEDOUT);
    assert_true(seconds_now() - began < 10);
    assert_works(hawser_sendall(pair[1], "x", 1));
    assert_int_equal(hawser_recv(pair[0], &byte, 1), 1); /* what can be done at once still is */
    hawser_deadline_pop(outer);
    outer = hawser_deadline_push(0);
    assert_fails(hawser_recv(pair[0], &byte, 1), EAGAIN);
    hawser_deadline_pop(outer);
    outer = hawser_deadline_push(10);
    assert_works(hawser_settimeout(pair[0], 0.02)); /* the earlier one counts, and that may be the socket's */
    assert_fails(hawser_recv(pair[0], &byte, 1), ETIMEDOUT);
    hawser_deadline_pop(outer);
    hawser_close(pair[0]);
    hawser_close(pair[1]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_deadline_there_is_no_limit),
        cmocka_unit_test(what_is_left_is_what_was_pushed_less_the_time_since),
        cmocka_unit_test(an_inner_deadline_never_lasts_longer_than_an_outer_one),
        cmocka_unit_test(when_the_time_is_up_nothing_is_left),
        cmocka_unit_test(a_deadline_of_0_has_nothing_left_from_the_start),
        cmocka_unit_test(what_is_no_time_is_refused_and_changes_nothing),
        cmocka_unit_test(a_deadline_belongs_to_its_task),
        cmocka_unit_test(calls_on_sockets_end_with_it_whatever_their_own_timeout),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
