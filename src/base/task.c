/* SPDX-License-Identifier: MIT */
/*
 * Task records. A plain thread's is in thread-local storage: what it holds (wake descriptor, lent buffer, attempts) is made
 * when first needed and released when the thread ends. A fiber's belongs to the scheduler, which says which one is current.
 *
 * After fork the child's only thread keeps its record, but not the wake descriptor, which would be shared with the parent.
 */
#include "base/task.h"

#include "base/mem.h"
#include "base/signals.h"
#include "base/wake.h"

#include <pthread.h>

/* In the thread's static block, so that asking costs no call into the dynamic linker. */
static _Thread_local hawser__task own __attribute__((tls_model("initial-exec"))) = {.wake_fd = -1, .deadline = HAWSER__NEVER};
static _Thread_local char own_sentence[HAWSER__SENTENCE];
static _Thread_local hawser__task *current __attribute__((tls_model("initial-exec")));
static _Thread_local hawser__task *settled __attribute__((tls_model("initial-exec")));   /* in place of `own`; NULL = none */
static pthread_key_t end_of_thread;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static bool have_key;
atomic_uint hawser__forks;

/* Field by field: for a record of this size compilers take an instruction that costs more than all of the stores. */
void hawser__task_init(hawser__task *task, char *sentence) {
    atomic_init(&task->woken, false);
    atomic_init(&task->cancelled, false);
    atomic_init(&task->interrupted, 0);
    atomic_init(&task->wake_fd, -1);
    task->registered = task->listens = task->told = false;
    task->principal = NULL;
    task->wake = NULL;
    task->fiber = NULL;
    task->deadline = HAWSER__NEVER;
    task->held = NULL;
    task->defers = NULL;
    task->may_defer = false;
    task->serves = NULL;
    task->waits_for = NULL;
    task->waits_on = -1;
    task->moved = 0;
    task->attempts = task->lent = NULL;
    task->attempt_count = 0;
    task->sentence = sentence;
}

void hawser__task_done(hawser__task *task) {
    if (!task->attempts && !task->lent)
        return;
    hawser__free(task->attempts);
    hawser__free(task->lent);
    task->attempts = task->lent = NULL;
    task->attempt_count = 0;
}

static void release(void *argument) {
    hawser__task *task = argument;
    hawser__signals_forget(task);
    hawser__task_drop_wake_fd(task);
    hawser__task_done(task);
    task->registered = false;
}

static void after_fork(void) {
    hawser__task *task = hawser__task_current();
    atomic_fetch_add(&hawser__forks, 1);
    hawser__signals_after_fork(task->principal ? task->principal : task);
    hawser__task_drop_wake_fd(&own);
}

static void prepare(void) {
    have_key = pthread_key_create(&end_of_thread, release) == 0;
    pthread_atfork(NULL, NULL, after_fork);
}

/* Registers the thread's end. Without a free key (1,024 a process) a thread that ends leaks its wake descriptor: accepted. */
static void register_thread(void) {
    pthread_once(&once, prepare);
    own.sentence = own_sentence;
    own.registered = !have_key || pthread_setspecific(end_of_thread, &own) == 0;
}

__attribute__((noinline)) hawser__task *hawser__task_current(void) {
    if (current)
        return current;
    if (settled)
        return settled;
    if (!own.registered)
        register_thread();
    return &own;
}

__attribute__((noinline)) void hawser__task_switch(hawser__task *task) {
    current = task;
}

__attribute__((noinline)) void hawser__task_settle(hawser__task *task) {
    settled = task;
}

bool hawser__task_send_held(hawser__task *task) {
    bool waited = false;
    while (task->held) {
        struct hawser__held *held = task->held;
        task->held = held->next;
        waited |= held->send(held);
    }
    return waited;
}

hawser__deadline hawser__task_deadline(hawser__deadline deadline) {
    hawser__deadline own_deadline = hawser__task_current()->deadline;
    return deadline < own_deadline ? deadline : own_deadline;
}
