/* SPDX-License-Identifier: MIT */
/* Starting fibers, and what a fiber may ask about itself: run.h, except hawser_run itself, hawser_defer and hawser_dump. */
#include "base/error.h"
#include "base/sys.h"
#include "sched/group.h"
#include "sched/run.h"

#include <errno.h>
#include <string.h>

static const hawser_go_options defaults;

/* The run that the fiber is to join: the group's, or the caller's. */
static hawser__run *run_for(const hawser_go_options *options) {
    hawser__fiber *self = hawser__fiber_current();
    if (options->group)
        return hawser__group_run(options->group);
    return self ? self->worker->run : NULL;
}

int hawser_go_with(const hawser_go_options *options, hawser_fn fn, void *arg) {
    hawser_go_options chosen = options ? *options : defaults;
    hawser__fiber *self = hawser__fiber_current();
    hawser__run *run = run_for(&chosen);
    if (!run)
        return hawser__fail(EINVAL, "start fiber from a plain thread, outside of hawser_run");
    if (!fn)
        return hawser__fail(EINVAL, "start fiber without a function");
    if (!chosen.group && self)
        chosen.group = self->group;
    hawser__worker *worker = hawser__run_worker(run, chosen.worker);
    if (!worker)
        return hawser__fail(EINVAL, "start fiber on worker %d of %d", chosen.worker, run->count);
    int result = hawser__fiber_start(worker, &chosen, fn, arg);
    return result < 0 ? hawser__fail(result, "start fiber on worker %d", worker->number) : 0;
}

int hawser_go(hawser_fn fn, void *arg) {
    return hawser_go_with(&defaults, fn, arg);
}

int hawser_go_on(int worker, hawser_fn fn, void *arg) {
    hawser_go_options options = {.worker = worker};
    return hawser_go_with(&options, fn, arg);
}

int hawser_group_go(hawser_group *group, hawser_fn fn, void *arg) {
    hawser_go_options options = {.group = group};
    return hawser_go_with(&options, fn, arg);
}

void hawser_yield(void) {
    hawser__fiber *self = hawser__fiber_current();
    if (self)
        hawser__worker_yield(self);
    else
        hawser__sys_yield();
}

int hawser_worker(void) {
    hawser__fiber *self = hawser__fiber_current();
    return self ? self->worker->number : 0;
}

int hawser_workers(void) {
    hawser__fiber *self = hawser__fiber_current();
    return self ? self->worker->run->count : 0;
}

void hawser_run_cancel(void) {
    hawser__fiber *self = hawser__fiber_current();
    hawser__run *run = self ? self->worker->run : NULL;
    if (!run)
        return;
    atomic_store(&run->cancelled, true);
    atomic_fetch_add(&run->cancellations, 1);
    hawser__worker_cancel(self->worker);
    hawser__run_alarm(run);
}

void hawser_fiber_setname(const char *name) {
    hawser__fiber *self = hawser__fiber_current();
    if (self)
        hawser__fiber_setname(self, name);
}

const char *hawser_fiber_name(void) {
    hawser__fiber *self = hawser__fiber_current();
    return self ? self->name : "";
}

size_t hawser_fiber_stack_used(void) {
    hawser__fiber *self = hawser__fiber_current();
    return self ? hawser__stack_touched(self->stack, self->stack_size) : 0;
}
