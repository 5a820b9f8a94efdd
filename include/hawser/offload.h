/* SPDX-License-Identifier: MIT */
/*
 * Offloading: code that blocks its thread (disk, a database driver, a long computation) runs on a thread of a bounded pool,
 * while the task that asked parks. The library itself looks names up and reads files that way.
 */
#ifndef HAWSER_OFFLOAD_H
#define HAWSER_OFFLOAD_H

#include <hawser/run.h>

HAWSER_BEGIN

/* Runs FN(ARG) on a thread of the pool and gives its result; a negative one comes with FN's errno, hawser_error() and
 * hawser_moved(). Until it has started the wait can be cut short: -1 with ETIMEDOUT, EAGAIN, ECANCELED, and FN is then not
 * called. Once it has, the call waits for its end, because ARG is the caller's. -1 with ENOMEM when no thread can be had. FN
 * may call this library, as any thread; it is no fiber, and what it offloads itself is called where it is.
 * Python: asyncio.to_thread. */
int hawser_offload(hawser_fn fn, void *arg);

/* At most THREADS (1 to 1024) run offloaded functions at once, and as many look up names, and as many read files: what blocks
 * for long in one of the three does not keep the others waiting. 8 unless said. Those at work finish what they do. 0; -1 with
 * EINVAL. */
int hawser_offload_set_threads(int threads);

HAWSER_END

#endif
