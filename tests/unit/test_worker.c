/* SPDX-License-Identifier: MIT */
/* sched/worker: who runs when, and what wakes a worker that sleeps. Deadlines and sleep are in test_worker_timers.c. */
#include "fibers.h"
#include "played.h"
#include "support.h"

#include "base/wake.h"
#include "sched/park.h"
#include "sched/worker.h"

#include <errno.h>

/* The queue. */

static int yield_three_times(void *letter) {
    int own = *(char *)letter;
    for (int i = 0; i < 3; i++) {
        note_letter(*(char *)letter);
        errno = own;
        hawser_yield();
        EXPECT(errno == own);
    }
    return 0;
}

static int start_three(void *letters) {
    for (int i = 0; i < 3; i++)
        EXPECT(hawser_go(yield_three_times, (char *)letters + i) == 0);
    note_letter('m'); /* none has run yet */
    return 0;
}

static void fibers_run_in_the_order_they_were_started_and_take_turns(void **state) {
    (void)state;
    char letters[] = "abc";
    play(start_three, letters);
    assert_string_equal(played.order, "mabcabcabc");
}

static hawser__task *sleepers[3];

static int sleep_and_note(void *arg) {
    long i = (long)arg;
    sleepers[i] = hawser__task_current();
    errno = (int)i + 1;
    EXPECT(hawser__wait("test", -1, HAWSER__NEVER) == 0);
    EXPECT(errno == (int)i + 1);
    note_letter((char)('a' + i));
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
    assert_string_equal(played.order, "bca");
}

static int sleep_until_cut(void *arg) {
    long i = (long)arg;
    sleepers[i] = hawser__task_current();
    note_letter((char)((hawser__wait("test", -1, HAWSER__NEVER) == -ECANCELED ? 'A' : 'a') + i));
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
    EXPECT(strlen(played.order) == 2);
    hawser__task_wake(sleepers[1]);
    (void)arg;
    return 0;
}

static void stirring_wakes_those_whose_wait_is_to_be_cut_and_nobody_else(void **state) {
    (void)state;
    play(stir_some, NULL);
    assert_true(strlen(played.order) == 3 && strchr(played.order, 'A') && strchr(played.order, 'C') && played.order[2] == 'b');
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
    note_letter(hawser__worker_current() == receiver.worker ? ((struct post *)post)->letter : '?');
    if (strlen(played.order) == 3)
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
    assert_string_equal(played.order, "abc");
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
        cmocka_unit_test(what_is_posted_wakes_a_worker_and_is_handled_there_in_its_order),
        cmocka_unit_test(another_worker_and_a_plain_thread_wake_a_fiber_whose_worker_sleeps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
