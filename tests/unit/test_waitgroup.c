/* SPDX-License-Identifier: MIT */
/* sched/waitgroup. What all calls that wait have in common is in test_waiters_calls.c. */
#include "support.h"
#include "tasks.h"

#include <errno.h>
#include <hawser/sync.h>

static void without_anything_under_way_nobody_waits(void **state) {
    (void)state;
    hawser_waitgroup *waitgroup = hawser_waitgroup_new();
    assert_non_null(waitgroup);
    assert_works(hawser_waitgroup_wait(waitgroup));
    assert_works(hawser_waitgroup_add(waitgroup, 0));
    assert_works(hawser_waitgroup_wait(waitgroup));
    hawser_waitgroup_free(waitgroup);
}

static void no_more_can_be_done_than_was_added(void **state) {
    (void)state;
    hawser_waitgroup *waitgroup = hawser_waitgroup_new();
    assert_fails(hawser_waitgroup_done(waitgroup), ERANGE);
    assert_sentence("leave wait group: Numerical result out of range");
    assert_works(hawser_waitgroup_add(waitgroup, 1));
    assert_works(hawser_waitgroup_done(waitgroup));
    assert_fails(hawser_waitgroup_done(waitgroup), ERANGE);
    hawser_waitgroup_free(waitgroup);
}

static void the_count_does_not_turn_over(void **state) {
    (void)state;
    hawser_waitgroup *waitgroup = hawser_waitgroup_new();
    assert_works(hawser_waitgroup_add(waitgroup, SIZE_MAX));
    assert_works(hawser_waitgroup_add(waitgroup, 0));
    assert_fails(hawser_waitgroup_add(waitgroup, 1), ERANGE);
    assert_sentence("add 1 to wait group: Numerical result out of range");
    assert_works(hawser_waitgroup_done(waitgroup));
    assert_works(hawser_waitgroup_add(waitgroup, 1));
    hawser_waitgroup_free(waitgroup);
}

static long wait_for_all(void *waitgroup) {
    return hawser_waitgroup_wait(waitgroup);
}

static void the_last_one_done_lets_all_who_wait_go(void **state) {
    (void)state;
    hawser_waitgroup *waitgroup = hawser_waitgroup_new();
    runner runs[3];
    assert_works(hawser_waitgroup_add(waitgroup, 2));
    for (int i = 0; i < 3; i++) {
        start(&runs[i], wait_for_all, waitgroup);
        assert_true(blocked(&runs[i]));
    }
    assert_works(hawser_waitgroup_done(waitgroup));
    for (int i = 0; i < 3; i++)
        assert_true(blocked(&runs[i]));
    assert_works(hawser_waitgroup_done(waitgroup));
    assert_works(hawser_waitgroup_add(waitgroup, 1)); /* those who waited until then are not held up by that */
    for (int i = 0; i < 3; i++)
        assert_int_equal(finish(&runs[i]), 0);
    hawser_waitgroup_free(waitgroup);
}

/* The first of a crowd waits for the others and frees the group at once, when the last of them has hardly left. A wrong touch
 * is for ThreadSanitizer to see. */
struct crowd {
    hawser_waitgroup *waitgroup;
    atomic_int arrived, done;
};

static long wait_or_be_waited_for(void *argument) {
    struct crowd *crowd = argument;
    if (atomic_fetch_add(&crowd->arrived, 1) > 0) {
        atomic_fetch_add(&crowd->done, 1);
        return hawser_waitgroup_done(crowd->waitgroup) < 0;
    }
    int result = hawser_waitgroup_wait(crowd->waitgroup);
    bool all = atomic_load(&crowd->done) == 3;
    hawser_waitgroup_free(crowd->waitgroup);
    return result < 0 || !all;
}

static void whoever_has_waited_can_free_it_at_once(void **state) {
    (void)state;
    for (enum arrangement arrangement = 0; arrangement < ARRANGEMENTS; arrangement++)
        for (int round = 0; round < 100; round++) {
            struct crowd crowd = {.waitgroup = hawser_waitgroup_new()};
            assert_works(hawser_waitgroup_add(crowd.waitgroup, 3));
            assert_int_equal(run_crowd(arrangement, 4, wait_or_be_waited_for, &crowd), 0);
        }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_anything_under_way_nobody_waits),
        cmocka_unit_test(no_more_can_be_done_than_was_added),
        cmocka_unit_test(the_count_does_not_turn_over),
        cmocka_unit_test(the_last_one_done_lets_all_who_wait_go),
        cmocka_unit_test(whoever_has_waited_can_free_it_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
