/* SPDX-License-Identifier: MIT */
/*
 * Second tasks and waiting, always bounded. Nothing here is timed to be right: a thread is known to be blocked because the
 * kernel says so, a condition is waited for until it holds.
 *
 * A body that is started beside the test is a plain thread; in a test that runs inside a fiber it is one as well, the first of
 * a run on its own thread (fibers.h). That thread is blocked when all its fibers are. In a simulated world threads are strands
 * of the host (world.h), and all times are virtual.
 */
#ifndef TESTS_THREADS_H
#define TESTS_THREADS_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* No wait of a test lasts longer than this; reaching it fails the test (or ends the program where no test can fail). */
#define WAIT_LIMIT 30.0

/* A task that makes one call (or a few) while the test does something to it. What the last failing call of BODY left behind
 * is kept here, since errno and sentence belong to the task. */
typedef struct runner {
    pthread_t thread;
    atomic_int tid; /* of the thread; 0 as long as it is held */
    void *strand;   /* what it is in a simulated world */
    atomic_bool done;
    bool held;
    bool sleeps_on_futex; /* a fiber of the memory engine */
    long (*body)(void *argument);
    void *argument;
    long result;
    int code; /* errno when BODY returned */
    uint64_t moved;
    double seconds; /* how long BODY took */
    char sentence[512];
} runner;

void start(runner *run, long (*body)(void *argument), void *argument);
/* As a plain thread in any case. */
void start_thread(runner *run, long (*body)(void *argument), void *argument);

/* As a plain thread whose BODY may run fibers of ENGINE (NULL: does not). It has something to do first that may block:
 * `blocked` waits until BODY, or a fiber on this thread, calls unhold. */
struct hawser__engine;
void start_host(runner *run, struct hawser__engine *engine, long (*body)(void *argument), void *argument);
void unhold(runner *run);

/* Waits until the thread is inside a system call that waits. false: it ended instead, or WAIT_LIMIT passed. */
bool blocked(runner *run);

/* Joins. A thread that does not end within WAIT_LIMIT ends the program: the test cannot go on without its stack. */
long finish(runner *run);

/* Waits until HOLDS(ARGUMENT); false when it did not within WAIT_LIMIT. */
bool wait_until(bool (*holds)(void *argument), void *argument);

/* A moment in which others get on, the fibers of the caller's worker too. */
void rest_a_moment(void);

/* For loops that look again and again without resting: in a simulated world nobody else would run meanwhile. */
void spin(void);

/* Seconds on a monotonic clock that is none of the library's. */
double seconds_now(void);

/* Installs a handler for SIGUSR1 that only counts, without SA_RESTART. */
void count_signals(void);
long signals_counted(void);

/* Throws SIGUSR1 at the blocked thread TIMES times, each when the last one has been handled and the thread is blocked again.
 * The number that hit it while it was blocked: fewer than TIMES when the thread ended before. */
int pester(runner *run, int times);

#endif
