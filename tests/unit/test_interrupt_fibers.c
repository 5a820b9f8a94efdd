/* SPDX-License-Identifier: MIT */
/*
 * Interruption by signal in fibers: it ends the waits of those who asked, on whatever worker, and of nobody else.
 */
#include "fibers.h"
#include "support.h"

#include <errno.h>
#include <signal.h>

#include <hawser.h>

#define FOR_EVER 60.0

static struct {
    hawser_waitgroup *ready;   /* so many are about to wait */
    atomic_int interrupted[2]; /* which signal each listener was told */
    atomic_int undisturbed;    /* how many others were not woken */
    hawser_channel *end;
} scene;

static int listen_for(int index, int signo) {
    if (hawser_interrupt_on_signal(signo) < 0)
        return -1;
    hawser_waitgroup_done(scene.ready);
    if (hawser_sleep(FOR_EVER) == 0 || errno != ECANCELED)
        return -1;
    scene.interrupted[index] = hawser_interrupted();
    return 0;
}

static int listen_for_usr1(void *unused) {
    (void)unused;
    return listen_for(0, SIGUSR1);
}

static int listen_for_usr2(void *unused) {
    (void)unused;
    return listen_for(1, SIGUSR2);
}

/* One of those who did not ask. */
static int receive(void *unused) {
    char item;
    (void)unused;
    hawser_waitgroup_done(scene.ready);
    if (hawser_channel_recv(scene.end, &item) != 0) /* closed: the end of the test */
        return -1;
    atomic_fetch_add(&scene.undisturbed, hawser_interrupted() == 0);
    return 0;
}

static int start_all(hawser_group *group) {
    static const struct {
        int worker;
        hawser_fn fn;
    } cast[] = {{1, listen_for_usr1}, {2, listen_for_usr2}, {1, receive}, {2, receive}};
    for (size_t i = 0; i < sizeof cast / sizeof *cast; i++) {
        hawser_go_options options = {.worker = cast[i].worker, .group = group};
        if (hawser_go_with(&options, cast[i].fn, NULL) < 0)
            return -1;
    }
    return hawser_waitgroup_wait(scene.ready);
}

static int play(void *unused) {
    (void)unused;
    hawser_group *group = hawser_group_open(NULL);
    int result = group && hawser_waitgroup_add(scene.ready, 4) == 0 ? start_all(group) : -1;
    raise(SIGUSR2);
    while (result == 0 && hawser_group_count(group) > 2)
        result = hawser_sleep(0.001); /* works: this fiber did not ask either */
    hawser_interrupt_clear();         /* does nothing, for the same reason */
    hawser_channel_close(scene.end);
    result |= hawser_group_wait(group);
    hawser_group_close(group);
    hawser_interrupt_restore(SIGUSR1);
    hawser_interrupt_restore(SIGUSR2);
    return result;
}

static void a_signal_ends_the_waits_of_the_fibers_that_asked_and_of_no_other(void **state) {
    (void)state;
    scene.ready = hawser_waitgroup_new();
    scene.end = hawser_channel_new(1, 0);
    scene.undisturbed = 0;
    assert_int_equal(run_on_workers(2, play, NULL), 0);
    assert_int_equal(scene.interrupted[0], SIGUSR2);
    assert_int_equal(scene.interrupted[1], SIGUSR2);
    assert_int_equal(scene.undisturbed, 2);
    hawser_channel_free(scene.end);
    hawser_waitgroup_free(scene.ready);
}

static int clear_and_wait(void *unused) {
    (void)unused;
    if (hawser_interrupt_on_signal(SIGUSR1) < 0 || raise(SIGUSR1) != 0)
        return -1;
    int before = hawser_sleep(0) < 0 ? errno : 0;
    int told = hawser_interrupted();
    hawser_interrupt_clear();
    int after = hawser_sleep(0.001);
    hawser_interrupt_restore(SIGUSR1);
    return before == ECANCELED && told == SIGUSR1 && after == 0 && hawser_interrupted() == 0 ? 0 : -1;
}

static void a_fiber_that_has_cleared_the_interruption_waits_again(void **state) {
    (void)state;
    assert_int_equal(run_on_workers(1, clear_and_wait, NULL), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_signal_ends_the_waits_of_the_fibers_that_asked_and_of_no_other),
        cmocka_unit_test(a_fiber_that_has_cleared_the_interruption_waits_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
