/* SPDX-License-Identifier: MIT */
/*
 * The life of a run, and the list of all of them.
 *
 * In the child of a fork nothing of a run is left but the fiber that forked: its worker goes on with it alone, and the others are
 * gone with their threads. The lists and counts here are made true again by after_fork.
 */
#include "sched/run.h"

#include "base/error.h"
#include "base/lock.h"
#include "base/machine.h"
#include "base/mem.h"
#include "base/signals.h"
#include "base/sys.h"
#include "base/thread.h"
#include "fiber/overflow.h"
#include "sched/sight.h"
#include "sched/watchdog.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static pthread_mutex_t runs_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static hawser__run *runs;

void hawser__runs_visit(void (*visit)(hawser__run *run, void *arg), void *arg) {
    pthread_mutex_lock(&runs_lock);
    for (hawser__run *run = runs; run; run = run->next)
        visit(run, arg);
    pthread_mutex_unlock(&runs_lock);
}

static void list(hawser__run *run) {
    static uint64_t begun;
    pthread_mutex_lock(&runs_lock);
    run->number = ++begun;
    run->next = runs;
    runs = run;
    pthread_mutex_unlock(&runs_lock);
}

static void unlist(hawser__run *run) {
    hawser__run **at = &runs;
    pthread_mutex_lock(&runs_lock);
    while (*at && *at != run)
        at = &(*at)->next;
    if (*at)
        *at = run->next;
    pthread_mutex_unlock(&runs_lock);
}

/* Nobody finds the run any more, and those who did and asked its workers something have an answer. */
static void retire(hawser__run *run) {
    unlist(run);
    for (int i = 0; i < run->count; i++)
        if (!run->workers[i].gone)
            hawser__inbox_handle(&run->workers[i].inbox);
}

/* Without a last word to those who wait for it: they are gone, too. */
static void drop(hawser__run *run) {
    unlist(run);
    for (int i = 0; i < run->opened; i++) {
        hawser__worker *worker = &run->workers[i];
        for (hawser__fiber *fiber = worker->fibers; fiber; fiber = fiber->all.next)
            hawser__context_release(&fiber->context);
        for (int class = 0; class < HAWSER__STACK_CLASSES; class++)
            if (worker->stacks[class])
                hawser__stacks_free(worker->stacks[class]);
    }
}

static hawser__run *first_on(const hawser__engine *engine) {
    pthread_mutex_lock(&runs_lock);
    hawser__run *run = runs;
    while (run && run->workers[0].engine != engine)
        run = run->next;
    pthread_mutex_unlock(&runs_lock);
    return run;
}

void hawser__runs_drop(const hawser__engine *engine) {
    hawser__run *run;
    while ((run = first_on(engine)))
        drop(run);
}

static void before_fork(void) {
    pthread_mutex_lock(&runs_lock);
}

static void after_fork_in_parent(void) {
    pthread_mutex_unlock(&runs_lock);
}

static void after_fork_in_child(void) {
    hawser__worker *worker = hawser__worker_current();
    pthread_mutex_unlock(&runs_lock);
    runs = worker ? worker->run : NULL;
    if (!worker)
        return;
    worker->run->next = NULL;
    hawser__free(worker->run->watchdog);   /* its thread has stayed behind */
    worker->run->watchdog = NULL;
    atomic_store(&worker->run->busy, 1);
    for (int i = 0; i < worker->run->count; i++)
        if (&worker->run->workers[i] != worker)
            hawser__worker_give_up(&worker->run->workers[i]);
    hawser__worker_after_fork(worker);
}

static void prepare(void) {
    pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
}

/* Counting. */

static void finish(hawser__run *run) {
    atomic_store_explicit(&run->over, true, memory_order_release);
    hawser__run_alarm(run);
}

int hawser__run_count(hawser__worker *worker) {
    size_t most = worker->run->options.max_fibers;
    size_t before = hawser__add(&worker->population, (size_t)1);
    if (before == 0)
        atomic_fetch_add(&worker->run->busy, 1);
    int result = most > 0 && before >= most ? -EAGAIN : hawser__timers_reserve(&worker->timers, before + 1);
    if (result < 0)
        hawser__run_uncount(worker);
    return result;
}

void hawser__run_uncount(hawser__worker *worker) {
    if (hawser__add(&worker->population, (size_t)-1) == 1 && atomic_fetch_sub(&worker->run->busy, 1) == 1)
        finish(worker->run);
}

void hawser__run_alarm(hawser__run *run) {
    atomic_fetch_add(&run->alarms, 1);
    for (int i = 0; i < run->count; i++)
        if (!run->workers[i].gone)
            run->workers[i].engine->ops->port_wake(run->workers[i].port);
}

static void wake_principal(hawser__task *principal) {
    hawser__run_alarm((hawser__run *)((char *)principal - offsetof(hawser__run, principal)));
}

static hawser__worker *least_busy(hawser__run *run) {
    hawser__worker *best = NULL;
    for (int i = 0; i < run->count; i++)
        if (!run->workers[i].gone && (!best || atomic_load(&run->workers[i].population) < atomic_load(&best->population)))
            best = &run->workers[i];
    return best;
}

hawser__worker *hawser__run_worker(hawser__run *run, int number) {
    hawser__worker *own = hawser__worker_current();
    if (number == HAWSER_ANY_WORKER || (number == 0 && (!own || own->run != run)))
        return least_busy(run);
    if (number == 0)
        return own;
    bool there = number > 0 && number <= run->count && !run->workers[number - 1].gone;
    return there ? &run->workers[number - 1] : NULL;
}

/* Workers. */

static void work(hawser__worker *worker) {
    void *stack = NULL;
    if (!hawser__machine_here)
        (void)hawser__overflow_thread_begin(&stack);   /* without one an overflow kills without a word */
    hawser__worker_loop(worker);
    hawser__overflow_thread_end(stack);
}

static void *work_on_thread(void *argument) {
    work(argument);
    return NULL;
}

static void close_workers(hawser__run *run, int opened) {
    for (int i = 0; i < opened; i++)
        if (!run->workers[i].gone)
            hawser__worker_close(&run->workers[i]);
}

static int open_workers(hawser__run *run, hawser__engine *engine) {
    for (int i = 0; i < run->count; i++) {
        int result = hawser__worker_open(&run->workers[i], run, i + 1, engine);
        if (result < 0) {
            close_workers(run, i);
            return result;
        }
    }
    return 0;
}

static int first_fiber(void *arg) {
    hawser__run *run = arg;
    run->result = run->fn(run->arg);
    hawser__failure_keep(&run->failure, hawser__task_current(), errno ? errno : EIO);
    return run->result;
}

static int start_threads(hawser__run *run) {
    for (int i = 1; i < run->count; i++) {
        hawser__worker *worker = &run->workers[i];
        int result = hawser__thread_begin(work_on_thread, worker, &worker->thread);
        if (result < 0) {
            run->count = i;   /* nobody knows of the others yet */
            for (int k = i; k < run->opened; k++)
                hawser__worker_close(&run->workers[k]);
            run->opened = i;
            return result;
        }
    }
    return 0;
}

/* Started last, when all that can fail has gone well; the workers wait for it, because `over` is false until the first fiber has come
 * and gone. */
static int start(hawser__run *run) {
    static const hawser_go_options main_fiber = {.name = "main"};
    int result = start_threads(run);
    if (result == 0) {
        list(run);
        result = hawser__watchdog_start(run);
    }
    if (result == 0)
        result = hawser__fiber_start(&run->workers[0], &main_fiber, first_fiber, run);
    return result;
}

static void join_threads(hawser__run *run) {
    for (int i = 1; i < run->count; i++)
        if (!run->workers[i].gone)
            hawser__thread_join(run->workers[i].thread);
}

static int run_workers(hawser__run *run) {
    int result = start(run);
    if (result < 0)
        finish(run);
    else
        work(&run->workers[0]);
    join_threads(run);
    retire(run);
    hawser__watchdog_stop(run);
    return result;
}

static bool has_left_stack(const hawser__worker *worker, const hawser__fiber *fiber, const void *address, const void *sp) {
    uintptr_t at = (uintptr_t)sp, lowest = (uintptr_t)fiber->stack;
    for (int i = 0; i < HAWSER__STACK_CLASSES; i++) {
        hawser__stacks *pool = atomic_load(&worker->stacks[i]);
        if (pool && hawser__stacks_guard_hit(pool, address) == fiber->stack)
            return true;
    }
    return sp && (at < lowest || at > lowest + fiber->stack_size);
}

/* On the alternate stack of a process that is about to die: what a signal handler may not call (the name of a function is looked
 * up, which may take a lock) is worth its risk here. */
bool hawser__run_describe_overflow(const void *address, const void *sp, char *text, size_t size) {
    hawser__worker *worker = hawser__worker_current();
    hawser__fiber *fiber = worker ? worker->running : NULL;
    if (!fiber || !has_left_stack(worker, fiber, address, sp))
        return false;
    char function[128], name[HAWSER__QUOTED] = "";
    hawser__function_text(fiber->fn == first_fiber ? worker->run->fn : fiber->fn, function, sizeof function);
    if (fiber->name[0])
        hawser__quote(fiber->name, name, sizeof name);
    snprintf(text, size, "hawser: fiber %llu%s%s%s (started with %s) overflowed its stack of %zu bytes\n",
             (unsigned long long)fiber->number, *name ? " \"" : "", name, *name ? "\"" : "", function, fiber->stack_size);
    return true;
}

static hawser__run *run_new(hawser_fn fn, void *arg, const hawser_run_options *options) {
    int count = options->workers > 0 ? options->workers : hawser__sys_processors();
    hawser__run *run = hawser__zalloc(sizeof *run + (size_t)count * sizeof run->workers[0]);
    if (!run)
        return NULL;
    hawser__task_init(&run->principal, NULL);
    run->principal.wake = wake_principal;
    run->options = *options;
    run->count = run->opened = count;
    run->fn = fn;
    run->arg = arg;
    return run;
}

static int conduct(hawser__run *run, hawser__engine *engine) {
    (void)hawser__task_current();   /* the thread's own record: with the first one the process is prepared for forks */
    pthread_once(&once, prepare);
    bool reports = !run->options.no_overflow_report && !hawser__machine_here;   /* a world has its own: sim/death.c */
    int overflow = reports ? hawser__overflow_begin(hawser__run_describe_overflow) : -1;
    int result = open_workers(run, engine);
    if (result == 0) {
        result = run_workers(run);
        hawser__signals_forget(&run->principal);   /* those whom a signal wakes must still be there */
        close_workers(run, run->opened);
    }
    if (overflow == 0)
        hawser__overflow_end();
    return result;
}

/* What the run left for the caller; errno stays as it was unless the first fiber failed. */
static int hand_in(hawser__run *run, int saved) {
    int result = run->result;
    errno = saved;
    if (result < 0)
        hawser__failure_tell(&run->failure);
    hawser__free(run);
    return result;
}

int hawser__run_on(hawser__engine *engine, hawser_fn fn, void *arg, const hawser_run_options *options) {
    int saved = errno;
    hawser__run *run = run_new(fn, arg, options);
    int result = run ? conduct(run, engine) : -ENOMEM;
    if (result == 0)
        return hand_in(run, saved);
    hawser__free(run);
    return hawser__fail(result, "run fibers");
}
