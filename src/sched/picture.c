/* SPDX-License-Identifier: MIT */
/* Lines are put together by hand: printf would take three times as long, and the fibers of the worker stand still meanwhile. */
#include "sched/picture.h"

#include "sched/sight.h"

#include <limits.h>
#include <string.h>

#define LINE 640
#define MS (HAWSER__SECOND / 1000)

struct picture {
    struct hawser__buffer *text;
    int64_t now;
    hawser_fn fn;                     /* looked up last: fibers of one kind are many, and come together */
    char function[HAWSER__CALLED];
};

struct line {
    size_t used;
    char text[LINE];
};

/* What does not fit is cut; there is always room for the end of the line. */
static void add(struct line *line, const char *text) {
    size_t length = strlen(text), room = sizeof line->text - 1 - line->used;
    length = length < room ? length : room;
    memcpy(line->text + line->used, text, length);
    line->used += length;
}

static void add_number(struct line *line, uint64_t number, unsigned base, int digits) {
    char text[24], *at = text + sizeof text;
    *--at = '\0';
    for (; number > 0 || digits > 0; number /= base, digits--)
        *--at = "0123456789abcdef"[number % base];
    add(line, at);
}

static const char *name_of(struct picture *picture, const hawser__fiber *fiber) {
    if (fiber->name[0])
        return fiber->name;
    if (picture->fn != fiber->fn)
        hawser__function_text(fiber->fn, picture->function, sizeof picture->function);
    picture->fn = fiber->fn;
    return picture->function;
}

/* " on 7" or " on 0x55d0c8a1f2a0": descriptors are small and addresses are not. */
static void add_object(struct line *line, int64_t object) {
    if (object < 0)
        return;
    add(line, object > INT_MAX ? " on 0x" : " on ");
    add_number(line, (uint64_t)object, object > INT_MAX ? 16 : 10, 1);
}

static void add_wait(struct line *line, const hawser__fiber *fiber, int64_t now) {
    int64_t ms = now > fiber->since ? (now - fiber->since) / MS : 0;
    add(line, "waits");
    if (fiber->task.waits_for) {
        add(line, " for ");
        add(line, fiber->task.waits_for);
        add_object(line, fiber->task.waits_on);
    }
    add(line, " since ");
    add_number(line, (uint64_t)(ms / 1000), 10, 1);
    add(line, ".");
    add_number(line, (uint64_t)(ms % 1000), 10, 3);
    add(line, " s");
}

static int add_fiber(struct picture *picture, const hawser__fiber *fiber) {
    char name[HAWSER__QUOTED];
    struct line line;
    line.used = 0;
    hawser__quote(name_of(picture, fiber), name, sizeof name);
    add(&line, "fiber ");
    add_number(&line, fiber->number, 10, 1);
    add(&line, " \"");
    add(&line, name);
    add(&line, "\" ");
    if (fiber->state == HAWSER__PARKED)
        add_wait(&line, fiber, picture->now);
    else
        add(&line, fiber->state == HAWSER__RUNNING ? "runs" : "is ready");
    line.text[line.used++] = '\n';
    return hawser__buffer_append(picture->text, line.text, line.used);
}

int64_t hawser__picture_take(hawser__worker *worker, struct hawser__buffer *text) {
    struct picture picture = {.text = text, .now = worker->engine->ops->now(worker->engine)};
    const hawser__fiber *fiber = worker->fibers;
    int64_t count = 0;
    while (fiber && fiber->all.next)
        fiber = fiber->all.next;
    for (; fiber; fiber = fiber->all.previous) {
        int result = fiber->state == HAWSER__ENDED ? 0 : add_fiber(&picture, fiber);
        if (result < 0)
            return result;
        count += fiber->state != HAWSER__ENDED;
    }
    return count;
}
