/* SPDX-License-Identifier: MIT */
/*
 * Every waiting operation in every situation: ready at once, ready later, never, past its deadline, interrupted, evicted.
 *
 * The operations are the rows of a table (engine_operations.h), a situation is a test that runs through all of them. Numbers in
 * comments are those of the contract in src/sched/engine.h.
 */
#include "engine_operations.h"

#include <errno.h>
#include <signal.h>

#include <hawser/world.h>

/* Runs SITUATION for each operation on a fresh scene. */
static void for_each_operation(void (*situation)(struct scene *scene)) {
    for (size_t i = 0; i < operation_count; i++) {
        struct scene scene = {.operation = &operations[i]};
        operations[i].prepare(&scene);
        situation(&scene);
        close_endpoint(scene.self);
        close_endpoint(scene.far);
        close_endpoint(scene.made);
        for (size_t k = 0; k < sizeof scene.more / sizeof *scene.more; k++)
            close_endpoint(scene.more[k]);
    }
}

static int64_t call(struct scene *scene, hawser__deadline deadline) {
    return scene->operation->call(scene, deadline);
}

static void assert_gives(struct scene *scene, int64_t result, int64_t expected) {
    if (result == expected)
        return;
    print_error("%s, %s: gave %lld, expected %lld\n", ops()->name, scene->operation->name, (long long)result,
                (long long)expected);
    fail();
}

static long call_on_thread(void *argument) {
    struct scene *scene = argument;
    return (long)call(scene, scene->deadline);
}

static void start_call(runner *run, struct scene *scene, hawser__deadline deadline) {
    scene->deadline = deadline;
    start(run, call_on_thread, scene);
    if (blocked(run))
        return;
    print_error("%s, %s: does not wait\n", ops()->name, scene->operation->name);
    fail();
}

/* (1) */
static void looks_only(struct scene *scene) {
    assert_gives(scene, call(scene, HAWSER__NOW), -EAGAIN);
}

static void what_cannot_finish_gives_EAGAIN_when_it_may_not_wait(void **state) {
    (void)state;
    for_each_operation(looks_only);
}

/* (1) Whatever its deadline, one that has passed as well. A TCP connect begun in vain is tried again by the kernel a second
 * later: it is waited for. */
static void finishes_at_once(struct scene *scene, hawser__deadline deadline) {
    scene->operation->ready(scene);
    int64_t result;
    double end = seconds_now() + WAIT_LIMIT;
    do
        result = call(scene, deadline);
    while ((result == -EAGAIN || result == -ETIMEDOUT) && seconds_now() < end && waits_for_connection(scene->operation));
    assert_gives(scene, result, scene->operation->expected);
}

static void now(struct scene *scene) {
    finishes_at_once(scene, HAWSER__NOW);
}

static void past(struct scene *scene) {
    finishes_at_once(scene, PAST);
}

static void what_can_finish_at_once_does_even_without_time(void **state) {
    (void)state;
    for_each_operation(now);
    for_each_operation(past);
}

static void becomes_ready(struct scene *scene) {
    runner run;
    start_call(&run, scene, in_seconds(WAIT_LIMIT));
    scene->operation->ready(scene);
    assert_gives(scene, finish(&run), scene->operation->expected);
}

static void a_waiting_call_finishes_when_it_can(void **state) {
    (void)state;
    for_each_operation(becomes_ready);
}

static void becomes_ready_without_deadline(struct scene *scene) {
    runner run;
    start_call(&run, scene, HAWSER__NEVER);
    scene->operation->ready(scene);
    assert_gives(scene, finish(&run), scene->operation->expected);
}

static void a_call_without_deadline_waits_until_it_can(void **state) {
    (void)state;
    for_each_operation(becomes_ready_without_deadline);
}

/* (1) Never early, and nothing is half done: the same call still works afterwards. */
static void runs_out(struct scene *scene) {
    double began = seconds_now();
    assert_gives(scene, call(scene, in_seconds(0.02)), -ETIMEDOUT);
    assert_true(seconds_now() - began >= 0.02);
    assert_gives(scene, call(scene, PAST), -ETIMEDOUT);
    now(scene);
}

static void a_call_ends_at_its_deadline_with_nothing_done(void **state) {
    (void)state;
    for_each_operation(runs_out);
}

/* (3) A signal ends poll; the call goes on. */
static void is_pestered(struct scene *scene) {
    runner run;
    start_call(&run, scene, in_seconds(WAIT_LIMIT));
    assert_int_equal(pester(&run, 3), 3);
    scene->operation->ready(scene);
    assert_gives(scene, finish(&run), scene->operation->expected);
}

static void signals_are_invisible(void **state) {
    (void)state;
    for_each_operation(is_pestered);
}

/* (3) With the time that is left: signals come until the call has ended. Were the deadline extended, it never would. */
static void is_pestered_to_the_end(struct scene *scene) {
    runner run;
    int hits = 0;
    for (int tries = 0; hits == 0 && tries < 20; tries++) { /* on a busy machine the call may end before the first hit */
        scene->deadline = in_seconds(0.1);
        start(&run, call_on_thread, scene);
        hits = pester(&run, 1000000);
        assert_gives(scene, finish(&run), -ETIMEDOUT);
        assert_true(run.seconds < WAIT_LIMIT / 2);
    }
    assert_true(hits > 0);
}

static void signals_do_not_extend_the_deadline(void **state) {
    (void)state;
    for_each_operation(is_pestered_to_the_end);
}

/* (2) */
static long call_interruptibly(void *argument) {
    struct scene *scene = argument;
    if (hawser_interrupt_on_signal(SIGUSR2) < 0)
        return -1000;
    int64_t result = call(scene, HAWSER__NEVER);
    int64_t again = call(scene, HAWSER__NEVER); /* until cleared */
    hawser_interrupt_clear();
    int64_t cleared = call(scene, HAWSER__NOW);
    hawser_interrupt_restore(SIGUSR2);
    return result == -ECANCELED && again == -ECANCELED && cleared == -EAGAIN ? -ECANCELED : -2000;
}

static void is_interrupted(struct scene *scene) {
    runner run;
    start(&run, call_interruptibly, scene);
    assert_true(blocked(&run));
    pthread_kill(run.thread, SIGUSR2);
    assert_gives(scene, finish(&run), -ECANCELED);
    now(scene);
}

static void an_interrupted_task_gets_ECANCELED_and_nothing_is_half_done(void **state) {
    (void)state;
    for_each_operation(is_interrupted);
}

/* (4) */
static void is_evicted(struct scene *scene) {
    runner run;
    start_call(&run, scene, HAWSER__NEVER);
    ops()->evict(scene->self);
    assert_gives(scene, finish(&run), -EBADF);
    assert_gives(scene, call(scene, HAWSER__NEVER), -EBADF);
    assert_gives(scene, call(scene, HAWSER__NOW), -EBADF);
}

static void eviction_ends_a_waiting_call_and_every_later_one_with_EBADF(void **state) {
    (void)state;
    for_each_operation(is_evicted);
}

/* (4) Also one that could be done at once. A TCP connect is skipped: its room may come a second later. */
static void is_evicted_when_ready(struct scene *scene) {
    if (!waits_for_connection(scene->operation))
        scene->operation->ready(scene);
    ops()->evict(scene->self);
    assert_gives(scene, call(scene, HAWSER__NOW), -EBADF);
    assert_gives(scene, call(scene, in_seconds(WAIT_LIMIT)), -EBADF);
}

static void an_evicted_endpoint_does_nothing_any_more(void **state) {
    (void)state;
    for_each_operation(is_evicted_when_ready);
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
        engine_test(eviction_ends_a_waiting_call_and_every_later_one_with_EBADF),
        engine_test(an_evicted_endpoint_does_nothing_any_more),
    };
    return run_for_each_engine(tests, sizeof tests / sizeof *tests);
}
