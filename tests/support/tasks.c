/* SPDX-License-Identifier: MIT */
#include "tasks.h"

#include "base/wake.h"
#include "support.h"

#include <hawser/deadline.h>

const char *const arrangement_names[ARRANGEMENTS] = {"threads", "fibers of one worker", "fibers of two workers",
                                                     "threads and fibers"};

static long run_body(void *argument) {
    member *self = argument;
    int64_t outer = hawser_deadline_push(WAIT_LIMIT);
    self->result = self->body(self->argument);
    hawser_deadline_pop(outer);
    return 0;
}

static int run_fiber(void *argument) {
    return (int)run_body(argument);
}

struct crew {
    member *members;
    size_t count, step; /* fibers are members 0, 1, 2 ... but for every STEPth */
    int workers;
};

static bool is_fiber(const struct crew *crew, size_t index) {
    return crew->step == 0 || index % crew->step != crew->step - 1;
}

static int start_fibers(void *argument) {
    struct crew *crew = argument;
    int failed = 0;
    for (size_t i = 0; i < crew->count; i++)
        if (is_fiber(crew, i) && hawser_go_on(1 + (int)i % crew->workers, run_fiber, &crew->members[i]) < 0)
            failed = -1;
    return failed;
}

void run_members(enum arrangement arrangement, member *members, size_t count) {
    runner runners[MOST_MEMBERS];
    struct crew crew = {.members = members, .count = count, .workers = arrangement == ONE_WORKER ? 1 : 2};
    crew.step = arrangement == THREADS ? 1 : arrangement == MIXED ? 3 : 0;
    int failed = 0;
    assert_true(count <= MOST_MEMBERS);
    for (size_t i = 0; i < count; i++)
        if (!is_fiber(&crew, i))
            start_thread(&runners[i], run_body, &members[i]);
    if (arrangement != THREADS)
        failed = run_on_workers(crew.workers, start_fibers, &crew);
    for (size_t i = 0; i < count; i++)
        if (!is_fiber(&crew, i))
            finish(&runners[i]);
    if (failed < 0)
        fail_msg("%s could not start: %s", arrangement_names[arrangement], hawser_error());
}

long run_crowd(enum arrangement arrangement, size_t count, long (*body)(void *), void *argument) {
    member members[MOST_MEMBERS];
    long sum = 0;
    for (size_t i = 0; i < count; i++)
        members[i] = (member){.body = body, .argument = argument};
    run_members(arrangement, members, count);
    for (size_t i = 0; i < count; i++)
        sum += members[i].result;
    return sum;
}

static atomic_bool cancelling;

void cancel_task(hawser__task *task) {
    atomic_store(&cancelling, true);
    atomic_store(&task->cancelled, true);
    hawser__task_wake(task);
    atomic_store(&cancelling, false);
}

static bool not_cancelling(void *argument) {
    (void)argument;
    return !atomic_load(&cancelling);
}

void outlive_canceller(void) {
    int code = errno;
    wait_until(not_cancelling, NULL);
    errno = code;
}

unsigned next_number(unsigned *state) {
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}
