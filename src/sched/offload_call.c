/* SPDX-License-Identifier: MIT */
/*
 * hawser_offload: a function as a borrowed job, whose failure is told to the task that waits.
 *
 * A function that offloads another one has a thread that may block: there the other one is simply called. Waiting for a place
 * could be waiting for its own.
 */
#include "base/error.h"
#include "base/signals.h"
#include "sched/offload.h"

#include <hawser/offload.h>

#include <errno.h>

struct call {
    hawser__job job;
    hawser_fn fn;
    void *arg;
    int result;
    struct hawser__failure failure;
};

/* The helper's record is again as that of a new thread, whatever the function did. */
static void clean_up(hawser__task *own) {
    hawser__signals_forget(own);
    atomic_store(&own->interrupted, 0);
    own->deadline = HAWSER__NEVER;
    hawser__task_done(own);
}

static void run(hawser__job *job) {
    struct call *call = (struct call *)job;
    hawser__task *own = hawser__task_current();
    hawser__failure_forget(own);
    errno = 0;
    call->result = call->fn(call->arg);
    if (call->result < 0)
        hawser__failure_keep(&call->failure, own, errno ? errno : EIO);
    clean_up(own);
}

/* A function that failed without this library has left no sentence. */
static void tell(const struct hawser__failure *failure) {
    if (failure->sentence[0])
        hawser__failure_tell(failure);
    else
        hawser__fail_moved(failure->code, failure->moved, "run offloaded function");
}

int hawser_offload(hawser_fn fn, void *arg) {
    if (hawser__offload_helping())
        return fn(arg);
    struct call call;
    call.job = (hawser__job){.work = HAWSER__WORK_FUNCTION, .run = run};
    call.fn = fn;
    call.arg = arg;
    int code = hawser__offload(&call.job, "offload", (int64_t)(uintptr_t)fn, hawser__task_deadline(HAWSER__NEVER));
    if (code < 0)
        return hawser__fail(code, "offload a function");
    if (call.result < 0)
        tell(&call.failure);
    return call.result;
}
