/* SPDX-License-Identifier: MIT */
#include "base/sys_epoll.h"

#include "base/sys_call.h"

#include <limits.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

static atomic_bool only_milliseconds;   /* a kernel before 5.11, or an emulation, without epoll_pwait2 */

int hawser__sys_epoll_create(void) {
    RETURN_CALL("epoll_create", epoll_create1(EPOLL_CLOEXEC));
}

int hawser__sys_epoll_ctl(int epoll, int operation, int fd, struct epoll_event *event) {
    RETURN_CALL("epoll_ctl", epoll_ctl(epoll, operation, fd, event));
}

/* Rounded up: a wait that ends a fraction early would spin through the last millisecond. */
static int milliseconds(int64_t ns) {
    int64_t ms = ns <= 0 ? ns : (ns - 1) / 1000000 + 1;
    return ms > INT_MAX ? INT_MAX : (int)ms;
}

/* Not every C library has a function for it. The time is the kernel's timespec, the same on every processor. */
static int precise_wait(int epoll, struct epoll_event *events, int room, int64_t ns) {
    const int64_t time[2] = {ns / 1000000000, ns % 1000000000};
    int result = (int)syscall(SYS_epoll_pwait2, epoll, events, room, time, NULL, (size_t)0);
    if (result < 0 && errno == ENOSYS)
        atomic_store(&only_milliseconds, true);
    return result;
}

static int wait_for(int epoll, struct epoll_event *events, int room, int64_t ns) {
    if (ns > 0 && !atomic_load_explicit(&only_milliseconds, memory_order_relaxed)) {
        int result = precise_wait(epoll, events, room, ns);
        if (result >= 0 || errno != ENOSYS)
            return result;
    }
    return epoll_wait(epoll, events, room, ns < 0 ? -1 : milliseconds(ns));
}

int hawser__sys_epoll_wait(int epoll, struct epoll_event *events, int room, int64_t ns) {
    RETURN_CALL("epoll_wait", wait_for(epoll, events, room, ns));
}
