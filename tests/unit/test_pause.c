/* SPDX-License-Identifier: MIT */
/* sched/pause: waiting where readiness cannot be believed. */
#include "tubes.h"

#include "engine/engines.h"
#include "net/handle.h"
#include "sched/pause.h"

#include <errno.h>
#include <hawser/io.h>
#include <unistd.h>

#define MS (HAWSER__SECOND / 1000)

static void pauses_double_and_stay_bounded(void **state) {
    (void)state;
    static const int expected[] = {1, 2, 4, 8, 16, 16, 16};
    for (unsigned round = 0; round < sizeof expected / sizeof *expected; round++)
        assert_int_equal(hawser__pause_end(1000, round, HAWSER__NEVER), 1000 + expected[round] * MS);
    assert_int_equal(hawser__pause_end(1000, 4000000000u, HAWSER__NEVER), 1000 + 16 * MS);
}

static void no_pause_goes_past_the_deadline(void **state) {
    (void)state;
    assert_int_equal(hawser__pause_end(1000, 4, 1500), 1500);
    assert_int_equal(hawser__pause_end(1000, 0, 1000), -ETIMEDOUT);
    assert_int_equal(hawser__pause_end(1000, 0, HAWSER__NOW), -EAGAIN);
    assert_int_equal(hawser__pause(&hawser__poll_engine, 0, 1), -ETIMEDOUT);
    assert_int_equal(hawser__pause(&hawser__poll_engine, 0, HAWSER__NEVER), 0);
}

/* Were it asked again at once, the faults would be used up long before the deadline, and the byte read. */
static void a_descriptor_that_says_ready_and_is_not_costs_no_more_than_the_timeout(void **state) {
    (void)state;
    char buf[4];
    struct tube tube = new_pipe();
    hawser_file *file = open_fd(tube.in, "r", 0.05);
    type(tube.out, "x");
    fault_syscall("read", 1, EAGAIN, 1000);
    assert_fails(hawser_read1(file, buf, sizeof buf), ETIMEDOUT);
    fault_none();
    assert_int_equal(hawser_read1(file, buf, sizeof buf), 1);
    assert_works(hawser_file_close(file));
    close(tube.in);
    close(tube.out);
}

static void nor_does_it_when_a_file_is_sent(void **state) {
    (void)state;
    hawser_sock *pair[2];
    struct tube tube = new_pipe();
    assert_works(hawser_socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
    assert_works(hawser_settimeout(pair[0], 0.05));
    type(tube.out, "x");
    fault_syscall("splice", 1, EAGAIN, 1000);
    assert_fails(hawser_sendfile(pair[0], tube.in, -1, 1), ETIMEDOUT);
    fault_none();
    assert_int_equal(hawser_sendfile(pair[0], tube.in, -1, 1), 1);
    hawser_close(pair[0]);
    hawser_close(pair[1]);
    close(tube.in);
    close(tube.out);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pauses_double_and_stay_bounded),
        cmocka_unit_test(no_pause_goes_past_the_deadline),
        cmocka_unit_test(a_descriptor_that_says_ready_and_is_not_costs_no_more_than_the_timeout),
        cmocka_unit_test(nor_does_it_when_a_file_is_sent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
