/* SPDX-License-Identifier: MIT */
/*
 * The signals are blocked before the thread is born, which inherits the mask: blocking them from inside would leave a moment in
 * which a signal meant for the program is taken by a thread that knows nothing of it.
 */
#include "base/thread.h"

#include "base/fault.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>

static int start_detached(void *(*run)(void *), void *argument) {
    pthread_t thread;
    pthread_attr_t attributes;
    if (pthread_attr_init(&attributes) != 0)
        return -ENOMEM;
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    int result = pthread_create(&thread, &attributes, run, argument);
    pthread_attr_destroy(&attributes);
    return result == 0 ? 0 : -ENOMEM;
}

int hawser__thread_start(void *(*run)(void *), void *argument) {
    if (hawser__faults && hawser__faults->syscall && hawser__faults->syscall("pthread_create") != 0)
        return -ENOMEM;
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int result = start_detached(run, argument);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return result;
}
