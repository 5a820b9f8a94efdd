/* SPDX-License-Identifier: MIT */
/*
 * sched/waiters: every call that stands in line, in fibers of one worker: one makes the call, and parks; the first looks on,
 * and then does something to it.
 */
#include "calls_in_line.h"
#include "support.h"
#include "tasks.h"

#include <errno.h>
#include <hawser/run.h>
#include <hawser/sync.h>

struct play {
    struct scene *scene;
    runner *run; /* for the result, in the way of those on threads */
    bool cancel;
    char waits_for[32];
};

static int make_call_in_fiber(void *argument) {
    struct play *play = argument;
    forget_errors();
    play->run->result = call_in_scene(play->scene);
    play->run->code = errno;
    snprintf(play->run->sentence, sizeof play->run->sentence, "%s", hawser_error());
    return 0;
}

static int direct(void *argument) {
    struct play *play = argument;
    struct scene *scene = play->scene;
    if (hawser_mutex_lock(scene->mutex) < 0 || hawser_go(make_call_in_fiber, play) < 0)
        return -1;
    for (int i = 0; i < 10 && !(scene->task && scene->task->waits_for); i++)
        hawser_yield();
    snprintf(play->waits_for, sizeof play->waits_for, "%s", scene->task->waits_for ? scene->task->waits_for : "nothing");
    if (play->cancel)
        cancel_task(scene->task);
    else if (scene->seconds == HAWSER_NO_TIMEOUT)
        scene->waiting->ready(scene);
    return 0;
}

static void perform(const struct waiting_call *waiting, runner *run, double seconds, bool cancel) {
    struct scene scene = open_scene(waiting, seconds);
    struct play play = {.scene = &scene, .run = run, .cancel = cancel};
    assert_works(hawser_mutex_unlock(scene.mutex)); /* the first fiber has it instead */
    assert_int_equal(run_on_workers(1, direct, &play), 0);
    if (strcmp(play.waits_for, waiting->waits_for) != 0)
        fail_msg("%s: waits for %s", waiting->name, play.waits_for);
    close_scene(&scene);
}

static void in_a_fiber_each_call_parks_until_it_can_go(void **state) {
    (void)state;
    runner run;
    for (const struct waiting_call *waiting = calls_in_line; waiting->name; waiting++) {
        perform(waiting, &run, HAWSER_NO_TIMEOUT, false);
        assert_int_equal(run.result, waiting->expected);
        assert_string_equal(run.sentence, "");
    }
}

static void in_a_fiber_each_call_ends_by_deadline_and_cancellation(void **state) {
    (void)state;
    runner run;
    for (const struct waiting_call *waiting = calls_in_line; waiting->name; waiting++) {
        perform(waiting, &run, 0.005, false);
        check_call_failed(waiting, &run, ETIMEDOUT);
        perform(waiting, &run, HAWSER_NO_TIMEOUT, true);
        check_call_failed(waiting, &run, ECANCELED);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(in_a_fiber_each_call_parks_until_it_can_go),
        cmocka_unit_test(in_a_fiber_each_call_ends_by_deadline_and_cancellation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
