/* SPDX-License-Identifier: MIT */
/* base/thread: helper threads that no signal reaches. */
#include "support.h"

#include "base/thread.h"

#include <signal.h>

static atomic_int ran;
static sigset_t mask_of_helper;

static void *helper(void *argument) {
    pthread_sigmask(SIG_SETMASK, NULL, &mask_of_helper);
    atomic_store(&ran, *(int *)argument);
    return NULL;
}

static bool has_run(void *argument) {
    return atomic_load(&ran) == *(int *)argument;
}

/* A thread that faults while the signal is blocked is killed before anybody can say why. */
static bool is_fault(int signo) {
    return signo == SIGSEGV || signo == SIGBUS || signo == SIGFPE || signo == SIGILL || signo == SIGTRAP || signo == SIGSYS;
}

static void a_helper_runs_with_every_signal_blocked_but_those_of_its_own_faults(void **state) {
    (void)state;
    skip_in_world("signals hit hosts there");
    int number = 7;
    census before = take_census();
    assert_int_equal(hawser__thread_start(helper, &number), 0);
    assert_true(wait_until(has_run, &number));
    for (int signo = 1; signo < 32; signo++)
        if (signo != SIGKILL && signo != SIGSTOP)
            assert_int_equal(sigismember(&mask_of_helper, signo), !is_fault(signo));
    assert_null(compare_census(before));
}

static void the_mask_of_the_caller_stays_as_it_was(void **state) {
    (void)state;
    int number = 8;
    sigset_t before, after;
    sigemptyset(&before);
    sigaddset(&before, SIGUSR2);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    assert_int_equal(hawser__thread_start(helper, &number), 0);
    pthread_sigmask(SIG_SETMASK, NULL, &after);
    for (int signo = 1; signo < 32; signo++)
        assert_int_equal(sigismember(&after, signo), signo == SIGUSR2);
    sigemptyset(&before);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    assert_true(wait_until(has_run, &number));
}

static void no_thread_to_be_had_is_no_memory_whatever_the_system_calls_it(void **state) {
    (void)state;
    int number = 9;
    fault_syscall("pthread_create", 1, EAGAIN, 1);
    assert_int_equal(hawser__thread_start(helper, &number), -ENOMEM);
    assert_true(fault_none());
    assert_int_not_equal(atomic_load(&ran), number);
}

/* A sanitizer's own thread comes with the first one that a program makes, and stays. */
static long nothing(void *argument) {
    (void)argument;
    return 0;
}

static int make_first_thread(void **state) {
    (void)state;
    runner run;
    start(&run, nothing, NULL);
    return (int)finish(&run);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_helper_runs_with_every_signal_blocked_but_those_of_its_own_faults),
        cmocka_unit_test(the_mask_of_the_caller_stays_as_it_was),
        cmocka_unit_test(no_thread_to_be_had_is_no_memory_whatever_the_system_calls_it),
    };
    return cmocka_run_group_tests(tests, make_first_thread, NULL);
}
