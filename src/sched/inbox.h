/* SPDX-License-Identifier: MIT */
/*
 * What other threads have for a worker: a lock-free stack of posts that anybody pushes on and the worker takes whole. Posts are
 * intrusive, so posting never fails; each is handled on the worker, in the order they came.
 */
#ifndef HAWSER__INBOX_H
#define HAWSER__INBOX_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

typedef struct hawser__post {
    struct hawser__post *next;
    void (*handle)(struct hawser__post *post);   /* may free the post */
} hawser__post;

typedef struct hawser__inbox {
    _Atomic(hawser__post *) newest;
} hawser__inbox;

/* True when the inbox was empty: the worker may be asleep. POST is the worker's from now on. */
static inline bool hawser__inbox_push(hawser__inbox *inbox, hawser__post *post) {
    hawser__post *newest = atomic_load_explicit(&inbox->newest, memory_order_relaxed);
    do
        post->next = newest;
    while (!atomic_compare_exchange_weak(&inbox->newest, &newest, post));
    return newest == NULL;
}

static inline bool hawser__inbox_empty(hawser__inbox *inbox) {
    return atomic_load(&inbox->newest) == NULL;
}

/* Handles all that is there. */
static inline void hawser__inbox_handle(hawser__inbox *inbox) {
    hawser__post *newest = hawser__inbox_empty(inbox) ? NULL : atomic_exchange(&inbox->newest, NULL), *oldest = NULL;
    while (newest) {
        hawser__post *next = newest->next;
        newest->next = oldest;
        oldest = newest;
        newest = next;
    }
    while (oldest) {
        hawser__post *post = oldest;
        oldest = post->next;
        post->handle(post);
    }
}

#endif
