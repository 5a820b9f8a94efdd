/* SPDX-License-Identifier: MIT */
#include "support.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <unistd.h>

#include <hawser/world.h>

#include "engine/engines.h"
#include "engine_memory.h"

static void the_clock_only_goes_forward(void **state) {
    (void)state;
    double before = hawser_now();
    for (int i = 0; i < 1000; i++) {
        double now = hawser_now();
        assert_true(now >= before);
        before = now;
    }
}

static void the_time_of_day_is_the_systems(void **state) {
    (void)state;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    double told = hawser_time();
    assert_true(told >= (double)now.tv_sec && told < (double)now.tv_sec + WAIT_LIMIT);
}

static void clocks_and_chance_come_from_the_engine(void **state) {
    (void)state;
    skip_in_world("its hosts have one engine");
    unsigned char a[16], b[16];
    hawser__engine_use(&memory_engine);
    memory_engine_set_time(1000 * HAWSER__SECOND);
    memory_engine_seed(1);
    double told = hawser_time();
    assert_works(hawser_random_bytes(a, sizeof a));
    memory_engine_seed(1);
    assert_works(hawser_random_bytes(b, sizeof b));
    hawser__engine_use(NULL);
    assert_true(told == 1000);
    assert_memory_equal(a, b, sizeof a);
}

static void random_bytes_fill_any_size(void **state) {
    (void)state;
    static unsigned char bytes[100000];
    assert_works(hawser_random_bytes(bytes, sizeof bytes));
    assert_memory_not_equal(bytes, bytes + 50000, 50000);
    assert_memory_not_equal(bytes + sizeof bytes - 50, ((unsigned char[50]){0}), 50);
    assert_works(hawser_random_bytes(bytes, 0));
}

static void no_random_bytes_is_an_error(void **state) {
    (void)state;
    char bytes[4];
    fault_syscall("getrandom", 1, ENOSYS, 1);
    assert_fails(hawser_random_bytes(bytes, sizeof bytes), ENOSYS);
    assert_true(fault_none());
    assert_sentence("get 4 random bytes: Function not implemented");
}

static void sleep_lasts_as_long_as_asked(void **state) {
    (void)state;
    double began = seconds_now();
    assert_works(hawser_sleep(0.05));
    assert_true(seconds_now() - began >= 0.05);
    assert_works(hawser_sleep(0));
}

static void sleep_takes_no_negative_time_and_no_nonsense(void **state) {
    (void)state;
    assert_fails(hawser_sleep(-0.1), EINVAL);
    assert_fails(hawser_sleep(HAWSER_NO_TIMEOUT), EINVAL);
    assert_fails(hawser_sleep(NAN), EINVAL);
}

static void a_descriptor_is_readable_when_something_came(void **state) {
    (void)state;
    skip_in_world("foreign descriptors are not waited for");
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    assert_fails(hawser_wait_fd(fds[0], HAWSER_READABLE, 0), EAGAIN);
    assert_fails(hawser_wait_fd(fds[0], HAWSER_READABLE, 0.01), ETIMEDOUT);
    assert_sentence_has("wait for descriptor ");
    assert_int_equal(write(fds[1], "x", 1), 1);
    assert_int_equal(assert_works(hawser_wait_fd(fds[0], HAWSER_READABLE, 0)), HAWSER_READABLE);
    assert_int_equal(assert_works(hawser_wait_fd(fds[0], HAWSER_READABLE, HAWSER_NO_TIMEOUT)), HAWSER_READABLE);
    close(fds[0]);
    close(fds[1]);
}

static void both_events_are_told_at_once(void **state) {
    (void)state;
    wire w = tcp_wire(false);
    int both = HAWSER_READABLE | HAWSER_WRITABLE;
    assert_int_equal(assert_works(hawser_wait_fd(w.far, both, 10)), HAWSER_WRITABLE);
    assert_works(hawser_sendall(w.sock, "x", 1));
    assert_int_equal(assert_works(hawser_wait_fd(w.far, HAWSER_READABLE, 10)), HAWSER_READABLE);
    assert_int_equal(assert_works(hawser_wait_fd(w.far, both, 10)), both);
    cut(w);
}

static void the_end_counts_as_ready_for_what_was_asked(void **state) {
    (void)state;
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    close(fds[0]);
    assert_int_equal(assert_works(hawser_wait_fd(fds[1], HAWSER_WRITABLE, 0)), HAWSER_WRITABLE);
    close(fds[1]);
    assert_int_equal(pipe(fds), 0);
    close(fds[1]);
    assert_int_equal(assert_works(hawser_wait_fd(fds[0], HAWSER_READABLE, 0)), HAWSER_READABLE);
    close(fds[0]);
}

static void regular_files_are_always_ready(void **state) {
    (void)state;
    int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    assert_int_equal(assert_works(hawser_wait_fd(fd, HAWSER_READABLE, 0)), HAWSER_READABLE);
    close(fd);
}

static void no_descriptor_and_no_event_are_told_apart(void **state) {
    (void)state;
    assert_fails(hawser_wait_fd(-1, HAWSER_READABLE, 0), EBADF);
    assert_fails(hawser_wait_fd(1023, HAWSER_READABLE, 0), EBADF);
    assert_fails(hawser_wait_fd(0, 0, 0), EINVAL);
    assert_fails(hawser_wait_fd(0, 4, 0), EINVAL);
    assert_fails(hawser_wait_fd(0, HAWSER_READABLE, -2), EINVAL);
    assert_fails(hawser_wait_fd(0, HAWSER_READABLE, 2e9), ERANGE);
}

/* Descriptors are shared with other programs: a shell finds its terminal as it was. */
static void the_flags_of_a_foreign_descriptor_stay(void **state) {
    (void)state;
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    int before = fcntl(fds[1], F_GETFL);
    assert_works(hawser_wait_fd(fds[1], HAWSER_WRITABLE, 1));
    assert_int_equal(fcntl(fds[1], F_GETFL), before);
    close(fds[0]);
    close(fds[1]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_clock_only_goes_forward),
        cmocka_unit_test(the_time_of_day_is_the_systems),
        cmocka_unit_test(clocks_and_chance_come_from_the_engine),
        cmocka_unit_test(random_bytes_fill_any_size),
        cmocka_unit_test(no_random_bytes_is_an_error),
        cmocka_unit_test(sleep_lasts_as_long_as_asked),
        cmocka_unit_test(sleep_takes_no_negative_time_and_no_nonsense),
        cmocka_unit_test(a_descriptor_is_readable_when_something_came),
        cmocka_unit_test(both_events_are_told_at_once),
        cmocka_unit_test(the_end_counts_as_ready_for_what_was_asked),
        cmocka_unit_test(regular_files_are_always_ready),
        cmocka_unit_test(no_descriptor_and_no_event_are_told_apart),
        cmocka_unit_test(the_flags_of_a_foreign_descriptor_stay),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
