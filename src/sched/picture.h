/* SPDX-License-Identifier: MIT */
/* What the fibers of a worker do, at one moment, as text: a line each, for hawser_dump. */
#ifndef HAWSER__PICTURE_H
#define HAWSER__PICTURE_H

#include "base/buffer.h"
#include "sched/worker.h"

/* Adds a line to TEXT for each fiber of WORKER that has not ended, oldest first: their count, or -ENOMEM. On the worker, or
 * when it runs no more. None runs meanwhile: 0.2 us each, 0.7 us when they are so many that every record is a miss of the
 * cache. */
int64_t hawser__picture_take(hawser__worker *worker, struct hawser__buffer *text);

#endif
