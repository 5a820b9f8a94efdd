/* SPDX-License-Identifier: MIT */
/*
 * Regular files and block devices: they are always "ready", and yet a read can take as long as a disk, or a server on the
 * network, needs. On a plain thread these are the system's own calls. In a fiber none of them holds up the worker: what is in
 * memory is read at once, the rest on a helper thread.
 */
#ifndef HAWSER__DISK_H
#define HAWSER__DISK_H

#include "sched/offload.h"

#include <sys/types.h>

/* What has been learnt of an open file; zeroed at first. One task reads and one writes. */
typedef struct hawser__disk {
    bool blind;   /* nobody can tell what of it is in memory: tmpfs, proc, some network file systems */
    bool slow;    /* the last write was held up */
} hawser__disk;

/* As read(2), or with OFFSET 0 and up as pread(2). In a fiber also -ETIMEDOUT at DEADLINE and -ECANCELED, while no helper
 * thread has come to it; HAWSER__NOW means no deadline here, since these files have no "not now". */
ssize_t hawser__disk_read(hawser__disk *disk, int fd, void *buf, size_t size, int64_t offset, hawser__deadline deadline);

/* As write(2), without SIGPIPE. */
ssize_t hawser__disk_write(hawser__disk *disk, int fd, const void *data, size_t size, hawser__deadline deadline);

/* Whether SIZE bytes from OFFSET on are in memory, as far as both ends show: what is read ahead comes in long rows. On a plain
 * thread nobody needs to know, and the answer is yes. */
bool hawser__disk_holds(hawser__disk *disk, int fd, int64_t offset, size_t size);

/* Waits for JOB, which works on the file FD, on a helper thread; the failures of hawser__disk_read. */
int hawser__disk_offload(hawser__job *job, int fd, hawser__deadline deadline);

#endif
