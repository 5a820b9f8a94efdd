/* SPDX-License-Identifier: MIT */
/* sched/run: what a run leaves for its caller, here and in the child of a fork. */
#include "fibers.h"
#include "support.h"

#include <errno.h>
#include <sys/wait.h>
#include <unistd.h>

static int set_errno(void *arg) {
    (void)arg;
    errno = ENOENT;
    return 0;
}

static int set_errno_beside(void *arg) {
    return hawser_go_on(2, set_errno, arg) < 0 ? -1 : set_errno(arg);
}

static long run_successfully(void *arg) {
    errno = EDOM;
    return run_on_workers(2, set_errno_beside, arg);
}

static void a_run_that_succeeds_leaves_errno_alone(void **state) {
    (void)state;
    runner thread;
    start_thread(&thread, run_successfully, NULL);
    assert_int_equal(finish(&thread), 0);
    assert_int_equal(thread.code, EDOM);
    assert_string_equal(thread.sentence, "");
}

static int fail_without_errno(void *arg) {
    (void)arg;
    errno = 0;
    return -1;
}

static long run_failing(void *arg) {
    return run_on_workers(1, fail_without_errno, arg);
}

static void a_first_fiber_that_fails_without_errno_is_EIO(void **state) {
    (void)state;
    runner thread;
    start_thread(&thread, run_failing, NULL);
    assert_int_equal(finish(&thread), -1);
    assert_int_equal(thread.code, EIO);
}

/* A fork while another worker is anywhere in its code. */

#define CHILDREN 20

static atomic_bool over;

/* Comes past all that a worker does: it wakes, sets timers, registers and closes. */
static int be_busy(void *arg) {
    char byte;
    while (!atomic_load(&over)) {
        hawser_sock *pair[2];
        if (hawser_socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0)
            return -1;
        hawser_settimeout(pair[0], 0.00001);
        EXPECT_FAILURE(hawser_recv(pair[0], &byte, 1), ETIMEDOUT);
        hawser_close(pair[0]);
        hawser_close(pair[1]);
        hawser_yield();
    }
    (void)arg;
    return 0;
}

/* In a child, 7 at once. */
static int fork_children(void *arg) {
    for (int i = 0; i < 3; i++)
        EXPECT(hawser_go_on(2, be_busy, arg) == 0);
    for (int i = 0, status = 7 << 8; i < CHILDREN && status == 7 << 8; i++) {
        pid_t child = fork();
        if (child == 0) {
            alarm((unsigned)WAIT_LIMIT / 2);
            return 7;
        }
        EXPECT(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 7);
    }
    atomic_store(&over, true);
    return 0;
}

static long run_and_fork(void *arg) {
    pid_t parent = getpid();
    int result = run_on_workers(2, fork_children, arg);
    if (getpid() != parent)
        _exit(result);
    return result;
}

static void the_child_of_a_fork_comes_to_the_end_of_its_run_by_itself(void **state) {
    (void)state;
    skip_in_world("its hosts do not fork");
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
    skip(); /* whose own threads do not come along */
#endif
    skip_where_emulated("a fork while other threads run is not survived");
    runner thread;
    atomic_store(&over, false);
    fflush(NULL);
    start_thread(&thread, run_and_fork, NULL);
    assert_int_equal(finish(&thread), 0);
    assert_as_expected();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_run_that_succeeds_leaves_errno_alone),
        cmocka_unit_test(a_first_fiber_that_fails_without_errno_is_EIO),
        cmocka_unit_test(the_child_of_a_fork_comes_to_the_end_of_its_run_by_itself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
