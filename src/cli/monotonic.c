/* SPDX-License-Identifier: MIT */
#include "cli/monotonic.h"

void monotonic_init(pthread_cond_t *condition) {
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(condition, &attributes);
    pthread_condattr_destroy(&attributes);
}

struct timespec monotonic_in(double seconds) {
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    if (seconds > 0) {
        at.tv_sec += (time_t)seconds;
        at.tv_nsec += (long)((seconds - (double)(time_t)seconds) * 1e9);
    }
    at.tv_sec += at.tv_nsec / 1000000000;
    at.tv_nsec %= 1000000000;
    return at;
}
