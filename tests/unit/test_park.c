/* SPDX-License-Identifier: MIT */
#include "support.h"

#include "sched/park.h"
#include "base/wake.h"

#include <errno.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include <hawser/world.h>

static hawser__deadline in_seconds(double seconds) {
    return hawser__clock_monotonic() + (int64_t)(seconds * 1e9);
}

static void take_leftover_wake(void) {
    hawser__task_take_wake(hawser__task_current());
}

static void a_ready_descriptor_is_told_at_once(void **state) {
    (void)state;
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    struct pollfd watched[] = {{.fd = fds[0], .events = POLLIN}, {.fd = fds[1], .events = POLLOUT}};
    take_leftover_wake();
    assert_int_equal(hawser__park(watched, 2, HAWSER__NOW), 1);
    assert_int_equal(watched[0].revents, 0);
    assert_int_equal(watched[1].revents, POLLOUT);
    assert_int_equal(write(fds[1], "x", 1), 1);
    assert_int_equal(hawser__park(watched, 2, HAWSER__NEVER), 2);
    close(fds[0]);
    close(fds[1]);
}

static void nothing_ready_is_EAGAIN_now_and_ETIMEDOUT_later(void **state) {
    (void)state;
    take_leftover_wake();
    double began = seconds_now();
    assert_int_equal(hawser__park(NULL, 0, HAWSER__NOW), -EAGAIN);
    assert_int_equal(hawser__park(NULL, 0, 1), -ETIMEDOUT);
    assert_int_equal(hawser__park(NULL, 0, in_seconds(0.01)), -ETIMEDOUT);
    assert_true(seconds_now() - began >= 0.01);
}

struct parked {
    _Atomic(hawser__task *) task;
    atomic_bool woken; /* whoever wakes it is done with the task, which may end */
};

static bool is_true(void *flag) {
    return atomic_load((atomic_bool *)flag);
}

static long park_without_end(void *argument) {
    struct parked *parked = argument;
    hawser__task_wake_fd(hawser__task_current());
    atomic_store(&parked->task, hawser__task_current());
    long result = hawser__park(NULL, 0, HAWSER__NEVER);
    return wait_until(is_true, &parked->woken) ? result : -1;
}

static void a_parked_task_is_woken(void **state) {
    (void)state;
    runner run;
    struct parked parked = {0};
    start(&run, park_without_end, &parked);
    assert_true(blocked(&run));
    hawser__task_wake(atomic_load(&parked.task));
    atomic_store(&parked.woken, true);
    assert_int_equal(finish(&run), 0);
}

static void a_wake_up_that_came_earlier_counts(void **state) {
    (void)state;
    hawser__task_wake(hawser__task_current());
    assert_int_equal(hawser__park(NULL, 0, HAWSER__NEVER), 0);
    assert_int_equal(hawser__park(NULL, 0, HAWSER__NOW), -EAGAIN);
}

/* A waker sets the mark and then writes the descriptor. When the task wakes in between, for another reason, it takes the mark
 * and clears a descriptor that is written only afterwards. The stale descriptor must not turn the next wait into a busy loop.
 */
static void a_wake_descriptor_left_signalled_does_not_make_waits_spin(void **state) {
    (void)state;
    skip_in_world("its tasks have no wake descriptors");
    hawser__task *task = hawser__task_current();
    take_leftover_wake();
    assert_int_equal(eventfd_write(hawser__task_wake_fd(task), 1), 0);
    syscalls_made();
    int result = hawser__park(NULL, 0, in_seconds(0.05));
    unsigned made = syscalls_made();
    assert_true(result == -ETIMEDOUT || result == 0);
    assert_int_equal(hawser__park(NULL, 0, in_seconds(0.01)), -ETIMEDOUT);
    assert_true(made < 10);
}

/* Trap 1. A fiber's worker sleeps for it, in poll or in epoll. */
static void an_interrupted_poll_goes_on_with_the_time_that_is_left(void **state) {
    (void)state;
    take_leftover_wake();
    fault_syscall(port_call(), 1, EINTR, 3);
    assert_int_equal(hawser__park(NULL, 0, in_seconds(0.01)), -ETIMEDOUT);
    assert_true(fault_none());
}

static void a_failing_poll_is_told(void **state) {
    (void)state;
    struct pollfd watched = {.fd = 0, .events = POLLIN};
    take_leftover_wake();
    fault_syscall("poll", 1, ENOMEM, 1);
    assert_int_equal(hawser__park(&watched, in_fiber() ? 1 : 0, HAWSER__NEVER), -ENOMEM); /* with none a fiber only parks */
    assert_true(fault_none());
}

static void too_many_descriptors_are_refused(void **state) {
    (void)state;
    struct pollfd watched[HAWSER__PARK_MAX + 1] = {{.fd = 0}};
    assert_int_equal(hawser__park(watched, HAWSER__PARK_MAX + 1, HAWSER__NOW), -EINVAL);
}

static long park_with_a_full_table(void *argument) {
    (void)argument;
    fault_syscall("eventfd", 1, EMFILE, 1000);
    int timed_out = hawser__park(NULL, 0, in_seconds(0.05));
    hawser__task_wake(hawser__task_current());
    int woken = hawser__park(NULL, 0, HAWSER__NEVER);
    bool struck = fault_none();
    return struck != in_fiber() && timed_out == -ETIMEDOUT && woken == 0;
}

/* Trap 10 in small: a full table is no reason for a wait to fail. A fiber asks for no descriptor at all. */
static void without_a_wake_descriptor_waiting_still_works(void **state) {
    (void)state;
    runner run;
    start(&run, park_with_a_full_table, NULL);
    assert_true(finish(&run));
    assert_true(run.seconds >= 0.05);
}

static long park_interruptibly(void *argument) {
    if (hawser_interrupt_on_signal(SIGUSR2) < 0)
        return 1;
    long result = hawser__park(NULL, 0, HAWSER__NEVER);
    *(long *)argument = hawser__interrupt_check();
    hawser_interrupt_restore(SIGUSR2);
    return result;
}

static void an_interrupted_task_does_not_wait(void **state) {
    (void)state;
    runner run;
    long check = 0;
    start(&run, park_interruptibly, &check);
    assert_true(blocked(&run));
    pthread_kill(run.thread, SIGUSR2);
    assert_int_equal(finish(&run), -ECANCELED);
    assert_int_equal(check, -ECANCELED);
    assert_int_equal(hawser__interrupt_check(), 0); /* ours was not */
}

/* poll(2) refuses more descriptors than the limit allows, open or not; sandboxes set it to 0. */
static void without_the_right_to_descriptors_a_task_still_sleeps(void **state) {
    (void)state;
    struct rlimit old;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
    const struct rlimit none = {.rlim_cur = 0, .rlim_max = old.rlim_max};
    double began = seconds_now();
    hawser__task_wake_fd(hawser__task_current());
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    int slept = hawser__park(NULL, 0, in_seconds(0.05)), now = hawser__park(NULL, 0, HAWSER__NOW);
    setrlimit(RLIMIT_NOFILE, &old);
    assert_int_equal(slept, -ETIMEDOUT);
    assert_int_equal(now, -EAGAIN);
    assert_true(seconds_now() - began >= 0.05);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_ready_descriptor_is_told_at_once),
        cmocka_unit_test(nothing_ready_is_EAGAIN_now_and_ETIMEDOUT_later),
        cmocka_unit_test(a_parked_task_is_woken),
        cmocka_unit_test(a_wake_up_that_came_earlier_counts),
        cmocka_unit_test(a_wake_descriptor_left_signalled_does_not_make_waits_spin),
        cmocka_unit_test(an_interrupted_poll_goes_on_with_the_time_that_is_left),
        cmocka_unit_test(a_failing_poll_is_told),
        cmocka_unit_test(too_many_descriptors_are_refused),
        cmocka_unit_test(without_a_wake_descriptor_waiting_still_works),
        cmocka_unit_test(an_interrupted_task_does_not_wait),
        cmocka_unit_test(without_the_right_to_descriptors_a_task_still_sleeps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
