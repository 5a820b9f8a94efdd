/* SPDX-License-Identifier: MIT */
/* sched/semaphore. What all calls that wait have in common is in test_waiters_calls.c. */
#include "support.h"
#include "tasks.h"

#include <errno.h>
#include <hawser/deadline.h>
#include <hawser/run.h>
#include <hawser/sync.h>

static void there_are_as_many_permits_as_were_made(void **state) {
    (void)state;
    hawser_semaphore *semaphore = hawser_semaphore_new(2);
    assert_non_null(semaphore);
    assert_works(hawser_semaphore_acquire(semaphore));
    assert_works(hawser_semaphore_tryacquire(semaphore));
    assert_fails(hawser_semaphore_tryacquire(semaphore), EAGAIN);
    assert_sentence("acquire semaphore: Resource temporarily unavailable");
    hawser_semaphore_release(semaphore);
    assert_works(hawser_semaphore_acquire(semaphore));
    hawser_semaphore_free(semaphore);
}

static void anybody_can_make_more(void **state) {
    (void)state;
    hawser_semaphore *semaphore = hawser_semaphore_new(0);
    for (int i = 0; i < 3; i++)
        hawser_semaphore_release(semaphore);
    for (int i = 0; i < 3; i++)
        assert_works(hawser_semaphore_tryacquire(semaphore));
    assert_fails(hawser_semaphore_tryacquire(semaphore), EAGAIN);
    hawser_semaphore_free(semaphore);
}

static void the_count_does_not_turn_over(void **state) {
    (void)state;
    hawser_semaphore *semaphore = hawser_semaphore_new(SIZE_MAX);
    hawser_semaphore_release(semaphore);
    assert_works(hawser_semaphore_tryacquire(semaphore));
    hawser_semaphore_free(semaphore);
}

#define LINE 4

struct queue {
    hawser_semaphore *semaphore;
    char order[LINE + 1]; /* guarded by the one permit */
    atomic_int numbers;
};

static long stand_in_line(void *argument) {
    struct queue *queue = argument;
    int number = atomic_fetch_add(&queue->numbers, 1);
    if (hawser_semaphore_acquire(queue->semaphore) < 0)
        return -1;
    queue->order[strlen(queue->order)] = (char)('a' + number);
    hawser_semaphore_release(queue->semaphore);
    return 0;
}

static void a_permit_goes_to_the_first_who_waits_and_past_nobody(void **state) {
    (void)state;
    struct queue queue = {.semaphore = hawser_semaphore_new(0)};
    runner runs[LINE];
    for (int i = 0; i < LINE; i++) {
        start(&runs[i], stand_in_line, &queue);
        assert_true(blocked(&runs[i]));
    }
    hawser_semaphore_release(queue.semaphore);
    for (int i = 0; i < LINE; i++)
        assert_int_equal(finish(&runs[i]), 0);
    assert_string_equal(queue.order, "abcd");
    assert_works(hawser_semaphore_tryacquire(queue.semaphore));
    assert_fails(hawser_semaphore_tryacquire(queue.semaphore), EAGAIN);
    hawser_semaphore_free(queue.semaphore);
}

#define PERMITS 3
#define ROUNDS 2000

struct crossing {
    hawser_semaphore *semaphore;
    atomic_int inside, seeds;
    atomic_long crossed, given_up;
};

static long cross_once(struct crossing *crossing, unsigned *seed) {
    static const double limits[] = {HAWSER_NO_TIMEOUT, HAWSER_NO_TIMEOUT, 0, 1e-6, 1e-5, 1e-4};
    int64_t outer = hawser_deadline_push(limits[next_number(seed) % 6]);
    int result = hawser_semaphore_acquire(crossing->semaphore), code = errno;
    hawser_deadline_pop(outer);
    if (result < 0) {
        atomic_fetch_add(&crossing->given_up, 1);
        return code == ETIMEDOUT || code == EAGAIN ? 0 : 1;
    }
    bool too_many = atomic_fetch_add(&crossing->inside, 1) >= PERMITS;
    if (next_number(seed) % 8 == 0)
        hawser_yield();
    atomic_fetch_sub(&crossing->inside, 1);
    atomic_fetch_add(&crossing->crossed, 1);
    hawser_semaphore_release(crossing->semaphore);
    return too_many;
}

static long cross_often(void *argument) {
    struct crossing *crossing = argument;
    unsigned seed = (unsigned)atomic_fetch_add(&crossing->seeds, 1);
    long wrong = 0;
    for (int i = 0; i < ROUNDS; i++)
        wrong += cross_once(crossing, &seed);
    return wrong;
}

static void never_are_more_inside_than_there_are_permits_whoever_they_are(void **state) {
    (void)state;
    for (enum arrangement arrangement = 0; arrangement < ARRANGEMENTS; arrangement++) {
        struct crossing crossing = {.semaphore = hawser_semaphore_new(PERMITS)};
        assert_int_equal(run_crowd(arrangement, 6, cross_often, &crossing), 0);
        assert_int_equal(crossing.crossed + crossing.given_up, 6 * ROUNDS);
        for (int i = 0; i < PERMITS; i++)
            assert_works(hawser_semaphore_tryacquire(crossing.semaphore));
        assert_fails(hawser_semaphore_tryacquire(crossing.semaphore), EAGAIN);
        hawser_semaphore_free(crossing.semaphore);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(there_are_as_many_permits_as_were_made),
        cmocka_unit_test(anybody_can_make_more),
        cmocka_unit_test(the_count_does_not_turn_over),
        cmocka_unit_test(a_permit_goes_to_the_first_who_waits_and_past_nobody),
        cmocka_unit_test(never_are_more_inside_than_there_are_permits_whoever_they_are),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
