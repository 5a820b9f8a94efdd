/* SPDX-License-Identifier: MIT */
/*
 * sched/offload_call: functions on helper threads, what comes back from them, and when the wait for one can be cut short.
 * Nothing is timed: a function stops in front of a gate until the test lets it go on.
 */
#include "door.h"
#include "gate.h"
#include "helpers.h"
#include "support.h"

#include "base/task.h"
#include "base/wake.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#define PLACES 8 /* of each kind of work */

/* A function offloaded by a thread of its own. */
struct asking {
    runner run;
    hawser_fn fn;
    void *arg;
    double deadline;
    atomic_int calls;
    hawser__task *_Atomic task;
};

static long offload(void *argument) {
    struct asking *asking = argument;
    atomic_store(&asking->task, hawser__task_current());
    int64_t outer = hawser_deadline_push(asking->deadline);
    long result = hawser_offload(asking->fn, asking->arg);
    int error = errno;
    hawser_deadline_pop(outer);
    errno = error;
    return result;
}

static void start_offload(struct asking *asking, hawser_fn fn, void *arg, double deadline) {
    asking->fn = fn;
    asking->arg = arg;
    asking->deadline = deadline;
    start(&asking->run, offload, asking);
}

/* Counts its calls. */
static int called(void *count) {
    return atomic_fetch_add((atomic_int *)count, 1) + 1;
}

static int is_elsewhere(void *arg) {
    sigset_t blocked;
    pthread_sigmask(SIG_SETMASK, NULL, &blocked);
    return !pthread_equal(pthread_self(), *(pthread_t *)arg) && sigismember(&blocked, SIGINT) && sigismember(&blocked, SIGTERM);
}

static void a_function_runs_on_another_thread_that_gets_no_signals(void **state) {
    (void)state;
    skip_in_world("signals hit hosts there");
    census before = quiet_census();
    pthread_t own = pthread_self();
    assert_int_equal(assert_works(hawser_offload(is_elsewhere, &own)), 1);
    assert_nothing_is_left(before);
}

/* What comes back. */

static int fails_in_the_library(void *arg) {
    (void)arg;
    hawser_addr addr;
    return hawser_addr_ip(&addr, "no address", 1);
}

static int fails_after_a_part(void *arg) {
    hawser_file *file = arg;
    char text[8];
    return (int)hawser_read_exactly(file, text, sizeof text);
}

static int fails_by_itself(void *arg) {
    errno = *(int *)arg;
    return -7;
}

static void what_a_failing_function_left_behind_is_its_caller_s(void **state) {
    (void)state;
    char sentence[200];
    int fds[2], code = EDOM;
    assert_fails(fails_in_the_library(NULL), HAWSER_EADDRESS);
    snprintf(sentence, sizeof sentence, "%s", hawser_error());
    assert_fails(hawser_offload(fails_in_the_library, NULL), HAWSER_EADDRESS);
    assert_sentence(sentence);
    assert_int_equal(hawser_moved(), 0);
    assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
    hawser_file *file = hawser_file_from_fd(fds[0], "r");
    assert_works(hawser_file_setbuf(file, 0));
    assert_int_equal(write(fds[1], "abc", 3), 3);
    close(fds[1]);
    assert_fails(hawser_offload(fails_after_a_part, file), HAWSER_EEOF);
    assert_int_equal(hawser_moved(), 3);
    hawser_file_close(file);
    close(fds[0]);
    forget_errors();
    assert_int_equal(hawser_offload(fails_by_itself, &code), -7);
    assert_int_equal(errno, EDOM);
    assert_sentence("run offloaded function: Numerical argument out of domain");
    assert_int_equal(hawser_moved(), 0);
    code = 0;
    assert_int_equal(hawser_offload(fails_by_itself, &code), -7);
    assert_int_equal(errno, EIO);
}

static int succeeds_after_a_failure(void *arg) {
    (void)arg;
    fails_in_the_library(NULL);
    return 3;
}

static void what_went_wrong_inside_a_function_that_succeeds_stays_there(void **state) {
    (void)state;
    assert_int_equal(assert_works(hawser_offload(succeeds_after_a_failure, NULL)), 3);
}

/* Leaves everything that it can on its task. */
static int litters(void *arg) {
    (void)arg;
    fails_in_the_library(NULL);
    hawser_deadline_push(0);
    hawser_interrupt_on_signal(SIGUSR2);
    return 0;
}

static int finds_nothing(void *arg) {
    (void)arg;
    if (hawser_error()[0] || hawser_moved() || errno || hawser_deadline_left() != HAWSER_NO_TIMEOUT)
        return 1;
    return hawser_interrupted() ? 2 : 0;
}

static long claim_signal(void *argument) {
    (void)argument;
    int result = hawser_interrupt_on_signal(SIGUSR2); /* EBUSY while another task has it */
    hawser_interrupt_restore(SIGUSR2);
    return result;
}

static void a_function_finds_nothing_of_the_one_before_it(void **state) {
    (void)state;
    for (int i = 0; i < 20; i++) {
        assert_int_equal(hawser_offload(litters, NULL), 0);
        assert_int_equal(hawser_offload(finds_nothing, NULL), 0);
        assert_int_equal(claim_signal(NULL), 0);
    }
}

/* Cutting the wait short. */

static bool deadline_is_over(void *argument) {
    struct asking *asking = argument;
    return hawser__clock_monotonic() > atomic_load(&asking->task)->deadline;
}

static void a_function_that_has_started_is_waited_for_past_the_deadline(void **state) {
    (void)state;
    census before = quiet_census();
    struct asking asking;
    int result = 42;
    set_door(false);
    start_offload(&asking, stand_inside, &result, 0.3);
    assert_true(wait_in_door(1));
    assert_true(wait_until(deadline_is_over, &asking));
    assert_true(blocked(&asking.run));
    set_door(true);
    assert_int_equal(finish(&asking.run), 42);
    assert_nothing_is_left(before);
}

static long offload_until_interrupted(void *argument) {
    if (hawser_interrupt_on_signal(SIGUSR1) < 0)
        return -EIO;
    long result = offload(argument);
    int error = errno;
    hawser_interrupt_clear();
    hawser_interrupt_restore(SIGUSR1);
    errno = error;
    return result;
}

static void interrupt(struct asking *asking) {
    assert_true(blocked(&asking->run));
    pthread_kill(asking->run.thread, SIGUSR1);
}

static void a_function_that_has_started_is_waited_for_although_its_caller_is_interrupted(void **state) {
    (void)state;
    struct asking asking = {.fn = stand_inside, .deadline = HAWSER_NO_TIMEOUT};
    int result = 5;
    asking.arg = &result;
    set_door(false);
    start(&asking.run, offload_until_interrupted, &asking);
    assert_true(wait_in_door(1));
    for (int i = 0; i < 3; i++)
        interrupt(&asking);
    assert_true(blocked(&asking.run));
    set_door(true);
    assert_int_equal(finish(&asking.run), 5);
}

static void take_all_places(struct asking asking[static PLACES]) {
    set_door(false);
    for (int i = 0; i < PLACES; i++)
        start_offload(&asking[i], stand_inside, NULL, HAWSER_NO_TIMEOUT);
    assert_true(wait_in_door(PLACES));
}

static void free_all_places(struct asking asking[static PLACES]) {
    set_door(true);
    for (int i = 0; i < PLACES; i++)
        assert_int_equal(finish(&asking[i].run), 0);
}

static void until_it_starts_the_wait_for_a_function_can_be_cut_short(void **state) {
    (void)state;
    skip_in_world("every function has a thread of its own");
    static struct asking busy[PLACES];
    census before = quiet_census();
    atomic_int calls = 0;
    struct asking late, stopped = {.fn = called, .arg = &calls, .deadline = HAWSER_NO_TIMEOUT}, patient;
    take_all_places(busy);
    start_offload(&patient, called, &calls, HAWSER_NO_TIMEOUT);
    assert_true(blocked(&patient.run));
    start_offload(&late, called, &calls, 0.02);
    start(&stopped.run, offload_until_interrupted, &stopped);
    interrupt(&stopped);
    assert_int_equal(finish(&late.run), -1);
    assert_int_equal(late.run.code, ETIMEDOUT);
    assert_string_equal(late.run.sentence, "offload a function: Timed out");
    assert_int_equal(finish(&stopped.run), -1);
    assert_int_equal(stopped.run.code, ECANCELED);
    assert_int_equal(atomic_load(&calls), 0);
    free_all_places(busy);
    assert_int_equal(finish(&patient.run), 1);
    assert_int_equal(atomic_load(&calls), 1);
    assert_nothing_is_left(before);
}

static void without_time_or_when_it_is_up_a_function_is_not_called(void **state) {
    (void)state;
    atomic_int calls = 0;
    int64_t outer = hawser_deadline_push(0);
    syscalls_made();
    assert_fails(hawser_offload(called, &calls), EAGAIN);
    assert_int_equal(syscalls_made(), 0);
    hawser_deadline_pop(outer);
    outer = hawser_deadline_push(0.001);
    while (hawser_deadline_left() > 0)
        ;
    assert_fails(hawser_offload(called, &calls), ETIMEDOUT);
    hawser_deadline_pop(outer);
    assert_int_equal(atomic_load(&calls), 0);
}

static void no_thread_at_all_is_ENOMEM(void **state) {
    (void)state;
    atomic_int calls = 0;
    assert_true(helpers_gone());
    fault_syscall("pthread_create", 1, EAGAIN, 1);
    assert_fails(hawser_offload(called, &calls), ENOMEM);
    assert_true(fault_none());
    assert_int_equal(atomic_load(&calls), 0);
}

/* Places. */

static int looks_up(void *arg) {
    (void)arg;
    char text[64];
    return hawser_gethostbyname("localhost", text, sizeof text);
}

static long look_up(void *argument) {
    return looks_up(argument);
}

static void functions_that_block_keep_no_look_up_from_running(void **state) {
    (void)state;
    static struct asking busy[PLACES];
    runner run;
    take_all_places(busy);
    start(&run, look_up, NULL);
    assert_int_equal(finish(&run), 0);
    free_all_places(busy);
}

static void look_ups_that_hang_keep_no_function_from_running(void **state) {
    (void)state;
    static runner runs[PLACES];
    atomic_int calls = 0;
    shut_gate();
    for (int i = 0; i < PLACES; i++)
        start(&runs[i], look_up, NULL);
    assert_true(wait_inside(PLACES));
    assert_int_equal(hawser_offload(called, &calls), 1);
    open_gate();
    for (int i = 0; i < PLACES; i++)
        assert_int_equal(finish(&runs[i]), 0);
}

static void the_number_of_places_can_be_set_while_they_are_in_use(void **state) {
    (void)state;
    skip_in_world("every function has a thread of its own");
    census before = quiet_census();
    static struct asking asking[5];
    assert_works(hawser_offload_set_threads(2));
    set_door(false);
    for (int i = 0; i < 5; i++)
        start_offload(&asking[i], stand_inside, NULL, HAWSER_NO_TIMEOUT);
    assert_true(wait_in_door(2));
    for (int i = 0; i < 5; i++)
        assert_true(blocked(&asking[i].run));
    assert_true(wait_in_door(2));
    assert_works(hawser_offload_set_threads(4)); /* two of those that wait begin at once */
    assert_true(wait_in_door(4));
    assert_works(hawser_offload_set_threads(1)); /* nobody is thrown out */
    assert_true(wait_in_door(4));
    set_door(true);
    for (int i = 0; i < 5; i++)
        assert_int_equal(finish(&asking[i].run), 0);
    assert_works(hawser_offload_set_threads(PLACES));
    assert_nothing_is_left(before);
}

static void there_are_at_least_one_and_at_most_1024_places(void **state) {
    (void)state;
    assert_fails(hawser_offload_set_threads(0), EINVAL);
    assert_sentence("set offload threads to 0: must be 1 to 1024");
    assert_fails(hawser_offload_set_threads(-1), EINVAL);
    assert_fails(hawser_offload_set_threads(1025), EINVAL);
    assert_works(hawser_offload_set_threads(1024));
    assert_works(hawser_offload_set_threads(PLACES));
}

/* Functions that use the pool. */

static int offloads_another(void *arg) {
    return hawser_offload(called, arg) + 10;
}

static void a_function_on_the_only_place_may_offload_another(void **state) {
    (void)state;
    skip_in_world("every function has a thread of its own");
    atomic_int calls = 0;
    assert_works(hawser_offload_set_threads(1));
    assert_int_equal(hawser_offload(offloads_another, &calls), 11);
    assert_works(hawser_offload_set_threads(PLACES));
}

static void a_function_on_the_only_thread_that_can_be_had_gets_no_look_up_rather_than_waiting_for_itself(void **state) {
    (void)state;
    struct asking first, second;
    assert_true(helpers_gone());
    fault_syscall("pthread_create", 2, EAGAIN, 100);
    fault_everywhere();
    start_offload(&first, looks_up, NULL, HAWSER_NO_TIMEOUT);
    assert_int_equal(finish(&first.run), -1);
    assert_int_equal(first.run.code, ENOMEM);
    assert_true(fault_none());
    start_offload(&second, looks_up, NULL, HAWSER_NO_TIMEOUT);
    assert_int_equal(finish(&second.run), 0);
}

int main(void) {
    build_gate();
    (void)hawser__task_wake_fd(hawser__task_current()); /* stays until this task ends */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_function_runs_on_another_thread_that_gets_no_signals),
        cmocka_unit_test(what_a_failing_function_left_behind_is_its_caller_s),
        cmocka_unit_test(what_went_wrong_inside_a_function_that_succeeds_stays_there),
        cmocka_unit_test(a_function_finds_nothing_of_the_one_before_it),
        cmocka_unit_test(a_function_that_has_started_is_waited_for_past_the_deadline),
        cmocka_unit_test(a_function_that_has_started_is_waited_for_although_its_caller_is_interrupted),
        cmocka_unit_test(until_it_starts_the_wait_for_a_function_can_be_cut_short),
        cmocka_unit_test(without_time_or_when_it_is_up_a_function_is_not_called),
        cmocka_unit_test(no_thread_at_all_is_ENOMEM),
        cmocka_unit_test(functions_that_block_keep_no_look_up_from_running),
        cmocka_unit_test(look_ups_that_hang_keep_no_function_from_running),
        cmocka_unit_test(the_number_of_places_can_be_set_while_they_are_in_use),
        cmocka_unit_test(there_are_at_least_one_and_at_most_1024_places),
        cmocka_unit_test(a_function_on_the_only_place_may_offload_another),
        cmocka_unit_test(a_function_on_the_only_thread_that_can_be_had_gets_no_look_up_rather_than_waiting_for_itself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
