/* SPDX-License-Identifier: MIT */
/* Threads of the library: deaf to signals, which belong to the program's own threads, except those that a fault of theirs
 * raises. On another machine (machine.h) they are that machine's. */
#ifndef HAWSER__THREAD_H
#define HAWSER__THREAD_H

#include "base/clock.h"

#include <pthread.h>
#include <stdbool.h>

typedef struct hawser__thread {
    pthread_t real;
    void *other;     /* another machine's */
} hawser__thread;

/* Runs RUN(ARGUMENT) on a new detached thread with signals blocked. 0; -ENOMEM when no thread can be made, whatever the
 * system's reason (it says EAGAIN, which means something else in this library). Fault hook: "pthread_create". */
int hawser__thread_start(void *(*run)(void *), void *argument);

/* The same, to be joined: *RET is for hawser__thread_join. */
int hawser__thread_begin(void *(*run)(void *), void *argument, hawser__thread *ret);
void hawser__thread_join(hawser__thread thread);

/* What threads wait for while they have the lock that goes with it, which nobody keeps over any other wait. */
typedef struct hawser__condition {
    pthread_cond_t real;
    void *waiters;   /* on another machine */
} hawser__condition;

void hawser__condition_open(hawser__condition *condition);
void hawser__condition_close(hawser__condition *condition);
/* 0: it may have come; ETIMEDOUT. */
int hawser__condition_wait(hawser__condition *condition, pthread_mutex_t *lock, hawser__deadline deadline);
void hawser__condition_signal(hawser__condition *condition, bool all);

#endif
