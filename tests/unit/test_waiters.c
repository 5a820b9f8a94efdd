/* SPDX-License-Identifier: MIT */
/* sched/waiters: standing in line; and what every call that stands in line has in common. */
#include "support.h"
#include "tasks.h"

#include "base/wake.h"
#include "sched/waiters.h"

#include <errno.h>
#include <hawser/channel.h>
#include <hawser/deadline.h>
#include <hawser/run.h>
#include <hawser/sync.h>
#include <hawser/world.h>
#include <signal.h>

static void waiters_are_taken_in_the_order_they_came(void **state) {
    (void)state;
    hawser__waiters line = {0};
    hawser__waiter waiters[4] = {0};
    assert_null(hawser__waiters_take(&line));
    for (int i = 0; i < 4; i++)
        hawser__waiters_add(&line, &waiters[i]);
    for (int i = 0; i < 4; i++)
        assert_ptr_equal(hawser__waiters_take(&line), &waiters[i]);
    assert_null(hawser__waiters_take(&line));
}

static void one_may_leave_from_any_place_and_once_only(void **state) {
    (void)state;
    for (int leaving = 0; leaving < 3; leaving++) {
        hawser__waiters line = {0};
        hawser__waiter waiters[3] = {0};
        for (int i = 0; i < 3; i++)
            hawser__waiters_add(&line, &waiters[i]);
        assert_true(hawser__waiters_remove(&line, &waiters[leaving]));
        assert_false(hawser__waiters_remove(&line, &waiters[leaving]));
        hawser__waiters_add(&line, &waiters[leaving]);
        assert_ptr_equal(hawser__waiters_take(&line), &waiters[leaving == 0 ? 1 : 0]);
        assert_ptr_equal(hawser__waiters_take(&line), &waiters[leaving == 2 ? 1 : 2]);
        assert_ptr_equal(hawser__waiters_take(&line), &waiters[leaving]);
        assert_null(hawser__waiters_take(&line));
    }
}

static void all_can_be_taken_at_once(void **state) {
    (void)state;
    hawser__waiters line = {0};
    hawser__waiter waiters[2] = {0};
    assert_null(hawser__waiters_take_all(&line));
    hawser__waiters_add(&line, &waiters[0]);
    hawser__waiters_add(&line, &waiters[1]);
    assert_ptr_equal(hawser__waiters_take_all(&line), &waiters[0]);
    assert_ptr_equal(waiters[0].next, &waiters[1]);
    assert_null(waiters[1].next);
    assert_null(line.first);
    assert_false(hawser__waiters_remove(&line, &waiters[1]));
}

struct object {
    hawser__lock lock;
    hawser__waiters line;
    hawser__waiter waiter;
    _Atomic(hawser__task *) task; /* of the one who waits */
};

static void add(struct object *object) {
    object->waiter = (hawser__waiter){.task = hawser__task_current()};
    hawser__lock_take(&object->lock);
    hawser__waiters_add(&object->line, &object->waiter);
    hawser__lock_drop(&object->lock);
    atomic_store(&object->task, hawser__task_current());
}

static hawser__waiter *take(struct object *object) {
    hawser__lock_take(&object->lock);
    hawser__waiter *waiter = hawser__waiters_take(&object->line);
    hawser__lock_drop(&object->lock);
    return waiter;
}

static long grant(void *waiter) {
    hawser__waiter_grant(waiter);
    return 0;
}

/* Whoever takes a waiter off the line has decided, whether the waiter's deadline passes before the granting or after it. */
static void a_grant_that_is_under_way_counts_whatever_the_deadline(void **state) {
    (void)state;
    for (int round = 0; round < 100; round++) {
        struct object object = {0};
        runner run;
        add(&object);
        start(&run, grant, take(&object));
        int64_t outer = hawser_deadline_push(0);
        assert_int_equal(hawser__waiters_wait(&object.line, &object.waiter, &object.lock, "test", &object), 0);
        hawser_deadline_pop(outer);
        assert_int_equal(atomic_load(&object.waiter.progress), HAWSER__LET_GO);
        finish(&run);
    }
}

static long wait_through(void *argument) {
    struct object *object = argument;
    hawser_deadline_push(0.01);
    add(object);
    hawser__waiter_wait_through(&object->waiter, "test", object);
    return 0;
}

static void waiting_through_is_not_cut_short(void **state) {
    (void)state;
    struct object object = {0};
    runner run;
    start(&run, wait_through, &object);
    assert_true(blocked(&run));
    double began = seconds_now();
    cancel_task(object.task);
    assert_true(blocked(&run));
    while (seconds_now() - began < 0.02)
        hawser_sleep(0.001);
    assert_true(blocked(&run));
    hawser__waiter_grant(take(&object));
    assert_int_equal(finish(&run), 0);
}

/* The calls: each has to wait, until READY. */
struct scene {
    const struct waiting_call *waiting;
    hawser_mutex *mutex, *spare; /* the first is locked */
    hawser_cond *cond;
    hawser_semaphore *semaphore;
    hawser_waitgroup *waitgroup;
    hawser_channel *empty, *full, *meeting; /* of integers; the last two of capacity 1, full, and 0 */
    int item;
    double seconds; /* the deadline around the call */
    _Atomic(hawser__task *) task;
};

struct waiting_call {
    const char *name, *sentence, *waits_for; /* the last for hawser_dump */
    long (*call)(struct scene *scene);
    void (*ready)(struct scene *scene);
    long expected;
};

static long lock_mutex(struct scene *scene) {
    int result = hawser_mutex_lock(scene->mutex);
    return result == 0 ? hawser_mutex_unlock(scene->mutex) : result;
}

static void unlock_mutex(struct scene *scene) {
    hawser_mutex_unlock(scene->mutex);
}

static long wait_for_condition(struct scene *scene) {
    hawser_mutex_trylock(scene->spare);
    int result = hawser_cond_wait(scene->cond, scene->spare);
    return hawser_mutex_unlock(scene->spare) < 0 ? 100 : result;
}

static void notify(struct scene *scene) {
    hawser_cond_notify(scene->cond);
}

static long acquire(struct scene *scene) {
    return hawser_semaphore_acquire(scene->semaphore);
}

static void release(struct scene *scene) {
    hawser_semaphore_release(scene->semaphore);
}

static long wait_for_group(struct scene *scene) {
    return hawser_waitgroup_wait(scene->waitgroup);
}

static void done(struct scene *scene) {
    hawser_waitgroup_done(scene->waitgroup);
}

static long send_to_full(struct scene *scene) {
    return hawser_channel_send(scene->full, &scene->item);
}

static void make_room(struct scene *scene) {
    int item;
    hawser_channel_tryrecv(scene->full, &item);
}

static long send_to_nobody(struct scene *scene) {
    return hawser_channel_send(scene->meeting, &scene->item);
}

static void receive(struct scene *scene) {
    int item;
    hawser_channel_tryrecv(scene->meeting, &item);
}

static long receive_from_empty(struct scene *scene) {
    return hawser_channel_recv(scene->empty, &scene->item);
}

static void put_item(struct scene *scene) {
    hawser_channel_trysend(scene->empty, &(int){7});
}

static long select_receipt(struct scene *scene) {
    const hawser_case cases[] = {{.channel = scene->empty, .item = &scene->item},
                                 {.channel = scene->meeting, .item = &scene->item}};
    return hawser_channel_select(cases, 2, NULL);
}

static long select_sending(struct scene *scene) {
    const hawser_case cases[] = {{.channel = scene->empty, .item = &scene->item},
                                 {.channel = scene->full, .item = &scene->item, .send = true}};
    return hawser_channel_select(cases, 2, NULL);
}

static const struct waiting_call calls[] = {
    {"mutex", "lock mutex: ", "mutex", lock_mutex, unlock_mutex, 0},
    {"condition", "wait for condition: ", "condition", wait_for_condition, notify, 0},
    {"semaphore", "acquire semaphore: ", "semaphore", acquire, release, 0},
    {"wait group", "wait for wait group: ", "wait group", wait_for_group, done, 0},
    {"send to a full channel", "send to channel: ", "channel send", send_to_full, make_room, 0},
    {"send to nobody", "send to channel: ", "channel send", send_to_nobody, receive, 0},
    {"receive", "receive from channel: ", "channel receive", receive_from_empty, put_item, 1},
    {"select a receipt", "select among 2 channels: ", "select", select_receipt, put_item, 0},
    {"select a sending", "select among 2 channels: ", "select", select_sending, make_room, 1},
};
#define CALLS (sizeof calls / sizeof *calls)

static struct scene open_scene(const struct waiting_call *waiting, double seconds) {
    struct scene scene = {.waiting = waiting, .seconds = seconds};
    scene.mutex = hawser_mutex_new();
    scene.spare = hawser_mutex_new();
    scene.cond = hawser_cond_new();
    scene.semaphore = hawser_semaphore_new(0);
    scene.waitgroup = hawser_waitgroup_new();
    scene.empty = hawser_channel_new(sizeof(int), 1);
    scene.full = hawser_channel_new(sizeof(int), 1);
    scene.meeting = hawser_channel_new(sizeof(int), 0);
    assert_works(hawser_mutex_lock(scene.mutex));
    assert_works(hawser_waitgroup_add(scene.waitgroup, 1));
    assert_works(hawser_channel_send(scene.full, &(int){3}));
    return scene;
}

static void close_scene(struct scene *scene) {
    hawser_mutex_free(scene->mutex);
    hawser_mutex_free(scene->spare);
    hawser_cond_free(scene->cond);
    hawser_semaphore_free(scene->semaphore);
    hawser_waitgroup_free(scene->waitgroup);
    hawser_channel_free(scene->empty);
    hawser_channel_free(scene->full);
    hawser_channel_free(scene->meeting);
}

static long make_call(void *argument) {
    struct scene *scene = argument;
    atomic_store(&scene->task, hawser__task_current());
    int64_t outer = hawser_deadline_push(scene->seconds);
    long result = scene->waiting->call(scene);
    hawser_deadline_pop(outer);
    outlive_canceller();
    return result;
}

static void begin(struct scene *scene, runner *run, const struct waiting_call *waiting) {
    *scene = open_scene(waiting, HAWSER_NO_TIMEOUT);
    start(run, make_call, scene);
    if (!blocked(run))
        fail_msg("%s: does not wait", waiting->name);
}

static void check_failed(const struct waiting_call *waiting, const runner *run, int code) {
    if (run->result != -1 || run->code != code)
        fail_msg("%s: gave %ld, errno %d (%s)", waiting->name, run->result, run->code, run->sentence);
    char expected[128];
    snprintf(expected, sizeof expected, "%s%s", waiting->sentence, hawser_strerror(code));
    assert_string_equal(run->sentence, expected);
}

static void each_call_waits_until_it_can_go(void **state) {
    (void)state;
    for (const struct waiting_call *waiting = calls; waiting < calls + CALLS; waiting++) {
        struct scene scene;
        runner run;
        begin(&scene, &run, waiting);
        waiting->ready(&scene);
        assert_int_equal(finish(&run), waiting->expected);
        assert_string_equal(run.sentence, "");
        close_scene(&scene);
    }
}

static void each_call_ends_at_the_deadline_and_leaves_nothing_behind(void **state) {
    (void)state;
    for (const struct waiting_call *waiting = calls; waiting < calls + CALLS; waiting++) {
        struct scene scene = open_scene(waiting, 0.02);
        runner run;
        start(&run, make_call, &scene);
        finish(&run);
        check_failed(waiting, &run, ETIMEDOUT);
        assert_true(run.seconds >= 0.02);
        if (waiting->ready != notify && waiting->ready != receive) { /* which keep nothing for those who come later */
            waiting->ready(&scene);
            start(&run, make_call, &scene);
            assert_int_equal(finish(&run), waiting->expected);
        }
        close_scene(&scene);
    }
}

static void under_a_deadline_of_0_each_call_is_EAGAIN_without_waiting(void **state) {
    (void)state;
    for (const struct waiting_call *waiting = calls; waiting < calls + CALLS; waiting++) {
        struct scene scene = open_scene(waiting, 0);
        runner run;
        start(&run, make_call, &scene);
        finish(&run);
        check_failed(waiting, &run, EAGAIN);
        close_scene(&scene);
    }
}

static void when_time_is_up_what_can_go_still_goes(void **state) {
    (void)state;
    for (const struct waiting_call *waiting = calls; waiting < calls + CALLS; waiting++) {
        if (waiting->ready == notify || waiting->ready == receive)
            continue;
        struct scene scene = open_scene(waiting, 1e-9);
        runner run;
        waiting->ready(&scene);
        start(&run, make_call, &scene);
        assert_int_equal(finish(&run), waiting->expected);
        close_scene(&scene);
    }
}

static void a_cancelled_task_leaves_each_call_with_ECANCELED(void **state) {
    (void)state;
    for (const struct waiting_call *waiting = calls; waiting < calls + CALLS; waiting++) {
        struct scene scene;
        runner run;
        begin(&scene, &run, waiting);
        cancel_task(scene.task);
        finish(&run);
        check_failed(waiting, &run, ECANCELED);
        close_scene(&scene);
    }
}

static long make_call_cancelled(void *argument) {
    atomic_store(&hawser__task_current()->cancelled, true);
    return make_call(argument);
}

static void a_cancelled_task_does_not_even_what_it_could_at_once(void **state) {
    (void)state;
    for (const struct waiting_call *waiting = calls; waiting < calls + CALLS; waiting++) {
        struct scene scene = open_scene(waiting, HAWSER_NO_TIMEOUT);
        runner run;
        waiting->ready(&scene);
        start(&run, make_call_cancelled, &scene);
        finish(&run);
        check_failed(waiting, &run, ECANCELED);
        close_scene(&scene);
    }
}

static long make_call_interruptibly(void *argument) {
    if (hawser_interrupt_on_signal(SIGUSR2) < 0)
        return 1;
    long result = make_call(argument);
    int code = errno;
    hawser_interrupt_restore(SIGUSR2);
    errno = code;
    return result;
}

static void a_signal_that_was_asked_for_ends_each_call(void **state) {
    (void)state;
    for (const struct waiting_call *waiting = calls; waiting < calls + CALLS; waiting++) {
        struct scene scene = open_scene(waiting, HAWSER_NO_TIMEOUT);
        runner run;
        start(&run, make_call_interruptibly, &scene);
        assert_true(blocked(&run));
        pthread_kill(run.thread, SIGUSR2);
        finish(&run);
        check_failed(waiting, &run, ECANCELED);
        close_scene(&scene);
    }
}

static void a_wake_up_for_no_reason_ends_no_call(void **state) {
    (void)state;
    for (const struct waiting_call *waiting = calls; waiting < calls + CALLS; waiting++) {
        struct scene scene;
        runner run;
        begin(&scene, &run, waiting);
        for (int i = 0; i < 3; i++) {
            hawser__task_wake(scene.task);
            assert_true(blocked(&run));
        }
        waiting->ready(&scene);
        assert_int_equal(finish(&run), waiting->expected);
        close_scene(&scene);
    }
}

static long make_call_after_a_wake_up(void *argument) {
    hawser__task_wake(hawser__task_current());
    return make_call(argument);
}

static void a_wake_up_left_over_from_before_ends_no_call(void **state) {
    (void)state;
    for (const struct waiting_call *waiting = calls; waiting < calls + CALLS; waiting++) {
        struct scene scene = open_scene(waiting, HAWSER_NO_TIMEOUT);
        runner run;
        start(&run, make_call_after_a_wake_up, &scene);
        assert_true(blocked(&run));
        waiting->ready(&scene);
        assert_int_equal(finish(&run), waiting->expected);
        close_scene(&scene);
    }
}

/* The same in fibers of one worker: one makes the call, and parks; the first looks on, and then does something to it. */
struct play {
    struct scene *scene;
    runner *run; /* for the result, in the way of those on threads */
    bool cancel;
    char waits_for[32];
};

static int make_call_in_fiber(void *argument) {
    struct play *play = argument;
    forget_errors();
    play->run->result = make_call(play->scene);
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
    for (const struct waiting_call *waiting = calls; waiting < calls + CALLS; waiting++) {
        perform(waiting, &run, HAWSER_NO_TIMEOUT, false);
        assert_int_equal(run.result, waiting->expected);
        assert_string_equal(run.sentence, "");
    }
}

static void in_a_fiber_each_call_ends_by_deadline_and_cancellation(void **state) {
    (void)state;
    runner run;
    for (const struct waiting_call *waiting = calls; waiting < calls + CALLS; waiting++) {
        perform(waiting, &run, 0.005, false);
        check_failed(waiting, &run, ETIMEDOUT);
        perform(waiting, &run, HAWSER_NO_TIMEOUT, true);
        check_failed(waiting, &run, ECANCELED);
    }
}

static long make_call_without_memory(void *argument) {
    fault_alloc(1);
    long result = make_call(argument);
    return fault_none() ? 100 : result;
}

static void no_call_allocates_or_leaves_anything_behind(void **state) {
    (void)state;
    for (const struct waiting_call *waiting = calls; waiting < calls + CALLS; waiting++) {
        census before = take_census();
        struct scene scene = open_scene(waiting, HAWSER_NO_TIMEOUT);
        runner run;
        start(&run, make_call_without_memory, &scene);
        assert_true(blocked(&run));
        waiting->ready(&scene);
        assert_int_equal(finish(&run), waiting->expected);
        close_scene(&scene);
        assert_null(compare_census(before));
    }
}

static void what_cannot_be_made_is_ENOMEM(void **state) {
    (void)state;
    fault_alloc(1);
    assert_null_fails(hawser_mutex_new(), ENOMEM);
    assert_sentence("make mutex: Cannot allocate memory");
    fault_alloc(1);
    assert_null_fails(hawser_cond_new(), ENOMEM);
    assert_sentence("make condition: Cannot allocate memory");
    fault_alloc(1);
    assert_null_fails(hawser_semaphore_new(1), ENOMEM);
    assert_sentence("make semaphore: Cannot allocate memory");
    fault_alloc(1);
    assert_null_fails(hawser_waitgroup_new(), ENOMEM);
    assert_sentence("make wait group: Cannot allocate memory");
    fault_none();
}

static void nothing_can_be_freed(void **state) {
    (void)state;
    errno = 5;
    hawser_mutex_free(NULL);
    hawser_cond_free(NULL);
    hawser_semaphore_free(NULL);
    hawser_waitgroup_free(NULL);
    hawser_channel_free(NULL);
    assert_int_equal(errno, 5);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(waiters_are_taken_in_the_order_they_came),
        cmocka_unit_test(one_may_leave_from_any_place_and_once_only),
        cmocka_unit_test(all_can_be_taken_at_once),
        cmocka_unit_test(a_grant_that_is_under_way_counts_whatever_the_deadline),
        cmocka_unit_test(waiting_through_is_not_cut_short),
        cmocka_unit_test(each_call_waits_until_it_can_go),
        cmocka_unit_test(each_call_ends_at_the_deadline_and_leaves_nothing_behind),
        cmocka_unit_test(under_a_deadline_of_0_each_call_is_EAGAIN_without_waiting),
        cmocka_unit_test(when_time_is_up_what_can_go_still_goes),
        cmocka_unit_test(a_cancelled_task_leaves_each_call_with_ECANCELED),
        cmocka_unit_test(a_cancelled_task_does_not_even_what_it_could_at_once),
        cmocka_unit_test(a_signal_that_was_asked_for_ends_each_call),
        cmocka_unit_test(a_wake_up_for_no_reason_ends_no_call),
        cmocka_unit_test(a_wake_up_left_over_from_before_ends_no_call),
        cmocka_unit_test(in_a_fiber_each_call_parks_until_it_can_go),
        cmocka_unit_test(in_a_fiber_each_call_ends_by_deadline_and_cancellation),
        cmocka_unit_test(no_call_allocates_or_leaves_anything_behind),
        cmocka_unit_test(what_cannot_be_made_is_ENOMEM),
        cmocka_unit_test(nothing_can_be_freed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
