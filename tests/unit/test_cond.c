/* SPDX-License-Identifier: MIT */
/* sched/cond. What all calls that wait have in common is in test_waiters_calls.c. */
#include "support.h"
#include "tasks.h"

#include "base/wake.h"

#include <errno.h>
#include <hawser/deadline.h>
#include <hawser/sync.h>

#define LINE 4

struct room {
    hawser_mutex *mutex;
    hawser_cond *cond;
    char order[LINE + 1]; /* guarded by mutex */
    atomic_int numbers;
    double seconds;
    _Atomic(hawser__task *) task;
};

static struct room open_room(double seconds) {
    return (struct room){.mutex = hawser_mutex_new(), .cond = hawser_cond_new(), .seconds = seconds};
}

static void close_room(struct room *room) {
    hawser_cond_free(room->cond);
    hawser_mutex_free(room->mutex);
}

/* Waits once, under the mutex. -2 when the mutex was not held at the end. */
static long wait_once(void *argument) {
    struct room *room = argument;
    int number = atomic_fetch_add(&room->numbers, 1);
    atomic_store(&room->task, hawser__task_current());
    if (hawser_mutex_lock(room->mutex) < 0)
        return -3;
    int64_t outer = hawser_deadline_push(room->seconds);
    int result = hawser_cond_wait(room->cond, room->mutex), code = errno;
    hawser_deadline_pop(outer);
    if (result == 0)
        room->order[strlen(room->order)] = (char)('a' + number);
    if (hawser_mutex_unlock(room->mutex) < 0)
        return -2;
    errno = code;
    return result;
}

static void begin(struct room *room, runner *runs, int count) {
    for (int i = 0; i < count; i++) {
        start(&runs[i], wait_once, room);
        assert_true(blocked(&runs[i]));
    }
}

static void waiting_without_the_mutex_is_EPERM(void **state) {
    (void)state;
    struct room room = open_room(0);
    assert_fails(hawser_cond_wait(room.cond, room.mutex), EPERM);
    assert_sentence("wait for condition: Operation not permitted");
    close_room(&room);
}

static void a_notification_goes_to_the_one_who_has_waited_longest(void **state) {
    (void)state;
    struct room room = open_room(HAWSER_NO_TIMEOUT);
    runner runs[LINE];
    begin(&room, runs, LINE);
    for (int i = 0; i < LINE; i++) {
        hawser_cond_notify(room.cond);
        assert_int_equal(finish(&runs[i]), 0);
        assert_true(i == LINE - 1 || blocked(&runs[i + 1]));
    }
    assert_string_equal(room.order, "abcd");
    close_room(&room);
}

static void all_who_are_notified_have_the_mutex_one_after_the_other_in_order(void **state) {
    (void)state;
    struct room room = open_room(HAWSER_NO_TIMEOUT);
    runner runs[LINE];
    begin(&room, runs, LINE);
    hawser_cond_notify_all(room.cond);
    for (int i = 0; i < LINE; i++)
        assert_int_equal(finish(&runs[i]), 0);
    assert_string_equal(room.order, "abcd");
    close_room(&room);
}

static void a_notification_without_anybody_is_not_kept(void **state) {
    (void)state;
    struct room room = open_room(0);
    hawser_cond_notify(room.cond);
    hawser_cond_notify_all(room.cond);
    assert_int_equal(wait_once(&room), -1);
    assert_int_equal(errno, EAGAIN);
    close_room(&room);
}

/* Nobody is woken to find the mutex taken. */
static void those_notified_are_not_woken_before_they_can_have_the_mutex(void **state) {
    (void)state;
    struct room room = open_room(HAWSER_NO_TIMEOUT);
    runner runs[LINE];
    begin(&room, runs, LINE);
    assert_works(hawser_mutex_lock(room.mutex));
    hawser_cond_notify_all(room.cond);
    for (int i = 0; i < LINE; i++)
        assert_true(blocked(&runs[i]));
    assert_false(atomic_load(&atomic_load(&room.task)->woken));
    assert_works(hawser_mutex_unlock(room.mutex));
    assert_fails(hawser_mutex_unlock(room.mutex), EPERM);
    for (int i = 0; i < LINE; i++)
        assert_int_equal(finish(&runs[i]), 0);
    assert_string_equal(room.order, "abcd");
    close_room(&room);
}

static void a_notification_that_came_first_counts_though_the_mutex_comes_later(void **state) {
    (void)state;
    struct room room = open_room(HAWSER_NO_TIMEOUT);
    runner run;
    begin(&room, &run, 1);
    assert_works(hawser_mutex_lock(room.mutex));
    hawser_cond_notify(room.cond);
    cancel_task(room.task);
    assert_true(blocked(&run));
    assert_works(hawser_mutex_unlock(room.mutex));
    assert_int_equal(finish(&run), 0);
    close_room(&room);
}

/* One waits with a deadline that is past already, and another, who stands in line for the mutex, gets it by that. */
struct handing_over {
    struct room room;
    atomic_bool locked, wait, taken, let_go;
};

static bool is_set(void *flag) {
    return atomic_load((atomic_bool *)flag);
}

static long lock_and_wait(void *argument) {
    struct handing_over *handing = argument;
    if (hawser_mutex_lock(handing->room.mutex) < 0)
        return -3;
    atomic_store(&handing->locked, true);
    wait_until(is_set, &handing->wait);
    int64_t outer = hawser_deadline_push(1e-9);
    int result = hawser_cond_wait(handing->room.cond, handing->room.mutex), code = errno;
    hawser_deadline_pop(outer);
    if (hawser_mutex_unlock(handing->room.mutex) < 0)
        return -2;
    errno = code;
    return result;
}

static long take_over(void *argument) {
    struct handing_over *handing = argument;
    if (hawser_mutex_lock(handing->room.mutex) < 0)
        return -3;
    atomic_store(&handing->taken, true);
    wait_until(is_set, &handing->let_go);
    return hawser_mutex_unlock(handing->room.mutex);
}

static void at_the_deadline_the_mutex_is_waited_for_all_the_same(void **state) {
    (void)state;
    struct handing_over handing = {.room = open_room(0)};
    runner sleeper, other;
    start(&sleeper, lock_and_wait, &handing);
    assert_true(wait_until(is_set, &handing.locked));
    start(&other, take_over, &handing);
    assert_true(blocked(&other));
    atomic_store(&handing.wait, true);
    assert_true(wait_until(is_set, &handing.taken));
    assert_true(blocked(&sleeper));
    hawser_cond_notify(handing.room.cond); /* too late, and for nobody */
    atomic_store(&handing.let_go, true);
    assert_int_equal(finish(&other), 0);
    assert_int_equal(finish(&sleeper), -1);
    assert_int_equal(sleeper.code, ETIMEDOUT);
    close_room(&handing.room);
}

static void a_cancelled_sleeper_has_the_mutex_too(void **state) {
    (void)state;
    struct room room = open_room(HAWSER_NO_TIMEOUT);
    runner run;
    begin(&room, &run, 1);
    assert_works(hawser_mutex_lock(room.mutex));
    cancel_task(room.task);
    assert_true(blocked(&run));
    assert_works(hawser_mutex_unlock(room.mutex));
    assert_int_equal(finish(&run), -1);
    assert_int_equal(run.code, ECANCELED);
    close_room(&room);
}

static long wait_when_cancelled(void *argument) {
    struct room *room = argument;
    if (hawser_mutex_lock(room->mutex) < 0)
        return -3;
    atomic_store(&hawser__task_current()->cancelled, true);
    int result = hawser_cond_wait(room->cond, room->mutex), code = errno;
    if (hawser_mutex_unlock(room->mutex) < 0)
        return -2;
    errno = code;
    return result;
}

static void one_who_is_cancelled_already_does_not_give_the_mutex_up(void **state) {
    (void)state;
    struct room room = open_room(HAWSER_NO_TIMEOUT);
    runner run;
    start(&run, wait_when_cancelled, &room);
    assert_int_equal(finish(&run), -1);
    assert_int_equal(run.code, ECANCELED);
    close_room(&room);
}

/* A store of a few places, with a condition for each side, as every textbook has it; items are counted in and out. */
#define PLACES 3
#define ITEMS 1500

struct store {
    hawser_mutex *mutex;
    hawser_cond *not_full, *not_empty;
    int items[PLACES], count;
    atomic_int turns;
    long in, out; /* guarded by mutex */
};

static bool wait_patiently(hawser_cond *cond, hawser_mutex *mutex, unsigned *seed) {
    static const double limits[] = {HAWSER_NO_TIMEOUT, 1e-5, 1e-4, 1e-3};
    int64_t outer = hawser_deadline_push(limits[next_number(seed) % 4]);
    int result = hawser_cond_wait(cond, mutex), code = errno;
    hawser_deadline_pop(outer);
    return result == 0 || (code == ETIMEDOUT && hawser_deadline_left() > 0);
}

static long put(struct store *store, int item, unsigned *seed) {
    if (hawser_mutex_lock(store->mutex) < 0)
        return 1;
    while (store->count == PLACES)
        if (!wait_patiently(store->not_full, store->mutex, seed))
            return 1;
    store->items[store->count++] = item;
    store->in += item;
    hawser_cond_notify(store->not_empty);
    return hawser_mutex_unlock(store->mutex) < 0;
}

static long get(struct store *store, unsigned *seed) {
    if (hawser_mutex_lock(store->mutex) < 0)
        return 1;
    while (store->count == 0)
        if (!wait_patiently(store->not_empty, store->mutex, seed))
            return 1;
    store->out += store->items[--store->count];
    if (next_number(seed) % 2)
        hawser_cond_notify(store->not_full);
    else
        hawser_cond_notify_all(store->not_full);
    return hawser_mutex_unlock(store->mutex) < 0;
}

static long trade(void *argument) {
    struct store *store = argument;
    unsigned turn = (unsigned)atomic_fetch_add(&store->turns, 1), seed = turn;
    long wrong = 0;
    for (int i = 1; i <= ITEMS && wrong == 0; i++)
        wrong += turn % 2 ? put(store, i, &seed) : get(store, &seed);
    return wrong;
}

static void nothing_is_lost_between_makers_and_takers_whoever_they_are(void **state) {
    (void)state;
    for (enum arrangement arrangement = 0; arrangement < ARRANGEMENTS; arrangement++) {
        struct store store = {.mutex = hawser_mutex_new(), .not_full = hawser_cond_new(), .not_empty = hawser_cond_new()};
        assert_int_equal(run_crowd(arrangement, 6, trade, &store), 0);
        assert_int_equal(store.count, 0);
        assert_int_equal(store.in, 3L * ITEMS * (ITEMS + 1) / 2);
        assert_int_equal(store.out, store.in);
        hawser_mutex_free(store.mutex);
        hawser_cond_free(store.not_full);
        hawser_cond_free(store.not_empty);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(waiting_without_the_mutex_is_EPERM),
        cmocka_unit_test(a_notification_goes_to_the_one_who_has_waited_longest),
        cmocka_unit_test(all_who_are_notified_have_the_mutex_one_after_the_other_in_order),
        cmocka_unit_test(a_notification_without_anybody_is_not_kept),
        cmocka_unit_test(those_notified_are_not_woken_before_they_can_have_the_mutex),
        cmocka_unit_test(a_notification_that_came_first_counts_though_the_mutex_comes_later),
        cmocka_unit_test(at_the_deadline_the_mutex_is_waited_for_all_the_same),
        cmocka_unit_test(a_cancelled_sleeper_has_the_mutex_too),
        cmocka_unit_test(one_who_is_cancelled_already_does_not_give_the_mutex_up),
        cmocka_unit_test(nothing_is_lost_between_makers_and_takers_whoever_they_are),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
