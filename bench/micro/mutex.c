/* SPDX-License-Identifier: MIT */
/* A mutex that nobody else wants: lock and unlock; and the same of pthreads. */
#include "micro.h"
#include "serve.h"

#include <pthread.h>

#define TIMES 1000000

static void lock_many(void *mutex, size_t times) {
    for (size_t i = 0; i < times; i++) {
        hawser_mutex_lock(mutex);
        hawser_mutex_unlock(mutex);
    }
}

static void lock_pthreads(void *mutex, size_t times) {
    for (size_t i = 0; i < times; i++) {
        pthread_mutex_lock(mutex);
        pthread_mutex_unlock(mutex);
    }
}

static int measure(void *arg) {
    (void)arg;
    pthread_mutex_t other = PTHREAD_MUTEX_INITIALIZER;
    hawser_mutex *mutex = hawser_mutex_new();
    if (!mutex)
        serve_die();
    micro_print("mutex", micro_best(lock_many, mutex, TIMES), "ns");
    micro_print("mutex_pthreads", micro_best(lock_pthreads, &other, TIMES), "ns");
    hawser_mutex_free(mutex);
    return 0;
}

int main(void) {
    return serve_run(1, measure, NULL);
}
