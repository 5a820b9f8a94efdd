/* SPDX-License-Identifier: MIT */
/* Clocks, random bytes, sleeping, foreign descriptors: world.h, except signals. All of it is the engine's to answer. */
#include "base/error.h"
#include "base/task.h"
#include "engine/engines.h"
#include "net/timeout.h"

#include <hawser/world.h>

double hawser_now(void) {
    hawser__engine *engine = hawser__engine_current();
    return (double)engine->ops->now(engine) / 1e9;
}

double hawser_time(void) {
    hawser__engine *engine = hawser__engine_current();
    return (double)engine->ops->time(engine) / 1e9;
}

int hawser_random_bytes(void *buf, size_t size) {
    hawser__engine *engine = hawser__engine_current();
    int result = engine->ops->random(engine, buf, size);
    return result < 0 ? hawser__fail(result, "get %zu random bytes", size) : 0;
}

/* 0 when the time is up that was asked for, -ETIMEDOUT when a deadline around it came first. */
static int sleep_until(hawser__engine *engine, hawser__deadline end) {
    hawser__deadline until = hawser__task_deadline(end);
    int result = engine->ops->sleep(engine, until);
    return result == 0 && until < end ? -hawser__deadline_code(until) : result;
}

int hawser_sleep(double seconds) {
    hawser__engine *engine = hawser__engine_current();
    int64_t ns = seconds < 0 ? -EINVAL : hawser__timeout_checked(seconds);
    int result = ns < 0 ? (int)ns : sleep_until(engine, hawser__deadline_in(engine->ops->now(engine), ns));
    return result < 0 ? hawser__fail(result, "sleep %g seconds", seconds) : 0;
}

int hawser_wait_fd(int fd, int events, double timeout) {
    hawser__engine *engine = hawser__engine_current();
    int64_t ns = hawser__timeout_checked(timeout);
    if (fd < 0)
        return hawser__fail(EBADF, "wait for descriptor %d", fd);
    if ((events & ~(HAWSER_READABLE | HAWSER_WRITABLE)) || events == 0)
        return hawser__fail(EINVAL, "wait for descriptor %d", fd);
    if (ns < 0)
        return hawser__fail((int)ns, "wait for descriptor %d", fd);
    hawser__deadline deadline = hawser__task_deadline(hawser__deadline_in(engine->ops->now(engine), ns));
    int result = engine->ops->wait_fd(engine, NULL, fd, events, deadline);
    return result < 0 ? hawser__fail(result, "wait for descriptor %d", fd) : result;
}
