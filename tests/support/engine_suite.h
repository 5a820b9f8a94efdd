/* SPDX-License-Identifier: MIT */
/*
 * The frame of the engine suite: every test runs once for each engine, on the operations themselves, below the public calls. A
 * test that runs in a fiber (fibers.h) is for the engine of its run, and for the memory engine.
 *
 * A test asks `subject` which engine it is for. They differ in one respect only: which descriptors there are. What needs them
 * is -EOPNOTSUPP in the memory engine, and what needs foreign ones in a simulated world; that is tested too.
 */
#ifndef TESTS_ENGINE_SUITE_H
#define TESTS_ENGINE_SUITE_H

#include "support.h"

#include "sched/engine.h"

typedef struct subject_engine {
    hawser__engine *engine;
    bool descriptors;   /* endpoints have them */
    bool foreign;       /* and so have other files, which can be waited for */
} subject_engine;

extern subject_engine subject;
/* The operations of the engine under test. */
const struct hawser__engine_ops *ops(void);

/* Runs TESTS for each engine. The number that failed. */
int run_for_each_engine(const struct CMUnitTest *tests, size_t count);

/* A test that leaves nothing behind: allocations, descriptors, sockets of the model. */
#define engine_test(function) cmocka_unit_test_setup_teardown(function, engine_test_begin, engine_test_end)
int engine_test_begin(void **state);
int engine_test_end(void **state);

/* Nanoseconds from now, as a deadline; one that has passed already, which is not HAWSER__NOW. */
hawser__deadline in_seconds(double seconds);
#define PAST ((hawser__deadline)1)

/* Endpoints; a failure fails the test. */
hawser__endpoint *open_endpoint(int family, int type);
void open_pair(int type, hawser__endpoint *ret[2]); /* Unix */
void open_tcp(hawser__endpoint *ret[2]);            /* connected over loopback */
hawser__endpoint *open_listener(int family, int backlog, hawser_addr *ret);
/* Begins, waits for and ends a connection. Its result. */
int connect_endpoint(hawser__endpoint *endpoint, const hawser_addr *addr, hawser__deadline deadline);
hawser__endpoint *accept_one(hawser__endpoint *listener);
void close_endpoint(hawser__endpoint *endpoint); /* NULL is fine */

/* Runs FN in a fiber of the engine under test, on WORKERS workers on a thread of its own. What was not as expected fails the
 * test. */
void run_fibers(int workers, hawser_fn fn, void *argument);

ssize_t send_text(hawser__endpoint *endpoint, const char *text);
/* Receives once and compares. */
#define assert_receives(endpoint, text) check_receives((endpoint), (text), __FILE__, __LINE__)
void check_receives(hawser__endpoint *endpoint, const char *text, const char *file, int line);
/* Sends until the other side takes no more. The bytes. */
long fill(hawser__endpoint *endpoint);
/* Receives all there is at this moment. */
long drain(hawser__endpoint *endpoint);

#endif
