/* SPDX-License-Identifier: MIT */
/* Deadlines that enclose code: a field of the task, which every wait looks at (hawser__task_deadline). */
#include "base/error.h"
#include "base/task.h"

#include <hawser/deadline.h>

int64_t hawser_deadline_push(double seconds) {
    hawser__task *task = hawser__task_current();
    int64_t ns = hawser__timeout_ns(seconds), outer = task->deadline;
    if (ns < 0)
        return hawser__fail(ns == -1 ? EINVAL : ERANGE, "set deadline to %g seconds", seconds);
    if (ns != HAWSER__NEVER)
        task->deadline = hawser__task_deadline(hawser__deadline_in(hawser__clock_monotonic(), ns));
    return outer;
}

void hawser_deadline_pop(int64_t outer) {
    if (outer >= 0)
        hawser__task_current()->deadline = outer;
}

double hawser_deadline_left(void) {
    hawser__deadline deadline = hawser__task_current()->deadline;
    if (deadline == HAWSER__NEVER)
        return HAWSER_NO_TIMEOUT;
    int64_t left = deadline - hawser__clock_monotonic();
    return left > 0 ? hawser__timeout_seconds(left) : 0;
}
