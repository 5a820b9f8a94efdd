/* SPDX-License-Identifier: MIT */
/* sched/go: who may start fibers, where they land, and what a task is told about itself. */
#include "fibers.h"
#include "support.h"

#include "sched/run.h"

#include <errno.h>
#include <limits.h>

static int must_not_run(void *arg) {
    (void)arg;
    EXPECT(!"a fiber that could not be started runs");
    return 0;
}

static int wait_at_gate(void *gate) {
    char item;
    return hawser_channel_recv(gate, &item);
}

/* A plain thread. */

static long ask_on_thread(void *arg) {
    (void)arg;
    hawser_fiber_setname("nobody");
    hawser_yield();
    hawser_run_cancel();
    hawser_cancel_clear();
    return hawser_worker() == 0 && hawser_workers() == 0 && hawser_fiber_stack_used() == 0 && !hawser_cancelled() &&
           strcmp(hawser_fiber_name(), "") == 0 && hawser_sleep(0) == 0;
}

static void a_plain_thread_is_on_no_worker_and_can_ask_all_the_same(void **state) {
    (void)state;
    runner thread;
    start_thread(&thread, ask_on_thread, NULL);
    assert_true(finish(&thread));
    assert_string_equal(thread.sentence, "");
}

static long go_on_thread(void *arg) {
    (void)arg;
    return hawser_go(must_not_run, NULL);
}

static long go_on_first_on_thread(void *arg) {
    (void)arg;
    return hawser_go_on(1, must_not_run, NULL);
}

static long go_with_name_on_thread(void *arg) {
    const hawser_go_options options = {.name = "name", .worker = HAWSER_ANY_WORKER};
    (void)arg;
    return hawser_go_with(&options, must_not_run, NULL);
}

static long go_without_options_on_thread(void *arg) {
    (void)arg;
    return hawser_go_with(NULL, must_not_run, NULL);
}

static void without_a_group_a_plain_thread_starts_nothing(void **state) {
    (void)state;
    long (*const ways[])(void *) = {go_on_thread, go_on_first_on_thread, go_with_name_on_thread, go_without_options_on_thread};
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        runner thread;
        start_thread(&thread, ways[i], NULL);
        assert_int_equal(finish(&thread), -1);
        assert_int_equal(thread.code, EINVAL);
        assert_string_equal(thread.sentence, "start fiber from a plain thread, outside of hawser_run: Invalid argument");
    }
    assert_as_expected();
}

/* Workers. */

static int ask_for_no_worker(void *arg) {
    static const int numbers[] = {-2, -1000, 3, 1000, INT_MAX, INT_MIN};
    (void)arg;
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        char sentence[80];
        snprintf(sentence, sizeof sentence, "start fiber on worker %d of 2: Invalid argument", numbers[i]);
        EXPECT_FAILURE(hawser_go_on(numbers[i], must_not_run, NULL), EINVAL);
        EXPECT(strcmp(hawser_error(), sentence) == 0);
    }
    return 0;
}

static void a_worker_that_is_not_there_is_EINVAL(void **state) {
    (void)state;
    assert_runs(2, ask_for_no_worker, NULL);
}

static int note_worker(void *arg) {
    atomic_store((atomic_int *)arg, hawser_workers() * 100 + hawser_worker());
    return 0;
}

/* All the ways to start a fiber, from whatever worker this is on. */
static int start_in_all_ways(void *arg) {
    atomic_int landed[7] = {0};
    const int own = hawser_worker();
    const hawser_go_options first = {.worker = 1}, second = {.worker = 2};
    hawser_group *group = hawser_group_open(NULL);
    const hawser_go_options in_group = {.group = group}, in_group_on_second = {.group = group, .worker = 2};
    const int expected[7] = {200 + own, 200 + own, 201, 202, 200 + own, 200 + own, 202};
    EXPECT(hawser_go(note_worker, &landed[0]) == 0);
    EXPECT(hawser_go_with(NULL, note_worker, &landed[1]) == 0);
    EXPECT(hawser_go_with(&first, note_worker, &landed[2]) == 0);
    EXPECT(hawser_go_with(&second, note_worker, &landed[3]) == 0);
    EXPECT(hawser_group_go(group, note_worker, &landed[4]) == 0);
    EXPECT(hawser_go_with(&in_group, note_worker, &landed[5]) == 0);
    EXPECT(hawser_go_with(&in_group_on_second, note_worker, &landed[6]) == 0);
    EXPECT(hawser_group_count(group) == 3);
    for (double end = seconds_now() + WAIT_LIMIT; seconds_now() < end && !(landed[2] && landed[3]);)
        hawser_yield();
    EXPECT(hawser_group_wait(group) == 0);
    hawser_group_close(group);
    for (int i = 0; i < 7; i++)
        EXPECT(atomic_load(&landed[i]) == expected[i]);
    (void)arg;
    return 0;
}

static int start_from_both_workers(void *arg) {
    EXPECT(hawser_worker() == 1 && hawser_workers() == 2);
    return hawser_go_on(2, start_in_all_ways, NULL) < 0 ? -1 : start_in_all_ways(arg);
}

static void a_fiber_lands_on_its_starter_s_worker_or_on_the_one_that_was_named(void **state) {
    (void)state;
    assert_runs(2, start_from_both_workers, NULL);
}

struct landing {
    hawser_channel *gate;
    atomic_int worker;
};

static int land_and_wait(void *arg) {
    struct landing *landing = arg;
    note_worker(&landing->worker);
    return wait_at_gate(landing->gate);
}

static bool all_landed(struct landing *landings, int count) {
    for (int i = 0; i < count; i++)
        if (atomic_load(&landings[i].worker) == 0)
            return false;
    return true;
}

/* The first fiber is on worker 1, and none of the others ends before all have begun. */
static int start_anywhere(void *arg) {
    static const int expected[] = {2, 3, 1, 2, 3, 3, 1, 2, 1, 2, 3};
    struct landing landings[11] = {{0}};
    for (int i = 0; i < 11; i++) {
        landings[i].gate = arg;
        EXPECT(hawser_go_on(i == 5 || i == 8 ? expected[i] : HAWSER_ANY_WORKER, land_and_wait, &landings[i]) == 0);
    }
    for (double end = seconds_now() + WAIT_LIMIT; seconds_now() < end && !all_landed(landings, 11);)
        hawser_yield();
    for (int i = 0; i < 11; i++)
        EXPECT(atomic_load(&landings[i].worker) == 300 + expected[i]);
    hawser_channel_close(arg);
    return 0;
}

static void a_fiber_that_may_run_anywhere_lands_where_the_fewest_are(void **state) {
    (void)state;
    hawser_channel *gate = hawser_channel_new(1, 0);
    assert_runs(3, start_anywhere, gate);
    hawser_channel_free(gate);
}

/* Groups: of the caller's run, of another, and of a plain thread's choice. */

static atomic_int started;

/* Ends, and leaves one in its place. */
static int start_member(void *gate) {
    atomic_fetch_add(&started, 1);
    return hawser_go(wait_at_gate, gate);
}

static bool all_started(void *groups) {
    hawser_group **both = groups;
    return atomic_load(&started) == 3 && hawser_group_count(both[0]) == 1 && hawser_group_count(both[1]) == 1;
}

static int start_members(void *arg) {
    hawser_group *outer = hawser_group_open(NULL), *inner = hawser_group_open(NULL);
    const hawser_go_options elsewhere = {.group = inner, .worker = 2};
    EXPECT(hawser_group_go(outer, start_member, arg) == 0);
    EXPECT(hawser_go_with(&elsewhere, start_member, arg) == 0);
    EXPECT(hawser_go(start_member, arg) == 0);
    EXPECT(wait_until(all_started, (hawser_group *[]){outer, inner}));
    hawser_channel_close(arg);
    EXPECT(hawser_group_wait(outer) == 0 && hawser_group_wait(inner) == 0);
    hawser_group_close(outer);
    hawser_group_close(inner);
    return 0;
}

static void a_fiber_is_in_the_group_that_was_named_or_in_its_starter_s(void **state) {
    (void)state;
    hawser_channel *gate = hawser_channel_new(1, 0);
    assert_runs(2, start_members, gate);
    hawser_channel_free(gate);
}

/* A run whose first fiber opens a group and keeps it open while others start fibers in it. */
struct house {
    _Atomic(hawser_group *) group;
    atomic_bool over;
    atomic_int landed[4];
};

static bool is_open(void *house) {
    return atomic_load(&((struct house *)house)->group) != NULL;
}

static bool is_over(void *house) {
    return atomic_load(&((struct house *)house)->over);
}

static int keep_house(void *arg) {
    struct house *house = arg;
    hawser_group *group = hawser_group_open(NULL);
    atomic_store(&house->group, group);
    EXPECT(wait_until(is_over, house) && hawser_group_wait(group) == 0);
    hawser_group_close(group);
    return 0;
}

static long run_house(void *house) {
    return run_on_workers(2, keep_house, house);
}

static long start_in_house(void *arg) {
    struct house *house = arg;
    hawser_group *group = atomic_load(&house->group);
    const hawser_go_options second = {.group = group, .worker = 2}, anywhere = {.group = group, .worker = HAWSER_ANY_WORKER};
    const hawser_go_options third = {.group = group, .worker = 3};
    EXPECT(hawser_group_go(group, note_worker, &house->landed[0]) == 0);
    EXPECT(hawser_go_with(&second, note_worker, &house->landed[1]) == 0);
    EXPECT(hawser_go_with(&anywhere, note_worker, &house->landed[2]) == 0);
    EXPECT_FAILURE(hawser_go_with(&third, must_not_run, NULL), EINVAL);
    EXPECT(strcmp(hawser_error(), "start fiber on worker 3 of 2: Invalid argument") == 0);
    return 0;
}

/* Of a run with three workers, in a group with a fiber of its own. */
static int start_in_other_house(void *house) {
    hawser_group *own = hawser_group_open(NULL);
    EXPECT(hawser_group_go(own, note_worker, &((struct house *)house)->landed[3]) == 0);
    start_in_house(house);
    EXPECT(hawser_group_wait(own) == 0);
    hawser_group_close(own);
    return 0;
}

static void assert_all_in_house(long (*start_some)(void *), bool fourth) {
    struct house house = {.group = NULL};
    runner keeper, starter;
    start_thread(&keeper, run_house, &house);
    assert_true(wait_until(is_open, &house));
    start_thread(&starter, start_some, &house);
    finish(&starter);
    atomic_store(&house.over, true);
    assert_int_equal(finish(&keeper), 0);
    assert_as_expected();
    assert_int_equal(atomic_load(&house.landed[0]) / 100, 2);
    assert_int_equal(atomic_load(&house.landed[1]), 202);
    assert_int_equal(atomic_load(&house.landed[2]) / 100, 2);
    assert_int_equal(atomic_load(&house.landed[3]), fourth ? 301 : 0);
}

static void a_plain_thread_starts_fibers_in_a_group(void **state) {
    (void)state;
    assert_all_in_house(start_in_house, false);
}

static long start_from_other_run(void *house) {
    return run_on_workers(3, start_in_other_house, house);
}

static void a_fiber_in_the_group_of_another_run_runs_there(void **state) {
    (void)state;
    assert_all_in_house(start_from_other_run, true);
}

/* Cancelling the run. */

struct cancelled {
    hawser_channel *gate;
    atomic_int waiting, cut;
};

static int wait_to_be_cut(void *arg) {
    struct cancelled *cancelled = arg;
    atomic_fetch_add(&cancelled->waiting, 1);
    EXPECT_FAILURE(wait_at_gate(cancelled->gate), ECANCELED);
    EXPECT(hawser_cancelled());
    atomic_fetch_add(&cancelled->cut, 1);
    return 0;
}

static int cancel_all(void *arg) {
    struct cancelled *cancelled = arg;
    hawser_group *group = hawser_group_open(NULL);
    const hawser_go_options member = {.group = group, .worker = 2};
    for (int i = 0; i < 6; i++)
        EXPECT(hawser_go_on(1 + i % 2, wait_to_be_cut, cancelled) == 0);
    EXPECT(hawser_go_with(&member, wait_to_be_cut, cancelled) == 0);
    for (double end = seconds_now() + WAIT_LIMIT; seconds_now() < end && atomic_load(&cancelled->waiting) < 7;)
        hawser_yield();
    EXPECT(hawser_go(wait_to_be_cut, cancelled) == 0);       /* has not begun when it is cancelled, */
    EXPECT(hawser_go_on(2, wait_to_be_cut, cancelled) == 0); /* nor has this one, perhaps */
    hawser_run_cancel();
    EXPECT(hawser_cancelled());
    EXPECT_FAILURE(hawser_sleep(60), ECANCELED);
    EXPECT_FAILURE(hawser_go(must_not_run, NULL), ECANCELED);
    EXPECT(strcmp(hawser_error(), "start fiber on worker 1: Operation canceled") == 0);
    hawser_group_close(group);
    return 0;
}

static void cancelling_a_run_ends_the_waits_of_all_its_fibers_and_starts_no_more(void **state) {
    (void)state;
    struct cancelled cancelled = {.gate = hawser_channel_new(1, 0)};
    assert_runs(2, cancel_all, &cancelled);
    assert_int_equal(atomic_load(&cancelled.cut), 9);
    hawser_channel_free(cancelled.gate);
}

/* Names. */

static int tell_name(void *name) {
    snprintf(name, HAWSER__FIBER_NAME, "%s", hawser_fiber_name());
    return 0;
}

static int name_fibers(void *arg) {
    static const char thirty_one[] = "1234567890123456789012345678901";
    char given[64] = "1234567890123456789012345678901234567890", told[HAWSER__FIBER_NAME] = "";
    hawser_group *group = hawser_group_open(NULL);
    const hawser_go_options named = {.name = given, .group = group};
    (void)arg;
    EXPECT(strcmp(hawser_fiber_name(), "main") == 0);
    EXPECT(hawser_go_with(&named, tell_name, told) == 0);
    memset(given, 'x', sizeof given - 1);
    EXPECT(hawser_group_wait(group) == 0 && strcmp(told, thirty_one) == 0);
    EXPECT(hawser_group_go(group, tell_name, told) == 0 && hawser_group_wait(group) == 0 && strcmp(told, "") == 0);
    hawser_group_close(group);
    hawser_fiber_setname("1234567890123456789012345678901 and more");
    EXPECT(strcmp(hawser_fiber_name(), thirty_one) == 0);
    hawser_fiber_setname("");
    EXPECT(strcmp(hawser_fiber_name(), "") == 0);
    return 0;
}

static void a_name_is_copied_and_cut(void **state) {
    (void)state;
    assert_runs(1, name_fibers, NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_plain_thread_is_on_no_worker_and_can_ask_all_the_same),
        cmocka_unit_test(without_a_group_a_plain_thread_starts_nothing),
        cmocka_unit_test(a_worker_that_is_not_there_is_EINVAL),
        cmocka_unit_test(a_fiber_lands_on_its_starter_s_worker_or_on_the_one_that_was_named),
        cmocka_unit_test(a_fiber_that_may_run_anywhere_lands_where_the_fewest_are),
        cmocka_unit_test(a_fiber_is_in_the_group_that_was_named_or_in_its_starter_s),
        cmocka_unit_test(a_plain_thread_starts_fibers_in_a_group),
        cmocka_unit_test(a_fiber_in_the_group_of_another_run_runs_there),
        cmocka_unit_test(cancelling_a_run_ends_the_waits_of_all_its_fibers_and_starts_no_more),
        cmocka_unit_test(a_name_is_copied_and_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
