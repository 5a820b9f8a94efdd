/* SPDX-License-Identifier: MIT */
#include "fibers.h"

#include "base/error.h"
#include "engine/kernel.h"
#include "support.h"

#include <string.h>

bool in_fiber(void) {
    return hawser__task_current()->fiber != NULL;
}

bool told_changes(void) {
    struct hawser__kernel_port *port = hawser__kernel_port();
    return port && port->ops->edge;
}

const char *port_call(void) {
    struct hawser__kernel_port *port = hawser__kernel_port();
    if (!told_changes())
        return "poll";
    return strcmp(port->base.engine->ops->name, "uring") == 0 ? "io_uring_enter" : "epoll_wait";
}

struct request {
    hawser_fn fn;
    void *argument;
    const hawser_run_options *options;
    struct hawser__failure failure;
};

static long run_requested(void *argument) {
    struct request *request = argument;
    int result = hawser_run(request->fn, request->argument, request->options);
    if (result < 0)
        hawser__failure_keep(&request->failure, hawser__task_current(), errno);
    return result;
}

int run_apart(hawser_fn fn, void *argument, const hawser_run_options *options) {
    struct request request = {.fn = fn, .argument = argument, .options = options};
    runner run;
    if (!in_fiber())
        return hawser_run(fn, argument, options);
    start_thread(&run, run_requested, &request);
    int result = (int)finish(&run);
    return result < 0 ? hawser__failure_tell(&request.failure) : result;
}

int run_on_workers(int workers, hawser_fn fn, void *argument) {
    const hawser_run_options options = {.workers = workers, .stack_size = TEST_STACK};
    return run_apart(fn, argument, &options);
}

static char unexpected[1024];
static atomic_flag something_unexpected = ATOMIC_FLAG_INIT;

void note_unexpected(const char *condition, const char *file, int line) {
    int code = errno;
    if (!atomic_flag_test_and_set(&something_unexpected))
        snprintf(unexpected, sizeof unexpected, "%s:%d: does not hold: %s\n    errno %d (%s), sentence \"%s\"", file, line, condition,
                 code, hawser_strerror(code), hawser_error());
    errno = code;
}

void check_expectations(const char *file, int line) {
    if (!atomic_flag_test_and_set(&something_unexpected)) {
        atomic_flag_clear(&something_unexpected);
        return;
    }
    atomic_flag_clear(&something_unexpected);
    print_error("%s\n", unexpected);
    _fail(file, line);
}

void check_run(int result, const char *what, const char *file, int line) {
    int code = errno;
    check_expectations(file, line);
    if (result >= 0)
        return;
    print_error("%s: errno %d (%s), \"%s\"\n", what, code, hawser_strerror(code), hawser_error());
    _fail(file, line);
}
