/* SPDX-License-Identifier: MIT */
#include "sched/lend.h"

#include "base/mem.h"

/* Loans that a worker keeps at most; of pieces as many as there is room for. */
#define LOANS 4

static void *take(struct hawser__spares *spares, size_t size) {
    return spares && spares->count > 0 ? spares->blocks[--spares->count] : hawser__alloc(size);
}

static void give_back(struct hawser__spares *spares, int most, void *block) {
    if (spares && spares->count < most)
        spares->blocks[spares->count++] = block;
    else
        hawser__free(block);
}

static void drop(struct hawser__spares *spares) {
    while (spares->count > 0)
        hawser__free(spares->blocks[--spares->count]);
}

void *hawser__lend_take(void) {
    hawser__task *task = hawser__task_current();
    if (!task->lent)
        task->lent = take(task->fiber ? &task->fiber->worker->loans : NULL, HAWSER__LOAN);
    return task->lent;
}

void hawser__lend_return(hawser__task *task) {
    if (!task->fiber || !task->lent)
        return;
    give_back(&task->fiber->worker->loans, LOANS, task->lent);
    task->lent = NULL;
}

void *hawser__lend_keep(void) {
    hawser__task *task = hawser__task_current();
    void *kept = task->lent;
    task->lent = NULL;
    return kept;
}

void *hawser__piece_take(void) {
    hawser__worker *worker = hawser__worker_current();
    return take(worker ? &worker->pieces : NULL, HAWSER__PIECE);
}

void hawser__piece_return(void *piece) {
    hawser__worker *worker = hawser__worker_current();
    give_back(worker ? &worker->pieces : NULL, HAWSER__SPARES, piece);
}

void hawser__lend_done(hawser__worker *worker) {
    drop(&worker->loans);
    drop(&worker->pieces);
}
