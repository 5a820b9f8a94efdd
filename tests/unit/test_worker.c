/* SPDX-License-Identifier: MIT */
/*
 * sched/worker: who runs when, and what wakes a worker that sleeps.
 *
 * Most of it is played on an engine with a clock of its own, which stands still while fibers run and leaps to the end of each
 * sleep: nothing is timed, and every look at the port is counted.
 */
#include "engine_memory.h"
#include "fibers.h"
#include "support.h"

#include "base/wake.h"
#include "sched/park.h"
#include "sched/run.h"

#include <errno.h>

/* The engine, for one run with one worker at a time. */

static struct {
    int64_t now;
    int looks;              /* at the port */
    hawser__deadline until; /* of the last look */
    hawser__task *sleeper;  /* woken when the worker would sleep for ever */
    atomic_int wakes;       /* of the port */
} played;

static int64_t played_now(hawser__engine *engine) {
    (void)engine;
    return played.now;
}

static void played_wait(hawser__port *port, hawser__deadline until) {
    played.looks++;
    played.until = until;
    if (until == HAWSER__NEVER && played.sleeper)
        hawser__task_wake(played.sleeper);
    else if (until == HAWSER__NEVER)
        memory_engine.ops->port_wait(port, until);
    else if (until > played.now)
        played.now = until;
}

static void played_wake(hawser__port *port) {
    atomic_fetch_add(&played.wakes, 1);
    memory_engine.ops->port_wake(port);
}

struct play {
    hawser_fn fn;
    void *arg;
};

static long run_play(void *arg) {
    static struct hawser__engine_ops ops;
    static hawser__engine engine = {&ops};
    const hawser_run_options options = {.workers = 1, .stack_size = TEST_STACK};
    struct play *play = arg;
    ops = *memory_engine.ops;
    ops.now = played_now;
    ops.port_wait = played_wait;
    ops.port_wake = played_wake;
    return hawser__run_on(&engine, play->fn, play->arg, &options);
}

static char order[64]; /* what happened, a letter each */

static void note(char letter) {
    order[strlen(order)] = letter;
}

/* FN(ARG) and what it starts, on one worker of that engine. */
static void play(hawser_fn fn, void *arg) {
    struct play parts = {fn, arg};
    runner thread;
    memset(&played, 0, sizeof played);
    memset(order, 0, sizeof order);
    played.now = 1000;
    start_thread(&thread, run_play, &parts);
    assert_int_equal(finish(&thread), 0);
    assert_as_expected();
}

/* The queue. */

static int yield_three_times(void *letter) {
    int own = *(char *)letter;
    for (int i = 0; i < 3; i++) {
        note(*(char *)letter);
        errno = own;
        hawser_yield();
        EXPECT(errno == own);
    }
    return 0;
}

static int start_three(void *letters) {
    for (int i = 0; i < 3; i++)
        EXPECT(hawser_go(yield_three_times, (char *)letters + i) == 0);
    note('m'); /* none has run yet */
    return 0;
}

static void fibers_run_in_the_order_they_were_started_and_take_turns(void **state) {
    (void)state;
    char letters[] = "abc";
    play(start_three, letters);
    assert_string_equal(order, "mabcabcabc");
}

static hawser__task *sleepers[3];

static int sleep_and_note(void *arg) {
    long i = (long)arg;
    sleepers[i] = hawser__task_current();
    errno = (int)i + 1;
    EXPECT(hawser__wait("test", -1, HAWSER__NEVER) == 0);
    EXPECT(errno == (int)i + 1);
    note((char)('a' + i));
    return 0;
}

static void start_sleepers(void) {
    for (long i = 0; i < 3; i++)
        EXPECT(hawser_go(sleep_and_note, (void *)i) == 0);
    hawser_yield();
}

static int wake_in_another_order(void *arg) {
    start_sleepers();
    for (int i = 0; i < 6; i++) /* the second time they are in the queue already */
        hawser__task_wake(sleepers[(i + 1) % 3]);
    (void)arg;
    return 0;
}

static void who_is_woken_first_runs_first_and_once(void **state) {
    (void)state;
    play(wake_in_another_order, NULL);
    assert_string_equal(order, "bca");
}

static int sleep_until_cut(void *arg) {
    long i = (long)arg;
    sleepers[i] = hawser__task_current();
    note((char)((hawser__wait("test", -1, HAWSER__NEVER) == -ECANCELED ? 'A' : 'a') + i));
    return 0;
}

static int stir_some(void *arg) {
    for (long i = 0; i < 3; i++)
        EXPECT(hawser_go(sleep_until_cut, (void *)i) == 0);
    hawser_yield();
    atomic_store(&sleepers[2]->cancelled, true);
    atomic_store(&sleepers[0]->cancelled, true);
    hawser__worker_stir(hawser__worker_current());
    hawser__worker_stir(hawser__worker_current());
    hawser_yield();
    hawser_yield();
    EXPECT(strlen(order) == 2);
    hawser__task_wake(sleepers[1]);
    (void)arg;
    return 0;
}

static void stirring_wakes_those_whose_wait_is_to_be_cut_and_nobody_else(void **state) {
    (void)state;
    play(stir_some, NULL);
    assert_true(strlen(order) == 3 && strchr(order, 'A') && strchr(order, 'C') && order[2] == 'b');
}

/* Fairness. */

#define YIELDS 1280

static int yield_often(void *arg) {
    (void)arg;
    for (int i = 0; i < YIELDS; i++)
        hawser_yield();
    return 0;
}

static int yield_in_company(void *arg) {
    EXPECT(hawser_go(yield_often, NULL) == 0 && hawser_go(yield_often, NULL) == 0);
    return yield_often(arg);
}

static void however_many_can_run_the_port_is_looked_at_now_and_then(void **state) {
    (void)state;
    play(yield_in_company, NULL);
    assert_in_range(played.looks, 3 * YIELDS / 128, 3 * YIELDS / 128 + 8);
    assert_int_equal(played.until, HAWSER__NOW);
}

static int count_turns(void *turns) {
    ++*(int *)turns;
    return 0;
}

/* How often SPEND is called until the other fiber has had its turn. */
static int calls_until_turn(void (*spend)(void)) {
    int turns = 0, calls = 0, looks = played.looks;
    EXPECT(hawser_go(count_turns, &turns) == 0);
    for (; turns == 0 && calls < 1000; calls++)
        spend();
    EXPECT(played.looks > looks);
    return calls;
}

static int spend_and_give_way(void *arg) {
    (void)arg;
    EXPECT(calls_until_turn(hawser__worker_spend) == 64);
    EXPECT(calls_until_turn(hawser__worker_spend) == 64);
    EXPECT(calls_until_turn(hawser__worker_give_way) == 1);
    hawser__worker_give_way(); /* alone it comes back, too */
    return 0;
}

static void others_run_after_64_operations_that_all_went_through_or_a_long_one(void **state) {
    (void)state;
    play(spend_and_give_way, NULL);
}

/* Timers. */

struct nap {
    int64_t until;
    char letter;
};

static int take_nap(void *arg) {
    struct nap *nap = arg;
    EXPECT(hawser__wait("test", -1, nap->until) == -ETIMEDOUT);
    EXPECT(played.now == nap->until);
    note(nap->letter);
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
    assert_true(strcmp(order, "abcde") == 0 || strcmp(order, "acbde") == 0);
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

/* From other threads. */

struct post {
    hawser__post post;
    char letter;
};

static struct {
    _Atomic(hawser__worker *) worker;
    hawser__task *task;
} receiver;

static void handle(hawser__post *post) {
    note(hawser__worker_current() == receiver.worker ? ((struct post *)post)->letter : '?');
    if (strlen(order) == 3)
        hawser__task_wake(receiver.task);
}

static int receive_posts(void *arg) {
    (void)arg;
    receiver.task = hawser__task_current();
    atomic_store(&receiver.worker, hawser__worker_current());
    return hawser__wait("test", -1, HAWSER__NEVER);
}

static bool receiver_sleeps(void *arg) {
    hawser__worker *worker = atomic_load(&receiver.worker);
    (void)arg;
    return worker && atomic_load(&worker->asleep);
}

static long send_posts(void *posts) {
    hawser__worker_spend(); /* on a plain thread there is nobody to give way to */
    hawser__worker_give_way();
    if (hawser__worker_current() || !wait_until(receiver_sleeps, NULL))
        return -1;
    for (int i = 0; i < 3; i++)
        hawser__worker_post(receiver.worker, &((struct post *)posts)[i].post);
    return 0;
}

static void what_is_posted_wakes_a_worker_and_is_handled_there_in_its_order(void **state) {
    (void)state;
    struct post posts[] = {{{NULL, handle}, 'a'}, {{NULL, handle}, 'b'}, {{NULL, handle}, 'c'}};
    runner sender;
    atomic_store(&receiver.worker, NULL);
    start_thread(&sender, send_posts, posts);
    play(receive_posts, NULL);
    assert_int_equal(finish(&sender), 0);
    assert_string_equal(order, "abc");
    assert_in_range(atomic_load(&played.wakes), 1, 4); /* one more when the run is over */
}

static int wake_receiver(void *arg) {
    (void)arg;
    if (!wait_until(receiver_sleeps, NULL))
        return -1;
    hawser__task_wake(receiver.task);
    return 0;
}

static long wake_on_thread(void *arg) {
    return wake_receiver(arg);
}

static int be_woken_from_elsewhere(void *arg) {
    runner thread;
    atomic_store(&receiver.worker, NULL);
    EXPECT(hawser_go_on(2, wake_receiver, arg) == 0);
    EXPECT(receive_posts(arg) == 0);
    atomic_store(&receiver.worker, NULL);
    start_thread(&thread, wake_on_thread, arg);
    EXPECT(receive_posts(arg) == 0);
    EXPECT(finish(&thread) == 0);
    return 0;
}

static void another_worker_and_a_plain_thread_wake_a_fiber_whose_worker_sleeps(void **state) {
    (void)state;
    assert_runs(2, be_woken_from_elsewhere, NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fibers_run_in_the_order_they_were_started_and_take_turns),
        cmocka_unit_test(who_is_woken_first_runs_first_and_once),
        cmocka_unit_test(stirring_wakes_those_whose_wait_is_to_be_cut_and_nobody_else),
        cmocka_unit_test(however_many_can_run_the_port_is_looked_at_now_and_then),
        cmocka_unit_test(others_run_after_64_operations_that_all_went_through_or_a_long_one),
        cmocka_unit_test(deadlines_pass_in_the_order_of_their_times),
        cmocka_unit_test(a_wake_up_counts_for_one_wait_and_ends_its_deadline),
        cmocka_unit_test(a_wake_up_that_comes_with_the_deadline_counts),
        cmocka_unit_test(an_idle_worker_gets_up_for_free_stacks_and_then_sleeps),
        cmocka_unit_test(what_is_posted_wakes_a_worker_and_is_handled_there_in_its_order),
        cmocka_unit_test(another_worker_and_a_plain_thread_wake_a_fiber_whose_worker_sleeps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
