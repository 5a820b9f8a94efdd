/* SPDX-License-Identifier: MIT */
/*
 * The signals are blocked before the thread is born, which inherits the mask: blocking them from inside would leave a moment in
 * which a signal meant for the program is taken by a thread that knows nothing of it.
 */
#include "base/thread.h"

#include "base/machine.h"
#include "base/sys_call.h"

#include <errno.h>
#include <signal.h>

/* A fault whose signal is blocked kills the process without a word. */
static void block_signals(sigset_t *before) {
    static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS};
    sigset_t all;
    sigfillset(&all);
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++)
        sigdelset(&all, faults[i]);
    pthread_sigmask(SIG_SETMASK, &all, before);
}

static int create(void *(*run)(void *), void *argument, int detached, hawser__thread *ret) {
    pthread_attr_t attributes;
    sigset_t before;
    if (hawser__sys_fault("pthread_create"))
        return -ENOMEM;
    if (hawser__machine_here)
        return hawser__machine_here->thread_begin(run, argument, detached == PTHREAD_CREATE_DETACHED ? NULL : &ret->other);
    if (pthread_attr_init(&attributes) != 0)
        return -ENOMEM;
    pthread_attr_setdetachstate(&attributes, detached);
    block_signals(&before);
    int result = pthread_create(&ret->real, &attributes, run, argument);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    return result == 0 ? 0 : -ENOMEM;
}

int hawser__thread_start(void *(*run)(void *), void *argument) {
    hawser__thread thread;
    return create(run, argument, PTHREAD_CREATE_DETACHED, &thread);
}

int hawser__thread_begin(void *(*run)(void *), void *argument, hawser__thread *ret) {
    return create(run, argument, PTHREAD_CREATE_JOINABLE, ret);
}

void hawser__thread_join(hawser__thread thread) {
    if (hawser__machine_here)
        hawser__machine_here->thread_join(thread.other);
    else
        pthread_join(thread.real, NULL);
}

/* Conditions. */

void hawser__condition_open(hawser__condition *condition) {
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&condition->real, &monotonic);
    pthread_condattr_destroy(&monotonic);
    condition->waiters = NULL;
}

void hawser__condition_close(hawser__condition *condition) {
    pthread_cond_destroy(&condition->real);
}

int hawser__condition_wait(hawser__condition *condition, pthread_mutex_t *lock, hawser__deadline deadline) {
    if (hawser__machine_here)
        return hawser__machine_here->condition_wait(&condition->waiters, lock, deadline);
    if (deadline == HAWSER__NEVER)
        return pthread_cond_wait(&condition->real, lock);
    struct timespec end = {.tv_sec = deadline / HAWSER__SECOND, .tv_nsec = deadline % HAWSER__SECOND};
    return pthread_cond_timedwait(&condition->real, lock, &end);
}

void hawser__condition_signal(hawser__condition *condition, bool all) {
    if (hawser__machine_here)
        hawser__machine_here->condition_signal(&condition->waiters, all);
    else if (all)
        pthread_cond_broadcast(&condition->real);
    else
        pthread_cond_signal(&condition->real);
}
