/* SPDX-License-Identifier: MIT */
#include "cli/serve_room.h"

#include "cli/serve_log.h"

#include <hawser.h>

#include <sys/resource.h>
#include <unistd.h>

/* A connection takes one descriptor, a worker two. The rest is for the standard streams, listeners, signals and log, and for
 * what has to be opened for a moment: a new client never takes the last one from those who are being served. */
#define OTHERS 24
#define LEAST_RESERVE 40
#define A_WORKER 2
/* Where descriptors are few, so are workers. */
#define DESCRIPTORS_FOR_A_WORKER 16
#define MOST_CONNECTIONS 1000000

#define SHORTEST_WAIT 0.005
#define LONGEST_WAIT 1.0
#define TELL_EVERY 10.0

static size_t descriptors(void) {
    struct rlimit limit = {.rlim_cur = 1024};
    (void)getrlimit(RLIMIT_NOFILE, &limit);
    return limit.rlim_cur == RLIM_INFINITY || limit.rlim_cur > MOST_CONNECTIONS ? MOST_CONNECTIONS : (size_t)limit.rlim_cur;
}

/* The system's own limit decides, not the lower one that shells start with: nothing here passes descriptors to select. */
static void raise_limit(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= limit.rlim_max)
        return;
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
}

int serve_room_workers(int asked) {
    raise_limit();
    int most = (int)(descriptors() / DESCRIPTORS_FOR_A_WORKER);
    if (asked > 0 || sysconf(_SC_NPROCESSORS_ONLN) <= most)
        return asked;
    return most > 0 ? most : 1;
}

size_t serve_room_connections(void) {
    size_t usable = descriptors(), reserve = OTHERS + A_WORKER * (size_t)hawser_workers();
    reserve = reserve < LEAST_RESERVE ? LEAST_RESERVE : reserve;
    return usable > reserve ? usable - reserve : 1;
}

void serve_room_tell(struct patience *patience, const char *why) {
    double now = hawser_now();
    if (patience->told != 0 && now - patience->told < TELL_EVERY)
        return;
    serve_log_event(LOG_TROUBLE, "%s; new clients wait", why);
    patience->told = now;
}

bool serve_room_wait(struct patience *patience, const char *why) {
    serve_room_tell(patience, why);
    patience->delay = patience->delay == 0 ? SHORTEST_WAIT : patience->delay * 2;
    if (patience->delay > LONGEST_WAIT)
        patience->delay = LONGEST_WAIT;
    return hawser_sleep(patience->delay) == 0;
}
