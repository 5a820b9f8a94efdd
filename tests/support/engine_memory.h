/* SPDX-License-Identifier: MIT */
/*
 * An engine without any descriptor: the second one behind the seam, which shows that nothing above it needs a kernel.
 *
 * Its network is memory_model.h. Tasks wait in hawser__park with no descriptors and are woken one and all at every change; that
 * is slow and obviously right. What only descriptors can do (adopt, descriptor, detach, sendfile, wait_fd) is -EOPNOTSUPP.
 */
#ifndef TESTS_ENGINE_MEMORY_H
#define TESTS_ENGINE_MEMORY_H

#include "sched/engine.h"

extern hawser__engine memory_engine;

/* Time of day that the engine tells, in nanoseconds; its monotonic clock is the real one. */
void memory_engine_set_time(int64_t wall);
/* Starts the random bytes over. */
void memory_engine_seed(uint64_t seed);

/* Names it resolves: "both.test" (::1 and 127.0.0.1), "four.test", "six.test" (one each), "lost.test" (an address that never
 * answers), "lost-first.test" (that one, then 127.0.0.1), "slow.test" (the look-up itself never ends), "later.test"
 * (HAWSER_ETRYAGAIN), "localhost" and numbers. Others: HAWSER_ENONAME. */

/* Sockets that exist now. */
size_t memory_engine_sockets(void);

/* A file that is no socket, at PATH in the modelled machine. */
void memory_engine_make_file(const char *path);
void memory_engine_remove_file(const char *path);
bool memory_engine_has_file(const char *path);

#endif
