/* SPDX-License-Identifier: MIT */
#include "support.h"

#include "base/clock.h"

#include <errno.h>
#include <limits.h>
#include <math.h>

static void seconds_become_nanoseconds_once_and_exactly(void **state) {
    (void)state;
    assert_int_equal(hawser__timeout_ns(0), 0);
    assert_int_equal(hawser__timeout_ns(0.05), 50000000);
    assert_int_equal(hawser__timeout_ns(1.5), 1500000000);
    assert_int_equal(hawser__timeout_ns(1e9), INT64_C(1000000000) * HAWSER__SECOND);
    assert_int_equal(hawser__timeout_ns(HAWSER_NO_TIMEOUT), HAWSER__NEVER);
    assert_int_equal(hawser__timeout_ns(-0.0), 0);
}

/* 0 means "do not wait at all"; a time above 0, however short, may wait. */
static void the_shortest_time_is_not_zero(void **state) {
    (void)state;
    assert_int_equal(hawser__timeout_ns(1e-12), 1);
    assert_int_equal(hawser__timeout_ns(5e-324), 1);
}

static void what_is_no_time_is_refused(void **state) {
    (void)state;
    assert_int_equal(hawser__timeout_ns(-0.5), -1);
    assert_int_equal(hawser__timeout_ns(-2), -1);
    assert_int_equal(hawser__timeout_ns(-HUGE_VAL), -1);
    assert_int_equal(hawser__timeout_ns(NAN), -1);
    assert_int_equal(hawser__timeout_ns(1.1e9), -2);
    assert_int_equal(hawser__timeout_ns(HUGE_VAL), -2);
}

static void nanoseconds_become_the_seconds_they_came_from(void **state) {
    (void)state;
    static const double times[] = {0, 0.05, 0.25, 1, 3.5, 86400, HAWSER_NO_TIMEOUT};
    for (size_t i = 0; i < sizeof times / sizeof *times; i++)
        assert_true(hawser__timeout_seconds(hawser__timeout_ns(times[i])) == times[i]);
}

static void a_deadline_of_no_time_is_now_and_one_without_end_never(void **state) {
    (void)state;
    assert_int_equal(hawser__deadline_in(1000, 0), HAWSER__NOW);
    assert_int_equal(hawser__deadline_in(1000, 5), 1005);
    assert_int_equal(hawser__deadline_in(1000, HAWSER__NEVER), HAWSER__NEVER);
    assert_int_equal(hawser__deadline_in(HAWSER__NEVER - 5, 10), HAWSER__NEVER); /* does not overflow */
}

/* Trap 9: would-block and timeout are two results. */
static void a_wait_that_was_none_is_EAGAIN_and_another_ETIMEDOUT(void **state) {
    (void)state;
    assert_int_equal(hawser__deadline_code(HAWSER__NOW), EAGAIN);
    assert_int_equal(hawser__deadline_code(1), ETIMEDOUT);
}

static void milliseconds_are_rounded_up(void **state) {
    (void)state;
    assert_int_equal(hawser__deadline_ms(HAWSER__NEVER, 0), -1);
    assert_int_equal(hawser__deadline_ms(100, 100), 0);
    assert_int_equal(hawser__deadline_ms(100, 200), 0);
    assert_int_equal(hawser__deadline_ms(101, 100), 1);
    assert_int_equal(hawser__deadline_ms(1000000, 0), 1);
    assert_int_equal(hawser__deadline_ms(1000001, 0), 2);
    assert_int_equal(hawser__deadline_ms(HAWSER__NEVER - 1, 0), INT_MAX);
}

static void the_clocks_run(void **state) {
    (void)state;
    int64_t before = hawser__clock_monotonic();
    assert_true(hawser__clock_monotonic() >= before);
    assert_true(hawser__clock_wall() > INT64_C(1700000000) * HAWSER__SECOND);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(seconds_become_nanoseconds_once_and_exactly),
        cmocka_unit_test(the_shortest_time_is_not_zero),
        cmocka_unit_test(what_is_no_time_is_refused),
        cmocka_unit_test(nanoseconds_become_the_seconds_they_came_from),
        cmocka_unit_test(a_deadline_of_no_time_is_now_and_one_without_end_never),
        cmocka_unit_test(a_wait_that_was_none_is_EAGAIN_and_another_ETIMEDOUT),
        cmocka_unit_test(milliseconds_are_rounded_up),
        cmocka_unit_test(the_clocks_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
