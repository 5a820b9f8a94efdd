/* SPDX-License-Identifier: MIT */
/* sched/mutex. What all calls that wait have in common is in test_waiters_calls.c. */
#include "support.h"
#include "tasks.h"

#include "base/wake.h"

#include <errno.h>
#include <hawser/deadline.h>
#include <hawser/run.h>
#include <hawser/sync.h>

static void a_mutex_is_held_by_the_one_who_locked_it(void **state) {
    (void)state;
    hawser_mutex *mutex = hawser_mutex_new();
    assert_non_null(mutex);
    assert_fails(hawser_mutex_unlock(mutex), EPERM);
    assert_sentence("unlock mutex that the caller does not hold: Operation not permitted");
    assert_works(hawser_mutex_lock(mutex));
    assert_fails(hawser_mutex_lock(mutex), EDEADLK);
    assert_sentence("lock mutex that the caller holds already: Resource deadlock avoided");
    assert_fails(hawser_mutex_trylock(mutex), EBUSY);
    assert_sentence("lock mutex: Device or resource busy");
    assert_works(hawser_mutex_unlock(mutex));
    assert_works(hawser_mutex_trylock(mutex));
    assert_works(hawser_mutex_unlock(mutex));
    assert_fails(hawser_mutex_unlock(mutex), EPERM);
    hawser_mutex_free(mutex);
}

static long unlock(void *mutex) {
    return hawser_mutex_unlock(mutex);
}

static long trylock(void *mutex) {
    return hawser_mutex_trylock(mutex);
}

static void nobody_else_can_unlock_it(void **state) {
    (void)state;
    hawser_mutex *mutex = hawser_mutex_new();
    runner run;
    assert_works(hawser_mutex_lock(mutex));
    start(&run, unlock, mutex);
    assert_int_equal(finish(&run), -1);
    assert_int_equal(run.code, EPERM);
    start(&run, trylock, mutex);
    assert_int_equal(finish(&run), -1);
    assert_int_equal(run.code, EBUSY);
    assert_works(hawser_mutex_unlock(mutex));
    hawser_mutex_free(mutex);
}

#define LINE 4

struct queue {
    hawser_mutex *mutex;
    _Atomic(hawser__task *) task; /* of the one who stood in line first */
    char order[LINE + 1]; /* guarded by mutex */
    atomic_int numbers;
};

static long stand_in_line(void *argument) {
    struct queue *queue = argument;
    int number = atomic_fetch_add(&queue->numbers, 1);
    if (number == 0)
        atomic_store(&queue->task, hawser__task_current());
    if (hawser_mutex_lock(queue->mutex) < 0) {
        outlive_canceller();
        return -1;
    }
    queue->order[strlen(queue->order)] = (char)('a' + number);
    return hawser_mutex_unlock(queue->mutex);
}

static void those_who_wait_have_it_in_the_order_they_came(void **state) {
    (void)state;
    struct queue queue = {.mutex = hawser_mutex_new()};
    runner runs[LINE];
    assert_works(hawser_mutex_lock(queue.mutex));
    for (int i = 0; i < LINE; i++) {
        start(&runs[i], stand_in_line, &queue);
        assert_true(blocked(&runs[i]));
    }
    assert_works(hawser_mutex_unlock(queue.mutex));
    for (int i = 0; i < LINE; i++)
        assert_int_equal(finish(&runs[i]), 0);
    assert_string_equal(queue.order, "abcd");
    hawser_mutex_free(queue.mutex);
}

struct holder {
    hawser_mutex *mutex;
    atomic_bool locked, let_go;
};

static bool may_go(void *argument) {
    return atomic_load((atomic_bool *)argument);
}

static long lock_and_hold(void *argument) {
    struct holder *holder = argument;
    if (hawser_mutex_lock(holder->mutex) < 0)
        return -1;
    atomic_store(&holder->locked, true);
    wait_until(may_go, &holder->let_go);
    return hawser_mutex_unlock(holder->mutex);
}

/* It is never free in between: who unlocks and locks again at once does not overtake the one who waits. */
static void unlocking_hands_it_to_the_first_who_waits(void **state) {
    (void)state;
    struct holder holder = {.mutex = hawser_mutex_new()};
    runner run;
    assert_works(hawser_mutex_lock(holder.mutex));
    start(&run, lock_and_hold, &holder);
    assert_true(blocked(&run));
    assert_works(hawser_mutex_unlock(holder.mutex));
    assert_fails(hawser_mutex_trylock(holder.mutex), EBUSY);
    assert_fails(hawser_mutex_unlock(holder.mutex), EPERM);
    assert_true(wait_until(may_go, &holder.locked));
    atomic_store(&holder.let_go, true);
    assert_works(hawser_mutex_lock(holder.mutex));
    assert_int_equal(finish(&run), 0);
    assert_works(hawser_mutex_unlock(holder.mutex));
    hawser_mutex_free(holder.mutex);
}

static void one_who_gave_up_is_passed_over(void **state) {
    (void)state;
    struct queue queue = {.mutex = hawser_mutex_new()};
    runner hasty, patient;
    assert_works(hawser_mutex_lock(queue.mutex));
    start(&hasty, stand_in_line, &queue);
    assert_true(blocked(&hasty));
    start(&patient, stand_in_line, &queue);
    assert_true(blocked(&patient));
    cancel_task(queue.task);
    assert_int_equal(finish(&hasty), -1);
    assert_int_equal(hasty.code, ECANCELED);
    assert_works(hawser_mutex_unlock(queue.mutex));
    assert_int_equal(finish(&patient), 0);
    assert_string_equal(queue.order, "b");
    assert_works(hawser_mutex_trylock(queue.mutex));
    assert_works(hawser_mutex_unlock(queue.mutex));
    hawser_mutex_free(queue.mutex);
}

static long lock_for_a_moment(void *mutex) {
    hawser_deadline_push(0.02);
    return hawser_mutex_lock(mutex);
}

static void when_all_have_given_up_it_is_free_after_unlocking(void **state) {
    (void)state;
    hawser_mutex *mutex = hawser_mutex_new();
    runner run;
    assert_works(hawser_mutex_lock(mutex));
    start(&run, lock_for_a_moment, mutex);
    assert_int_equal(finish(&run), -1);
    assert_works(hawser_mutex_unlock(mutex));
    assert_works(hawser_mutex_trylock(mutex));
    assert_works(hawser_mutex_unlock(mutex));
    hawser_mutex_free(mutex);
}

/* Everybody adds to counters that only the lock guards, some with deadlines that pass now and then, some cancelled. */
#define ROUNDS 2000

struct counted {
    hawser_mutex *mutex;
    long inside, count; /* guarded by mutex */
    atomic_long locked, given_up;
    atomic_uint seeds;
};

static long lock_once(struct counted *counted, unsigned *seed) {
    static const double limits[] = {HAWSER_NO_TIMEOUT, HAWSER_NO_TIMEOUT, 0, 1e-6, 1e-5, 1e-4};
    int64_t outer = hawser_deadline_push(limits[next_number(seed) % 6]);
    int result = hawser_mutex_lock(counted->mutex), code = errno;
    hawser_deadline_pop(outer);
    if (result < 0) {
        atomic_fetch_add(&counted->given_up, 1);
        return code == ETIMEDOUT || code == EAGAIN ? 0 : 1;
    }
    long wrong = counted->inside++ != 0;
    counted->count++;
    if (next_number(seed) % 8 == 0)
        hawser_yield();
    wrong += --counted->inside != 0;
    atomic_fetch_add(&counted->locked, 1);
    return wrong + (hawser_mutex_unlock(counted->mutex) < 0);
}

static long lock_often(void *argument) {
    struct counted *counted = argument;
    unsigned seed = atomic_fetch_add(&counted->seeds, 1);
    long wrong = 0;
    for (int i = 0; i < ROUNDS; i++)
        wrong += lock_once(counted, &seed);
    return wrong;
}

static void never_are_two_inside_whoever_they_are(void **state) {
    (void)state;
    for (enum arrangement arrangement = 0; arrangement < ARRANGEMENTS; arrangement++) {
        struct counted counted = {.mutex = hawser_mutex_new()};
        assert_int_equal(run_crowd(arrangement, 6, lock_often, &counted), 0);
        assert_int_equal(counted.count, counted.locked);
        assert_int_equal(counted.locked + counted.given_up, 6 * ROUNDS);
        assert_true(counted.locked > 0);
        assert_works(hawser_mutex_trylock(counted.mutex));
        assert_works(hawser_mutex_unlock(counted.mutex));
        hawser_mutex_free(counted.mutex);
    }
}

/* Who finds itself the last may free the mutex at once, though the one who handed it over has hardly left unlock. A wrong touch
 * is for ThreadSanitizer to see. */
struct shared {
    hawser_mutex *mutex;
    int users;
};

static long leave_and_free(void *argument) {
    struct shared *shared = argument;
    hawser_mutex *mutex = shared->mutex;
    if (hawser_mutex_lock(mutex) < 0)
        return 1;
    bool last = --shared->users == 0;
    if (hawser_mutex_unlock(mutex) < 0)
        return 1;
    if (last)
        hawser_mutex_free(mutex);
    return 0;
}

static void the_last_user_can_free_it_at_once(void **state) {
    (void)state;
    for (enum arrangement arrangement = 0; arrangement < ARRANGEMENTS; arrangement++)
        for (int round = 0; round < 50; round++) {
            struct shared shared = {.mutex = hawser_mutex_new(), .users = 4};
            assert_int_equal(run_crowd(arrangement, 4, leave_and_free, &shared), 0);
            assert_int_equal(shared.users, 0);
        }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_mutex_is_held_by_the_one_who_locked_it),
        cmocka_unit_test(nobody_else_can_unlock_it),
        cmocka_unit_test(those_who_wait_have_it_in_the_order_they_came),
        cmocka_unit_test(unlocking_hands_it_to_the_first_who_waits),
        cmocka_unit_test(one_who_gave_up_is_passed_over),
        cmocka_unit_test(when_all_have_given_up_it_is_free_after_unlocking),
        cmocka_unit_test(never_are_two_inside_whoever_they_are),
        cmocka_unit_test(the_last_user_can_free_it_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
