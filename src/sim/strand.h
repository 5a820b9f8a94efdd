/* SPDX-License-Identifier: MIT */
/*
 * Strands: the threads of simulated hosts, which take turns on the one thread that simulates. A strand runs until it waits,
 * gives way, or comes to a step (machine.h); then the loop picks the next of those that can run, by chance. What a thread has
 * for itself, its task and its worker, is changed with it.
 */
#ifndef HAWSER__STRAND_H
#define HAWSER__STRAND_H

#include "base/task.h"
#include "fiber/context.h"
#include "sched/worker.h"
#include "world/host.h"

/* Bytes of stack that a program and each thread of a host have. */
#define HAWSER__STRAND_STACK ((size_t)1 << 20)

enum hawser__strand_state { HAWSER__STRAND_READY, HAWSER__STRAND_RUNNING, HAWSER__STRAND_WAITS, HAWSER__STRAND_ENDED };

struct hawser__strand {
    hawser__context context;         /* where it stopped last, on its own stack or on a fiber's; */
    hawser__context born;            /* and as it was made */
    hawser__host *host;
    hawser__strand *next;            /* of its host */
    enum hawser__strand_state state;
    size_t place;                    /* among those that are ready */
    hawser__event timer;
    bool expired;                    /* the timer ended its wait */
    void *(*run)(void *argument);
    void *argument;
    bool detached;
    hawser__strand *joiner;          /* who waits for its end; NULL = nobody */
    hawser__strand *behind;          /* the next in the list of a condition */
    bool signalled;                  /* off that list */
    hawser__worker *worker;          /* while it does not run: what it was, */
    hawser__task *current;           /* and which task; NULL = its own */
    hawser__task task;
    char sentence[HAWSER__SENTENCE];
    void *stack;
    unsigned calls, rounds;          /* made since its turn began; turns in a row that so many calls ended */
};

typedef struct hawser__strands {
    hawser__stacks *stacks;
    hawser__context loop;            /* the thread that simulates */
    hawser__strand *running;         /* NULL = the loop */
    hawser__strand **ready;
    size_t count, room;
    hawser__strand *ended;           /* the one that ended just now */
} hawser__strands;

/* Once before the first: what stacks and contexts try out once in a process is tried on the real machine. 0; -ENOMEM. */
int hawser__strands_warm_up(void);
/* 0 or a negative code. */
int hawser__strands_open(hawser__strands *strands);
void hawser__strands_close(hawser__strands *strands);

/* A strand of HOST that runs RUN(ARGUMENT) when its turn comes. NULL = no memory. */
hawser__strand *hawser__strand_new(hawser__host *host, void *(*run)(void *), void *argument);
/* It does not run, and never will. */
void hawser__strand_free(hawser__strand *strand);

/* The strand that runs has made a call. So that one that never waits keeps nobody from his turn, and the clock does not stand
 * still, it gives way after many, which then have taken their time. For calls that may wait. */
void hawser__strand_pace(void);

/* One that is ready, picked by chance, runs until it stops. False: none is. */
bool hawser__strands_turn(hawser__strands *strands);

/* The calling strand stops: until it is made ready, or until DEADLINE of its host's clock (false). */
bool hawser__strand_wait(hawser__deadline deadline);
/* Until its turn comes again. */
void hawser__strand_yield(void);
/* STRAND, if it waits, can run. */
void hawser__strand_ready(hawser__strand *strand);

/* What the machine offers: machine.h. */
void hawser__strand_give_way(void);
int hawser__strand_doze(struct hawser__task *task, int64_t deadline);
int hawser__strand_begin(void *(*run)(void *), void *argument, void **ret);
void hawser__strand_join(void *strand);
int hawser__strand_condition_wait(void **waiters, void *lock, int64_t deadline);
void hawser__strand_condition_signal(void **waiters, bool all);

#endif
