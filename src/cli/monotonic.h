/* SPDX-License-Identifier: MIT */
/* Condition variables whose time limits a changed wall clock does not touch. */
#ifndef CLI_MONOTONIC_H
#define CLI_MONOTONIC_H

#include <pthread.h>
#include <time.h>

/* A condition variable for monotonic_in. */
void monotonic_init(pthread_cond_t *condition);

/* The time limit for pthread_cond_timedwait that lies SECONDS ahead; below 0 counts as 0. */
struct timespec monotonic_in(double seconds);

#endif
