/* SPDX-License-Identifier: MIT */
/* sched/worker: deadlines, wake-ups that come before them, and the sleep of a worker that has nothing to do. */
#include "fibers.h"
#include "played.h"
#include "support.h"

#include "base/wake.h"
#include "sched/park.h"
#include "sched/worker.h"

#include <errno.h>

struct nap {
    int64_t until;
    char letter;
};

static int take_nap(void *arg) {
    struct nap *nap = arg;
    EXPECT(hawser__wait("test", -1, nap->until) == -ETIMEDOUT);
    EXPECT(played.now == nap->until);
    note_letter(nap->letter);
    return 0;
}

static int take_naps(void *arg) {
    struct nap *naps = arg;
    for (int i = 0; i < 5; i++)
        EXPECT(hawser_go(take_nap, &naps[i]) == 0);
    EXPECT(hawser__wait("test", -1, HAWSER__NOW) == -EAGAIN);
    return 0;
}

static void deadlines_pass_in_the_order_of_their_times(void **state) {
    (void)state;
    struct nap naps[] = {{5000, 'd'}, {2000, 'a'}, {9000, 'e'}, {3000, 'b'}, {3000, 'c'}};
    play(take_naps, naps);
    assert_true(strcmp(played.order, "abcde") == 0 || strcmp(played.order, "acbde") == 0);
}

static int wake_first(void *task) {
    hawser__task_wake(task);
    hawser__task_wake(task);
    return 0;
}

/* Woken before it waits, and while it does: each time nothing is left of the deadline, nor of the wake-up. */
static int be_woken_in_time(void *arg) {
    hawser__worker *worker = hawser__worker_current();
    (void)arg;
    wake_first(hawser__task_current());
    EXPECT(hawser__wait("test", -1, 3000) == 0);
    EXPECT(hawser_go(wake_first, hawser__task_current()) == 0);
    EXPECT(hawser__wait("test", -1, 3000) == 0);
    EXPECT(worker->timers.count == 0 && played.now == 1000);
    EXPECT(hawser__wait("test", -1, HAWSER__NOW) == -EAGAIN);
    EXPECT(hawser__wait("test", -1, 3000) == -ETIMEDOUT);
    return 0;
}

static void a_wake_up_counts_for_one_wait_and_ends_its_deadline(void **state) {
    (void)state;
    play(be_woken_in_time, NULL);
}

static int wake_at_the_deadline(void *task) {
    played.now = 4000;
    hawser__task_wake(task);
    return 0;
}

static int wait_until_4000(void *arg) {
    EXPECT(hawser_go(wake_at_the_deadline, hawser__task_current()) == 0);
    EXPECT(hawser__wait("test", -1, 4000) == 0);
    (void)arg;
    return 0;
}

static void a_wake_up_that_comes_with_the_deadline_counts(void **state) {
    (void)state;
    play(wait_until_4000, NULL);
}

static int count_turns(void *turns) {
    ++*(int *)turns;
    return 0;
}

/* A worker that has nothing to do gets up twice to look at the stacks that are free, and then sleeps. */
static int rest_for_ever(void *arg) {
    int turns = 0, looks = played.looks;
    int64_t began = played.now;
    EXPECT(hawser_go(count_turns, &turns) == 0);
    played.sleeper = hawser__task_current();
    EXPECT(hawser__wait("test", -1, HAWSER__NEVER) == 0);
    EXPECT(played.now - began <= 2 * HAWSER__SECOND && played.looks - looks <= 4);
    EXPECT(played.until == HAWSER__NEVER);
    (void)arg;
    return 0;
}

static void an_idle_worker_gets_up_for_free_stacks_and_then_sleeps(void **state) {
    (void)state;
    play(rest_for_ever, NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(deadlines_pass_in_the_order_of_their_times),
        cmocka_unit_test(a_wake_up_counts_for_one_wait_and_ends_its_deadline),
        cmocka_unit_test(a_wake_up_that_comes_with_the_deadline_counts),
        cmocka_unit_test(an_idle_worker_gets_up_for_free_stacks_and_then_sleeps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
