/* SPDX-License-Identifier: MIT */
/*
 * sched/offload: the pool of helper threads, its limits, and what becomes of a job whose waiter leaves. The owned jobs are
 * look-ups, which the gate of gate.h makes slow where that is wanted; test_offload_call.c has the borrowed ones.
 */
#include "gate.h"
#include "helpers.h"
#include "support.h"
#include "tasks.h"

#include "base/clock.h"
#include "base/task.h"
#include "base/wake.h"
#include "sched/lookup.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#define PLACES 8 /* of each kind of work */

static hawser__deadline in_ms(int ms) {
    return hawser__clock_monotonic() + ms * (HAWSER__SECOND / 1000);
}

static hawser__lookup *numeric(void) {
    hawser__lookup *lookup = hawser__lookup_new(HAWSER__LOOKUP_ADDRINFO, "127.0.0.1", NULL);
    if (lookup)
        lookup->hints.ai_flags = AI_NUMERICHOST;
    return lookup;
}

/* A look-up on a task of its own. */
struct asked {
    runner run;
    hawser__deadline deadline;
    hawser__task *_Atomic task;
};

static long ask(void *argument) {
    struct asked *asked = argument;
    atomic_store(&asked->task, hawser__task_current());
    hawser__lookup *lookup = numeric();
    int code = lookup ? hawser__lookup_on_thread(lookup, asked->deadline) : -ENOMEM;
    if (code == 0 && (lookup->error != 0 || !lookup->list))
        code = -EIO;
    hawser__lookup_unref(lookup);
    return code;
}

static void start_asking(struct asked *asked, int n, hawser__deadline deadline) {
    for (int i = 0; i < n; i++) {
        asked[i].deadline = deadline;
        atomic_store(&asked[i].task, NULL);
        start(&asked[i].run, ask, &asked[i]);
    }
}

static void a_lookup_is_answered_on_another_thread(void **state) {
    (void)state;
    census before = quiet_census();
    struct asked asked;
    start_asking(&asked, 1, HAWSER__NEVER);
    assert_int_equal(finish(&asked.run), 0);
    assert_false(pthread_equal(gate_last(), asked.run.thread));
    assert_nothing_is_left(before);
}

static void trap_22_a_failed_lookup_is_answered_too_with_its_error_inside(void **state) {
    (void)state;
    hawser__lookup *lookup = hawser__lookup_new(HAWSER__LOOKUP_ADDRINFO, "no number", NULL);
    lookup->hints.ai_flags = AI_NUMERICHOST;
    assert_int_equal(hawser__lookup_on_thread(lookup, HAWSER__NEVER), 0);
    assert_int_equal(lookup->error, HAWSER_ENONAME);
    hawser__lookup_unref(lookup);
}

/* On a plain thread, whose wait is a poll that can fail. */
static long ask_with_a_failing_poll(void *argument) {
    (void)argument;
    hawser__lookup *lookup = numeric();
    shut_gate();
    fail_poll_when(no_helpers, EIO);
    int code = hawser__lookup_on_thread(lookup, HAWSER__NEVER);
    if (code == 0 && (!lookup->list || hawser__task_take_wake(hawser__task_current())))
        code = -EPROTO;
    hawser__lookup_unref(lookup);
    return code;
}

static void an_answer_that_is_there_counts_although_the_wait_failed(void **state) {
    (void)state;
    runner run;
    start_thread(&run, ask_with_a_failing_poll, NULL);
    assert_int_equal(finish(&run), 0);
}

static void no_wake_up_is_left_over_from_an_answer(void **state) {
    (void)state;
    for (int i = 0; i < 50; i++) {
        hawser__lookup *lookup = numeric();
        assert_int_equal(hawser__lookup_on_thread(lookup, HAWSER__NEVER), 0);
        assert_false(hawser__task_take_wake(hawser__task_current()));
        hawser__lookup_unref(lookup);
    }
}

static void a_lookup_without_time_is_refused_without_a_thread(void **state) {
    (void)state;
    census before = quiet_census();
    hawser__lookup *lookup = numeric();
    syscalls_made();
    assert_int_equal(hawser__lookup_on_thread(lookup, HAWSER__NOW), -EAGAIN);
    assert_int_equal(syscalls_made(), 0);
    hawser__lookup_unref(lookup);
    assert_nothing_is_left(before);
}

static void trap_22_a_slow_lookup_is_abandoned_at_its_deadline_and_freed_by_its_helper(void **state) {
    (void)state;
    census before = quiet_census();
    struct asked asked;
    shut_gate();
    hawser__deadline deadline = in_ms(300);
    start_asking(&asked, 1, deadline);
    assert_int_equal(finish(&asked.run), -ETIMEDOUT);
    assert_true(hawser__clock_monotonic() >= deadline);
    assert_true(asked.run.seconds < WAIT_LIMIT / 2);
    assert_true(wait_inside(1));
    assert_int_equal(hawser__offload_helpers(), 1); /* still at it, for nobody */
    open_gate();
    assert_nothing_is_left(before);
}

static void no_more_than_eight_run_at_once_and_the_others_wait_their_turn(void **state) {
    (void)state;
    enum { TASKS = 20 };
    static struct asked asked[TASKS];
    census before = quiet_census();
    shut_gate();
    start_asking(asked, TASKS, HAWSER__NEVER);
    assert_true(wait_inside(PLACES));
    for (int i = 0; i < TASKS; i++)
        assert_true(blocked(&asked[i].run));
    assert_int_equal(gate_entered(), PLACES);
    assert_int_equal(hawser__offload_helpers(), PLACES);
    open_gate();
    for (int i = 0; i < TASKS; i++)
        assert_int_equal(finish(&asked[i].run), 0);
    assert_int_equal(gate_entered(), TASKS);
    assert_int_equal(gate_most(), PLACES);
    assert_nothing_is_left(before);
}

static void waiting_for_a_turn_counts_against_a_lookup_s_own_time(void **state) {
    (void)state;
    static struct asked asked[PLACES], late[3];
    census before = quiet_census();
    shut_gate();
    start_asking(asked, PLACES, HAWSER__NEVER);
    assert_true(wait_inside(PLACES));
    start_asking(late, 3, HAWSER__NEVER);
    for (int i = 0; i < 3; i++)
        assert_true(blocked(&late[i].run));
    for (int i = 0; i < 3; i++) { /* they leave a queue that others stand in */
        struct asked hurried;
        start_asking(&hurried, 1, in_ms(20));
        assert_int_equal(finish(&hurried.run), -ETIMEDOUT);
    }
    open_gate();
    for (int i = 0; i < PLACES; i++)
        assert_int_equal(finish(&asked[i].run), 0);
    for (int i = 0; i < 3; i++)
        assert_int_equal(finish(&late[i].run), 0);
    assert_int_equal(gate_entered(), PLACES + 3); /* what was given up is never asked */
    assert_nothing_is_left(before);
}

static atomic_bool may_end;

static bool ends_now(void *unused) {
    (void)unused;
    return atomic_load(&may_end);
}

/* Its task lives on until whoever cancels it has done so. */
static long ask_and_stay(void *argument) {
    long code = ask(argument);
    return wait_until(ends_now, NULL) ? code : -EPROTO;
}

static void abandoned_lookups_hold_their_places_until_libc_lets_them_go(void **state) {
    (void)state;
    static struct asked asked[PLACES];
    struct asked next;
    census before = quiet_census();
    shut_gate();
    atomic_store(&may_end, false);
    for (int i = 0; i < PLACES; i++) {
        asked[i] = (struct asked){.deadline = HAWSER__NEVER};
        start(&asked[i].run, ask_and_stay, &asked[i]);
    }
    assert_true(wait_inside(PLACES));
    for (int i = 0; i < PLACES; i++)
        cancel_task(atomic_load(&asked[i].task));
    atomic_store(&may_end, true);
    for (int i = 0; i < PLACES; i++)
        assert_int_equal(finish(&asked[i].run), -ECANCELED);
    start_asking(&next, 1, HAWSER__NEVER);
    assert_true(blocked(&next.run));
    assert_int_equal(gate_entered(), PLACES);
    let_one_through();
    assert_true(wait_entered(PLACES + 1)); /* the helper that came free serves the next */
    open_gate();
    assert_int_equal(finish(&next.run), 0);
    assert_nothing_is_left(before);
}

static long ask_until_interrupted(void *argument) {
    if (hawser_interrupt_on_signal(SIGUSR1) < 0)
        return -EIO;
    long first = ask(argument);
    int helpers = hawser__offload_helpers();
    long second = ask(argument); /* still interrupted */
    if (hawser__offload_helpers() > helpers)
        second = -EIO;
    hawser_interrupt_clear();
    hawser_interrupt_restore(SIGUSR1);
    return first == second ? first : -EIO;
}

static void an_interrupted_task_leaves_its_lookup_behind(void **state) {
    (void)state;
    census before = quiet_census();
    struct asked asked = {.deadline = HAWSER__NEVER};
    shut_gate();
    start(&asked.run, ask_until_interrupted, &asked);
    assert_true(wait_inside(1));
    assert_true(blocked(&asked.run));
    pthread_kill(asked.run.thread, SIGUSR1);
    assert_int_equal(finish(&asked.run), -ECANCELED);
    open_gate();
    assert_nothing_is_left(before);
}

static void a_wake_up_that_means_something_else_does_not_end_the_wait(void **state) {
    (void)state;
    struct asked asked;
    shut_gate();
    start_asking(&asked, 1, HAWSER__NEVER);
    assert_true(wait_inside(1));
    for (int i = 0; i < 5; i++) {
        assert_true(blocked(&asked.run));
        hawser__task_wake(atomic_load(&asked.task));
    }
    assert_true(blocked(&asked.run));
    open_gate();
    assert_int_equal(finish(&asked.run), 0);
}

static void a_signal_does_not_end_the_wait(void **state) {
    (void)state;
    struct asked asked;
    count_signals();
    shut_gate();
    start_asking(&asked, 1, HAWSER__NEVER);
    assert_true(wait_inside(1));
    assert_int_equal(pester(&asked.run, 5), 5);
    open_gate();
    assert_int_equal(finish(&asked.run), 0);
}

static void without_any_thread_a_lookup_fails_and_leaves_nothing(void **state) {
    (void)state;
    assert_true(hawser__task_wake_fd(hawser__task_current()) >= 0); /* stays until this task ends */
    census before = quiet_census();
    hawser__lookup *lookup = numeric();
    fault_syscall("pthread_create", 1, EAGAIN, 1);
    assert_int_equal(hawser__lookup_on_thread(lookup, HAWSER__NEVER), -ENOMEM);
    assert_true(fault_none());
    assert_int_equal(hawser__lookup_on_thread(lookup, HAWSER__NEVER), 0); /* and works again */
    hawser__lookup_unref(lookup);
    assert_nothing_is_left(before);
}

static void without_another_thread_a_lookup_waits_for_one_of_those_there_are(void **state) {
    (void)state;
    static struct asked asked[3];
    census before = quiet_census();
    shut_gate();
    start_asking(asked, 1, HAWSER__NEVER);
    assert_true(wait_inside(1));
    fault_syscall("pthread_create", 1, EAGAIN, 100);
    fault_everywhere();
    start_asking(asked + 1, 2, HAWSER__NEVER);
    for (int i = 1; i < 3; i++)
        assert_true(blocked(&asked[i].run));
    assert_int_equal(hawser__offload_helpers(), 1);
    open_gate();
    for (int i = 0; i < 3; i++)
        assert_int_equal(finish(&asked[i].run), 0);
    assert_true(fault_none());
    assert_int_equal(gate_most(), 1);
    assert_nothing_is_left(before);
}

/* Whether a look-up made at once after another one needs no new thread. The machine may be slow: not every time. */
static bool used_again(void *unused) {
    (void)unused;
    bool answered = true;
    for (int i = 0; i < 2; i++) {
        hawser__lookup *lookup = numeric();
        if (i == 1)
            fault_syscall("pthread_create", 1, EAGAIN, 1);
        answered = hawser__lookup_on_thread(lookup, HAWSER__NEVER) == 0 && answered;
        hawser__lookup_unref(lookup);
    }
    return !fault_none() && answered;
}

static void a_helper_that_has_just_come_free_is_used_again_and_goes_in_the_end(void **state) {
    (void)state;
    assert_true(wait_until(used_again, NULL));
    assert_true(helpers_gone());
}

static int ask_in_child(void) {
    pid_t child = fork();
    if (child == 0) {
        alarm((unsigned)WAIT_LIMIT);
        hawser__lookup *lookup = numeric();
        int code = hawser__lookup_on_thread(lookup, HAWSER__NEVER);
        _exit(code == 0 && lookup->list ? 0 : 1);
    }
    int status = -1;
    waitpid(child, &status, 0);
    return status;
}

static void a_child_after_fork_has_all_places_free(void **state) {
    (void)state;
#if defined(__SANITIZE_THREAD__)
    skip(); /* ThreadSanitizer allows no thread in such a child */
#endif
    skip_where_emulated("a fork while other threads run is not survived");
    static struct asked asked[PLACES + 1];
    census before = quiet_census();
    shut_gate();
    start_asking(asked, PLACES + 1, HAWSER__NEVER);
    assert_true(wait_inside(PLACES));
    leave_gate_ajar();
    int status = ask_in_child();
    open_gate();
    for (int i = 0; i < PLACES + 1; i++)
        assert_int_equal(finish(&asked[i].run), 0);
    assert_int_equal(status, 0);
    assert_nothing_is_left(before);
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
    build_gate();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_lookup_is_answered_on_another_thread),
        cmocka_unit_test(trap_22_a_failed_lookup_is_answered_too_with_its_error_inside),
        cmocka_unit_test(an_answer_that_is_there_counts_although_the_wait_failed),
        cmocka_unit_test(no_wake_up_is_left_over_from_an_answer),
        cmocka_unit_test(a_lookup_without_time_is_refused_without_a_thread),
        cmocka_unit_test(trap_22_a_slow_lookup_is_abandoned_at_its_deadline_and_freed_by_its_helper),
        cmocka_unit_test(no_more_than_eight_run_at_once_and_the_others_wait_their_turn),
        cmocka_unit_test(waiting_for_a_turn_counts_against_a_lookup_s_own_time),
        cmocka_unit_test(abandoned_lookups_hold_their_places_until_libc_lets_them_go),
        cmocka_unit_test(an_interrupted_task_leaves_its_lookup_behind),
        cmocka_unit_test(a_wake_up_that_means_something_else_does_not_end_the_wait),
        cmocka_unit_test(a_signal_does_not_end_the_wait),
        cmocka_unit_test(without_any_thread_a_lookup_fails_and_leaves_nothing),
        cmocka_unit_test(without_another_thread_a_lookup_waits_for_one_of_those_there_are),
        cmocka_unit_test(a_helper_that_has_just_come_free_is_used_again_and_goes_in_the_end),
        cmocka_unit_test(a_child_after_fork_has_all_places_free),
    };
    return cmocka_run_group_tests(tests, make_first_thread, NULL);
}
