/* SPDX-License-Identifier: MIT */
/*
 * A fiber is woken by its scheduler. For a thread a wake-up is a mark on the task and a signal on its eventfd, if it has one by
 * now. Whoever waits makes the eventfd first and looks at the mark second; whoever wakes marks first and looks for the eventfd
 * second: one of the two always sees the other.
 */
#include "base/wake.h"

#include "base/machine.h"
#include "base/sys.h"

int hawser__task_wake_fd(hawser__task *task) {
    if (hawser__machine_here)
        return -EOPNOTSUPP;
    if (task->wake_fd < 0) {
        int fd = hawser__sys_eventfd();
        if (fd < 0)
            return fd;
        task->wake_fd = fd;
    }
    return task->wake_fd;
}

void hawser__task_wake(hawser__task *task) {
    if (task->wake)
        task->wake(task);
    else if (!atomic_exchange(&task->woken, true) && task->wake_fd >= 0)
        hawser__sys_eventfd_signal(task->wake_fd);
}

bool hawser__task_take_wake(hawser__task *task) {
    if (!atomic_exchange(&task->woken, false))
        return false;
    if (task->wake_fd >= 0)
        hawser__sys_eventfd_clear(task->wake_fd);
    return true;
}

void hawser__task_drop_wake_fd(hawser__task *task) {
    int fd = task->wake_fd;
    task->wake_fd = -1;
    hawser__sys_close(fd);
}
