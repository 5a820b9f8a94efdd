/* SPDX-License-Identifier: MIT */
/* sched/waiters: standing in line. What the calls that do so have in common is in test_waiters_calls.c. */
#include "support.h"
#include "tasks.h"

#include "sched/waiters.h"

#include <hawser/deadline.h>
#include <hawser/world.h>

static void waiters_are_taken_in_the_order_they_came(void **state) {
    (void)state;
    hawser__waiters line = {0};
    hawser__waiter waiters[4] = {0};
    assert_null(hawser__waiters_take(&line));
    for (int i = 0; i < 4; i++)
        hawser__waiters_add(&line, &waiters[i]);
    for (int i = 0; i < 4; i++)
        assert_ptr_equal(hawser__waiters_take(&line), &waiters[i]);
    assert_null(hawser__waiters_take(&line));
}

static void one_may_leave_from_any_place_and_once_only(void **state) {
    (void)state;
    for (int leaving = 0; leaving < 3; leaving++) {
        hawser__waiters line = {0};
        hawser__waiter waiters[3] = {0};
        for (int i = 0; i < 3; i++)
            hawser__waiters_add(&line, &waiters[i]);
        assert_true(hawser__waiters_remove(&line, &waiters[leaving]));
        assert_false(hawser__waiters_remove(&line, &waiters[leaving]));
        hawser__waiters_add(&line, &waiters[leaving]);
        assert_ptr_equal(hawser__waiters_take(&line), &waiters[leaving == 0 ? 1 : 0]);
        assert_ptr_equal(hawser__waiters_take(&line), &waiters[leaving == 2 ? 1 : 2]);
        assert_ptr_equal(hawser__waiters_take(&line), &waiters[leaving]);
        assert_null(hawser__waiters_take(&line));
    }
}

static void all_can_be_taken_at_once(void **state) {
    (void)state;
    hawser__waiters line = {0};
    hawser__waiter waiters[2] = {0};
    assert_null(hawser__waiters_take_all(&line));
    hawser__waiters_add(&line, &waiters[0]);
    hawser__waiters_add(&line, &waiters[1]);
    assert_ptr_equal(hawser__waiters_take_all(&line), &waiters[0]);
    assert_ptr_equal(waiters[0].next, &waiters[1]);
    assert_null(waiters[1].next);
    assert_null(line.first);
    assert_false(hawser__waiters_remove(&line, &waiters[1]));
}

struct object {
    hawser__lock lock;
    hawser__waiters line;
    hawser__waiter waiter;
    _Atomic(hawser__task *) task; /* of the one who waits */
};

static void add(struct object *object) {
    object->waiter = (hawser__waiter){.task = hawser__task_current()};
    hawser__lock_take(&object->lock);
    hawser__waiters_add(&object->line, &object->waiter);
    hawser__lock_drop(&object->lock);
    atomic_store(&object->task, hawser__task_current());
}

static hawser__waiter *take(struct object *object) {
    hawser__lock_take(&object->lock);
    hawser__waiter *waiter = hawser__waiters_take(&object->line);
    hawser__lock_drop(&object->lock);
    return waiter;
}

static long grant(void *waiter) {
    hawser__waiter_grant(waiter);
    return 0;
}

/* Whoever takes a waiter off the line has decided, whether the waiter's deadline passes before the granting or after it. */
static void a_grant_that_is_under_way_counts_whatever_the_deadline(void **state) {
    (void)state;
    for (int round = 0; round < 100; round++) {
        struct object object = {0};
        runner run;
        add(&object);
        start(&run, grant, take(&object));
        int64_t outer = hawser_deadline_push(0);
        assert_int_equal(hawser__waiters_wait(&object.line, &object.waiter, &object.lock, "test", &object), 0);
        hawser_deadline_pop(outer);
        assert_int_equal(atomic_load(&object.waiter.progress), HAWSER__LET_GO);
        finish(&run);
    }
}

static long wait_through(void *argument) {
    struct object *object = argument;
    hawser_deadline_push(0.01);
    add(object);
    hawser__waiter_wait_through(&object->waiter, "test", object);
    return 0;
}

static void waiting_through_is_not_cut_short(void **state) {
    (void)state;
    struct object object = {0};
    runner run;
    start(&run, wait_through, &object);
    assert_true(blocked(&run));
    double began = seconds_now();
    cancel_task(object.task);
    assert_true(blocked(&run));
    while (seconds_now() - began < 0.02)
        hawser_sleep(0.001);
    assert_true(blocked(&run));
    hawser__waiter_grant(take(&object));
    assert_int_equal(finish(&run), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(waiters_are_taken_in_the_order_they_came),
        cmocka_unit_test(one_may_leave_from_any_place_and_once_only),
        cmocka_unit_test(all_can_be_taken_at_once),
        cmocka_unit_test(a_grant_that_is_under_way_counts_whatever_the_deadline),
        cmocka_unit_test(waiting_through_is_not_cut_short),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
