/* SPDX-License-Identifier: MIT */
/*
 * A plain thread waits in poll. What it watches besides the descriptors is its wake descriptor: plain close(2) does not wake a
 * thread in poll, and a signal that arrives just before poll would be missed without it.
 *
 * When no wake descriptor can be had (the descriptor table is full) the wait goes on in slices: closing a socket or a signal is
 * then noticed up to SLICE_MS late, instead of the call failing for a reason that is not its own.
 */
#include "sched/park.h"

#include "base/sys.h"
#include "base/wake.h"

#include <errno.h>
#include <string.h>

#define SLICE_MS 20

int hawser__interrupt_check(void) {
    return atomic_load(&hawser__task_current()->interrupted) ? -ECANCELED : 0;
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

int hawser__park(struct pollfd *fds, size_t n, hawser__deadline deadline) {
    hawser__task *task = hawser__task_current();
    if (n > HAWSER__PARK_MAX)
        return -EINVAL;
    int wake_fd = hawser__task_wake_fd(task);
    for (;;) {
        if (atomic_load(&task->interrupted))
            return -ECANCELED;
        if (hawser__task_take_wake(task))
            return 0;
        int64_t now = hawser__clock_monotonic();
        int ready = poll_once(fds, n, wake_fd, hawser__deadline_ms(deadline, now));
        if (ready > 0)
            return ready;
        if (ready < 0 && ready != -EINTR)
            return ready;
        if (!atomic_load(&task->woken) && hawser__clock_monotonic() >= deadline)
            return atomic_load(&task->interrupted) ? -ECANCELED : -hawser__deadline_code(deadline);
    }
}
