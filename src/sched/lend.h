/* SPDX-License-Identifier: MIT */
/*
 * Buffers for lending reads: large ones, so that bulk input costs few calls, and few of them, because a task has one only from
 * the read that filled it to the next. A worker keeps some for its fibers; a plain thread keeps its own.
 *
 * And pieces, which are small: what a dialogue has read and not yet sent between two waits. Asking malloc for two of them each
 * time was a quarter of the instructions that a line took on its way through.
 */
#ifndef HAWSER__LEND_H
#define HAWSER__LEND_H

#include "base/buffer.h"
#include "sched/worker.h"

#define HAWSER__LOAN ((size_t)64 * 1024)
#define HAWSER__PIECE HAWSER__BUFFER_KEPT

/* The calling task's buffer of HAWSER__LOAN bytes, with what is in it; NULL = ENOMEM. */
void *hawser__lend_take(void);

/* TASK, the calling one, does not need its buffer any more. Does nothing when it has none. */
void hawser__lend_return(hawser__task *task);

/* The calling task's buffer becomes the caller's, to be freed with hawser__free. */
void *hawser__lend_keep(void);

/* HAWSER__PIECE bytes from those that the calling worker keeps, or from hawser__alloc; NULL = ENOMEM. Whoever has it may return
 * it, from any thread, or free it. */
void *hawser__piece_take(void);
void hawser__piece_return(void *piece);

/* Frees what WORKER keeps. */
void hawser__lend_done(hawser__worker *worker);

#endif
