/* SPDX-License-Identifier: MIT */
#include "engine_suite.h"

#include "engine/engines.h"
#include "engine_memory.h"

#include "base/task.h"
#include "base/wake.h"
#include "sched/run.h"

#include <hawser/sim.h>

#include <errno.h>
#include <signal.h>

subject_engine subject;

const struct hawser__engine_ops *ops(void) {
    return subject.engine->ops;
}

static int run_for(hawser__engine *engine, const struct CMUnitTest *tests, size_t count) {
    subject = (subject_engine){engine, engine != &memory_engine, engine != &memory_engine && !hawser_sim_inside()};
    print_message("    engine %s, %s\n", ops()->name, in_fiber() ? "in a fiber" : "on a plain thread");
    return _cmocka_run_group_tests(ops()->name, tests, count, NULL, NULL);
}

int run_for_each_engine(const struct CMUnitTest *tests, size_t count) {
    if (hawser_sim_inside())
        return run_for(hawser__engine_current(), tests, count);
    int failed = run_for(&memory_engine, tests, count);
    for (size_t i = 0; hawser__engines[i]; i++)
        if (!in_fiber() || hawser__engines[i] == hawser__engine_named(NULL))
            failed += run_for(hawser__engines[i], tests, count);
    return failed;
}

/* What the test's own thread keeps until it ends is made before the census. */
static void make_lasting(void) {
    hawser__endpoint *pair[2];
    void *lent;
    if (!in_fiber())
        hawser__task_wake_fd(hawser__task_current());
    if (in_world() && hawser_interrupt_on_signal(SIGUSR2) == 0)
        hawser_interrupt_restore(SIGUSR2);
    open_pair(SOCK_STREAM, pair);
    send_text(pair[0], "x");
    assert_int_equal(ops()->recv_lend(pair[1], &lent, 65536, HAWSER__NOW), 1);
    ops()->give_back(pair[1], lent);
    close_endpoint(pair[0]);
    close_endpoint(pair[1]);
}

int engine_test_begin(void **state) {
    static census before;
    make_lasting();
    count_signals();
    before = take_census();
    *state = &before;
    return 0;
}

int engine_test_end(void **state) {
    const char *left = compare_census(*(census *)*state);
    if (left)
        print_error("%s\n", left);
    if (memory_engine_sockets() > 0)
        print_error("%zu sockets of the model are left\n", memory_engine_sockets());
    return left || memory_engine_sockets() > 0 ? -1 : 0;
}

hawser__deadline in_seconds(double seconds) {
    return hawser__clock_monotonic() + (int64_t)(seconds * 1e9);
}

hawser__endpoint *open_endpoint(int family, int type) {
    hawser__endpoint *made = NULL;
    assert_int_equal(ops()->open(subject.engine, family, type, 0, &made), 0);
    assert_ptr_equal(made->engine, subject.engine);
    return made;
}

void open_pair(int type, hawser__endpoint *ret[2]) {
    assert_int_equal(ops()->pair(subject.engine, AF_UNIX, type, 0, ret), 0);
}

hawser__endpoint *open_listener(int family, int backlog, hawser_addr *ret) {
    hawser__endpoint *listener = open_endpoint(family, SOCK_STREAM);
    hawser_addr addr;
    if (family == AF_UNIX)
        assert_int_equal(hawser_addr_unix(&addr, "", 0), 0); /* the engine makes an abstract name */
    else
        assert_int_equal(hawser_addr_ip(&addr, family == AF_INET6 ? "::1" : "127.0.0.1", 0), 0);
    assert_int_equal(ops()->bind(listener, (struct sockaddr *)&addr.ss, addr.len), 0);
    assert_int_equal(ops()->listen(listener, backlog), 0);
    ret->len = sizeof ret->ss;
    assert_int_equal(ops()->getsockname(listener, (struct sockaddr *)&ret->ss, &ret->len), 0);
    return listener;
}

int connect_endpoint(hawser__endpoint *endpoint, const hawser_addr *addr, hawser__deadline deadline) {
    int result = ops()->connect_begin(endpoint, (const struct sockaddr *)&addr->ss, addr->len);
    if (result != -EINPROGRESS)
        return result;
    result = ops()->connect_wait(&endpoint, 1, deadline);
    return result < 0 ? result : ops()->connect_result(endpoint);
}

hawser__endpoint *accept_one(hawser__endpoint *listener) {
    struct sockaddr_storage ss;
    socklen_t len = sizeof ss;
    hawser__endpoint *made = NULL;
    assert_int_equal(ops()->accept(&listener, 1, (struct sockaddr *)&ss, &len, in_seconds(WAIT_LIMIT), &made), 0);
    return made;
}

void open_tcp(hawser__endpoint *ret[2]) {
    hawser_addr addr;
    hawser__endpoint *listener = open_listener(AF_INET, 5, &addr);
    ret[0] = open_endpoint(AF_INET, SOCK_STREAM);
    assert_int_equal(connect_endpoint(ret[0], &addr, in_seconds(WAIT_LIMIT)), 0);
    ret[1] = accept_one(listener);
    close_endpoint(listener);
}

void close_endpoint(hawser__endpoint *endpoint) {
    if (endpoint)
        ops()->close(endpoint);
}

struct fibers {
    hawser_fn fn;
    void *argument;
    hawser_run_options options;
};

static long run_them(void *argument) {
    const struct fibers *fibers = argument;
    return hawser__run_on(subject.engine, fibers->fn, fibers->argument, &fibers->options);
}

void run_fibers(int workers, hawser_fn fn, void *argument) {
    struct fibers fibers = {fn, argument, {.workers = workers, .stack_size = TEST_STACK}};
    runner run;
    start_host(&run, subject.engine, run_them, &fibers);
    unhold(&run);
    assert_int_equal(finish(&run), 0);
    assert_as_expected();
}

ssize_t send_text(hawser__endpoint *endpoint, const char *text) {
    return ops()->send(endpoint, text, strlen(text), 0, in_seconds(WAIT_LIMIT));
}

void check_receives(hawser__endpoint *endpoint, const char *text, const char *file, int line) {
    char got[256];
    ssize_t n = ops()->recv(endpoint, got, sizeof got, 0, in_seconds(WAIT_LIMIT));
    if (n == (ssize_t)strlen(text) && memcmp(got, text, (size_t)n) == 0)
        return;
    print_error("received %zd (%.*s), expected %s\n", n, n > 0 ? (int)n : 0, got, text);
    _fail(file, line);
}

long fill(hawser__endpoint *endpoint) {
    static const char chunk[4096];
    long total = 0;
    for (ssize_t n; (n = ops()->send(endpoint, chunk, sizeof chunk, 0, HAWSER__NOW)) > 0;)
        total += n;
    return total;
}

long drain(hawser__endpoint *endpoint) {
    char buf[65536];
    long total = 0;
    for (ssize_t n; (n = ops()->recv(endpoint, buf, sizeof buf, 0, HAWSER__NOW)) > 0;)
        total += n;
    return total;
}
