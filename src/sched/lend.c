/* SPDX-License-Identifier: MIT */
#include "sched/lend.h"

#include "base/mem.h"

#define KEPT ((int)(sizeof((hawser__worker *)0)->spare_loans / sizeof(void *)))

void *hawser__lend_take(void) {
    hawser__task *task = hawser__task_current();
    hawser__worker *worker = task->fiber ? task->fiber->worker : NULL;
    if (!task->lent && worker && worker->spare_loan_count > 0)
        task->lent = worker->spare_loans[--worker->spare_loan_count];
    if (!task->lent)
        task->lent = hawser__alloc(HAWSER__LOAN);
    return task->lent;
}

void hawser__lend_return(hawser__task *task) {
    hawser__worker *worker = task->fiber ? task->fiber->worker : NULL;
    if (!worker || !task->lent)
        return;
    if (worker->spare_loan_count < KEPT)
        worker->spare_loans[worker->spare_loan_count++] = task->lent;
    else
        hawser__free(task->lent);
    task->lent = NULL;
}

void *hawser__lend_keep(void) {
    hawser__task *task = hawser__task_current();
    void *kept = task->lent;
    task->lent = NULL;
    return kept;
}

void hawser__lend_done(hawser__worker *worker) {
    while (worker->spare_loan_count > 0)
        hawser__free(worker->spare_loans[--worker->spare_loan_count]);
}
