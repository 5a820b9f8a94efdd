/* SPDX-License-Identifier: MIT */
/* server/tally: what a server counts. */
#include "support.h"

#include <sys/wait.h>
#include <unistd.h>

#include "base/sys_memory.h"
#include "server/tally.h"
#include "tasks.h"

static void a_new_tally_is_zero_and_a_freed_one_is_gone(void **state) {
    (void)state;
    static const struct hawser__tally zero;
    unsigned char there;
    struct hawser__tally *tally = hawser__tally_new();
    assert_non_null(tally);
    assert_memory_equal(tally, &zero, sizeof zero);
    assert_int_equal(hawser__sys_mincore(tally, 1, &there), 0);
    hawser__tally_free(tally);
    assert_int_equal(hawser__sys_mincore(tally, 1, &there), -ENOMEM);
    hawser__tally_free(NULL);
}

static void without_memory_there_is_none(void **state) {
    (void)state;
    fault_syscall("mmap", 1, ENOMEM, 1);
    errno = 77;
    assert_null(hawser__tally_new());
    assert_true(fault_none());
    assert_int_equal(errno, 77);
}

static void children_count_in_the_same_memory(void **state) {
    (void)state;
    int status;
    struct hawser__tally *tally = hawser__tally_new();
    hawser__tally_add(&tally->accepted, 1);
    fflush(NULL);
    for (int i = 0; i < 3; i++) {
        pid_t child = fork();
        if (child == 0) {
            hawser__tally_add(&tally->accepted, 10);
            hawser__tally_calls(tally, 1, 1);
            _exit(0);
        }
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_int_equal(status, 0);
    }
    assert_int_equal(tally->accepted, 31);
    assert_int_equal(tally->call_times[0], 3);
    hawser__tally_free(tally);
}

/* Every count has a number of its own, so that none can stand for another. */
#define COUNTS(each)                                                                                                           \
    each(accepted) each(datagrams) each(active) each(kept) each(finished) each(failed) each(cut) each(broken)                  \
    each(refused_network) each(refused_peer) each(refused_proxy) each(refused_verify) each(timed_out_idle)                     \
    each(timed_out_first_byte) each(timed_out_request) each(timed_out_rate) each(paused) each(shortages)                       \
    each(lines_too_long) each(datagrams_truncated) each(datagrams_unanswered) each(bytes_in) each(bytes_out) each(calls)

static void a_picture_has_every_number(void **state) {
    (void)state;
    hawser_server_counters picture;
    struct hawser__tally *tally = hawser__tally_new();
    uint64_t number = 100, expected = 100;
    memset(&picture, 0xff, sizeof picture);
#define SET(name) tally->name = ++number;
    COUNTS(SET)
    for (size_t i = 0; i < HAWSER_TIME_BUCKETS; i++)
        tally->call_times[i] = ++number;
    tally->call_ns = 2500000000;
    hawser__tally_read(tally, &picture);
#define CHECK(name) assert_int_equal(picture.name, ++expected);
    COUNTS(CHECK)
    for (size_t i = 0; i < HAWSER_TIME_BUCKETS; i++)
        assert_int_equal(picture.call_times[i], ++expected);
    assert_true(picture.call_seconds == 2.5);
    hawser__tally_free(tally);
}

/* The bucket that a call of NS lands in. */
static size_t bucket_of(struct hawser__tally *tally, int64_t ns) {
    size_t found = HAWSER_TIME_BUCKETS;
    hawser__tally_calls(tally, 1, ns);
    for (size_t i = 0; i < HAWSER_TIME_BUCKETS; i++) {
        assert_true(tally->call_times[i] <= (found == HAWSER_TIME_BUCKETS));
        if (tally->call_times[i] == 1)
            found = i;
        tally->call_times[i] = 0;
    }
    return found;
}

/* As counters.h says it: the first whose end is not before NS. */
static size_t bucket_in_words(int64_t ns) {
    size_t i = 0;
    while (i < HAWSER_TIME_BUCKETS - 1 && ns > (int64_t)10000 << i)
        i++;
    return i;
}

static void a_call_falls_into_the_first_bucket_that_reaches_so_far(void **state) {
    (void)state;
    struct hawser__tally *tally = hawser__tally_new();
    unsigned random = 1;
    for (size_t i = 0; i < HAWSER_TIME_BUCKETS - 1; i++) {
        int64_t end = (int64_t)10000 << i;
        assert_int_equal(bucket_of(tally, end - 1), bucket_in_words(end - 1));
        assert_int_equal(bucket_of(tally, end), i);
        assert_int_equal(bucket_of(tally, end + 1), i + 1);
    }
    for (int i = 0; i < 100000; i++) {
        int64_t ns = (int64_t)(((uint64_t)next_number(&random) << 32 | next_number(&random)) >> (1 + i % 62));
        assert_int_equal(bucket_of(tally, ns), bucket_in_words(ns));
    }
    assert_int_equal(bucket_of(tally, 0), 0);
    assert_int_equal(bucket_of(tally, INT64_MAX), HAWSER_TIME_BUCKETS - 1);
    hawser__tally_free(tally);
}

static void calls_and_their_times_add_up(void **state) {
    (void)state;
    struct hawser__tally *tally = hawser__tally_new();
    hawser__tally_calls(tally, 1, 1);
    hawser__tally_calls(tally, 1, 1000000);
    hawser__tally_calls(tally, 1, -5); /* no clock goes back, but a sum that did would look like centuries */
    assert_int_equal(tally->calls, 3);
    assert_int_equal(tally->call_ns, 1000001);
    assert_int_equal(tally->call_times[0], 2);
    hawser__tally_free(tally);
}

#define EACH 10000

static long count_much(void *argument) {
    struct hawser__tally *tally = argument;
    for (int i = 0; i < EACH; i++) {
        hawser__tally_add(&tally->active, 1);
        hawser__tally_calls(tally, 1, 20000);
        hawser__tally_add(&tally->active, (uint64_t)-1);
    }
    return 0;
}

static void no_count_of_tasks_side_by_side_is_lost(void **state) {
    (void)state;
    for (int arrangement = 0; arrangement < ARRANGEMENTS; arrangement++) {
        struct hawser__tally *tally = hawser__tally_new();
        assert_int_equal(run_crowd((enum arrangement)arrangement, 4, count_much, tally), 0);
        assert_int_equal(tally->active, 0);
        assert_int_equal(tally->calls, 4 * EACH);
        assert_int_equal(tally->call_ns, (uint64_t)4 * EACH * 20000);
        assert_int_equal(tally->call_times[1], 4 * EACH);
        hawser__tally_free(tally);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_tally_is_zero_and_a_freed_one_is_gone),
        cmocka_unit_test(without_memory_there_is_none),
        cmocka_unit_test(children_count_in_the_same_memory),
        cmocka_unit_test(a_picture_has_every_number),
        cmocka_unit_test(a_call_falls_into_the_first_bucket_that_reaches_so_far),
        cmocka_unit_test(calls_and_their_times_add_up),
        cmocka_unit_test(no_count_of_tasks_side_by_side_is_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
