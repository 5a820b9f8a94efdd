/* SPDX-License-Identifier: MIT */
#include "sched/defer.h"

#include "base/error.h"
#include "base/mem.h"

#include <hawser/run.h>

#include <errno.h>

struct hawser__defer {
    struct hawser__defer *next;
    void (*fn)(void *arg);
    void *arg;
};

void hawser__defers_run(hawser__task *task) {
    while (task->defers) {
        struct hawser__defer *defer = task->defers;
        task->defers = defer->next;
        defer->fn(defer->arg);
        hawser__free(defer);
    }
}

int hawser_defer(void (*fn)(void *arg), void *arg) {
    hawser__task *task = hawser__task_current();
    struct hawser__defer *made = task->may_defer ? hawser__alloc(sizeof *made) : NULL;
    if (!made)
        return hawser__fail(task->may_defer ? ENOMEM : EINVAL, "defer in %s", task->fiber ? "a fiber" : "a plain thread");
    *made = (struct hawser__defer){.next = task->defers, .fn = fn, .arg = arg};
    task->defers = made;
    return 0;
}
