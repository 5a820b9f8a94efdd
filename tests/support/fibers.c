/* SPDX-License-Identifier: MIT */
#include "fibers.h"

#include <errno.h>

#include "base/error.h"
#include "engine/kernel.h"
#include "threads.h"

bool in_fiber(void) {
    return hawser__task_current()->fiber != NULL;
}

bool told_changes(void) {
    struct hawser__kernel_port *port = hawser__kernel_port();
    return port && port->ops->edge;
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
