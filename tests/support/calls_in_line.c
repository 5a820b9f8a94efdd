/* SPDX-License-Identifier: MIT */
#include "calls_in_line.h"

#include "support.h"
#include "tasks.h"

#include <hawser/channel.h>
#include <hawser/deadline.h>
#include <hawser/sync.h>

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

const struct waiting_call calls_in_line[] = {
    {"mutex", "lock mutex: ", "mutex", lock_mutex, unlock_mutex, 0, true},
    {"condition", "wait for condition: ", "condition", wait_for_condition, notify, 0, false},
    {"semaphore", "acquire semaphore: ", "semaphore", acquire, release, 0, true},
    {"wait group", "wait for wait group: ", "wait group", wait_for_group, done, 0, true},
    {"send to a full channel", "send to channel: ", "channel send", send_to_full, make_room, 0, true},
    {"send to nobody", "send to channel: ", "channel send", send_to_nobody, receive, 0, false},
    {"receive", "receive from channel: ", "channel receive", receive_from_empty, put_item, 1, true},
    {"select a receipt", "select among 2 channels: ", "select", select_receipt, put_item, 0, true},
    {"select a sending", "select among 2 channels: ", "select", select_sending, make_room, 1, true},
    {NULL, NULL, NULL, NULL, NULL, 0, false},
};

struct scene open_scene(const struct waiting_call *waiting, double seconds) {
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

void close_scene(struct scene *scene) {
    hawser_mutex_free(scene->mutex);
    hawser_mutex_free(scene->spare);
    hawser_cond_free(scene->cond);
    hawser_semaphore_free(scene->semaphore);
    hawser_waitgroup_free(scene->waitgroup);
    hawser_channel_free(scene->empty);
    hawser_channel_free(scene->full);
    hawser_channel_free(scene->meeting);
}

long call_in_scene(void *argument) {
    struct scene *scene = argument;
    atomic_store(&scene->task, hawser__task_current());
    int64_t outer = hawser_deadline_push(scene->seconds);
    long result = scene->waiting->call(scene);
    hawser_deadline_pop(outer);
    outlive_canceller();
    return result;
}

void check_call_failed(const struct waiting_call *waiting, const runner *run, int code) {
    if (run->result != -1 || run->code != code)
        fail_msg("%s: gave %ld, errno %d (%s)", waiting->name, run->result, run->code, run->sentence);
    char expected[128];
    snprintf(expected, sizeof expected, "%s%s", waiting->sentence, hawser_strerror(code));
    assert_string_equal(run->sentence, expected);
}
