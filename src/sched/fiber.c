/* SPDX-License-Identifier: MIT */
/* The life of a fiber: where its record and its stack come from, its first and its last step. */
#include "sched/fiber.h"

#include "base/error.h"
#include "base/mem.h"
#include "sched/defer.h"
#include "sched/group.h"
#include "sched/lend.h"
#include "sched/run.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define CACHE_LINE 64
#define DEFAULT_STACK ((size_t)64 * 1024)
#define SMALLEST_CLASS 13   /* 8 KiB: two pages */

hawser__fiber *hawser__fiber_current(void) {
    return hawser__task_current()->fiber;
}

/* Stacks come in powers of two, one pool for each. */

static int stack_class(size_t size) {
    int class = SMALLEST_CLASS;
    while (class < HAWSER__STACK_CLASSES && ((size_t)1 << class) < size)
        class++;
    return class;
}

static hawser__stacks *pool_for(hawser__worker *worker, size_t size) {
    int class = stack_class(size);
    if (class >= HAWSER__STACK_CLASSES)
        return NULL;
    hawser__stacks *pool = atomic_load(&worker->stacks[class]), *made;
    if (pool || !(made = hawser__stacks_new((size_t)1 << class)))
        return pool;
    if (atomic_compare_exchange_strong(&worker->stacks[class], &pool, made))
        return made;
    hawser__stacks_free(made);   /* another thread was faster */
    return pool;
}

/* The first and the last step. */

static void run_fiber(void *arg) {
    hawser__fiber *self = arg;
    hawser__worker_arrive(self->worker);
    errno = 0;
    int result = self->fn(self->arg);
    int error = errno;
    hawser__group_note(self, result, error);
    hawser__defers_run(&self->task);
    hawser__lend_return(&self->task);
    hawser__task_done(&self->task);
    hawser__worker_leave(self);
}

/* Birth. */

/* The record at the top of the slot, on a line of the cache that its neighbours do not use. */
static hawser__fiber *place(hawser__stacks *pool, void *stack, size_t size) {
    uintptr_t top = (uintptr_t)stack + size - CACHE_LINE * hawser__stacks_colour(pool, stack);
    return (hawser__fiber *)((top - sizeof(hawser__fiber)) & ~(uintptr_t)(CACHE_LINE - 1));
}

static hawser__fiber *make(hawser__worker *worker, size_t stack_size) {
    size_t size, wanted = stack_size ? stack_size : worker->run->options.stack_size;
    hawser__stacks *pool = pool_for(worker, wanted ? wanted : DEFAULT_STACK);
    void *stack = pool ? hawser__stacks_take(pool, &size) : NULL;
    if (!stack)
        return NULL;
    hawser__fiber *made = place(pool, stack, size);
    hawser__task_init(&made->task, stack);   /* the far end of the stack, in a page that is hardly ever touched */
    made->state = HAWSER__READY_TO_RUN;
    made->expired = false;
    made->timer.place = 0;
    atomic_init(&made->posted, false);
    made->stacks = pool;
    made->stack = stack;
    made->stack_size = size;
    made->worker = worker;
    made->group = NULL;
    made->task.may_defer = true;
    hawser__context_make(&made->context, stack, (size_t)((char *)made - (char *)stack), run_fiber, made);
    return made;
}

static void unmake(hawser__fiber *fiber) {
    hawser__stacks *pool = fiber->stacks;
    void *stack = fiber->stack;
    hawser__context_release(&fiber->context);
    hawser__stacks_give(pool, stack);
}

static void describe(hawser__fiber *fiber, const char *name, hawser_fn fn, void *arg) {
    hawser__run *run = fiber->worker->run;
    fiber->fn = fn;
    fiber->arg = arg;
    fiber->number = hawser__add(&run->fibers, 1) + 1;
    fiber->task.fiber = fiber;
    fiber->task.wake = hawser__worker_wake;
    fiber->task.principal = &run->principal;
    fiber->task.serves = hawser__task_current()->serves;
    fiber->name[0] = '\0';
    if (name)
        snprintf(fiber->name, sizeof fiber->name, "%s", name);
}

/* A worker that has not will mark this fiber together with the others. */
static bool has_passed_on_cancellation(const hawser__worker *worker) {
    return worker->cancellations == atomic_load(&worker->run->cancellations);
}

static void begin(hawser__fiber *fiber) {
    hawser__worker *worker = fiber->worker;
    fiber->since = worker->now;
    fiber->all = (struct hawser__links){.next = worker->fibers};
    if (worker->fibers)
        worker->fibers->all.previous = fiber;
    worker->fibers = fiber;
    if (atomic_load_explicit(&worker->run->cancelled, memory_order_relaxed) && has_passed_on_cancellation(worker))
        atomic_store(&fiber->task.cancelled, true);
    hawser__worker_ready(worker, fiber);
}

static void begin_posted(hawser__post *post) {
    hawser__fiber *fiber = (hawser__fiber *)((char *)post - offsetof(hawser__fiber, post));
    atomic_store(&fiber->posted, false);
    begin(fiber);
}

static void hand_over(hawser__fiber *fiber) {
    if (fiber->worker == hawser__worker_current()) {
        begin(fiber);
        return;
    }
    atomic_store_explicit(&fiber->posted, true, memory_order_relaxed);
    fiber->post.handle = begin_posted;
    hawser__worker_post(fiber->worker, &fiber->post);
}

int hawser__fiber_start(hawser__worker *worker, const hawser_go_options *options, hawser_fn fn, void *arg) {
    int result = hawser__run_count(worker);
    if (result < 0)
        return result;
    hawser__fiber *fiber = make(worker, options->stack_size);
    result = fiber ? 0 : -ENOMEM;
    if (fiber) {
        describe(fiber, options->name, fn, arg);
        result = hawser__group_join(options->group, fiber, hand_over);
        if (result < 0)
            unmake(fiber);
    }
    if (result < 0)
        hawser__run_uncount(worker);
    return result;
}

void hawser__fiber_recycle(hawser__fiber *fiber) {
    hawser__worker *worker = fiber->worker;
    hawser__lock_take(&worker->naming);
    unmake(fiber);
    hawser__lock_drop(&worker->naming);
    hawser__run_uncount(worker);
}

/* Once it has left its group nobody wakes it any more. A last wake-up that is in the inbox must not be found there when the record
 * is another fiber's, so it is the one to recycle it. */
void hawser__fiber_end(hawser__fiber *fiber) {
    *(fiber->all.previous ? &fiber->all.previous->all.next : &fiber->worker->fibers) = fiber->all.next;
    if (fiber->all.next)
        fiber->all.next->all.previous = fiber->all.previous;
    hawser__group_leave(fiber);
    if (!atomic_load(&fiber->posted))
        hawser__fiber_recycle(fiber);
}

/* Names. */

void hawser__fiber_setname(hawser__fiber *fiber, const char *name) {
    hawser__lock_take(&fiber->worker->naming);
    snprintf(fiber->name, sizeof fiber->name, "%s", name);
    hawser__lock_drop(&fiber->worker->naming);
}
