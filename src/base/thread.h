/* SPDX-License-Identifier: MIT */
/* Helper threads: detached, and deaf to signals, which belong to the program's own threads. */
#ifndef HAWSER__THREAD_H
#define HAWSER__THREAD_H

/* Runs RUN(ARGUMENT) on a new detached thread with all signals blocked. 0; -ENOMEM when no thread can be made, whatever the
 * system's reason (it says EAGAIN, which means something else in this library). Fault hook: "pthread_create". */
int hawser__thread_start(void *(*run)(void *), void *argument);

#endif
