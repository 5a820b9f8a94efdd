/* SPDX-License-Identifier: MIT */
#include "sched/pause.h"

#define FIRST (1 * HAWSER__SECOND / 1000)
#define DOUBLINGS 4

int64_t hawser__pause_end(int64_t now, unsigned round, hawser__deadline deadline) {
    int64_t end = now + (FIRST << (round < DOUBLINGS ? round : DOUBLINGS));
    if (now >= deadline)
        return -hawser__deadline_code(deadline);
    return end < deadline ? end : deadline;
}

int hawser__pause(hawser__engine *engine, unsigned round, hawser__deadline deadline) {
    int64_t end = hawser__pause_end(engine->ops->now(engine), round, deadline);
    return end < 0 ? (int)end : engine->ops->sleep(engine, end);
}
