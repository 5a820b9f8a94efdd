/* SPDX-License-Identifier: MIT */
/*
 * A question to a worker: what do your fibers do? It answers from its loop, where they stand still, so that its part of a dump
 * is of one moment. The task that asks waits for the answers, and takes having none for an answer when that lasts too long.
 *
 * A question belongs to both, and whoever lets go last frees it: a worker that was held up finds it later and sees that nobody
 * waits any more. None outlives its run: a run that ends has its workers look into their inboxes once more (retire in run.c).
 */
#ifndef HAWSER__QUESTION_H
#define HAWSER__QUESTION_H

#include "base/buffer.h"
#include "sched/run.h"
#include "sched/seat.h"
#include "sched/sight.h"

enum hawser__progress { HAWSER__ASKED, HAWSER__BEGUN, HAWSER__ANSWERED, HAWSER__GIVEN_UP };

typedef struct hawser__question {
    hawser__post post;
    struct hawser__question *next;
    atomic_int refs;
    _Atomic(enum hawser__progress) progress;
    hawser__seat seat;              /* of the task that asks */
    hawser__worker *worker;         /* there while its run is listed, and for a fiber of that */
    hawser__sight sight;            /* what ran on it when it was asked */
    uint64_t run;
    int number, workers;            /* of the worker; how many its run has */
    const char *engine;
    int64_t count;                  /* the answer: fibers, or a negative code, */
    struct hawser__buffer text;     /* and a line for each */
    struct hawser__identity holder; /* who holds the worker up; number 0: not known */
} hawser__question;

/* Asks every worker of RUN; the questions, in the order of the workers, are put in front of *LIST. 0 or -ENOMEM, when there
 * may be some. The worker of the calling fiber has answered when this returns. */
int hawser__question_ask(hawser__run *run, hawser__question **list);

/* Waits for the answer until PATIENCE or LIMIT: 0 when there is one, or it has been given up because of PATIENCE; else the
 * negative code of LIMIT, of an interruption, or of the worker (-ENOMEM). */
int hawser__question_await(hawser__question *question, hawser__deadline patience, hawser__deadline limit);

/* Whether it was answered. */
bool hawser__question_answered(hawser__question *question);

/* Frees a list of them, whatever has become of each. */
void hawser__questions_free(hawser__question *list);

#endif
