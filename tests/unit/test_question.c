/* SPDX-License-Identifier: MIT */
/*
 * sched/question: workers answer with what is true at one moment, whatever happens meanwhile; one that does not answer is known
 * by the fiber that holds it up, and what was asked of it in vain is freed.
 */
#include "dumps.h"
#include "fibers.h"

#include "sched/question.h"

static int nothing(void *arg) {
    (void)arg;
    return 0;
}

static long take_on_thread(void *arg) {
    return take_report(arg);
}

/* While everything moves. */

#define MOST_ALIVE 300
#define DUMPS 40

struct churn {
    atomic_int alive, lives, dumping;
    struct report reports[3];
    int results[3];
};

static int live_shortly(void *arg) {
    struct churn *churn = arg;
    int life = atomic_fetch_add(&churn->lives, 1);
    if (life % 3 == 0)
        hawser_fiber_setname("renamed");
    if (life % 2 == 0)
        hawser_yield();
    if (life % 16 == 0)
        hawser_sleep(0.001);
    atomic_fetch_sub(&churn->alive, 1);
    return 0;
}

static int start_fibers(void *arg) {
    struct churn *churn = arg;
    while (atomic_load(&churn->dumping) > 0) {
        for (int i = 0; i < 20 && atomic_load(&churn->alive) < MOST_ALIVE; i++) {
            atomic_fetch_add(&churn->alive, 1);
            if (go_named(NULL, "short", 1 + i % 2, live_shortly, churn) < 0)
                return 1;
        }
        hawser_yield();
    }
    return 0;
}

/* The plain thread stops with the others: where the test is a fiber, each of its dumps takes a second. */
static void dump_often(struct churn *churn, int index) {
    for (int i = 0; i < DUMPS && churn->results[index] == 0; i++) {
        churn->results[index] = take_report(&churn->reports[index]);
        if (churn->reports[index].wrong[0])
            churn->results[index] = 1;
        if (index == 2 && atomic_load(&churn->dumping) == 1)
            break;
    }
    atomic_fetch_sub(&churn->dumping, 1);
}

static int dump_from_first(void *arg) {
    dump_often(arg, 0);
    return 0;
}

static int dump_from_second(void *arg) {
    dump_often(arg, 1);
    return 0;
}

static long dump_from_outside(void *arg) {
    dump_often(arg, 2);
    return 0;
}

static int start_churn(void *arg) {
    return go_named(NULL, "starter", 1, start_fibers, arg) || go_named(NULL, "starter", 2, start_fibers, arg) ||
           go_named(NULL, "dumper", 1, dump_from_first, arg) || go_named(NULL, "dumper", 2, dump_from_second, arg);
}

static void dumps_are_whole_while_fibers_come_and_go(void **state) {
    (void)state;
    static struct churn churn;
    memset(&churn, 0, sizeof churn);
    atomic_store(&churn.dumping, 3);
    census before = settled_census();
    runner outside;
    start_thread(&outside, dump_from_outside, &churn);
    assert_int_equal(run_on_workers(2, start_churn, &churn), 0);
    finish(&outside);
    for (int i = 0; i < 3; i++) {
        assert_whole(&churn.reports[i]);
        assert_int_equal(churn.results[i], 0);
    }
    assert_nothing_left(before);
}

/* For the sanitizers: no question outlives the run that it was put to. */
static long run_and_run(void *argument) {
    for (int i = 0; i < 60; i++)
        if (run_on_workers(2, nothing, NULL) != 0)
            return 1;
    atomic_store((atomic_bool *)argument, true);
    return 0;
}

static void runs_may_begin_and_end_meanwhile(void **state) {
    (void)state;
    static struct report report;
    atomic_bool ended = false;
    census before = settled_census();
    runner runs, dumper;
    start_thread(&runs, run_and_run, &ended);
    while (!atomic_load(&ended) && !atomic_load(&runs.done)) {
        start_thread(&dumper, take_on_thread, &report);
        assert_int_equal(finish(&dumper), 0);
        assert_whole(&report);
    }
    assert_int_equal(finish(&runs), 0);
    assert_nothing_left(before);
}

struct crowd {
    atomic_bool open;
    int guests;
};

static int be_guest(void *arg) {
    struct crowd *crowd = arg;
    return sleep_until_set(&crowd->open);
}

/* However short the patience is, the answer is either there, whole, or will never come. */
static int ask_impatiently(void *arg) {
    struct crowd *crowd = arg;
    hawser__run *run = hawser__fiber_current()->worker->run;
    int broken = 0;
    for (int i = 0; i < crowd->guests; i++)
        broken |= go_named(NULL, "guest", 2, be_guest, crowd);
    for (int i = 0; i < 300; i++) {
        hawser__question *list = NULL;
        broken |= hawser__question_ask(run, &list) < 0;
        broken |= hawser__question_await(list->next, hawser__clock_monotonic() + i * 1000, HAWSER__NEVER) < 0;
        enum hawser__progress progress = atomic_load(&list->next->progress);
        broken |= progress != HAWSER__ANSWERED && progress != HAWSER__GIVEN_UP;
        broken |= progress == HAWSER__ANSWERED && list->next->count != crowd->guests;
        hawser__questions_free(list);
    }
    atomic_store(&crowd->open, true);
    return broken ? 1 : 0;
}

static void an_answer_that_was_begun_is_waited_for(void **state) {
    (void)state;
    struct crowd crowd = {.guests = 500};
    assert_int_equal(run_on_workers(2, ask_impatiently, &crowd), 0);
}

/* A worker that does not answer. */

struct jam {
    atomic_bool jammed, release;
    bool to_the_end;
    double seconds;
    int result, code;
    struct report report;
};

static bool first_worker_is_empty(void) {
    hawser__run *run = hawser__fiber_current()->worker->run;
    return atomic_load(&run->workers[0].population) == 0;
}

static int hold_worker(void *arg) {
    struct jam *jam = arg;
    double end = seconds_now() + WAIT_LIMIT;
    atomic_store(&jam->jammed, true);
    while (!atomic_load(&jam->release) && !(jam->to_the_end && first_worker_is_empty()) && seconds_now() < end)
        ;
    return seconds_now() < end ? 0 : 1;
}

static int begin_jam(struct jam *jam) {
    return go_named(NULL, "hog", 2, hold_worker, jam) < 0 ? 1 : sleep_until_set(&jam->jammed);
}

static int dump_jam(void *arg) {
    struct jam *jam = arg;
    int began = begin_jam(jam);
    double start = seconds_now();
    jam->result = take_report(&jam->report);
    jam->seconds = seconds_now() - start;
    if (!jam->to_the_end)
        atomic_store(&jam->release, true);
    return began;
}

static void assert_jam_reported(const struct jam *jam) {
    assert_int_equal(jam->result, 0);
    assert_whole(&jam->report);
    assert_int_equal(jam->report.silent, 1);
    assert_fiber(&jam->report, "main", 1, "runs");
    assert_fiber(&jam->report, "hog", 2, "holds");
    assert_true(jam->seconds >= 1);
}

static void a_worker_that_is_held_up_is_reported_after_a_second(void **state) {
    (void)state;
    static struct jam jam;
    memset(&jam, 0, sizeof jam);
    census before = settled_census();
    assert_int_equal(run_on_workers(2, dump_jam, &jam), 0);
    assert_jam_reported(&jam);
    assert_nothing_left(before);
}

/* The worker never comes to look at the question. */
static void a_question_that_was_never_read_is_freed_with_the_run(void **state) {
    (void)state;
    static struct jam jam;
    memset(&jam, 0, sizeof jam);
    jam.to_the_end = true;
    census before = settled_census();
    assert_int_equal(run_on_workers(2, dump_jam, &jam), 0);
    assert_jam_reported(&jam);
    assert_nothing_left(before);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dumps_are_whole_while_fibers_come_and_go),
        cmocka_unit_test(runs_may_begin_and_end_meanwhile),
        cmocka_unit_test(an_answer_that_was_begun_is_waited_for),
        cmocka_unit_test(a_worker_that_is_held_up_is_reported_after_a_second),
        cmocka_unit_test(a_question_that_was_never_read_is_freed_with_the_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
