/* SPDX-License-Identifier: MIT */
/*
 * Tests and fibers. A test whose environment has TEST_IN_FIBER=ENGINE runs inside a fiber on that engine (main.c), and so does
 * each body that it starts beside itself (threads.h), every one on a worker of its own.
 */
#ifndef TESTS_FIBERS_H
#define TESTS_FIBERS_H

#include <stdbool.h>

#include <hawser/run.h>

struct hawser__engine;

/* Sanitizers want more than the 64 KiB that a fiber has by default. */
#define TEST_STACK ((size_t)256 * 1024)

/* Whether the caller is a fiber: for what is promised of plain threads only, or of fibers only. */
bool in_fiber(void);

/* Whether the caller's waits are told changes and not states: behind an EAGAIN that is only made up no readiness follows. */
bool told_changes(void);

/* The call that the caller's worker sleeps in, as the fault hook knows it: "poll" for a plain thread. */
const char *port_call(void);

/* hawser_run, also for a caller that is a fiber: the run is then on a thread of its own, and the failure comes back from
 * there. */
int run_apart(hawser_fn fn, void *argument, const hawser_run_options *options);
/* The same on WORKERS workers, with large stacks. */
int run_on_workers(int workers, hawser_fn fn, void *argument);

/* The same, and the test fails unless the result is 0 or more and everything was as expected. */
#define assert_runs(workers, fn, argument) check_run(run_on_workers((workers), (fn), (argument)), #fn, __FILE__, __LINE__)
void check_run(int result, const char *what, const char *file, int line);

/* For fibers, which cannot fail a test themselves: notes the first thing that is not as expected. assert_as_expected fails
 * the test by it, and forgets it. */
#define EXPECT(condition)                                                                                                      \
    do {                                                                                                                       \
        if (!(condition))                                                                                                      \
            note_unexpected(#condition, __FILE__, __LINE__);                                                                   \
    } while (0)
void note_unexpected(const char *condition, const char *file, int line);
#define assert_as_expected() check_expectations(__FILE__, __LINE__)
void check_expectations(const char *file, int line);
/* CALL gives -1 and sets errno to CODE. */
#define EXPECT_FAILURE(call, code) EXPECT((errno = 0, (call) == -1) && errno == (code))

/* From now on start() makes bodies fibers of runs on ENGINE; NULL: plain threads. */
void start_as_fibers(struct hawser__engine *engine);
/* What it is now. */
struct hawser__engine *engine_of_started(void);

#endif
