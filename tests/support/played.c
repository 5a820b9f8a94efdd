/* SPDX-License-Identifier: MIT */
#include "played.h"

#include "engine_memory.h"
#include "support.h"

#include "base/wake.h"
#include "sched/run.h"

struct played played;

static int64_t played_now(hawser__engine *engine) {
    (void)engine;
    return played.now;
}

static void played_wait(hawser__port *port, hawser__deadline until) {
    played.looks++;
    played.until = until;
    if (until == HAWSER__NEVER && played.sleeper)
        hawser__task_wake(played.sleeper);
    else if (until == HAWSER__NEVER)
        memory_engine.ops->port_wait(port, until);
    else if (until > played.now)
        played.now = until;
}

static void played_wake(hawser__port *port) {
    atomic_fetch_add(&played.wakes, 1);
    memory_engine.ops->port_wake(port);
}

struct play {
    hawser_fn fn;
    void *arg;
};

static long run_play(void *arg) {
    static struct hawser__engine_ops ops;
    static hawser__engine engine = {&ops};
    const hawser_run_options options = {.workers = 1, .stack_size = TEST_STACK};
    struct play *play = arg;
    ops = *memory_engine.ops;
    ops.now = played_now;
    ops.port_wait = played_wait;
    ops.port_wake = played_wake;
    return hawser__run_on(&engine, play->fn, play->arg, &options);
}

void play(hawser_fn fn, void *arg) {
    struct play parts = {fn, arg};
    runner thread;
    memset(&played, 0, sizeof played);
    played.now = 1000;
    start_thread(&thread, run_play, &parts);
    assert_int_equal(finish(&thread), 0);
    assert_as_expected();
}

void note_letter(char letter) {
    played.order[strlen(played.order)] = letter;
}
