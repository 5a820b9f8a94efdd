/* SPDX-License-Identifier: MIT */
/* sched/go: cancelling a run, and clearing that. */
#include "fibers.h"
#include "support.h"

#include <errno.h>

static int nothing(void *arg) {
    (void)arg;
    return 0;
}

static int cancel_and_clear(void *arg) {
    (void)arg;
    hawser_run_cancel();
    EXPECT(hawser_cancelled());
    hawser_cancel_clear();
    for (int i = 0; i < 3; i++) /* the worker has looked meanwhile */
        EXPECT(!hawser_cancelled() && hawser_sleep(0.001) == 0);
    EXPECT_FAILURE(hawser_go(nothing, NULL), ECANCELED);
    return 0;
}

static void clearing_lasts_for_the_fiber_that_cancelled_the_run(void **state) {
    (void)state;
    assert_runs(2, cancel_and_clear, NULL);
}

#define STUBBORN 4

struct cancelled {
    hawser_channel *gate;
    atomic_int waiting, cleared, ended;
};

/* Goes on when it is cancelled, once. */
static int be_stubborn(void *arg) {
    struct cancelled *cancelled = arg;
    char item;
    atomic_fetch_add(&cancelled->waiting, 1);
    EXPECT_FAILURE(hawser_channel_recv(cancelled->gate, &item), ECANCELED);
    hawser_cancel_clear();
    atomic_fetch_add(&cancelled->cleared, 1);
    EXPECT_FAILURE(hawser_channel_recv(cancelled->gate, &item), ECANCELED);
    atomic_fetch_add(&cancelled->ended, 1);
    return 0;
}

static bool all_wait(void *arg) {
    return atomic_load(&((struct cancelled *)arg)->waiting) == STUBBORN;
}

static bool all_have_cleared(void *arg) {
    return atomic_load(&((struct cancelled *)arg)->cleared) == STUBBORN;
}

static bool all_have_ended(void *arg) {
    return atomic_load(&((struct cancelled *)arg)->ended) == STUBBORN;
}

static int cancel_twice(void *arg) {
    struct cancelled *cancelled = arg;
    for (int i = 0; i < STUBBORN; i++)
        EXPECT(hawser_go_on(1 + i % 2, be_stubborn, cancelled) == 0);
    EXPECT(wait_until(all_wait, cancelled));
    hawser_run_cancel();
    hawser_cancel_clear();
    EXPECT(wait_until(all_have_cleared, cancelled) && atomic_load(&cancelled->ended) == 0);
    hawser_run_cancel();
    EXPECT(hawser_cancelled());
    EXPECT(wait_until(all_have_ended, cancelled));
    hawser_channel_close(cancelled->gate); /* for those that wait still */
    return 0;
}

static void a_run_is_cancelled_anew_also_for_those_who_have_cleared_the_first_time(void **state) {
    (void)state;
    struct cancelled cancelled = {.gate = hawser_channel_new(1, 0)};
    assert_runs(2, cancel_twice, &cancelled);
    hawser_channel_free(cancelled.gate);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clearing_lasts_for_the_fiber_that_cancelled_the_run),
        cmocka_unit_test(a_run_is_cancelled_anew_also_for_those_who_have_cleared_the_first_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
