/* SPDX-License-Identifier: MIT */
/*
 * Interruption by signal, only for those who ask: a delivery marks the asking task and ends its wait.
 *
 * The handler may run on any thread at any moment, so it does three atomic steps and no more: find the task, mark it, wake
 * it. A task that ends while a handler on another thread is between the first step and the last is kept apart by `inside`,
 * which the end waits for; the handler never blocks, so that wait is a few instructions.
 */
#include "base/signals.h"

#include "base/machine.h"
#include "base/mem.h"
#include "base/sys.h"
#include "base/wake.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>

struct hawser__signal_slots {
    struct {
        _Atomic(hawser__task *) task;   /* who asked; NULL = nobody */
        bool installed;
        struct sigaction old;
    } of[NSIG];
};

static struct hawser__signal_slots real;
static atomic_int inside;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;   /* never taken by the handler */

/* Of the calling process. NULL: a simulated one of which no task has asked for anything yet. */
static struct hawser__signal_slots *slots_here(void) {
    return hawser__machine_here ? hawser__process_here()->signals : &real;
}

static struct hawser__signal_slots *make_slots(void) {
    struct hawser__process *process = hawser__process_here();
    if (hawser__machine_here && !process->signals)
        process->signals = hawser__zalloc(sizeof *process->signals);
    return slots_here();
}

static void on_signal(int signo) {
    int saved = errno;
    atomic_fetch_add(&inside, 1);
    hawser__task *task = atomic_load(&slots_here()->of[signo].task);
    if (task) {
        atomic_store(&task->interrupted, signo);
        hawser__task_wake(task);
    }
    atomic_fetch_sub(&inside, 1);
    errno = saved;
}

static void wait_for_handlers(void) {
    while (atomic_load(&inside) > 0)
        hawser__sys_yield();
}

static int install(struct hawser__signal_slots *slots, int signo) {
    struct sigaction action = {.sa_handler = on_signal};   /* no SA_RESTART: a foreign blocking call should end as well */
    sigemptyset(&action.sa_mask);
    int result = hawser__sys_sigaction(signo, &action, &slots->of[signo].old);
    slots->of[signo].installed = result == 0;
    return result;
}

static int claim(struct hawser__signal_slots *slots, int signo, hawser__task *task) {
    hawser__task *owner = atomic_load(&slots->of[signo].task);
    if (owner && owner != task)
        return -EBUSY;
    int fd = task->wake ? 0 : hawser__task_wake_fd(task);   /* now: a handler cannot make one */
    if (fd < 0)
        return fd;
    atomic_store(&slots->of[signo].task, task);
    int result = slots->of[signo].installed ? 0 : install(slots, signo);
    if (result < 0)
        atomic_store(&slots->of[signo].task, NULL);
    return result;
}

int hawser__signals_claim(int signo, hawser__task *task) {
    if (signo <= 0 || signo >= NSIG)
        return -EINVAL;
    pthread_mutex_lock(&lock);
    struct hawser__signal_slots *slots = make_slots();
    int result = slots ? claim(slots, signo, task) : -ENOMEM;
    pthread_mutex_unlock(&lock);
    return result;
}

int hawser__signals_restore(int signo) {
    if (signo <= 0 || signo >= NSIG)
        return -EINVAL;
    pthread_mutex_lock(&lock);
    struct hawser__signal_slots *slots = slots_here();
    bool installed = slots && slots->of[signo].installed;
    int result = installed ? hawser__sys_sigaction(signo, &slots->of[signo].old, NULL) : -EINVAL;
    if (result == 0) {
        slots->of[signo].installed = false;
        atomic_store(&slots->of[signo].task, NULL);
    }
    pthread_mutex_unlock(&lock);
    return result;
}

/* Another thread of the parent may have held the lock, or been in the handler; neither is here, and nobody else who asked. */
void hawser__signals_after_fork(hawser__task *survivor) {
    pthread_mutex_init(&lock, NULL);
    atomic_store(&inside, 0);
    for (int signo = 1; signo < NSIG; signo++)
        if (atomic_load(&real.of[signo].task) != survivor)
            atomic_store(&real.of[signo].task, NULL);
}

/* The handler stays installed: the signal was asked for by the program, and falling back to "kill the process" because one
 * thread ended would surprise. It is ignored until another thread asks or it is restored. */
void hawser__signals_forget(hawser__task *task) {
    pthread_mutex_lock(&lock);
    struct hawser__signal_slots *slots = slots_here();
    for (int signo = 1; slots && signo < NSIG; signo++) {
        hawser__task *expected = task;
        atomic_compare_exchange_strong(&slots->of[signo].task, &expected, NULL);
    }
    pthread_mutex_unlock(&lock);
    wait_for_handlers();
}
