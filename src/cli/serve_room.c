/* SPDX-License-Identifier: MIT */
#include "cli/serve_room.h"

#include "cli/serve_metrics.h"

#include <sys/resource.h>
#include <unistd.h>

/* A connection takes one descriptor, a worker two; a thread has one of its own besides. The rest is for the standard streams,
 * listeners, signals and log, and for what has to be opened for a moment: a new client never takes the last one from those who
 * are being served. */
#define OTHERS 24
#define LEAST_RESERVE 40
#define A_WORKER 2
#define METRICS (SERVE_METRICS_CONNECTIONS + 8)
/* Where descriptors are few, so are workers. */
#define DESCRIPTORS_FOR_A_WORKER 16
#define MOST_CONNECTIONS 1000000

static size_t descriptors(void) {
    struct rlimit limit = {.rlim_cur = 1024};
    (void)getrlimit(RLIMIT_NOFILE, &limit);
    return limit.rlim_cur == RLIM_INFINITY || limit.rlim_cur > MOST_CONNECTIONS ? MOST_CONNECTIONS : (size_t)limit.rlim_cur;
}

void serve_room_raise_limit(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= limit.rlim_max)
        return;
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
}

int serve_room_workers(int asked) {
    int most = (int)(descriptors() / DESCRIPTORS_FOR_A_WORKER);
    if (asked > 0 || sysconf(_SC_NPROCESSORS_ONLN) <= most)
        return asked;
    return most > 0 ? most : 1;
}

size_t serve_room_connections(hawser_concurrency mode, bool metrics) {
    size_t usable = descriptors(), reserve = OTHERS + A_WORKER * (size_t)hawser_workers();
    reserve = (reserve < LEAST_RESERVE ? LEAST_RESERVE : reserve) + (metrics ? METRICS : 0);
    size_t most = usable > reserve ? usable - reserve : 1;
    return mode == HAWSER_THREADS ? (most + 1) / 2 : most;
}
