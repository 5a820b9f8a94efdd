/* SPDX-License-Identifier: MIT */
/* sched/picture: every fiber of a worker is there once, with what it does. */
#include "dumps.h"
#include "fibers.h"

static int nothing(void *arg) {
    (void)arg;
    return 0;
}

struct zoo {
    hawser_sock *pair[2];
    hawser_mutex *mutex;
    hawser_channel *channel;
    atomic_int inside;
    int fileno, dumped;
    struct report report;
};

static int in_recv(void *arg) {
    struct zoo *zoo = arg;
    char byte;
    atomic_fetch_add(&zoo->inside, 1);
    return (int)hawser_recv(zoo->pair[0], &byte, 1);
}

static int in_mutex(void *arg) {
    struct zoo *zoo = arg;
    atomic_fetch_add(&zoo->inside, 1);
    int result = hawser_mutex_lock(zoo->mutex);
    return result == 0 ? hawser_mutex_unlock(zoo->mutex) : result;
}

static int in_channel(void *arg) {
    struct zoo *zoo = arg;
    char byte;
    atomic_fetch_add(&zoo->inside, 1);
    return hawser_channel_recv(zoo->channel, &byte);
}

static int in_sleep(void *arg) {
    struct zoo *zoo = arg;
    atomic_fetch_add(&zoo->inside, 1);
    return hawser_sleep(1000);
}

static void open_zoo(struct zoo *zoo) {
    memset(zoo, 0, sizeof *zoo);
    assert_int_equal(hawser_socketpair(AF_UNIX, SOCK_STREAM, 0, zoo->pair), 0);
    zoo->fileno = hawser_fileno(zoo->pair[0]);
    zoo->mutex = hawser_mutex_new();
    zoo->channel = hawser_channel_new(1, 1);
}

static void close_zoo(struct zoo *zoo) {
    hawser_mutex_free(zoo->mutex);
    hawser_channel_free(zoo->channel);
    hawser_close(zoo->pair[0]);
    hawser_close(zoo->pair[1]);
}

/* The others park right after they have counted themselves, and a worker answers only when none of its fibers runs. */
static int visit_zoo(void *arg) {
    struct zoo *zoo = arg;
    hawser_group *group = hawser_group_open(NULL);
    int failed = hawser_mutex_lock(zoo->mutex) || go_named(group, "in recv", 1, in_recv, zoo) ||
                 go_named(group, "in mutex", 2, in_mutex, zoo) ||
                 go_named(group, "in\tchannel\x1b[31m\"", 1, in_channel, zoo) || go_named(group, "in sleep", 2, in_sleep, zoo);
    for (double end = seconds_now() + WAIT_LIMIT; atomic_load(&zoo->inside) < 4 && seconds_now() < end;)
        hawser_yield();
    failed |= go_named(group, "about to start", 1, nothing, NULL);
    zoo->dumped = take_report(&zoo->report);
    hawser_mutex_unlock(zoo->mutex);
    hawser_group_close(group);
    return failed;
}

static void every_fiber_is_there_once_with_what_it_waits_for(void **state) {
    (void)state;
    static struct zoo zoo;
    char recv_on[64];
    open_zoo(&zoo);
    assert_int_equal(run_on_workers(2, visit_zoo, &zoo), 0);
    assert_whole(&zoo.report);
    assert_int_equal(zoo.dumped, 0);
    assert_int_equal(zoo.report.runs, 1);
    assert_int_equal(zoo.report.workers, 2);
    assert_int_equal(zoo.report.fibers, 6);
    if (zoo.fileno >= 0)
        snprintf(recv_on, sizeof recv_on, "waits for recv on %d since ", zoo.fileno);
    else
        snprintf(recv_on, sizeof recv_on, "waits for recv since ");
    assert_fiber(&zoo.report, "main", 1, "runs");
    assert_fiber(&zoo.report, "in recv", 1, recv_on);
    assert_fiber(&zoo.report, "in mutex", 2, "waits for mutex on 0x");
    assert_fiber(&zoo.report, "in\\x09channel\\x1b[31m\\x22", 1, "waits for channel");
    assert_fiber(&zoo.report, "in sleep", 2, "waits for sleep since ");
    assert_fiber(&zoo.report, "about to start", 1, "is ready");
    assert_int_equal(zoo.report.lines[0].number, 1);
    close_zoo(&zoo);
}

static int take_in_fiber(void *arg) {
    return take_report(arg);
}

static int start_without_a_name(void *arg) {
    return hawser_go(take_in_fiber, arg);
}

static void a_fiber_without_a_name_is_called_after_its_function(void **state) {
    (void)state;
    static struct report report;
    assert_int_equal(run_on_workers(1, start_without_a_name, &report), 0);
    assert_whole(&report);
    assert_int_equal(report.fibers, 1);
    needs_gnu_libc("in a static program of musl nobody knows what file an address is from (dladdr)");
    bool by_place = strncmp(report.lines[0].name, "unit_test_picture+0x", 20) == 0;
    assert_true(by_place || strncmp(report.lines[0].name, "function at 0x", 14) == 0); /* in a static program */
}

/* A worker may look into its inbox while the fiber that has just ended is being cleared away. */

struct last_breath {
    atomic_bool go, begun;
    hawser_group *group;
    struct report report;
};

static int end_when_told(void *arg) {
    struct last_breath *breath = arg;
    double end = seconds_now() + WAIT_LIMIT;
    atomic_store(&breath->begun, true);
    while (!atomic_load(&breath->go) && seconds_now() < end)
        ;
    return 0;
}

static int tell(void *arg) {
    atomic_store(&((struct last_breath *)arg)->go, true);
    return 0;
}

/* The wake-up of a cancelled fiber that does not wait stays in the inbox; `tell` runs when the question lies behind it. */
static int dump_at_an_end(void *arg) {
    struct last_breath *breath = arg;
    breath->group = hawser_group_open(NULL);
    int failed = go_named(breath->group, "ended", 2, end_when_told, breath) || sleep_until_set(&breath->begun);
    hawser_group_cancel(breath->group);
    failed |= go_named(NULL, "tell", 1, tell, breath);
    int result = take_report(&breath->report);
    hawser_group_close(breath->group);
    return failed || result < 0;
}

static void a_fiber_that_has_ended_is_not_shown(void **state) {
    (void)state;
    static struct last_breath breath;
    memset(&breath, 0, sizeof breath);
    assert_int_equal(run_on_workers(2, dump_at_an_end, &breath), 0);
    assert_whole(&breath.report);
    assert_int_equal(breath.report.fibers, 2);
    assert_null(find_fiber(&breath.report, "ended"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_fiber_is_there_once_with_what_it_waits_for),
        cmocka_unit_test(a_fiber_without_a_name_is_called_after_its_function),
        cmocka_unit_test(a_fiber_that_has_ended_is_not_shown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
