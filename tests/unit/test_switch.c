/* SPDX-License-Identifier: MIT */
/* fiber/switch: what every way to switch must leave alone, whichever the build has chosen. */
#include "support.h"

#include <errno.h>
#include <signal.h>
#include <sys/time.h>

#include "fiber/context.h"

#define STACK ((size_t)64 * 1024)

static _Alignas(64) char stacks[2][STACK];
static hawser__context home;
static volatile sig_atomic_t making, interruptions, astray;

typedef struct guest {
    hawser__context context;
    int visits;
} guest;

static void count_visit(void *arg) {
    guest *self = arg;
    for (;;) {
        self->visits++;
        hawser__context_switch(&self->context, &home);
    }
}

/* While a context is made, its stack is no place for anybody else. */
static void note_interruption(int signo) {
    (void)signo;
    uintptr_t here = (uintptr_t)__builtin_frame_address(0);
    interruptions++;
    if (making && here >= (uintptr_t)stacks[1] && here < (uintptr_t)stacks[1] + STACK)
        astray++;
}

static void making_a_context_leaves_errno_signals_and_the_alternate_stack_alone(void **state) {
    (void)state;
    guest one = {.visits = 0};
    sigset_t blocked, before, after;
    stack_t stack_before, stack_after;
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGUSR1);
    pthread_sigmask(SIG_BLOCK, &blocked, &before);
    sigaltstack(NULL, &stack_before);
    hawser__context_adopt(&home);
    errno = 4242;
    hawser__context_make(&one.context, stacks[0], STACK, count_visit, &one);
    assert_int_equal(errno, 4242);
    hawser__context_switch(&home, &one.context);
    assert_int_equal(one.visits, 1);
    sigaltstack(NULL, &stack_after);
    pthread_sigmask(SIG_SETMASK, &before, &after);
    assert_ptr_equal(stack_after.ss_sp, stack_before.ss_sp);
    assert_int_equal(stack_after.ss_flags, stack_before.ss_flags);
    for (int signo = 1; signo < 32; signo++)
        assert_int_equal(sigismember(&after, signo), signo == SIGUSR1 || sigismember(&before, signo));
    hawser__context_release(&one.context);
}

static void contexts_are_made_whole_under_a_rain_of_signals(void **state) {
    (void)state;
    const struct itimerval rain = {{0, 50}, {0, 50}}, dry = {{0, 0}, {0, 0}};
    struct sigaction note = {.sa_handler = note_interruption, .sa_flags = SA_ONSTACK | SA_RESTART}, before;
    guest one;
    int made = 0, visited = 0;
    interruptions = astray = 0;
    hawser__context_adopt(&home);
    sigaction(SIGALRM, &note, &before);
    setitimer(ITIMER_REAL, &rain, NULL);
    double began = seconds_now();
    while ((made < 3000 || interruptions < 20) && seconds_now() - began < WAIT_LIMIT) {
        one = (guest){.visits = 0};
        making = 1;
        hawser__context_make(&one.context, stacks[1], STACK, count_visit, &one);
        making = 0;
        made++;
        if (made % 2)
            hawser__context_switch(&home, &one.context);
        visited += one.visits;
        hawser__context_release(&one.context);
    }
    setitimer(ITIMER_REAL, &dry, NULL);
    sigaction(SIGALRM, &before, NULL);
    assert_true(interruptions >= 20);
    assert_int_equal(visited, (made + 1) / 2);
    assert_int_equal(astray, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(making_a_context_leaves_errno_signals_and_the_alternate_stack_alone),
        cmocka_unit_test(contexts_are_made_whole_under_a_rain_of_signals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
