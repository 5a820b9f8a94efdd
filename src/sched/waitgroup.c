/* SPDX-License-Identifier: MIT */
/* Wait groups: a count, and those who wait for it to be 0. They are granted at that moment, even if it grows again at once. */
#include "base/error.h"
#include "base/mem.h"
#include "sched/park.h"
#include "sched/waiters.h"

#include <hawser/sync.h>

struct hawser_waitgroup {
    hawser__lock lock;
    size_t count;
    hawser__waiters line;
};

hawser_waitgroup *hawser_waitgroup_new(void) {
    hawser_waitgroup *waitgroup = hawser__zalloc(sizeof *waitgroup);
    if (!waitgroup)
        hawser__fail(ENOMEM, "make wait group");
    return waitgroup;
}

int hawser_waitgroup_add(hawser_waitgroup *waitgroup, size_t count) {
    hawser__lock_take(&waitgroup->lock);
    bool fits = count <= SIZE_MAX - waitgroup->count;
    if (fits)
        waitgroup->count += count;
    hawser__lock_drop(&waitgroup->lock);
    return fits ? 0 : hawser__fail(ERANGE, "add %zu to wait group", count);
}

int hawser_waitgroup_done(hawser_waitgroup *waitgroup) {
    hawser__waiter *all = NULL;
    hawser__lock_take(&waitgroup->lock);
    bool counted = waitgroup->count > 0;
    if (counted && --waitgroup->count == 0)
        all = hawser__waiters_take_all(&waitgroup->line);
    hawser__lock_drop(&waitgroup->lock);
    hawser__waiters_grant_all(all);
    return counted ? 0 : hawser__fail(ERANGE, "leave wait group");
}

static bool is_empty(hawser_waitgroup *waitgroup, hawser__waiter *waiter) {
    hawser__lock_take(&waitgroup->lock);
    bool empty = waitgroup->count == 0;
    if (!empty)
        hawser__waiters_add(&waitgroup->line, waiter);
    hawser__lock_drop(&waitgroup->lock);
    return empty;
}

int hawser_waitgroup_wait(hawser_waitgroup *waitgroup) {
    hawser__waiter waiter = {.task = hawser__task_current()};
    int code = hawser__interrupt_check();
    if (code == 0 && !is_empty(waitgroup, &waiter))
        code = hawser__waiters_wait(&waitgroup->line, &waiter, &waitgroup->lock, "wait group", waitgroup);
    return code < 0 ? hawser__fail(code, "wait for wait group") : 0;
}

void hawser_waitgroup_free(hawser_waitgroup *waitgroup) {
    hawser__free(waitgroup);
}
