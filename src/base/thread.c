/* SPDX-License-Identifier: MIT */
/*
 * The signals are blocked before the thread is born, which inherits the mask: blocking them from inside would leave a moment in
 * which a signal meant for the program is taken by a thread that knows nothing of it.
 */
#include "base/thread.h"

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

static int create(void *(*run)(void *), void *argument, int detached, pthread_t *ret) {
    pthread_attr_t attributes;
    sigset_t before;
    if (hawser__sys_fault("pthread_create") || pthread_attr_init(&attributes) != 0)
        return -ENOMEM;
    pthread_attr_setdetachstate(&attributes, detached);
    block_signals(&before);
    int result = pthread_create(ret, &attributes, run, argument);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    return result == 0 ? 0 : -ENOMEM;
}

int hawser__thread_start(void *(*run)(void *), void *argument) {
    pthread_t thread;
    return create(run, argument, PTHREAD_CREATE_DETACHED, &thread);
}

int hawser__thread_begin(void *(*run)(void *), void *argument, pthread_t *ret) {
    return create(run, argument, PTHREAD_CREATE_JOINABLE, ret);
}

void hawser__thread_join(pthread_t thread) {
    pthread_join(thread, NULL);
}
