/* SPDX-License-Identifier: MIT */
#include "support.h"

#include "base/lock.h"

static void a_lock_is_taken_and_dropped(void **state) {
    (void)state;
    hawser__lock lock = {0};
    for (int i = 0; i < 3; i++) {
        hawser__lock_take(&lock);
        assert_true(atomic_load(&lock.taken));
        hawser__lock_drop(&lock);
        assert_false(atomic_load(&lock.taken));
    }
}

#define CROWD 4
#define TURNS 50000

struct guarded {
    hawser__lock lock;
    int inside;      /* not atomic: the lock is all that protects it */
    long turns;
    atomic_int met;
};

static long take_turns(void *argument) {
    struct guarded *guarded = argument;
    for (int i = 0; i < TURNS; i++) {
        hawser__lock_take(&guarded->lock);
        if (guarded->inside++ != 0)
            atomic_fetch_add(&guarded->met, 1);
        guarded->turns++;
        guarded->inside--;
        hawser__lock_drop(&guarded->lock);
    }
    return 0;
}

static void never_are_two_inside(void **state) {
    (void)state;
    struct guarded guarded = {0};
    runner runners[CROWD];
    for (int i = 0; i < CROWD; i++)
        start_thread(&runners[i], take_turns, &guarded);
    for (int i = 0; i < CROWD; i++)
        finish(&runners[i]);
    assert_int_equal(atomic_load(&guarded.met), 0);
    assert_int_equal(guarded.turns, CROWD * TURNS);
}

struct held {
    hawser__lock lock;
    atomic_bool got;
};

static long take_once(void *argument) {
    struct held *held = argument;
    hawser__lock_take(&held->lock);
    atomic_store(&held->got, true);
    hawser__lock_drop(&held->lock);
    return 0;
}

static bool is_taken(void *argument) {
    return atomic_load(&((struct held *)argument)->got);
}

/* Who finds it taken gives the processor away again and again: on a machine with one processor the holder would otherwise
 * not get on. */
static void who_finds_it_taken_waits_until_it_is_dropped(void **state) {
    (void)state;
    skip_in_world("nobody stops while it has a lock");
    struct held held = {0};
    runner run;
    hawser__lock_take(&held.lock);
    start_thread(&run, take_once, &held);
    for (int i = 0; i < 5; i++) {
        rest_a_moment();
        assert_false(atomic_load(&held.got));
    }
    hawser__lock_drop(&held.lock);
    assert_true(wait_until(is_taken, &held));
    finish(&run);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_lock_is_taken_and_dropped),
        cmocka_unit_test(never_are_two_inside),
        cmocka_unit_test(who_finds_it_taken_waits_until_it_is_dropped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
