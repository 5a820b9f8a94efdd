/* SPDX-License-Identifier: MIT */
/* What a simulated host is asked for beside its sockets: clocks, chance, sleep, socket files. */
#include "base/sys.h"
#include "sched/park.h"
#include "sim/endpoint.h"
#include "sim/engine.h"

#include <errno.h>
#include <string.h>

int hawser__sim_sleep(hawser__engine *engine, hawser__deadline deadline) {
    int result;
    (void)engine;
    do
        result = hawser__wait("sleep", -1, deadline);
    while (result == 0);
    hawser__strand_pace();
    return result == -ETIMEDOUT || result == -EAGAIN ? 0 : result;
}

int64_t hawser__sim_now(hawser__engine *engine) {
    (void)engine;
    hawser__strand_pace();
    return hawser__clock_monotonic();
}

int64_t hawser__sim_time(hawser__engine *engine) {
    (void)engine;
    hawser__strand_pace();
    return hawser__clock_wall();
}

int hawser__sim_random_bytes(hawser__engine *engine, void *buf, size_t size) {
    (void)engine;
    return hawser__sys_random(buf, size);
}

/* Socket files. The process that owns them is the host's life: what an earlier one left is stale. */

int hawser__sim_unix_claim(hawser__engine *engine, struct hawser__unix_file *file, hawser__deadline deadline) {
    hawser__host *host = (hawser__host *)engine;
    int result = 0;
    (void)deadline;
    (void)hawser__simulation_inside(true);
    file->lock = -1;
    file->owner = 0;
    if (hawser__host_file(host, file->path) && !hawser__host_file_is_socket(host, file->path))
        result = -ENOTSOCK;
    else if (hawser__host_file_is_live(host, file->path))
        result = -EADDRINUSE;
    else
        hawser__host_remove_file(host, file->path);
    (void)hawser__simulation_inside(false);
    return result;
}

void hawser__sim_unix_settle(hawser__engine *engine, struct hawser__unix_file *file, bool bound) {
    hawser__host *host = (hawser__host *)engine;
    (void)hawser__simulation_inside(true);
    file->inode = bound ? hawser__host_file(host, file->path) : 0;
    file->owner = file->inode ? host->life : 0;
    (void)hawser__simulation_inside(false);
}

void hawser__sim_unix_remove(hawser__engine *engine, struct hawser__unix_file *file) {
    hawser__host *host = (hawser__host *)engine;
    (void)hawser__simulation_inside(true);
    if (file->owner == host->life && hawser__host_file(host, file->path) == file->inode)
        hawser__host_remove_file(host, file->path);
    file->owner = 0;
    (void)hawser__simulation_inside(false);
}
