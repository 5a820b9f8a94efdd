/* SPDX-License-Identifier: MIT */
#include "sched/worker.h"

#include "base/mem.h"
#include "base/wake.h"
#include "sched/lend.h"
#include "sched/run.h"

#include <errno.h>

/* Switches between two looks at the port, when there is always a fiber that can run: a look costs some 100 ns. */
#define TURNS 128
/* Operations in a row. */
#define SPENDING 64
#define CACHE_LINE 64
#define STACK_LINES 11
#define RECORD_LINES 3
#define TRIM_EVERY (1 * HAWSER__SECOND)

static _Thread_local hawser__worker *here __attribute__((tls_model("initial-exec")));

__attribute__((noinline)) hawser__worker *hawser__worker_current(void) {
    return here;
}

__attribute__((noinline)) hawser__worker *hawser__worker_switch(hawser__worker *worker) {
    hawser__worker *before = here;
    here = worker;
    return before;
}

int hawser__worker_open(hawser__worker *worker, hawser__run *run, int number, hawser__engine *engine) {
    worker->run = run;
    worker->number = number;
    worker->engine = engine;
    worker->last = &worker->first;
    int result = hawser__timers_reserve(&worker->timers, 1);
    if (result == 0)
        result = engine->ops->port_open(engine, &worker->port);
    if (result < 0)
        hawser__timers_done(&worker->timers);
    return result;
}

void hawser__worker_close(hawser__worker *worker) {
    for (int i = 0; i < HAWSER__STACK_CLASSES; i++)
        if (worker->stacks[i])
            hawser__stacks_free(worker->stacks[i]);
    hawser__lend_done(worker);
    worker->engine->ops->port_close(worker->port);
    hawser__timers_done(&worker->timers);
}

/* The queue. */

void hawser__worker_ready(hawser__worker *worker, hawser__fiber *fiber) {
    fiber->state = HAWSER__READY_TO_RUN;
    fiber->next = NULL;
    *worker->last = fiber;
    worker->last = &fiber->next;
}

static hawser__fiber *take_first(hawser__worker *worker) {
    hawser__fiber *fiber = worker->first;
    if (fiber) {
        worker->first = fiber->next;
        if (!worker->first)
            worker->last = &worker->first;
    }
    return fiber;
}

/* Switching. */

/* Asks for COUNT lines of the cache from AT on, without loop or branch. */
#define ASK_FOR(at, count)                                                                                                    \
    _Pragma("GCC unroll 11") for (int i = 0; i < (count); i++)                                                                 \
        __builtin_prefetch((const char *)(at) + i * CACHE_LINE)

/* Who has been parked for long has gone cold. While this fiber runs, the stack of the next and the record of the one after that
 * are asked for: what a wait leaves on the stack, from the switch up to the handler's own frame, is some STACK_LINES. */
__attribute__((always_inline)) static inline void look_ahead(const hawser__worker *worker) {
    const hawser__fiber *next = worker->first;
    if (!next)
        return;
    ASK_FOR(next->context.sp, STACK_LINES);
    if (next->next)
        ASK_FOR(next->next, RECORD_LINES);
}

static void enter(hawser__worker *worker, hawser__fiber *fiber) {
    atomic_store_explicit(&worker->watched_switches,
                          atomic_load_explicit(&worker->watched_switches, memory_order_relaxed) + 1, memory_order_relaxed);
    fiber->state = HAWSER__RUNNING;
    atomic_store_explicit(&worker->running, fiber, memory_order_release);   /* sight.c reads its record */
    worker->spending = SPENDING;
    hawser__task_switch(&fiber->task);
    look_ahead(worker);
}

static void enter_loop(hawser__worker *worker) {
    atomic_store_explicit(&worker->running, NULL, memory_order_relaxed);
    hawser__task_switch(NULL);
}

/* Who runs next: a fiber, or NULL, which is the loop. */
static inline hawser__fiber *enter_next(hawser__worker *worker) {
    hawser__fiber *next = worker->turns > 0 ? take_first(worker) : NULL;
    if (next) {
        worker->turns--;
        enter(worker, next);
    } else {
        enter_loop(worker);
    }
    return next;
}

void hawser__worker_arrive(hawser__worker *worker) {
    hawser__fiber *ended = worker->ended;
    if (!ended)
        return;
    worker->ended = NULL;
    worker->trims = 2;
    hawser__fiber_end(ended);
}

/* Returns when SELF is switched to again. */
static void switch_away(hawser__worker *worker, hawser__fiber *self) {
    int saved = errno;
    hawser__fiber *next = enter_next(worker);
    if (!next)
        hawser__context_switch(&self->context, &worker->loop);
    else if (next != self)
        hawser__context_switch_alike(&self->context, &next->context);
    if (worker->ended)
        hawser__worker_arrive(worker);
    errno = saved;
}

void hawser__worker_park(hawser__fiber *self, hawser__deadline deadline) {
    hawser__worker *worker = self->worker;
    self->state = HAWSER__PARKED;
    self->since = worker->now;
    if (deadline != HAWSER__NEVER)
        hawser__timers_add(&worker->timers, &self->timer, deadline);
    switch_away(worker, self);
    hawser__timers_remove(&worker->timers, &self->timer);
}

void hawser__worker_yield(hawser__fiber *self) {
    hawser__worker *worker = self->worker;
    hawser__worker_ready(worker, self);
    switch_away(worker, self);
}

_Noreturn void hawser__worker_leave(hawser__fiber *self) {
    hawser__worker *worker = self->worker;
    self->state = HAWSER__ENDED;
    worker->ended = self;
    hawser__fiber *next = enter_next(worker);
    hawser__context_exit(&self->context, next ? &next->context : &worker->loop);
}

/* To the loop, which looks at the timers and the port as well: what has been done in a row may have taken long. */
static void give_way(hawser__worker *worker, hawser__fiber *self) {
    worker->turns = 0;
    hawser__worker_yield(self);
}

void hawser__worker_spend(void) {
    hawser__worker *worker = here;
    hawser__fiber *self = worker ? atomic_load_explicit(&worker->running, memory_order_relaxed) : NULL;
    if (self && --worker->spending == 0)
        give_way(worker, self);
}

void hawser__worker_give_way(void) {
    hawser__worker *worker = here;
    hawser__fiber *self = worker ? atomic_load_explicit(&worker->running, memory_order_relaxed) : NULL;
    if (self)
        give_way(worker, self);
}

/* Waking. */

static void wake_posted(hawser__post *post) {
    hawser__fiber *fiber = (hawser__fiber *)((char *)post - offsetof(hawser__fiber, post));
    atomic_store(&fiber->posted, false);
    if (fiber->state == HAWSER__ENDED)
        hawser__fiber_recycle(fiber);
    else if (fiber->state == HAWSER__PARKED && atomic_load(&fiber->task.woken))
        hawser__worker_ready(fiber->worker, fiber);
}

/* From another thread: the mark first, then the post, unless one is on its way; the worker clears `posted` first and looks at the
 * mark second. So a mark is never without somebody who looks at it. */
void hawser__worker_wake(hawser__task *task) {
    hawser__fiber *fiber = task->fiber;
    hawser__worker *worker = fiber->worker;
    if (worker == here) {
        atomic_store_explicit(&task->woken, true, memory_order_relaxed);
        if (fiber->state == HAWSER__PARKED)
            hawser__worker_ready(worker, fiber);
        return;
    }
    if (atomic_exchange(&task->woken, true) || atomic_exchange(&fiber->posted, true))
        return;
    fiber->post.handle = wake_posted;
    hawser__worker_post(worker, &fiber->post);
}

/* The worker says that it falls asleep and then looks into its inbox; whoever posts does it the other way round. */
void hawser__worker_post(hawser__worker *worker, hawser__post *post) {
    if (hawser__inbox_push(&worker->inbox, post) && atomic_load(&worker->asleep))
        worker->engine->ops->port_wake(worker->port);
}

void hawser__worker_stir(hawser__worker *worker) {
    for (hawser__fiber *fiber = worker->fibers; fiber; fiber = fiber->all.next) {
        if (!hawser__task_cut(&fiber->task))
            continue;
        atomic_store(&fiber->task.woken, true);
        if (fiber->state == HAWSER__PARKED)
            hawser__worker_ready(worker, fiber);
    }
}

/* The loop. */

static void expire(hawser__worker *worker) {
    hawser__timer *timer;
    while ((timer = hawser__timers_take(&worker->timers, worker->now))) {
        hawser__fiber *fiber = (hawser__fiber *)((char *)timer - offsetof(hawser__fiber, timer));
        fiber->expired = true;
        if (fiber->state == HAWSER__PARKED)
            hawser__worker_ready(worker, fiber);
    }
}

static void run_ready(hawser__worker *worker) {
    hawser__fiber *next;
    worker->turns = TURNS;
    while (worker->turns > 0 && (next = take_first(worker))) {
        worker->turns--;
        enter(worker, next);
        hawser__context_switch(&worker->loop, &next->context);
        hawser__worker_arrive(worker);
    }
}

/* What was free for a whole period goes back to the system: it takes two looks to know. */
static void trim(hawser__worker *worker) {
    if (worker->trims == 0 || worker->now < worker->next_trim)
        return;
    for (int i = 0; i < HAWSER__STACK_CLASSES; i++)
        if (worker->stacks[i])
            hawser__stacks_trim(worker->stacks[i]);
    worker->trims--;
    worker->next_trim = worker->now + TRIM_EVERY;
}

static hawser__deadline sleep_until(hawser__worker *worker) {
    hawser__deadline first = hawser__timers_first(&worker->timers);
    if (worker->first)
        return HAWSER__NOW;
    return worker->trims > 0 && worker->next_trim < first ? worker->next_trim : first;
}

static void sleep_in_port(hawser__worker *worker) {
    hawser__deadline until = sleep_until(worker);
    atomic_store(&worker->asleep, true);
    if (!hawser__inbox_empty(&worker->inbox) || hawser__run_is_over(worker->run) ||
        hawser__run_alarms(worker->run) != worker->heard)
        until = HAWSER__NOW;
    worker->engine->ops->port_wait(worker->port, until);
    atomic_store_explicit(&worker->asleep, false, memory_order_relaxed);
}

void hawser__worker_cancel(hawser__worker *worker) {
    unsigned cancellations = atomic_load(&worker->run->cancellations);
    if (worker->cancellations == cancellations)
        return;
    worker->cancellations = cancellations;
    for (hawser__fiber *fiber = worker->fibers; fiber; fiber = fiber->all.next)
        atomic_store(&fiber->task.cancelled, true);
}

static void answer_alarm(hawser__worker *worker) {
    unsigned alarms = hawser__run_alarms(worker->run);
    if (alarms == worker->heard)
        return;
    worker->heard = alarms;
    hawser__worker_cancel(worker);
    hawser__worker_stir(worker);
}

void hawser__worker_loop(hawser__worker *worker) {
    here = worker;
    hawser__context_adopt(&worker->loop);
    while (!hawser__run_is_over(worker->run)) {
        worker->now = worker->engine->ops->now(worker->engine);
        hawser__inbox_handle(&worker->inbox);
        answer_alarm(worker);
        expire(worker);
        run_ready(worker);
        if (!worker->first)
            trim(worker);
        sleep_in_port(worker);
    }
    here = NULL;
}

void hawser__worker_after_fork(hawser__worker *worker) {
    hawser__fiber *self = worker->running;
    worker->first = NULL;
    worker->last = &worker->first;
    worker->fibers = self;
    self->all = (struct hawser__links){0};
    atomic_store(&self->posted, false);
    atomic_store(&worker->inbox.newest, NULL);
    atomic_store(&worker->population, 1);
    worker->timers.count = 0;
    worker->timers.lock = (hawser__lock){0};
    worker->naming = (hawser__lock){0};
    for (int i = 0; i < HAWSER__STACK_CLASSES; i++)
        if (worker->stacks[i])
            hawser__stacks_after_fork(worker->stacks[i]);
    worker->engine->ops->port_after_fork(worker->port);
}

void hawser__worker_give_up(hawser__worker *worker) {
    const struct hawser__engine_ops *ops = worker->engine->ops;
    if (worker->gone)
        return;
    worker->gone = true;
    ops->port_after_fork(worker->port);
    ops->port_close(worker->port);
}
