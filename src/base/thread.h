/* SPDX-License-Identifier: MIT */
/* Threads of the library: deaf to signals, which belong to the program's own threads, except those that a fault of theirs
 * raises. */
#ifndef HAWSER__THREAD_H
#define HAWSER__THREAD_H

#include <pthread.h>

/* Runs RUN(ARGUMENT) on a new detached thread with signals blocked. 0; -ENOMEM when no thread can be made, whatever the
 * system's reason (it says EAGAIN, which means something else in this library). Fault hook: "pthread_create". */
int hawser__thread_start(void *(*run)(void *), void *argument);

/* The same, to be joined: *RET is for hawser__thread_join. */
int hawser__thread_begin(void *(*run)(void *), void *argument, pthread_t *ret);
void hawser__thread_join(pthread_t thread);

#endif
