/* SPDX-License-Identifier: MIT */
/* sched/group and sched/fiber: members start on one worker while their group is cancelled on another. */
#include "fibers.h"
#include "support.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <unistd.h>

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
#define ROUNDS 50 /* they make a start slow, and the first holds signals back, so that as many start as may */
#else
#define ROUNDS 1000
#endif
#define MEMBERS 2000

static struct {
    _Atomic(hawser_group *) group; /* of this round; NULL: there is none now */
    atomic_int under_way, done;    /* the last round of which this can be said */
    atomic_int held, cancelled;
    atomic_long started, ran;
    atomic_bool over;
    int gate[2]; /* a pipe: while nothing is in it, worker 2 stands still */
    runner starter;
} scene;

static int member(void *arg) {
    (void)arg;
    atomic_fetch_add(&scene.ran, 1);
    return 0;
}

/* As many as can be started before the group is cancelled. */
static void start_round(int round) {
    const hawser_go_options options = {.worker = 2, .group = atomic_load(&scene.group)};
    int i = 0;
    while (i < MEMBERS && hawser_go_with(&options, member, NULL) == 0)
        if (++i == 3)
            atomic_store(&scene.under_way, round);
    EXPECT(i == MEMBERS || errno == ECANCELED);
    atomic_fetch_add(&scene.started, i);
    atomic_store(&scene.group, NULL);
    atomic_store(&scene.done, round);
}

static long start_members(void *arg) {
    (void)arg;
    for (int round = 1; !atomic_load(&scene.over);)
        if (atomic_load(&scene.group))
            start_round(round++);
        else
            sched_yield();
    return 0;
}

/* Stops the starter wherever it is, until the group is cancelled, or for a while: it may have what cancelling needs. */
static void hold(int signo) {
    (void)signo;
    int round = atomic_load(&scene.under_way);
    atomic_store(&scene.held, round);
    for (int i = 0; i < 5000 && atomic_load(&scene.cancelled) < round; i++)
        spin();
}

/* The alarm is the bound. */
static void await(const atomic_int *at, int round) {
    while (atomic_load(at) < round)
        sched_yield();
}

/* A round whose signal comes late is only worth less. */
static void stop_starter(int round) {
    pthread_kill(scene.starter.thread, SIGUSR1);
    for (int i = 0; i < 200 && atomic_load(&scene.held) < round; i++)
        sched_yield();
}

static int stand_still(void *arg) {
    char byte;
    (void)arg;
    EXPECT(read(scene.gate[0], &byte, 1) == 1);
    return 0;
}

static void cancel_round(hawser_group *group, int round) {
    EXPECT(hawser_go_on(2, stand_still, NULL) == 0);
    atomic_store(&scene.group, group);
    await(&scene.under_way, round);
    stop_starter(round);
    hawser_group_cancel(group);
    atomic_store(&scene.cancelled, round);
    await(&scene.done, round);
    EXPECT(write(scene.gate[1], "x", 1) == 1);
}

static int cancel_each_round(void *arg) {
    (void)arg;
    for (int round = 1; round <= ROUNDS; round++) {
        hawser_group *group = hawser_group_open(NULL);
        cancel_round(group, round);
        EXPECT(hawser_group_wait(group) == 0 && hawser_group_count(group) == 0);
        hawser_group_close(group);
    }
    return 0;
}

static void a_fiber_that_starts_while_its_group_is_cancelled_runs_and_is_waited_for(void **state) {
    (void)state;
    struct sigaction action = {.sa_handler = hold};
    sigemptyset(&action.sa_mask);
    assert_int_equal(sigaction(SIGUSR1, &action, NULL), 0);
    assert_int_equal(pipe(scene.gate), 0);
    alarm((unsigned)WAIT_LIMIT);
    start_thread(&scene.starter, start_members, NULL);
    int result = run_on_workers(2, cancel_each_round, NULL);
    atomic_store(&scene.over, true);
    finish(&scene.starter);
    alarm(0);
    close(scene.gate[0]);
    close(scene.gate[1]);
    check_run(result, "cancel_each_round", __FILE__, __LINE__);
    assert_true(atomic_load(&scene.started) >= 3 * ROUNDS);
    assert_int_equal(atomic_load(&scene.ran), atomic_load(&scene.started));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_fiber_that_starts_while_its_group_is_cancelled_runs_and_is_waited_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
