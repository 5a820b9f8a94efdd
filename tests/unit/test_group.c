/* SPDX-License-Identifier: MIT */
/* sched/group: fibers that are waited for, fail and are cancelled together. */
#include "fibers.h"
#include "support.h"

#include "base/error.h"
#include "sched/run.h"

#include <errno.h>

static int must_not_run(void *arg) {
    (void)arg;
    EXPECT(!"a fiber that could not be started runs");
    return 0;
}

static int wait_at_gate(void *gate) {
    char item;
    return hawser_channel_recv(gate, &item);
}

/* Opening. */

static long open_on_thread(void *arg) {
    (void)arg;
    return hawser_group_open(NULL) ? 0 : -1;
}

static int open_without_memory(void *arg) {
    fault_alloc(1);
    errno = 0;
    EXPECT(hawser_group_open(NULL) == NULL && errno == ENOMEM);
    EXPECT(fault_none() && strcmp(hawser_error(), "open group in a fiber: Cannot allocate memory") == 0);
    (void)arg;
    return 0;
}

static void a_group_that_cannot_be_opened_is_NULL_and_a_sentence(void **state) {
    (void)state;
    runner thread;
    start_thread(&thread, open_on_thread, NULL);
    assert_int_equal(finish(&thread), -1);
    assert_int_equal(thread.code, EINVAL);
    assert_string_equal(thread.sentence, "open group in a plain thread: Invalid argument");
    assert_runs(1, open_without_memory, NULL);
}

static int use_empty_group(void *arg) {
    hawser_group *group = hawser_group_open(NULL);
    hawser__fail_moved(EPERM, 7, "do it");
    EXPECT(hawser_group_count(group) == 0);
    EXPECT(hawser_group_wait(group) == 0 && hawser_group_wait(group) == 0);
    hawser_group_close(group);
    hawser_group_close(NULL);
    EXPECT(errno == EPERM && hawser_moved() == 7 && strcmp(hawser_error(), "do it: Operation not permitted") == 0);
    (void)arg;
    return 0;
}

static void an_empty_group_is_waited_for_and_closed_without_a_trace(void **state) {
    (void)state;
    census before = take_census();
    assert_runs(1, use_empty_group, NULL);
    assert_null(compare_census(before));
}

/* Results. */

static int give(void *result) {
    return (int)(intptr_t)result;
}

static int fail_with_sentence(void *code) {
    int error = (int)(intptr_t)code;
    hawser__fail_moved(error, (uint64_t)error, "do number %d", error);
    return -error;
}

static int fail_without_errno(void *arg) {
    (void)arg;
    errno = 0;
    return -1;
}

static int sleep_a_moment(void *arg) {
    (void)arg;
    EXPECT(hawser_sleep(0.001) == 0 && !hawser_cancelled());
    return 0;
}

static int collect_results(void *arg) {
    hawser_group *group = hawser_group_open(NULL);
    (void)arg;
    EXPECT(hawser_group_go(group, give, (void *)0) == 0 && hawser_group_go(group, give, (void *)5) == 0);
    EXPECT(hawser_group_wait(group) == 0);
    EXPECT(hawser_group_go(group, fail_with_sentence, (void *)EDOM) == 0);
    EXPECT(hawser_group_go(group, fail_with_sentence, (void *)EPERM) == 0);
    for (int i = 0; i < 2; i++) { /* the first failure stays, and what comes later does not change it */
        EXPECT_FAILURE(hawser_group_wait(group), EDOM);
        EXPECT(hawser_moved() == EDOM && strcmp(hawser_error(), "do number 33: Numerical argument out of domain") == 0);
        EXPECT(hawser_group_go(group, give, (void *)0) == 0);
    }
    hawser_group_close(group);
    group = hawser_group_open(NULL);
    EXPECT(hawser_group_go(group, fail_without_errno, NULL) == 0);
    EXPECT_FAILURE(hawser_group_wait(group), EIO);
    EXPECT(hawser_group_go(group, sleep_a_moment, NULL) == 0); /* nor is anybody cancelled */
    EXPECT_FAILURE(hawser_group_wait(group), EIO);
    hawser_group_close(group);
    return 0;
}

static void waiting_gives_the_first_failure_as_it_was(void **state) {
    (void)state;
    assert_runs(1, collect_results, NULL);
}

static atomic_int cancelled;

static int expect_cancellation(void *gate) {
    EXPECT_FAILURE(wait_at_gate(gate), ECANCELED);
    atomic_fetch_add(&cancelled, 1);
    return -1;
}

static int fail_among_others(void *gate) {
    const hawser_group_options options = {.cancel_on_failure = true};
    hawser_group *group = hawser_group_open(&options);
    const hawser_go_options second = {.group = group, .worker = 2};
    EXPECT(hawser_group_go(group, expect_cancellation, gate) == 0);
    EXPECT(hawser_go_with(&second, expect_cancellation, gate) == 0);
    EXPECT(hawser_group_go(group, give, (void *)1) == 0);
    hawser_yield();
    EXPECT(hawser_group_go(group, fail_with_sentence, (void *)EDOM) == 0);
    EXPECT_FAILURE(hawser_group_wait(group), EDOM);
    EXPECT_FAILURE(hawser_group_go(group, must_not_run, NULL), ECANCELED);
    hawser_group_close(group);
    return 0;
}

static void with_cancel_on_failure_the_first_that_fails_ends_the_others(void **state) {
    (void)state;
    hawser_channel *gate = hawser_channel_new(1, 0);
    assert_runs(2, fail_among_others, gate);
    hawser_channel_free(gate);
}

/* Waiting. */

static int wait_as_well(void *group) {
    return hawser_group_wait(group);
}

static int give_up_waiting(void *gate) {
    hawser_group *group = hawser_group_open(NULL), *others = hawser_group_open(NULL);
    EXPECT(hawser_group_go(group, wait_at_gate, gate) == 0);
    int64_t outer = hawser_deadline_push(0);
    EXPECT_FAILURE(hawser_group_wait(group), EAGAIN);
    hawser_deadline_pop(outer);
    outer = hawser_deadline_push(0.001);
    EXPECT_FAILURE(hawser_group_wait(group), ETIMEDOUT);
    EXPECT(strcmp(hawser_error(), "wait for group: Timed out") == 0);
    hawser_deadline_pop(outer);
    atomic_store(&hawser__task_current()->cancelled, true);
    EXPECT_FAILURE(hawser_group_wait(group), ECANCELED);
    hawser_cancel_clear();
    EXPECT(hawser_group_count(group) == 1); /* it goes on, and has not been told */
    EXPECT(hawser_group_go(others, wait_as_well, group) == 0);
    hawser_yield();
    hawser_channel_close(gate);
    EXPECT(hawser_group_wait(others) == 0 && hawser_group_wait(group) == 0);
    hawser_group_close(others);
    hawser_group_close(group);
    return 0;
}

static void whoever_gives_up_waiting_leaves_the_place_to_others(void **state) {
    (void)state;
    hawser_channel *gate = hawser_channel_new(1, 0);
    assert_runs(1, give_up_waiting, gate);
    hawser_channel_free(gate);
}

static int close_whatever_comes(void *arg) {
    hawser_channel *gate = hawser_channel_new(1, 0);
    hawser_group *group = hawser_group_open(NULL);
    const hawser_go_options second = {.group = group, .worker = 2};
    EXPECT(hawser_group_go(group, expect_cancellation, gate) == 0);
    EXPECT(hawser_go_with(&second, expect_cancellation, gate) == 0);
    hawser_deadline_push(0);
    atomic_store(&hawser__task_current()->cancelled, true);
    int before = atomic_load(&cancelled);
    errno = EDOM;
    hawser_group_close(group);
    EXPECT(errno == EDOM && hawser_cancelled() && atomic_load(&cancelled) == before + 2);
    hawser_channel_free(gate); /* nobody is there any more */
    (void)arg;
    return 0;
}

static void closing_cancels_and_waits_whatever_the_deadline_and_the_cancellation(void **state) {
    (void)state;
    census before = take_census();
    assert_runs(2, close_whatever_comes, NULL);
    assert_null(compare_census(before));
}

static long wait_for_group(void *group) {
    return hawser_group_wait(group);
}

static long cancel_group(void *group) {
    hawser_group_cancel(group);
    return (long)hawser_group_count(group);
}

static int keep_group(void *gate) {
    hawser_group *group = hawser_group_open(NULL);
    runner waiter, canceller;
    EXPECT(hawser_group_go(group, wait_at_gate, gate) == 0);
    start_thread(&waiter, wait_for_group, group);
    EXPECT(blocked(&waiter));
    EXPECT_FAILURE(hawser_group_wait(group), EBUSY);
    EXPECT(strcmp(hawser_error(), "wait for group: Device or resource busy") == 0);
    start_thread(&canceller, cancel_group, group);
    EXPECT(finish(&canceller) <= 1 && finish(&waiter) == -1 && waiter.code == ECANCELED);
    EXPECT(strcmp(waiter.sentence, "receive from channel: Operation canceled") == 0);
    hawser_group_close(group);
    return 0;
}

static void plain_threads_wait_for_a_group_and_cancel_it(void **state) {
    (void)state;
    hawser_channel *gate = hawser_channel_new(1, 0);
    assert_runs(1, keep_group, gate);
    hawser_channel_free(gate);
}

/* Cancelling. */

static int cancel_own_group(void *group) {
    EXPECT_FAILURE(hawser_group_wait(group), EDEADLK);
    hawser_group_cancel(group);
    EXPECT(hawser_cancelled());
    EXPECT_FAILURE(hawser_sleep(60), ECANCELED);
    EXPECT_FAILURE(hawser_sleep(60), ECANCELED); /* not only the first */
    hawser_cancel_clear();
    EXPECT(!hawser_cancelled() && hawser_sleep(0.001) == 0);
    hawser_group_cancel(group);
    EXPECT_FAILURE(hawser_sleep(60), ECANCELED);
    return 0;
}

static int be_cancelled_from_inside(void *arg) {
    hawser_group *group = hawser_group_open(NULL);
    EXPECT(hawser_group_go(group, cancel_own_group, group) == 0);
    EXPECT(hawser_group_wait(group) == 0);
    EXPECT_FAILURE(hawser_group_go(group, must_not_run, NULL), ECANCELED);
    EXPECT(strcmp(hawser_error(), "start fiber on worker 1: Operation canceled") == 0);
    EXPECT(hawser_group_count(group) == 0 && !hawser_cancelled()); /* who opened it is not of it */
    hawser_group_close(group);
    (void)arg;
    return 0;
}

static void a_member_cancels_its_group_and_clears_that_for_itself(void **state) {
    (void)state;
    census before = take_census();
    assert_runs(1, be_cancelled_from_inside, NULL);
    assert_null(compare_census(before));
}

static int wait_for_inner_group(void *gate) {
    hawser_group *inner = hawser_group_open(NULL);
    EXPECT(hawser_group_go(inner, wait_at_gate, gate) == 0);
    EXPECT_FAILURE(hawser_group_wait(inner), ECANCELED);
    EXPECT(hawser_group_count(inner) == 1); /* not reached by it */
    hawser_channel_close(gate);
    hawser_cancel_clear();
    EXPECT(hawser_group_wait(inner) == 0);
    hawser_group_close(inner);
    return 0;
}

static int cancel_outer_group(void *gate) {
    hawser_group *outer = hawser_group_open(NULL);
    EXPECT(hawser_group_go(outer, wait_for_inner_group, gate) == 0);
    hawser_yield();
    hawser_group_cancel(outer);
    EXPECT(hawser_group_wait(outer) == 0);
    hawser_group_close(outer);
    return 0;
}

static void cancelling_does_not_reach_into_the_groups_that_members_opened(void **state) {
    (void)state;
    hawser_channel *gate = hawser_channel_new(1, 0);
    assert_runs(1, cancel_outer_group, gate);
    hawser_channel_free(gate);
}

/* A member ends while its group is being cancelled: the canceller stops before it in the list, under the lock that it needs to
 * leave, and wakes it afterwards. That wake-up must be gone when the next fiber, whose start is posted too, has the stack. */
static struct {
    hawser_group *group;
    _Atomic(hawser__fiber *) ending;
    atomic_bool cancelling, released;
    atomic_int begun;
} late;

static void spin_until(atomic_bool *flag) {
    for (double end = seconds_now() + WAIT_LIMIT; !atomic_load(flag) && seconds_now() < end;)
        ;
}

static int end_during_cancellation(void *arg) {
    (void)arg;
    atomic_store(&late.ending, hawser__fiber_current());
    spin_until(&late.cancelling);
    return 0;
}

static int count_beginnings(void *count) {
    atomic_fetch_add((atomic_int *)count, 1);
    return 0;
}

static bool has_begun(void *arg) {
    (void)arg;
    return atomic_load(&late.ending) != NULL;
}

static int keep_worker_from_its_inbox(void *arg) {
    (void)arg;
    spin_until(&late.released);
    return 0;
}

static int start_both(void *arg) {
    const hawser_go_options member = {.group = late.group};
    EXPECT(hawser_go_with(&member, end_during_cancellation, NULL) == 0);
    return hawser_go(keep_worker_from_its_inbox, arg);
}

static void wake_late(hawser__task *task) {
    hawser__fiber *ending = atomic_load(&late.ending);
    atomic_store(&late.cancelling, true);
    for (double end = seconds_now() + WAIT_LIMIT; atomic_load(&ending->worker->running) == ending && seconds_now() < end;)
        ;
    for (int i = 0; i < 1000000 && !atomic_load(&late.released); i++) /* from there it is not far to the lock */
        ;
    hawser__worker_wake(task);
}

static int cancel_one_that_ends(void *gate) {
    late.group = hawser_group_open(NULL);
    EXPECT(hawser_go_on(2, start_both, NULL) == 0);
    EXPECT(wait_until(has_begun, NULL));
    EXPECT(hawser_group_go(late.group, expect_cancellation, gate) == 0);
    hawser__worker_current()->fibers->task.wake = wake_late; /* of the newest member, who comes first in the list */
    hawser_group_cancel(late.group);
    hawser_group_close(late.group);
    for (int i = 0; i < 3; i++)
        EXPECT(hawser_go_on(2, count_beginnings, &late.begun) == 0);
    atomic_store(&late.released, true);
    return 0;
}

static void a_member_may_end_while_its_group_is_cancelled(void **state) {
    (void)state;
    hawser_channel *gate = hawser_channel_new(1, 0);
    assert_runs(2, cancel_one_that_ends, gate);
    assert_int_equal(atomic_load(&late.begun), 3);
    hawser_channel_free(gate);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_group_that_cannot_be_opened_is_NULL_and_a_sentence),
        cmocka_unit_test(an_empty_group_is_waited_for_and_closed_without_a_trace),
        cmocka_unit_test(waiting_gives_the_first_failure_as_it_was),
        cmocka_unit_test(with_cancel_on_failure_the_first_that_fails_ends_the_others),
        cmocka_unit_test(whoever_gives_up_waiting_leaves_the_place_to_others),
        cmocka_unit_test(closing_cancels_and_waits_whatever_the_deadline_and_the_cancellation),
        cmocka_unit_test(plain_threads_wait_for_a_group_and_cancel_it),
        cmocka_unit_test(a_member_cancels_its_group_and_clears_that_for_itself),
        cmocka_unit_test(cancelling_does_not_reach_into_the_groups_that_members_opened),
        cmocka_unit_test(a_member_may_end_while_its_group_is_cancelled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
