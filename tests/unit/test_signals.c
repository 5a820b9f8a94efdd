/* SPDX-License-Identifier: MIT */
/*
 * Interruption by signal, for those who ask (trap 1). That signals are invisible to all others is tested with each call that
 * waits: test_interruptions.c.
 */
#include "support.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <hawser/world.h>

static void asking_for_no_signal_is_EINVAL(void **state) {
    (void)state;
    static const int bad[] = {0, -1, 65, 1000, SIGKILL, SIGSTOP};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_fails(hawser_interrupt_on_signal(bad[i]), EINVAL);
    assert_sentence("interrupt on signal 19: Invalid argument");
}

static void restoring_what_nobody_asked_for_is_EINVAL(void **state) {
    (void)state;
    assert_fails(hawser_interrupt_restore(SIGUSR2), EINVAL);
    assert_fails(hawser_interrupt_restore(0), EINVAL);
}

static void the_action_from_before_comes_back(void **state) {
    (void)state;
    struct sigaction action;
    count_signals(); /* SIGUSR1 */
    long before = signals_counted();
    assert_works(hawser_interrupt_on_signal(SIGUSR1));
    assert_works(hawser_interrupt_on_signal(SIGUSR1)); /* again by the same thread: keeps the first action */
    raise(SIGUSR1);
    assert_int_equal(signals_counted(), before);
    assert_int_equal(hawser_interrupted(), SIGUSR1);
    hawser_interrupt_clear();
    assert_works(hawser_interrupt_restore(SIGUSR1));
    raise(SIGUSR1);
    assert_int_equal(signals_counted(), before + 1);
    assert_int_equal(hawser_interrupted(), 0);
    assert_int_equal(sigaction(SIGUSR2, NULL, &action), 0);
    assert_ptr_equal(action.sa_handler, SIG_DFL); /* nobody touched the others */
}

struct order {
    atomic_bool asked;
    hawser_sock *sock;
};

static long ask_and_receive(void *argument) {
    struct order *order = argument;
    char buf[8];
    if (hawser_interrupt_on_signal(SIGUSR2) < 0)
        return -2;
    atomic_store(&order->asked, true);
    return hawser_recv(order->sock, buf, sizeof buf);
}

static void another_thread_cannot_take_the_signal_until_the_first_ends(void **state) {
    (void)state;
    wire w = tcp_wire(false);
    struct order order = {.sock = w.sock};
    runner run;
    start(&run, ask_and_receive, &order);
    assert_true(blocked(&run) && atomic_load(&order.asked));
    assert_fails(hawser_interrupt_on_signal(SIGUSR2), EBUSY);
    assert_true(raw_write(w.far, "x", 1));
    assert_int_equal(finish(&run), 1);
    assert_works(hawser_interrupt_on_signal(SIGUSR2)); /* it has ended and asks no longer */
    assert_works(hawser_interrupt_restore(SIGUSR2));
    cut(w);
}

/* The signal of the process may be delivered to any thread; it is the one that asked whose wait ends. */
static void the_asking_thread_is_interrupted_whichever_gets_the_signal(void **state) {
    (void)state;
    wire w = tcp_wire(false);
    struct order order = {.sock = w.sock};
    runner run;
    start(&run, ask_and_receive, &order);
    assert_true(blocked(&run) && atomic_load(&order.asked));
    raise(SIGUSR2); /* handled by this thread */
    assert_int_equal(finish(&run), -1);
    assert_int_equal(run.code, ECANCELED);
    assert_non_null(strstr(run.sentence, ": Operation canceled"));
    assert_int_equal(hawser_interrupted(), 0);
    assert_works(hawser_interrupt_restore(SIGUSR2));
    cut(w);
}

/* A handler left behind by a thread that is gone does nothing. */
static void a_signal_after_the_end_of_the_asking_thread_is_ignored(void **state) {
    (void)state;
    wire w = tcp_wire(false);
    struct order order = {.sock = w.sock};
    runner run;
    assert_true(raw_write(w.far, "x", 1));
    start(&run, ask_and_receive, &order);
    assert_int_equal(finish(&run), 1);
    raise(SIGUSR2);
    assert_int_equal(hawser_interrupted(), 0);
    assert_works(hawser_interrupt_restore(SIGUSR2));
    cut(w);
}

/* From the delivery on, not only the call that was waiting. */
static void every_waiting_call_fails_until_the_interruption_is_cleared(void **state) {
    (void)state;
    wire w = tcp_wire(false);
    char buf[8];
    assert_works(hawser_interrupt_on_signal(SIGUSR2));
    raise(SIGUSR2);
    assert_int_equal(hawser_interrupted(), SIGUSR2);
    assert_fails(hawser_recv(w.sock, buf, sizeof buf), ECANCELED);
    assert_fails(hawser_sleep(10), ECANCELED);
    assert_fails(hawser_wait_fd(w.far, HAWSER_READABLE, 10), ECANCELED);
    assert_int_equal(hawser_interrupted(), SIGUSR2);
    hawser_interrupt_clear();
    assert_int_equal(hawser_interrupted(), 0);
    assert_true(raw_write(w.far, "data", 4));
    assert_result(hawser_recv(w.sock, buf, sizeof buf), 4);
    assert_works(hawser_interrupt_restore(SIGUSR2));
    cut(w);
}

static int ask_scenario(void *argument) {
    (void)argument;
    int result = -1;
    TRY(hawser_interrupt_on_signal(SIGUSR2));
    TRY(hawser_interrupt_restore(SIGUSR2));
    result = 0;
out:
    return result;
}

static void asking_and_restoring_survive_every_fault(void **state) {
    (void)state;
    assert_true(sweep_syscalls(ask_scenario, NULL, EINVAL, NULL) >= 2);
    sweep_allocations(ask_scenario, NULL);
}

/* 0 when the child has nothing of the asking thread, and can ask for itself. */
static int ask_in_a_child(void) {
    raise(SIGUSR2); /* asked for by a thread that is not here */
    if (hawser_interrupted() != 0 || hawser_sleep(0.001) != 0)
        return 1;
    if (hawser_interrupt_on_signal(SIGUSR2) != 0)
        return 2;
    raise(SIGUSR2);
    return hawser_interrupted() == SIGUSR2 && hawser_sleep(WAIT_LIMIT) < 0 && errno == ECANCELED ? 0 : 3;
}

static void a_forked_child_can_ask_for_what_a_thread_of_its_parent_asked_for(void **state) {
    (void)state;
    skip_in_world("its hosts do not fork");
    wire w = tcp_wire(false);
    struct order order = {.sock = w.sock};
    runner run;
    int status;
    start(&run, ask_and_receive, &order);
    assert_true(blocked(&run) && atomic_load(&order.asked));
    fflush(NULL);
    pid_t child = fork();
    if (child == 0)
        _exit(ask_in_a_child());
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_true(blocked(&run)); /* the child's signals did not reach it */
    raise(SIGUSR2);
    assert_int_equal(finish(&run), -1);
    assert_int_equal(run.code, ECANCELED);
    assert_works(hawser_interrupt_restore(SIGUSR2));
    cut(w);
}

/* What the forking thread asked for goes with it. */
static void a_forked_child_is_still_interrupted_by_what_its_thread_asked_for(void **state) {
    (void)state;
    skip_in_world("its hosts do not fork");
    int status;
    assert_works(hawser_interrupt_on_signal(SIGUSR2));
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        raise(SIGUSR2);
        _exit(hawser_sleep(WAIT_LIMIT) < 0 && errno == ECANCELED ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(hawser_interrupted(), 0);
    assert_works(hawser_interrupt_restore(SIGUSR2));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(asking_for_no_signal_is_EINVAL),
        cmocka_unit_test(restoring_what_nobody_asked_for_is_EINVAL),
        cmocka_unit_test(the_action_from_before_comes_back),
        cmocka_unit_test(another_thread_cannot_take_the_signal_until_the_first_ends),
        cmocka_unit_test(the_asking_thread_is_interrupted_whichever_gets_the_signal),
        cmocka_unit_test(a_signal_after_the_end_of_the_asking_thread_is_ignored),
        cmocka_unit_test(every_waiting_call_fails_until_the_interruption_is_cleared),
        cmocka_unit_test(asking_and_restoring_survive_every_fault),
        cmocka_unit_test(a_forked_child_can_ask_for_what_a_thread_of_its_parent_asked_for),
        cmocka_unit_test(a_forked_child_is_still_interrupted_by_what_its_thread_asked_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
