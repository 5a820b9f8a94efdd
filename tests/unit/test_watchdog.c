/* SPDX-License-Identifier: MIT */
/*
 * sched/watchdog: who holds a worker up is named, once, and nobody else. Fibers hold theirs up until they have been named, so
 * that nothing here depends on how fast the machine is; only "is not named" takes its time, with spans far longer than a thread
 * is ever kept from running. How a watchdog is asked for is in test_watchdog_asked.c.
 *
 * Runs are on threads of their own: the test itself may be a fiber (tests/support/main.c).
 */
#include "support.h"

#include <sys/mman.h>
#include <unistd.h>

#include "fibers.h"
#include "sched/run.h"

/* What the callback was told, and by whom. */
struct told {
    atomic_int calls;
    atomic_bool dumped;
    _Atomic(hawser__run *) run;
    struct {
        int worker;
        uint64_t fiber;
        char name[64];
        double seconds;
        int on_worker;
    } stalls[8];
};

static void note(const hawser_stall *stall, void *arg) {
    struct told *told = arg;
    int call = atomic_load(&told->calls);
    if (call < 8) {
        told->stalls[call].worker = stall->worker;
        told->stalls[call].fiber = stall->fiber;
        told->stalls[call].seconds = stall->seconds;
        told->stalls[call].on_worker = hawser_worker();
        snprintf(told->stalls[call].name, sizeof told->stalls[call].name, "%s", stall->name);
    }
    atomic_store(&told->calls, call + 1);
}

struct watched_run {
    hawser_fn fn;
    void *arg;
    hawser_run_options options;
};

static long conduct(void *argument) {
    struct watched_run *run = argument;
    return hawser_run(run->fn, run->arg, &run->options);
}

/* Runs FN(ARG), which has to return 0, with a watchdog that tells TOLD. */
static double run_watched(hawser_fn fn, void *arg, int workers, double stall_after, struct told *told) {
    struct watched_run run = {.fn = fn, .arg = arg};
    run.options = (hawser_run_options){.workers = workers, .stall_after = stall_after, .stack_size = TEST_STACK};
    run.options.on_stall = note;
    run.options.stall_arg = told;
    runner thread;
    start_thread(&thread, conduct, &run);
    if (finish(&thread) != 0)
        fail_msg("the run failed: %s", thread.sentence);
    return thread.seconds;
}

/* Holds the worker up for SECONDS at least, and until TOLD has CALLS calls. */
static bool hold(struct told *told, double seconds, int calls) {
    double began = seconds_now();
    while (seconds_now() < began + seconds || (atomic_load(&told->calls) < calls && seconds_now() < began + WAIT_LIMIT))
        ;
    return atomic_load(&told->calls) >= calls;
}

static uint64_t own_number(void) {
    return hawser__fiber_current()->number;
}

struct blocker {
    struct told *told;
    int calls;
    uint64_t number;
    bool named;
};

static int block(void *arg) {
    struct blocker *blocker = arg;
    blocker->number = own_number();
    blocker->named = hold(blocker->told, 0.1, blocker->calls);
    return 0;
}

static int start_blocker(void *arg) {
    const hawser_go_options options = {.name = "blocker"};
    return hawser_go_with(&options, block, arg);
}

static void a_fiber_that_holds_its_worker_up_is_named(void **state) {
    (void)state;
    struct told told = {.calls = 0};
    struct blocker blocker = {.told = &told, .calls = 1};
    run_watched(start_blocker, &blocker, 1, 0, &told);
    assert_true(blocker.named);
    assert_int_equal(atomic_load(&told.calls), 1);
    assert_string_equal(told.stalls[0].name, "blocker");
    assert_int_equal(told.stalls[0].worker, 1);
    assert_int_equal(told.stalls[0].fiber, blocker.number);
    assert_true(told.stalls[0].seconds >= 0.075);
    assert_int_equal(told.stalls[0].on_worker, 0);
}

static int yield_for_a_while(void *arg) {
    double end = seconds_now() + *(double *)arg;
    while (seconds_now() < end)
        hawser_yield();
    return 0;
}

static void one_that_yields_in_time_is_not_named(void **state) {
    (void)state;
    struct told told = {.calls = 0};
    double seconds = 0.9;
    run_watched(yield_for_a_while, &seconds, 1, 0.4, &told);
    assert_int_equal(atomic_load(&told.calls), 0);
}

static int sleep_for_a_while(void *arg) {
    return hawser_sleep(*(double *)arg);
}

static void a_worker_that_has_nothing_to_do_is_no_stall(void **state) {
    (void)state;
    struct told told = {.calls = 0};
    double seconds = 0.9;
    run_watched(sleep_for_a_while, &seconds, 2, 0.4, &told);
    assert_int_equal(atomic_load(&told.calls), 0);
}

static int start_two_blockers(void *arg) {
    struct blocker *blockers = arg;
    hawser_go_options options = {.name = "first", .worker = 1};
    if (hawser_go_with(&options, block, &blockers[0]) < 0)
        return -1;
    options = (hawser_go_options){.name = "second", .worker = 2};
    return hawser_go_with(&options, block, &blockers[1]);
}

static void each_worker_is_watched_for_itself(void **state) {
    (void)state;
    struct told told = {.calls = 0};
    struct blocker blockers[] = {{.told = &told, .calls = 2}, {.told = &told, .calls = 2}};
    run_watched(start_two_blockers, blockers, 2, 0.05, &told);
    assert_true(blockers[0].named && blockers[1].named);
    assert_int_equal(atomic_load(&told.calls), 2);
    for (int i = 0; i < 2; i++) {
        int other = told.stalls[i].worker - 1;
        assert_in_range(other, 0, 1);
        assert_int_equal(told.stalls[i].fiber, blockers[other].number);
        assert_string_equal(told.stalls[i].name, other ? "second" : "first");
    }
    assert_int_not_equal(told.stalls[0].worker, told.stalls[1].worker);
}

/* 0 when there was one call for each of the two stalls, however long they lasted. */
static int stall_twice(void *arg) {
    struct told *told = arg;
    hold(told, 0.1, 1);
    hold(told, 0.3, 1);
    if (atomic_load(&told->calls) != 1)
        return 1;
    hawser_yield();
    hold(told, 0.1, 2);
    hold(told, 0.3, 2);
    return atomic_load(&told->calls) == 2 ? 0 : 2;
}

static void a_stall_is_told_once_and_the_next_one_again(void **state) {
    (void)state;
    struct told told = {.calls = 0};
    run_watched(stall_twice, &told, 1, 0.05, &told);
    assert_int_equal(told.stalls[0].fiber, told.stalls[1].fiber);
}

static int nothing(void *arg) {
    (void)arg;
    return 0;
}

static void a_run_that_is_over_does_not_wait_for_the_next_look(void **state) {
    (void)state;
    struct told told = {.calls = 0};
    assert_true(run_watched(nothing, NULL, 2, 1e6, &told) < 10);
}

/* The callback asks when the run is over, and its workers look at nothing any more. */
static void note_and_dump(const hawser_stall *stall, void *arg) {
    struct told *told = arg;
    char text[4096] = "";
    int fd = memfd_create("dump", MFD_CLOEXEC);
    hawser__run *run = atomic_load(&told->run);
    note(stall, arg);
    for (double end = seconds_now() + WAIT_LIMIT; !hawser__run_is_over(run) && seconds_now() < end;)
        ;
    int result = hawser_dump(fd);
    bool read = pread(fd, text, sizeof text - 1, 0) >= 0;
    atomic_store(&told->dumped, result == 0 && read && !strstr(text, "no answer"));
    close(fd);
}

static int block_and_tell_run(void *arg) {
    struct blocker *blocker = arg;
    atomic_store(&blocker->told->run, hawser__fiber_current()->worker->run);
    return block(arg);
}

static void the_callback_may_dump_a_run_that_is_ending(void **state) {
    (void)state;
    struct told told = {.calls = 0};
    struct blocker blocker = {.told = &told, .calls = 1};
    struct watched_run run = {.fn = block_and_tell_run, .arg = &blocker};
    run.options = (hawser_run_options){.workers = 2, .stall_after = 0.05, .on_stall = note_and_dump, .stall_arg = &told};
    run.options.stack_size = TEST_STACK;
    hawser_sleep(0.001); /* a fiber's own worker may have been asked before, and will be again */
    census before = take_census();
    runner thread;
    start_thread(&thread, conduct, &run);
    assert_int_equal(finish(&thread), 0);
    assert_true(blocker.named && atomic_load(&told.dumped));
    hawser_sleep(0.001);
    assert_null(compare_census(before));
}

/* The name is copied while the fiber changes it: it is the old one or the new one. */
static int rename_until_named(void *arg) {
    struct told *told = arg;
    double end = seconds_now() + WAIT_LIMIT;
    while (atomic_load(&told->calls) < 1 && seconds_now() < end) {
        hawser_fiber_setname("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
        hawser_fiber_setname("bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb");
    }
    return 0;
}

static void a_name_that_changes_meanwhile_is_told_whole(void **state) {
    (void)state;
    for (int i = 0; i < 5; i++) {
        struct told told = {.calls = 0};
        run_watched(rename_until_named, &told, 1, 0.008, &told);
        assert_true(atomic_load(&told.calls) >= 1);
        char name = told.stalls[0].name[0];
        assert_true(name == 'a' || name == 'b');
        assert_int_equal(strspn(told.stalls[0].name, name == 'a' ? "a" : "b"), 31);
    }
}

static int start_and_end(void *arg) {
    double end = seconds_now() + *(double *)arg;
    while (seconds_now() < end) {
        for (int i = 0; i < 50; i++)
            if (hawser_go_on(1 + i % 2, nothing, NULL) < 0)
                return -1;
        hawser_yield();
    }
    return 0;
}

/* For the thread sanitizer: the watchdog looks as often as it can at fibers that are gone the next moment. */
static void fibers_may_come_and_go_under_its_eyes(void **state) {
    (void)state;
    struct told told = {.calls = 0};
    double seconds = 0.3;
    run_watched(start_and_end, &seconds, 2, 0.000001, &told);
}

static int run_scenario(void *argument) {
    struct told *told = argument;
    const hawser_run_options options = {.workers = 1, .on_stall = note, .stall_arg = told};
    TRY(hawser_run(nothing, NULL, &options));
    return 0;
out:
    return -1;
}

static void without_a_thread_or_memory_for_it_the_run_does_not_start(void **state) {
    (void)state;
    struct told told = {.calls = 0};
    if (in_fiber())
        skip(); /* the run has to be on the thread that the faults are meant for */
    assert_true(sweep_allocations(run_scenario, &told) > 0);
    assert_true(sweep_syscalls(run_scenario, &told, ENOMEM, NULL) > 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_fiber_that_holds_its_worker_up_is_named),
        cmocka_unit_test(one_that_yields_in_time_is_not_named),
        cmocka_unit_test(a_worker_that_has_nothing_to_do_is_no_stall),
        cmocka_unit_test(each_worker_is_watched_for_itself),
        cmocka_unit_test(a_stall_is_told_once_and_the_next_one_again),
        cmocka_unit_test(a_run_that_is_over_does_not_wait_for_the_next_look),
        cmocka_unit_test(the_callback_may_dump_a_run_that_is_ending),
        cmocka_unit_test(a_name_that_changes_meanwhile_is_told_whole),
        cmocka_unit_test(fibers_may_come_and_go_under_its_eyes),
        cmocka_unit_test(without_a_thread_or_memory_for_it_the_run_does_not_start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
