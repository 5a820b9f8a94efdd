/* SPDX-License-Identifier: MIT */
/*
 * A fiber is parked by its worker; what it needs of descriptors its engine's port sees to. A plain thread waits in poll. What
 * it watches besides the descriptors is its wake descriptor: plain close(2) does not wake a thread in poll, and a signal that
 * arrives just before poll would be missed without it.
 *
 * When no wake descriptor can be had (the descriptor table is full) the wait goes on in slices: closing a socket or a signal is
 * then noticed up to SLICE_MS late, instead of the call failing for a reason that is not its own.
 */
#include "sched/park.h"

#include "base/lock.h"
#include "base/machine.h"
#include "base/sys.h"
#include "base/wake.h"
#include "sched/pause.h"
#include "sched/worker.h"

#include <errno.h>
#include <string.h>

#define SLICE_MS 20
#define SLICE (SLICE_MS * (HAWSER__SECOND / 1000))

int hawser__interrupt_check(void) {
    return hawser__task_cut(hawser__task_current()) ? -ECANCELED : 0;
}

/* One poll. The count of ready descriptors, the wake descriptor not among them. */
static int poll_once(struct pollfd *fds, size_t n, int wake_fd, int ms) {
    struct pollfd watched[HAWSER__PARK_MAX + 1];
    if (n > 0)
        memcpy(watched, fds, n * sizeof *fds);
    watched[n] = (struct pollfd){.fd = wake_fd, .events = POLLIN};
    if (wake_fd < 0 && (ms < 0 || ms > SLICE_MS))
        ms = SLICE_MS;
    int ready = hawser__sys_poll(watched, n + 1, ms);
    if (ready == -EINVAL)   /* more than RLIMIT_NOFILE allows, which sandboxes set to 0: without the wake descriptor, then */
        ready = hawser__sys_poll(watched, n, ms < 0 || ms > SLICE_MS ? SLICE_MS : ms);
    if (ready < 0)
        return ready;
    for (size_t i = 0; i < n; i++)
        fds[i].revents = watched[i].revents;
    if (!watched[n].revents)
        return ready;
    hawser__sys_eventfd_clear(wake_fd);   /* a signal left over from a wake-up that was taken already would make this spin */
    return ready - 1;
}

/* On another machine descriptors are looked at, and not waited for: its time does not pass with theirs. */
static int doze(hawser__task *task, struct pollfd *fds, size_t n, hawser__deadline deadline) {
    int ready = n > 0 ? hawser__sys_poll(fds, n, 0) : 0;
    if (ready != 0)
        return ready;
    hawser__machine_here->doze(task, n > 0 && deadline > hawser__clock_monotonic() + SLICE ? hawser__clock_monotonic() + SLICE : deadline);
    return 0;
}

static int wait_on_thread(hawser__task *task, struct pollfd *fds, size_t n, hawser__deadline deadline) {
    int wake_fd = hawser__task_wake_fd(task);
    for (;;) {
        if (hawser__task_cut(task))
            return -ECANCELED;
        if (hawser__task_take_wake(task))
            return 0;
        int64_t now = hawser__clock_monotonic();
        int ready = hawser__machine_here ? doze(task, fds, n, deadline)
                                         : poll_once(fds, n, wake_fd, hawser__deadline_ms(deadline, now));
        if (ready > 0)
            return ready;
        if (ready < 0 && ready != -EINTR)
            return ready;
        if (!atomic_load(&task->woken) && hawser__clock_monotonic() >= deadline)
            return hawser__task_cut(task) ? -ECANCELED : -hawser__deadline_code(deadline);
    }
}

/* A mark that is there is taken before the task looks at what it was told of: whoever adds to that marks again. */
static bool take_mark(hawser__task *task) {
    if (!atomic_load_explicit(&task->woken, memory_order_acquire))
        return false;
    if (HAWSER__THREADED)
        return atomic_exchange(&task->woken, false);
    atomic_store_explicit(&task->woken, false, memory_order_relaxed);
    return true;
}

static int wait_in_fiber(hawser__fiber *self, hawser__deadline deadline) {
    for (;;) {
        if (hawser__task_cut(&self->task))
            return -ECANCELED;
        if (take_mark(&self->task))
            return 0;
        if (deadline == HAWSER__NOW || self->expired)
            return -hawser__deadline_code(deadline);
        hawser__worker_park(self, deadline);
    }
}

/* A worker whose engine knows nothing of descriptors: they are looked at every few milliseconds. */
static int watch_in_fiber(hawser__fiber *self, struct pollfd *fds, size_t n, hawser__deadline deadline) {
    for (unsigned round = 0;; round++) {
        int ready = hawser__sys_poll(fds, n, 0);
        if (ready != 0 && ready != -EINTR)
            return ready;
        int64_t end = hawser__pause_end(hawser__clock_monotonic(), round, deadline);
        self->expired = false;
        int result = end < 0 ? (int)end : wait_in_fiber(self, end);
        if (result != -ETIMEDOUT || end < 0)
            return result;
    }
}

int hawser__park(struct pollfd *fds, size_t n, hawser__deadline deadline) {
    hawser__task *task = hawser__task_current();
    if (n > HAWSER__PARK_MAX)
        return -EINVAL;
    if (task->held && deadline != HAWSER__NOW && hawser__task_send_held(task))
        return 0;
    if (!task->fiber)
        return wait_on_thread(task, fds, n, deadline);
    task->fiber->expired = false;
    return n > 0 ? watch_in_fiber(task->fiber, fds, n, deadline) : wait_in_fiber(task->fiber, deadline);
}

int hawser__wait(const char *what, int64_t object, hawser__deadline deadline) {
    hawser__task *task = hawser__task_current();
    task->waits_for = what;
    task->waits_on = object;
    int result = hawser__park(NULL, 0, deadline);
    task->waits_for = NULL;
    return result;
}

/* Where no wake descriptor can be had, looking again in slices is all there is. */
static void wait_through_on_thread(hawser__task *task) {
    int wake_fd = hawser__task_wake_fd(task);
    while (!hawser__task_take_wake(task))
        (void)(hawser__machine_here ? doze(task, NULL, 0, HAWSER__NEVER) : poll_once(NULL, 0, wake_fd, -1));
}

void hawser__wait_through(const char *what, int64_t object) {
    hawser__task *task = hawser__task_current();
    if (task->held && hawser__task_send_held(task))
        return;
    task->waits_for = what;
    task->waits_on = object;
    if (!task->fiber)
        wait_through_on_thread(task);
    else
        while (!take_mark(task))
            hawser__worker_park(task->fiber, HAWSER__NEVER);
    task->waits_for = NULL;
}
