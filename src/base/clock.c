/* SPDX-License-Identifier: MIT */
#include "base/clock.h"

#include "base/machine.h"

#include <hawser/common.h>

#include <limits.h>
#include <math.h>
#include <time.h>

static int64_t read_clock(clockid_t id) {
    struct timespec now;
    clock_gettime(id, &now);   /* cannot fail for these two clocks */
    return (int64_t)now.tv_sec * HAWSER__SECOND + now.tv_nsec;
}

int64_t hawser__clock_monotonic(void) {
    return hawser__machine_here ? hawser__machine_here->monotonic() : read_clock(CLOCK_MONOTONIC);
}

int64_t hawser__clock_wall(void) {
    return hawser__machine_here ? hawser__machine_here->wall() : read_clock(CLOCK_REALTIME);
}

/* A timeout that is above 0 stays above 0, however small: 0 means "do not wait", which is something else. */
int64_t hawser__timeout_ns(double seconds) {
    if (seconds == HAWSER_NO_TIMEOUT)
        return HAWSER__NEVER;
    if (isnan(seconds) || seconds < 0)
        return -1;
    if (seconds > 1e9)
        return -2;
    int64_t ns = (int64_t)(seconds * 1e9 + 0.5);
    return ns == 0 && seconds > 0 ? 1 : ns;
}

double hawser__timeout_seconds(int64_t ns) {
    return ns == HAWSER__NEVER ? HAWSER_NO_TIMEOUT : (double)ns / 1e9;
}

hawser__deadline hawser__deadline_in(int64_t now, int64_t ns) {
    if (ns == 0)
        return HAWSER__NOW;
    return ns >= HAWSER__NEVER - now ? HAWSER__NEVER : now + ns;
}

int hawser__deadline_code(hawser__deadline deadline) {
    return deadline == HAWSER__NOW ? EAGAIN : ETIMEDOUT;
}

/* Rounded up: a wait that ends a fraction early would spin through the last millisecond. */
int hawser__deadline_ms(hawser__deadline deadline, int64_t now) {
    if (deadline == HAWSER__NEVER)
        return -1;
    if (deadline <= now)
        return 0;
    int64_t ms = (deadline - now - 1) / 1000000 + 1;
    return ms > INT_MAX ? INT_MAX : (int)ms;
}
