/* SPDX-License-Identifier: MIT */
/*
 * Every waiting operation in every situation: ready at once, ready later, never, past its deadline, hit by signals, interrupted,
 * cancelled, closed, reset by the other side; with a plain thread that waits, a fiber, and a fiber whose socket another worker knows.
 *
 * The operations are in engine_operations.h, the situations in engine_situations.h; those that take the kernel a second are in
 * test_connecting.c.
 */
#include "engine_situations.h"

static enum waiter waiter;

static void play(const struct situation *situation) {
    play_all(situation, waiter, ACTOR_THREAD);
}

static void play_with_everybody(const struct situation *situation) {
    for (enum actor actor = 0; actor < ACTORS; actor++)
        play_all(situation, waiter, actor);
}

static void what_cannot_finish_gives_EAGAIN_when_it_may_not_wait(void **state) {
    (void)state;
    play(&looking);
}

static void what_can_finish_at_once_does_even_without_time(void **state) {
    (void)state;
    play(&now_ready);
    play(&past_ready);
}

static void a_waiting_call_finishes_when_it_can(void **state) {
    (void)state;
    play(&becoming_ready);
}

static void a_call_without_deadline_waits_until_it_can(void **state) {
    (void)state;
    play(&becoming_ready_without_limit);
}

static void a_call_ends_at_its_deadline_with_nothing_done(void **state) {
    (void)state;
    play(&running_out);
}

static void signals_are_invisible(void **state) {
    (void)state;
    play(&pestered);
}

static void signals_do_not_extend_the_deadline(void **state) {
    (void)state;
    play(&pestered_to_the_end);
    assert_true(hits_so_far() > 0);
}

static void an_interrupted_task_gets_ECANCELED_and_nothing_is_half_done(void **state) {
    (void)state;
    play(&interrupted);
}

static void a_cancelled_fiber_gets_ECANCELED_whoever_cancels_it_and_nothing_is_half_done(void **state) {
    (void)state;
    play_with_everybody(&cancelled);
}

static void eviction_ends_a_waiting_call_and_every_later_one_with_EBADF_whoever_evicts(void **state) {
    (void)state;
    play_with_everybody(&evicted);
}

static void an_evicted_endpoint_does_nothing_any_more(void **state) {
    (void)state;
    play(&evicted_before);
}

static void a_reset_ends_a_waiting_call(void **state) {
    (void)state;
    play(&being_reset);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        engine_test(what_cannot_finish_gives_EAGAIN_when_it_may_not_wait),
        engine_test(what_can_finish_at_once_does_even_without_time),
        engine_test(a_waiting_call_finishes_when_it_can),
        engine_test(a_call_without_deadline_waits_until_it_can),
        engine_test(a_call_ends_at_its_deadline_with_nothing_done),
        engine_test(signals_are_invisible),
        engine_test(signals_do_not_extend_the_deadline),
        engine_test(an_interrupted_task_gets_ECANCELED_and_nothing_is_half_done),
        engine_test(a_cancelled_fiber_gets_ECANCELED_whoever_cancels_it_and_nothing_is_half_done),
        engine_test(eviction_ends_a_waiting_call_and_every_later_one_with_EBADF_whoever_evicts),
        engine_test(an_evicted_endpoint_does_nothing_any_more),
        engine_test(a_reset_ends_a_waiting_call),
    };
    int failed = 0;
    for (waiter = 0; waiter < WAITERS; waiter++) {
        print_message("    who waits is %s\n", waiter_names[waiter]);
        failed += run_for_each_engine(tests, sizeof tests / sizeof *tests);
    }
    return failed;
}
