/* SPDX-License-Identifier: MIT */
#include "support.h"

#include "base/wake.h"
#include "sched/park.h"
#include "sched/seat.h"

#include <errno.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

static void waking_an_empty_seat_does_nothing(void **state) {
    (void)state;
    hawser__seat seat = {0};
    hawser__seat_wake(&seat);
    hawser__seat_leave(&seat);
    assert_int_equal(atomic_load(&seat.sitter), 0);
    assert_false(hawser__task_take_wake(hawser__task_current()));
}

static void who_sits_is_woken_and_stays_seated(void **state) {
    (void)state;
    hawser__seat seat = {0};
    hawser__seat_take(&seat);
    hawser__seat_wake(&seat);
    assert_true(hawser__task_take_wake(hawser__task_current()));
    hawser__seat_wake(&seat);
    assert_int_equal(hawser__wait("test", -1, HAWSER__NEVER), 0);
    hawser__seat_leave(&seat);
    hawser__seat_wake(&seat); /* too late */
    assert_false(hawser__task_take_wake(hawser__task_current()));
}

/* Something that others bring about, again and again: a number that grows. */
struct meeting {
    hawser__seat seat;
    atomic_long happened;
    long limit;
};

/* Sits down, looks, waits, leaves; the times that it saw something new. -1: a wake-up was lost. */
static long watch(void *argument) {
    struct meeting *meeting = argument;
    long seen = 0, times = 0;
    while (seen < meeting->limit) {
        hawser__seat_take(&meeting->seat);
        int result = 0;
        while (atomic_load(&meeting->happened) == seen && result == 0)
            result = hawser__wait("test", -1, hawser__clock_monotonic() + (int64_t)WAIT_LIMIT * HAWSER__SECOND);
        hawser__seat_leave(&meeting->seat);
        if (result < 0)
            return -1;
        seen = atomic_load(&meeting->happened);
        times++;
    }
    return times;
}

static long bring_about(void *argument) {
    struct meeting *meeting = argument;
    while (atomic_fetch_add(&meeting->happened, 1) < meeting->limit - 1)
        hawser__seat_wake(&meeting->seat);
    hawser__seat_wake(&meeting->seat);
    return 0;
}

/* The last thing that happens before the watcher sits down must not be missed. */
static void no_wake_up_is_lost_between_one_who_waits_and_many_who_wake(void **state) {
    (void)state;
    struct meeting meeting = {.limit = 20000};
    runner watcher, wakers[3];
    start(&watcher, watch, &meeting);
    for (int i = 0; i < 3; i++)
        start(&wakers[i], bring_about, &meeting);
    for (int i = 0; i < 3; i++)
        finish(&wakers[i]);
    assert_true(finish(&watcher) > 0);
    assert_int_equal(atomic_load(&meeting.seat.sitter), 0);
}

/* One thing at a time: the waker goes on only when it has been seen, so that each single wake-up counts. */
struct exchange {
    hawser__seat seats[2];
    atomic_long turn;
    long limit;
};

static long take_every_other(struct exchange *exchange, long mine) {
    for (long turn = mine; turn < exchange->limit; turn += 2) {
        hawser__seat *seat = &exchange->seats[mine];
        int result = 0;
        hawser__seat_take(seat);
        while (atomic_load(&exchange->turn) != turn && result == 0)
            result = hawser__wait("test", -1, hawser__clock_monotonic() + (int64_t)WAIT_LIMIT * HAWSER__SECOND);
        hawser__seat_leave(seat);
        if (result < 0)
            return -1;
        atomic_store(&exchange->turn, turn + 1);
        hawser__seat_wake(&exchange->seats[!mine]);
    }
    return 0;
}

static long take_even(void *argument) {
    return take_every_other(argument, 0);
}

static long take_odd(void *argument) {
    return take_every_other(argument, 1);
}

static void two_tasks_that_wake_each_other_in_turn_never_miss_one(void **state) {
    (void)state;
    struct exchange exchange = {.limit = 4000};
    runner even, odd;
    start(&even, take_even, &exchange);
    start(&odd, take_odd, &exchange);
    assert_int_equal(finish(&even), 0);
    assert_int_equal(finish(&odd), 0);
    assert_int_equal(atomic_load(&exchange.turn), exchange.limit);
}

/* A task that has left is not touched: its record may be gone. The seats are used by one task after the other, each on a thread
 * that ends at once, while others keep waking. */
struct hammered {
    hawser__seat seat;
    atomic_bool over;
};

static long sit_for_a_moment(void *argument) {
    struct hammered *hammered = argument;
    for (int i = 0; i < 20; i++) {
        hawser__seat_take(&hammered->seat);
        (void)hawser__wait("test", -1, 1);
        hawser__seat_leave(&hammered->seat);
    }
    return 0;
}

static long hammer(void *argument) {
    struct hammered *hammered = argument;
    long times = 0;
    do {
        hawser__seat_wake(&hammered->seat);
        spin();
    } while (++times && !atomic_load(&hammered->over));
    return times;
}

static void a_task_that_has_left_is_not_touched(void **state) {
    (void)state;
    struct hammered hammered = {0};
    runner sitter, wakers[2];
    for (int i = 0; i < 2; i++)
        start_thread(&wakers[i], hammer, &hammered);
    for (int i = 0; i < 50; i++) {
        start(&sitter, sit_for_a_moment, &hammered);
        finish(&sitter);
    }
    atomic_store(&hammered.over, true);
    for (int i = 0; i < 2; i++)
        assert_true(finish(&wakers[i]) > 0);
    assert_int_equal(atomic_load(&hammered.seat.sitter), 0);
}

/* Watches. */

struct shot {
    hawser__watch watch;
    hawser__seat seat;
    atomic_int fired;
    atomic_bool held, ended;
    bool takes_back;   /* tries to take itself back, inside */
};

static void shoot(hawser__watch *watch, bool ended) {
    struct shot *shot = (struct shot *)watch;
    shot->ended = ended;
    if (shot->takes_back)
        shot->takes_back = hawser__seat_take_back(&shot->seat, watch);
    atomic_fetch_add(&shot->fired, 1);
    while (atomic_load(&shot->held))
        sched_yield();
}

static void put(struct shot *shot) {
    hawser__seat_put(&shot->seat, &shot->watch);
    hawser__seat_keep(&shot->seat, true);
}

static void a_watch_fires_once_and_the_seat_is_empty(void **state) {
    (void)state;
    struct shot shot = {.watch.fire = shoot};
    for (int i = 1; i <= 2; i++) {
        put(&shot);
        assert_true(hawser__seat_is_watched(&shot.seat));
        hawser__seat_tell(&shot.seat, i == 2);
        assert_int_equal(atomic_load(&shot.fired), i);
        assert_int_equal(shot.ended, i == 2);
        assert_int_equal(atomic_load(&shot.seat.sitter), 0);
        hawser__seat_tell(&shot.seat, true);
        assert_int_equal(atomic_load(&shot.fired), i);
        assert_false(hawser__seat_take_back(&shot.seat, &shot.watch));
    }
}

static void a_watch_that_was_taken_back_or_did_not_stay_does_not_fire(void **state) {
    (void)state;
    struct shot shot = {.watch.fire = shoot}, other = {.watch.fire = shoot};
    put(&shot);
    assert_false(hawser__seat_take_back(&shot.seat, &other.watch));
    assert_true(hawser__seat_take_back(&shot.seat, &shot.watch));
    assert_false(hawser__seat_take_back(&shot.seat, &shot.watch));
    hawser__seat_tell(&shot.seat, true);
    hawser__seat_put(&shot.seat, &shot.watch);
    hawser__seat_keep(&shot.seat, false);
    hawser__seat_tell(&shot.seat, true);
    assert_int_equal(atomic_load(&shot.fired), 0);
}

static void a_watch_can_be_asked_for_inside_of_its_own_shot(void **state) {
    (void)state;
    struct shot shot = {.watch.fire = shoot, .takes_back = true};
    put(&shot);
    hawser__seat_tell(&shot.seat, false);
    assert_int_equal(atomic_load(&shot.fired), 1);
    assert_false(shot.takes_back);
}

static long tell(void *argument) {
    hawser__seat_tell(&((struct shot *)argument)->seat, false);
    return 0;
}

static long take_back(void *argument) {
    struct shot *shot = argument;
    return hawser__seat_take_back(&shot->seat, &shot->watch);
}

static bool has_fired(void *argument) {
    return atomic_load(&((struct shot *)argument)->fired) > 0;
}

static void whoever_comes_while_it_is_put_down_waits(void **state) {
    (void)state;
    struct shot shot = {.watch.fire = shoot};
    runner run;
    hawser__seat_put(&shot.seat, &shot.watch);
    start_thread(&run, tell, &shot);
    for (int i = 0; i < 20; i++) {
        rest_a_moment();
        assert_int_equal(atomic_load(&shot.fired), 0);
    }
    hawser__seat_keep(&shot.seat, true);
    finish(&run);
    assert_int_equal(atomic_load(&shot.fired), 1);
}

static void taking_it_back_waits_for_a_shot_on_another_thread(void **state) {
    (void)state;
    skip_in_world("nobody can stop inside of a shot");
    struct shot shot = {.watch.fire = shoot, .held = true};
    runner teller, taker;
    put(&shot);
    start_thread(&teller, tell, &shot);
    assert_true(wait_until(has_fired, &shot));
    start_thread(&taker, take_back, &shot);
    for (int i = 0; i < 20; i++) {
        rest_a_moment();
        assert_false(atomic_load(&taker.done));
    }
    atomic_store(&shot.held, false);
    finish(&teller);
    assert_int_equal(finish(&taker), 0);
}

/* The thread that fires has stayed behind. */
static void in_the_child_of_a_fork_nobody_fires(void **state) {
    (void)state;
    struct shot shot = {.watch.fire = shoot, .held = true};
    runner teller;
    int status = 0;
    put(&shot);
    start_thread(&teller, tell, &shot);
    assert_true(wait_until(has_fired, &shot));
    pid_t child = fork();
    if (child == 0) {
        alarm((unsigned)WAIT_LIMIT);
        _exit(hawser__seat_take_back(&shot.seat, &shot.watch));
    }
    atomic_store(&shot.held, false);
    finish(&teller);
    assert_true(child > 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(waking_an_empty_seat_does_nothing),
        cmocka_unit_test(who_sits_is_woken_and_stays_seated),
        cmocka_unit_test(no_wake_up_is_lost_between_one_who_waits_and_many_who_wake),
        cmocka_unit_test(two_tasks_that_wake_each_other_in_turn_never_miss_one),
        cmocka_unit_test(a_task_that_has_left_is_not_touched),
        cmocka_unit_test(a_watch_fires_once_and_the_seat_is_empty),
        cmocka_unit_test(a_watch_that_was_taken_back_or_did_not_stay_does_not_fire),
        cmocka_unit_test(a_watch_can_be_asked_for_inside_of_its_own_shot),
        cmocka_unit_test(whoever_comes_while_it_is_put_down_waits),
        cmocka_unit_test(taking_it_back_waits_for_a_shot_on_another_thread),
        cmocka_unit_test(in_the_child_of_a_fork_nobody_fires),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
