/* SPDX-License-Identifier: MIT */
#include "support.h"

#include "base/task.h"
#include "base/wake.h"
#include "sched/park.h"

#include <errno.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

static bool is_signalled(int fd) {
    struct pollfd watched = {.fd = fd, .events = POLLIN};
    return poll(&watched, 1, 0) == 1;
}

static void a_thread_always_gets_the_same_record(void **state) {
    (void)state;
    assert_non_null(hawser__task_current());
    assert_ptr_equal(hawser__task_current(), hawser__task_current());
}

static long record_of_another(void *argument) {
    (void)argument;
    return (long)hawser__task_current();
}

static void two_threads_have_two_records(void **state) {
    (void)state;
    runner run;
    start(&run, record_of_another, NULL);
    assert_int_not_equal(finish(&run), (long)hawser__task_current());
}

/* A fiber is woken by its worker and needs no descriptor. */
static void is_consumed_once_without_descriptor(hawser__task *task) {
    assert_int_equal(atomic_load(&task->wake_fd), -1);
    assert_false(hawser__task_take_wake(task));
    hawser__task_wake(task);
    hawser__task_wake(task);
    assert_true(hawser__task_take_wake(task));
    assert_false(hawser__task_take_wake(task));
    assert_int_equal(atomic_load(&task->wake_fd), -1);
}

static void a_wake_up_is_consumed_once(void **state) {
    (void)state;
    hawser__task *task = hawser__task_current();
    if (in_fiber()) {
        is_consumed_once_without_descriptor(task);
        return;
    }
    int fd = hawser__task_wake_fd(task);
    assert_true(fd >= 0 && raw_is_cloexec(fd) && raw_is_nonblocking(fd));
    assert_int_equal(hawser__task_wake_fd(task), fd);
    assert_false(hawser__task_take_wake(task));
    hawser__task_wake(task);
    hawser__task_wake(task);
    assert_true(is_signalled(fd));
    assert_true(hawser__task_take_wake(task));
    assert_false(hawser__task_take_wake(task));
    assert_false(is_signalled(fd));
}

static void waking_a_task_without_descriptor_is_remembered(void **state) {
    (void)state;
    hawser__task task = {.wake_fd = -1};
    hawser__task_wake(&task);
    assert_true(hawser__task_take_wake(&task));
}

static void without_descriptors_there_is_no_wake_descriptor_but_a_code(void **state) {
    (void)state;
    hawser__task task = {.wake_fd = -1};
    fault_syscall("eventfd", 1, EMFILE, 1);
    assert_int_equal(hawser__task_wake_fd(&task), -EMFILE);
    assert_true(fault_none());
    int fd = hawser__task_wake_fd(&task); /* later there may be */
    assert_true(fd >= 0);
    close(fd);
}

static long wait_a_moment(void *argument) {
    (void)argument;
    int result = hawser__wait("test", -1, 1);
    return result == -ETIMEDOUT && (atomic_load(&hawser__task_current()->wake_fd) == -1) == in_fiber();
}

static void a_thread_that_ends_leaves_nothing(void **state) {
    (void)state;
    census before = take_census();
    for (int i = 0; i < 20; i++) {
        runner run;
        start(&run, wait_a_moment, NULL);
        assert_true(finish(&run));
    }
    assert_null(compare_census(before));
}

static bool is_woken_by_the_other_process(pid_t child, hawser__task *task) {
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    return hawser__wait("test", -1, hawser__clock_monotonic() + HAWSER__SECOND / 100) != -ETIMEDOUT ||
           hawser__task_take_wake(task);
}

static void a_forked_fiber_is_woken_in_its_own_process(hawser__task *task) {
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        hawser__task_wake(task);
        bool woken = hawser__wait("test", -1, HAWSER__NEVER) == 0;
        _exit(woken && hawser__wait("test", -1, 1) == -ETIMEDOUT ? 0 : 1);
    }
    assert_false(is_woken_by_the_other_process(child, task));
}

/* Trap 26 in small: what waits in the child must not be woken by the parent's descriptor. */
static void a_forked_child_gets_a_wake_descriptor_of_its_own(void **state) {
    (void)state;
    hawser__task *task = hawser__task_current();
    if (in_fiber()) {
        a_forked_fiber_is_woken_in_its_own_process(task);
        return;
    }
    int fd = hawser__task_wake_fd(task);
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        bool dropped = atomic_load(&task->wake_fd) == -1;
        hawser__task_wake_fd(task);
        hawser__task_wake(task);
        _exit(dropped ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_false(is_signalled(fd));
    assert_int_equal(hawser__task_wake_fd(task), fd);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_thread_always_gets_the_same_record),
        cmocka_unit_test(two_threads_have_two_records),
        cmocka_unit_test(a_wake_up_is_consumed_once),
        cmocka_unit_test(waking_a_task_without_descriptor_is_remembered),
        cmocka_unit_test(without_descriptors_there_is_no_wake_descriptor_but_a_code),
        cmocka_unit_test(a_thread_that_ends_leaves_nothing),
        cmocka_unit_test(a_forked_child_gets_a_wake_descriptor_of_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
