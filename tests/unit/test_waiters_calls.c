/* SPDX-License-Identifier: MIT */
/*
 * sched/waiters: what every call that stands in line has in common: when it goes on, what ends it early, and what it leaves
 * behind. Fibers of one worker are in test_waiters_fibers.c.
 */
#include "calls_in_line.h"
#include "support.h"
#include "tasks.h"

#include "base/wake.h"

#include <errno.h>
#include <hawser/channel.h>
#include <hawser/sync.h>
#include <signal.h>

static void begin(struct scene *scene, runner *run, const struct waiting_call *waiting) {
    *scene = open_scene(waiting, HAWSER_NO_TIMEOUT);
    start(run, call_in_scene, scene);
    if (!blocked(run))
        fail_msg("%s: does not wait", waiting->name);
}

static void each_call_waits_until_it_can_go(void **state) {
    (void)state;
    for (const struct waiting_call *waiting = calls_in_line; waiting->name; waiting++) {
        struct scene scene;
        runner run;
        begin(&scene, &run, waiting);
        waiting->ready(&scene);
        assert_int_equal(finish(&run), waiting->expected);
        assert_string_equal(run.sentence, "");
        close_scene(&scene);
    }
}

static void each_call_ends_at_the_deadline_and_leaves_nothing_behind(void **state) {
    (void)state;
    for (const struct waiting_call *waiting = calls_in_line; waiting->name; waiting++) {
        struct scene scene = open_scene(waiting, 0.02);
        runner run;
        start(&run, call_in_scene, &scene);
        finish(&run);
        check_call_failed(waiting, &run, ETIMEDOUT);
        assert_true(run.seconds >= 0.02);
        if (waiting->kept) {
            waiting->ready(&scene);
            start(&run, call_in_scene, &scene);
            assert_int_equal(finish(&run), waiting->expected);
        }
        close_scene(&scene);
    }
}

static void under_a_deadline_of_0_each_call_is_EAGAIN_without_waiting(void **state) {
    (void)state;
    for (const struct waiting_call *waiting = calls_in_line; waiting->name; waiting++) {
        struct scene scene = open_scene(waiting, 0);
        runner run;
        start(&run, call_in_scene, &scene);
        finish(&run);
        check_call_failed(waiting, &run, EAGAIN);
        close_scene(&scene);
    }
}

static void when_time_is_up_what_can_go_still_goes(void **state) {
    (void)state;
    for (const struct waiting_call *waiting = calls_in_line; waiting->name; waiting++) {
        if (!waiting->kept)
            continue;
        struct scene scene = open_scene(waiting, 1e-9);
        runner run;
        waiting->ready(&scene);
        start(&run, call_in_scene, &scene);
        assert_int_equal(finish(&run), waiting->expected);
        close_scene(&scene);
    }
}

static void a_cancelled_task_leaves_each_call_with_ECANCELED(void **state) {
    (void)state;
    for (const struct waiting_call *waiting = calls_in_line; waiting->name; waiting++) {
        struct scene scene;
        runner run;
        begin(&scene, &run, waiting);
        cancel_task(scene.task);
        finish(&run);
        check_call_failed(waiting, &run, ECANCELED);
        close_scene(&scene);
    }
}

static long make_call_cancelled(void *argument) {
    atomic_store(&hawser__task_current()->cancelled, true);
    return call_in_scene(argument);
}

static void a_cancelled_task_does_not_even_what_it_could_at_once(void **state) {
    (void)state;
    for (const struct waiting_call *waiting = calls_in_line; waiting->name; waiting++) {
        struct scene scene = open_scene(waiting, HAWSER_NO_TIMEOUT);
        runner run;
        waiting->ready(&scene);
        start(&run, make_call_cancelled, &scene);
        finish(&run);
        check_call_failed(waiting, &run, ECANCELED);
        close_scene(&scene);
    }
}

static long make_call_interruptibly(void *argument) {
    if (hawser_interrupt_on_signal(SIGUSR2) < 0)
        return 1;
    long result = call_in_scene(argument);
    int code = errno;
    hawser_interrupt_restore(SIGUSR2);
    errno = code;
    return result;
}

static void a_signal_that_was_asked_for_ends_each_call(void **state) {
    (void)state;
    for (const struct waiting_call *waiting = calls_in_line; waiting->name; waiting++) {
        struct scene scene = open_scene(waiting, HAWSER_NO_TIMEOUT);
        runner run;
        start(&run, make_call_interruptibly, &scene);
        assert_true(blocked(&run));
        pthread_kill(run.thread, SIGUSR2);
        finish(&run);
        check_call_failed(waiting, &run, ECANCELED);
        close_scene(&scene);
    }
}

static void a_wake_up_for_no_reason_ends_no_call(void **state) {
    (void)state;
    for (const struct waiting_call *waiting = calls_in_line; waiting->name; waiting++) {
        struct scene scene;
        runner run;
        begin(&scene, &run, waiting);
        for (int i = 0; i < 3; i++) {
            hawser__task_wake(scene.task);
            assert_true(blocked(&run));
        }
        waiting->ready(&scene);
        assert_int_equal(finish(&run), waiting->expected);
        close_scene(&scene);
    }
}

static long make_call_after_a_wake_up(void *argument) {
    hawser__task_wake(hawser__task_current());
    return call_in_scene(argument);
}

static void a_wake_up_left_over_from_before_ends_no_call(void **state) {
    (void)state;
    for (const struct waiting_call *waiting = calls_in_line; waiting->name; waiting++) {
        struct scene scene = open_scene(waiting, HAWSER_NO_TIMEOUT);
        runner run;
        start(&run, make_call_after_a_wake_up, &scene);
        assert_true(blocked(&run));
        waiting->ready(&scene);
        assert_int_equal(finish(&run), waiting->expected);
        close_scene(&scene);
    }
}

static long make_call_without_memory(void *argument) {
    fault_alloc(1);
    long result = call_in_scene(argument);
    return fault_none() ? 100 : result;
}

static void no_call_allocates_or_leaves_anything_behind(void **state) {
    (void)state;
    for (const struct waiting_call *waiting = calls_in_line; waiting->name; waiting++) {
        census before = take_census();
        struct scene scene = open_scene(waiting, HAWSER_NO_TIMEOUT);
        runner run;
        start(&run, make_call_without_memory, &scene);
        assert_true(blocked(&run));
        waiting->ready(&scene);
        assert_int_equal(finish(&run), waiting->expected);
        close_scene(&scene);
        assert_null(compare_census(before));
    }
}

static void what_cannot_be_made_is_ENOMEM(void **state) {
    (void)state;
    fault_alloc(1);
    assert_null_fails(hawser_mutex_new(), ENOMEM);
    assert_sentence("make mutex: Cannot allocate memory");
    fault_alloc(1);
    assert_null_fails(hawser_cond_new(), ENOMEM);
    assert_sentence("make condition: Cannot allocate memory");
    fault_alloc(1);
    assert_null_fails(hawser_semaphore_new(1), ENOMEM);
    assert_sentence("make semaphore: Cannot allocate memory");
    fault_alloc(1);
    assert_null_fails(hawser_waitgroup_new(), ENOMEM);
    assert_sentence("make wait group: Cannot allocate memory");
    fault_none();
}

static void nothing_can_be_freed(void **state) {
    (void)state;
    errno = 5;
    hawser_mutex_free(NULL);
    hawser_cond_free(NULL);
    hawser_semaphore_free(NULL);
    hawser_waitgroup_free(NULL);
    hawser_channel_free(NULL);
    assert_int_equal(errno, 5);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_call_waits_until_it_can_go),
        cmocka_unit_test(each_call_ends_at_the_deadline_and_leaves_nothing_behind),
        cmocka_unit_test(under_a_deadline_of_0_each_call_is_EAGAIN_without_waiting),
        cmocka_unit_test(when_time_is_up_what_can_go_still_goes),
        cmocka_unit_test(a_cancelled_task_leaves_each_call_with_ECANCELED),
        cmocka_unit_test(a_cancelled_task_does_not_even_what_it_could_at_once),
        cmocka_unit_test(a_signal_that_was_asked_for_ends_each_call),
        cmocka_unit_test(a_wake_up_for_no_reason_ends_no_call),
        cmocka_unit_test(a_wake_up_left_over_from_before_ends_no_call),
        cmocka_unit_test(no_call_allocates_or_leaves_anything_behind),
        cmocka_unit_test(what_cannot_be_made_is_ENOMEM),
        cmocka_unit_test(nothing_can_be_freed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
