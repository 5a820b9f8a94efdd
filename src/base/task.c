/* SPDX-License-Identifier: MIT */
/*
 * Task records of plain threads: one a thread, in thread-local storage; what it holds (wake descriptor, lent buffer, attempts)
 * is made when first needed and released when the thread ends.
 *
 * After fork the child's only thread keeps its record, but not the wake descriptor, which would be shared with the parent.
 */
#include "base/task.h"

#include "base/mem.h"
#include "base/signals.h"
#include "base/wake.h"

#include <pthread.h>

static _Thread_local hawser__task current = {.wake_fd = -1};
static pthread_key_t end_of_thread;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static bool have_key;
static atomic_uint forks;

static void release(void *argument) {
    hawser__task *task = argument;
    hawser__signals_forget(task);
    hawser__task_drop_wake_fd(task);
    hawser__free(task->attempts);
    hawser__free(task->lent);
    task->attempts = NULL;
    task->lent = NULL;
    task->attempt_count = 0;
    task->registered = false;
}

static void after_fork(void) {
    atomic_fetch_add(&forks, 1);
    hawser__signals_after_fork(&current);
    hawser__task_drop_wake_fd(&current);
}

unsigned hawser__fork_generation(void) {
    return atomic_load_explicit(&forks, memory_order_relaxed);
}

static void prepare(void) {
    have_key = pthread_key_create(&end_of_thread, release) == 0;
    pthread_atfork(NULL, NULL, after_fork);
}

/* Registers the thread's end. Without a free key (1,024 a process) a thread that ends leaks its wake descriptor: accepted. */
__attribute__((noinline)) hawser__task *hawser__task_current(void) {
    if (!current.registered) {
        pthread_once(&once, prepare);
        current.registered = !have_key || pthread_setspecific(end_of_thread, &current) == 0;
    }
    return &current;
}
