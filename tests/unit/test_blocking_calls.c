/* SPDX-License-Identifier: MIT */
/*
 * Every public call that can wait, and what may happen to it while it does. The calls are the rows of a table
 * (blocking_calls.h); a test runs through all of them.
 */
#include "blocking_calls.h"

#include <errno.h>
#include <signal.h>

#include <hawser/world.h>

static void for_each_call(double timeout, void (*check)(situation *s)) {
    for (size_t i = 0; i < blocking_call_count; i++) {
        if (in_world() && needs_descriptors(&blocking_calls[i]))
            continue;
        situation s = situation_for(&blocking_calls[i], timeout);
        check(&s);
        leave_situation(&s);
    }
}

static void start_call(runner *run, situation *s) {
    s->run = run;
    start(run, make_call, s);
    if (blocked(run))
        return;
    finish(run);
    print_error("%s: does not wait but gives %ld, errno %d, \"%s\"\n", s->blocking->name, run->result, run->code,
                run->sentence);
    fail();
}

/* What the call gave on its thread: RESULT, or -1 with CODE and a sentence. */
static void assert_outcome(const situation *s, const runner *run, int64_t result, int code) {
    bool as_expected = run->result == result && (result >= 0 || run->code == code);
    bool said = result >= 0 || strstr(run->sentence, hawser_strerror(code));
    if (as_expected && said)
        return;
    print_error("%s: gave %ld, errno %d, \"%s\"\n", s->blocking->name, run->result, run->code, run->sentence);
    fail();
}

/* Traps 1 and 2: a signal that hits the blocked call is not seen, and the call does its work. */
static void is_pestered(situation *s) {
    runner run;
    if (!s->blocking->ready)
        return;
    start_call(&run, s);
    assert_int_equal(pester(&run, 3), 3);
    s->blocking->ready(s);
    finish(&run);
    assert_outcome(s, &run, s->blocking->expected, 0);
}

static void a_signal_during_every_blocking_call_is_invisible(void **state) {
    (void)state;
    for_each_call(HAWSER_NO_TIMEOUT, is_pestered);
    for_each_call(WAIT_LIMIT, is_pestered);
}

/* A connect that timed out is under way; it is not asked for again. */
static bool is_connect(const situation *s) {
    return strncmp(s->blocking->name, "connect", 7) == 0;
}

/* Trap 1: signals come until the call has ended; were the deadline extended by each, it never would. */
static void is_pestered_to_the_end(situation *s) {
    runner run;
    int hits = 0, most = is_connect(s) ? 1 : 20;
    for (int tries = 0; hits == 0 && tries < most; tries++) { /* on a busy machine the call may end before the first hit */
        start(&run, make_call, s);
        hits = pester(&run, 1000000);
        finish(&run);
        assert_outcome(s, &run, s->blocking->ready ? -1 : 0, ETIMEDOUT);
        assert_true(run.seconds >= 0.1 && run.seconds < WAIT_LIMIT / 2);
    }
    assert_true(hits > 0 || is_connect(s));
}

static void signals_do_not_extend_the_timeout_of_any_call(void **state) {
    (void)state;
    for_each_call(0.1, is_pestered_to_the_end);
}

/* Trap 9: five results that must not be confused. */
static void finds_nothing_at_once(situation *s) {
    if (s->blocking->at_once == 0)
        return;
    forget_errors();
    int64_t result = s->blocking->call(s);
    if (result == -1 && errno == s->blocking->at_once && strstr(hawser_error(), hawser_strerror(errno)))
        return;
    print_error("%s: gave %lld, errno %d, \"%s\"\n", s->blocking->name, (long long)result, errno, hawser_error());
    fail();
}

static void with_a_timeout_of_zero_no_call_waits(void **state) {
    (void)state;
    for_each_call(0, finds_nothing_at_once);
}

static void times_out(situation *s) {
    if (!s->blocking->ready)
        return;
    runner run;
    start(&run, make_call, s);
    finish(&run);
    assert_outcome(s, &run, -1, ETIMEDOUT);
    assert_true(run.seconds >= 0.05);
}

static void with_a_timeout_of_a_twentieth_of_a_second_every_call_waits_that_long(void **state) {
    (void)state;
    for_each_call(0.05, times_out);
}

/* After a timeout the call can simply be made again. */
static void works_after_timeout(situation *s) {
    if (!s->blocking->ready || is_connect(s))
        return;
    runner run;
    assert_int_equal(s->blocking->call(s), -1);
    if (s->sock)
        hawser_settimeout(s->sock, WAIT_LIMIT);
    else if (s->file)
        hawser_file_settimeout(s->file, WAIT_LIMIT);
    s->timeout = WAIT_LIMIT;
    start_call(&run, s);
    s->blocking->ready(s);
    finish(&run);
    assert_outcome(s, &run, s->blocking->expected, 0);
}

static void a_call_that_timed_out_works_when_made_again(void **state) {
    (void)state;
    for_each_call(0.02, works_after_timeout);
}

/* Trap 15: a plain close wakes nobody. The waiting thread holds a reference of its own, as the rule of sock.h asks. */
static void is_closed_meanwhile(situation *s) {
    if (!s->blocking->closable)
        return;
    runner run;
    start_call(&run, s);
    hawser_sock *reference = hawser_ref(s->sock);
    hawser_close(s->sock);
    finish(&run);
    assert_outcome(s, &run, -1, EBADF);
    forget_errors();
    assert_int_equal(s->blocking->call(s), -1); /* and every later call */
    assert_int_equal(errno, EBADF);
    s->sock = NULL;
    hawser_unref(reference);
}

static void closing_wakes_a_thread_in_every_call_with_EBADF(void **state) {
    (void)state;
    for_each_call(HAWSER_NO_TIMEOUT, is_closed_meanwhile);
}

/* The opt-in of trap 1. */
static long call_interruptibly(void *argument) {
    if (hawser_interrupt_on_signal(SIGUSR2) < 0)
        return -2;
    long result = make_call(argument);
    int code = errno;
    hawser_interrupt_clear();
    hawser_interrupt_restore(SIGUSR2);
    errno = code;
    return result;
}

static void is_interrupted(situation *s) {
    runner run;
    start(&run, call_interruptibly, s);
    assert_true(blocked(&run));
    pthread_kill(run.thread, SIGUSR2);
    finish(&run);
    assert_outcome(s, &run, -1, ECANCELED);
    if (!s->blocking->ready || is_connect(s))
        return;
    start_call(&run, s); /* nothing was lost */
    s->blocking->ready(s);
    finish(&run);
    assert_outcome(s, &run, s->blocking->expected, 0);
}

static void an_interruption_ends_every_call_with_ECANCELED_and_loses_nothing(void **state) {
    (void)state;
    for_each_call(WAIT_LIMIT, is_interrupted);
}

static int begin(void **state) {
    (void)state;
    count_signals();
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_signal_during_every_blocking_call_is_invisible),
        cmocka_unit_test(signals_do_not_extend_the_timeout_of_any_call),
        cmocka_unit_test(with_a_timeout_of_zero_no_call_waits),
        cmocka_unit_test(with_a_timeout_of_a_twentieth_of_a_second_every_call_waits_that_long),
        cmocka_unit_test(a_call_that_timed_out_works_when_made_again),
        cmocka_unit_test(closing_wakes_a_thread_in_every_call_with_EBADF),
        cmocka_unit_test(an_interruption_ends_every_call_with_ECANCELED_and_loses_nothing),
    };
    return cmocka_run_group_tests(tests, begin, NULL);
}
