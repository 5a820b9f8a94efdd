/* SPDX-License-Identifier: MIT */
#include "support.h"
#include "tasks.h"

#include "sched/timers.h"

#include <errno.h>
#include <time.h>

#define MOST 300

/* A heap and beside it the same as a plain table: a timer runs when its time is not HAWSER__NEVER. */
struct model {
    hawser__timers timers;
    hawser__timer timer[MOST];
    hawser__deadline at[MOST];
    size_t running;
    unsigned seed;
};

static hawser__deadline earliest(const struct model *model) {
    hawser__deadline first = HAWSER__NEVER;
    for (size_t i = 0; i < MOST; i++)
        if (model->at[i] < first)
            first = model->at[i];
    return first;
}

static void add(struct model *model, size_t i, hawser__deadline at) {
    assert_int_equal(hawser__timers_reserve(&model->timers, model->running + 1), 0);
    hawser__timers_add(&model->timers, &model->timer[i], at);
    model->at[i] = at;
    model->running++;
}

/* What is taken has the earliest time of all, and that has come. */
static bool take(struct model *model, int64_t now) {
    hawser__deadline first = earliest(model);
    hawser__timer *timer = hawser__timers_take(&model->timers, now);
    if (!timer) {
        assert_true(first > now);
        return false;
    }
    size_t i = (size_t)(timer - model->timer);
    assert_true(i < MOST && first <= now);
    assert_int_equal(model->at[i], first);
    assert_int_equal(timer->place, 0);
    model->at[i] = HAWSER__NEVER;
    model->running--;
    return true;
}

static void step(struct model *model) {
    size_t i = next_number(&model->seed) % MOST;
    int64_t time = next_number(&model->seed) % 1000;
    if (next_number(&model->seed) % 100 == 0)
        while (take(model, time))
            ;
    else if (model->at[i] == HAWSER__NEVER)
        add(model, i, time);
    else if (time % 2)
        take(model, time);
    else {
        hawser__timers_remove(&model->timers, &model->timer[i]);
        assert_int_equal(model->timer[i].place, 0);
        model->at[i] = HAWSER__NEVER;
        model->running--;
    }
    assert_int_equal(hawser__timers_first(&model->timers), earliest(model));
    assert_int_equal(model->timers.count, model->running);
}

static void random_operations_give_what_a_plain_table_gives(void **state) {
    (void)state;
    static struct model model;
    model = (struct model){.seed = (unsigned)time(NULL)};
    for (size_t i = 0; i < MOST; i++)
        model.at[i] = HAWSER__NEVER;
    print_message("    seed %u\n", model.seed);
    for (int i = 0; i < 10000; i++)
        step(&model);
    while (take(&model, HAWSER__NEVER - 1))
        ;
    assert_int_equal(model.running, 0);
    hawser__timers_done(&model.timers);
}

static void many_come_out_in_the_order_of_their_times(void **state) {
    (void)state;
    enum { COUNT = 5000 };
    static hawser__timer timer[COUNT];
    hawser__timers timers = {0};
    unsigned seed = 7;
    assert_int_equal(hawser__timers_reserve(&timers, COUNT), 0);
    for (size_t i = 0; i < COUNT; i++)
        hawser__timers_add(&timers, &timer[i], next_number(&seed));
    for (hawser__deadline last = 0; timers.count > 0;) {
        hawser__deadline first = hawser__timers_first(&timers);
        assert_true(first >= last);
        assert_null(hawser__timers_take(&timers, first - 1));
        assert_non_null(hawser__timers_take(&timers, first));
        last = first;
    }
    hawser__timers_done(&timers);
}

static void without_timers_there_is_nothing_to_wait_for(void **state) {
    (void)state;
    hawser__timers timers = {0};
    hawser__timer timer = {0};
    assert_int_equal(hawser__timers_first(&timers), HAWSER__NEVER);
    assert_null(hawser__timers_take(&timers, HAWSER__NEVER - 1));
    hawser__timers_remove(&timers, &timer); /* it does not run */
    hawser__timers_done(&timers);
    hawser__timers_done(&timers);
}

static void a_reservation_fails_without_memory_and_leaves_what_there_is(void **state) {
    (void)state;
    hawser__timers timers = {0};
    hawser__timer timer[2] = {{0}};
    census before = take_census();
    fault_alloc(1);
    assert_int_equal(hawser__timers_reserve(&timers, 1), -ENOMEM);
    assert_true(fault_none());
    assert_int_equal(hawser__timers_reserve(&timers, 2), 0);
    hawser__timers_add(&timers, &timer[0], 2);
    fault_alloc(1);
    assert_int_equal(hawser__timers_reserve(&timers, 100000), -ENOMEM);
    assert_true(fault_none());
    hawser__timers_add(&timers, &timer[1], 1);
    assert_ptr_equal(hawser__timers_take(&timers, 5), &timer[1]);
    assert_ptr_equal(hawser__timers_take(&timers, 5), &timer[0]);
    hawser__timers_done(&timers);
    assert_null(compare_census(before));
}

/* Room is kept: a reservation that is no larger costs nothing. */
static void a_reservation_is_made_once(void **state) {
    (void)state;
    hawser__timers timers = {0};
    assert_int_equal(hawser__timers_reserve(&timers, 1000), 0);
    fault_alloc(1);
    for (size_t count = 0; count <= 1000; count++)
        assert_int_equal(hawser__timers_reserve(&timers, count), 0);
    assert_false(fault_none());
    hawser__timers_done(&timers);
}

/* The owner adds, takes and removes while others make room. */
struct crowd {
    hawser__timers timers;
    atomic_size_t promised; /* timers that there is room for */
    atomic_int reserving;
};

static long reserve_more_and_more(void *argument) {
    struct crowd *crowd = argument;
    long failed = 0;
    for (int i = 0; i < 400; i++) {
        size_t count = atomic_fetch_add(&crowd->promised, 0) + 8;
        if (hawser__timers_reserve(&crowd->timers, count) < 0)
            failed++;
        size_t promised = atomic_load(&crowd->promised);
        while (promised < count && !atomic_compare_exchange_weak(&crowd->promised, &promised, count))
            ;
    }
    atomic_fetch_sub(&crowd->reserving, 1);
    return failed;
}

#define RESERVERS 3

static void others_may_make_room_while_the_owner_works(void **state) {
    (void)state;
    enum { COUNT = 400 * 8 * RESERVERS + 64 };
    static hawser__timer timer[COUNT];
    struct crowd crowd = {.reserving = RESERVERS};
    runner runners[RESERVERS];
    size_t next = 0;
    memset(timer, 0, sizeof timer);
    for (int i = 0; i < RESERVERS; i++)
        start_thread(&runners[i], reserve_more_and_more, &crowd);
    for (bool last = false; !last;) {
        spin();
        last = atomic_load(&crowd.reserving) == 0;
        for (size_t promised = atomic_load(&crowd.promised); next < promised && next < COUNT; next++) {
            hawser__timers_add(&crowd.timers, &timer[next], (hawser__deadline)(next * 7919 % 1000));
            if (next % 3 == 0)
                hawser__timers_remove(&crowd.timers, &timer[next / 2]);
        }
    }
    for (int i = 0; i < RESERVERS; i++)
        assert_int_equal(finish(&runners[i]), 0);
    for (hawser__deadline last = 0; crowd.timers.count > 0;) {
        hawser__deadline first = hawser__timers_first(&crowd.timers);
        assert_true(first >= last && hawser__timers_take(&crowd.timers, first));
        last = first;
    }
    assert_true(next > 1000);
    hawser__timers_done(&crowd.timers);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_operations_give_what_a_plain_table_gives),
        cmocka_unit_test(many_come_out_in_the_order_of_their_times),
        cmocka_unit_test(without_timers_there_is_nothing_to_wait_for),
        cmocka_unit_test(a_reservation_fails_without_memory_and_leaves_what_there_is),
        cmocka_unit_test(a_reservation_is_made_once),
        cmocka_unit_test(others_may_make_room_while_the_owner_works),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
