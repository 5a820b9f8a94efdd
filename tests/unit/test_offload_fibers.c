/* SPDX-License-Identifier: MIT */
/*
 * sched/offload in fibers: the worker's other fibers run meanwhile, and whatever comes together, each gets its own.
 */
#include "door.h"
#include "fibers.h"
#include "gate.h"
#include "helpers.h"
#include "support.h"

#include <errno.h>

#define PLACES 8 /* of each kind of work */

static struct {
    atomic_int ticks, results[2], errors[2];
    hawser_group *group;
} scene;

static int offload_in_fiber(void *index) {
    int i = (int)(intptr_t)index;
    int result = hawser_offload(stand_inside, NULL);
    atomic_store(&scene.results[i], result);
    atomic_store(&scene.errors[i], result < 0 ? errno : 0);
    return 0;
}

/* Comes to an end only when the worker is free while the function runs. */
static int tick_and_open(void *argument) {
    (void)argument;
    bool inside = wait_in_door(1);
    for (int i = 0; i < 3; i++, atomic_fetch_add(&scene.ticks, 1))
        hawser_sleep(0.001);
    set_door(true);
    return inside ? 0 : -1;
}

static int tick_beside(void *argument) {
    (void)argument;
    hawser_group *group = hawser_group_open(NULL);
    int result = hawser_group_go(group, offload_in_fiber, (void *)0);
    if (result == 0)
        result = hawser_group_go(group, tick_and_open, NULL);
    result |= hawser_group_wait(group);
    hawser_group_close(group);
    return result;
}

static void other_fibers_of_the_worker_run_while_a_function_is_elsewhere(void **state) {
    (void)state;
    set_door(false);
    atomic_store(&scene.ticks, 0);
    atomic_store(&scene.results[0], -1);
    assert_int_equal(run_on_workers(1, tick_beside, NULL), 0);
    assert_int_equal(atomic_load(&scene.ticks), 3);
    assert_int_equal(atomic_load(&scene.results[0]), 0);
}

static int cancel_both(void *argument) {
    (void)argument;
    hawser_group *group = scene.group = hawser_group_open(NULL);
    int result = hawser_group_go(group, offload_in_fiber, (void *)0);
    hawser_yield();
    if (!wait_in_door(1))
        return -1;
    result |= hawser_group_go(group, offload_in_fiber, (void *)1);
    hawser_yield();
    hawser_group_cancel(group);
    for (double end = seconds_now() + WAIT_LIMIT; hawser_group_count(group) > 1 && seconds_now() < end;)
        hawser_yield();
    if (hawser_group_count(group) != 1 || atomic_load(&scene.results[0]) != 7)
        result = -1; /* the one whose function runs is there still */
    set_door(true);
    result |= hawser_group_wait(group);
    hawser_group_close(group);
    return result;
}

static void a_cancelled_fiber_leaves_a_function_that_waits_and_stays_for_one_that_runs(void **state) {
    (void)state;
    skip_in_world("every function has a thread of its own");
    assert_works(hawser_offload_set_threads(1));
    set_door(false);
    for (int i = 0; i < 2; i++)
        atomic_store(&scene.results[i], 7);
    assert_int_equal(run_on_workers(1, cancel_both, NULL), 0);
    assert_works(hawser_offload_set_threads(PLACES));
    assert_int_equal(atomic_load(&scene.results[0]), 0);
    assert_int_equal(atomic_load(&scene.results[1]), -1);
    assert_int_equal(atomic_load(&scene.errors[1]), ECANCELED);
}

/* Many at once, from two workers, some of them in a hurry. */

#define CROWD 40
#define ROUNDS 25

static atomic_int started, ended_well, wrong;

static int square(void *number) {
    atomic_fetch_add(&started, 1);
    return *(int *)number * *(int *)number;
}

static int square_in_a_hurry(void *argument) {
    int number = (int)(intptr_t)argument;
    for (int i = 0; i < ROUNDS; i++, number = (number + 1) % 1000) {
        int64_t outer = hawser_deadline_push(number % 3 ? HAWSER_NO_TIMEOUT : 0.0002);
        int result = hawser_offload(square, &number);
        hawser_deadline_pop(outer);
        if (result == number * number)
            atomic_fetch_add(&ended_well, 1);
        else if (result != -1 || errno != ETIMEDOUT)
            atomic_fetch_add(&wrong, 1);
    }
    return 0;
}

static int start_crowd(void *argument) {
    (void)argument;
    for (int i = 0; i < CROWD; i++)
        if (hawser_go_on(1 + i % 2, square_in_a_hurry, (void *)(intptr_t)i) < 0)
            return -1;
    return 0;
}

static void whatever_comes_together_each_gets_its_own_result(void **state) {
    (void)state;
    census before = quiet_census();
    atomic_store(&started, 0);
    atomic_store(&ended_well, 0);
    atomic_store(&wrong, 0);
    assert_works(hawser_offload_set_threads(3));
    assert_int_equal(run_on_workers(2, start_crowd, NULL), 0);
    assert_works(hawser_offload_set_threads(PLACES));
    assert_int_equal(atomic_load(&wrong), 0);
    assert_int_equal(atomic_load(&started), atomic_load(&ended_well)); /* what has started is waited for */
    assert_true(atomic_load(&ended_well) >= CROWD * ROUNDS / 3);
    assert_nothing_is_left(before);
}

/* A run of its own on a thread of the pool: its fibers are none of the pool's threads. */

/* Counts its calls. */
static int called(void *count) {
    return atomic_fetch_add((atomic_int *)count, 1) + 1;
}

static int offload_from_inside(void *arg) {
    return hawser_offload(called, arg);
}

static int run_inside(void *arg) {
    const hawser_run_options options = {.workers = 1, .stack_size = TEST_STACK};
    return hawser_run(offload_from_inside, arg, &options);
}

static void an_offloaded_function_may_run_fibers_that_offload(void **state) {
    (void)state;
    atomic_int calls = 0;
    assert_int_equal(hawser_offload(run_inside, &calls), 1);
    assert_int_equal(atomic_load(&calls), 1);
}

/* Look-ups. */

static int look_up_in_fiber(void *argument) {
    char ip[64];
    *(int *)argument = hawser_gethostbyname("localhost", ip, sizeof ip);
    return 0;
}

/* Never runs when the look-up keeps the worker. */
static int open_gate_when_reached(void *argument) {
    *(int *)argument = wait_inside(1);
    open_gate();
    return 0;
}

static int answers[2];

static int look_up_beside(void *argument) {
    (void)argument;
    return hawser_go(look_up_in_fiber, &answers[0]) < 0 || hawser_go(open_gate_when_reached, &answers[1]) < 0 ? -1 : 0;
}

static void other_fibers_of_the_worker_run_while_a_name_is_looked_up(void **state) {
    (void)state;
    shut_gate();
    assert_int_equal(run_on_workers(1, look_up_beside, NULL), 0);
    assert_int_equal(answers[0], 0);
    assert_true(answers[1]);
}

int main(void) {
    build_gate();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(other_fibers_of_the_worker_run_while_a_function_is_elsewhere),
        cmocka_unit_test(a_cancelled_fiber_leaves_a_function_that_waits_and_stays_for_one_that_runs),
        cmocka_unit_test(whatever_comes_together_each_gets_its_own_result),
        cmocka_unit_test(an_offloaded_function_may_run_fibers_that_offload),
        cmocka_unit_test(other_fibers_of_the_worker_run_while_a_name_is_looked_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
