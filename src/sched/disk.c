/* SPDX-License-Identifier: MIT */
/*
 * Reading: the page cache is asked first (RWF_NOWAIT), which costs as much as the read, and answers nearly always. A miss has
 * the kernel begin to read ahead; the read on the helper thread waits for that.
 *
 * Writing: write(2) copies into the page cache, 10 microseconds for 64 KiB, and a trip to a helper and back costs as much
 * again. So the fiber writes itself. But who writes more than the disk can take is held up by the kernel, for up to 200 ms a
 * call: a write that took more than a millisecond sends those that follow to helpers, until they are quick again. (Few file
 * systems have writes that do not wait; ext4 is none of them.)
 */
#include "sched/disk.h"

#include "base/sys.h"

#include <errno.h>

#define SLOW (HAWSER__SECOND / 1000)

struct transfer {
    hawser__job job;
    int fd;
    void *buf;
    size_t size;
    int64_t offset;
    ssize_t result;
    int64_t took;
};

static bool in_fiber(void) {
    return hawser__task_current()->fiber != NULL;
}

static ssize_t read_at(int fd, void *buf, size_t size, int64_t offset) {
    return offset < 0 ? hawser__sys_read(fd, buf, size) : hawser__sys_pread(fd, buf, size, offset);
}

static void run_read(hawser__job *job) {
    struct transfer *transfer = (struct transfer *)job;
    transfer->result = read_at(transfer->fd, transfer->buf, transfer->size, transfer->offset);
}

static void run_write(hawser__job *job) {
    struct transfer *transfer = (struct transfer *)job;
    int64_t began = hawser__clock_monotonic();
    transfer->result = hawser__sys_write_nosigpipe(transfer->fd, transfer->buf, transfer->size);
    transfer->took = hawser__clock_monotonic() - began;
}

int hawser__disk_offload(hawser__job *job, int fd, hawser__deadline deadline) {
    job->work = HAWSER__WORK_DISK;
    return hawser__offload(job, "disk", fd, deadline == HAWSER__NOW ? HAWSER__NEVER : deadline);
}

static ssize_t read_elsewhere(int fd, void *buf, size_t size, int64_t offset, hawser__deadline deadline) {
    struct transfer transfer = {.job = {.run = run_read}, .fd = fd, .buf = buf, .size = size, .offset = offset};
    int code = hawser__disk_offload(&transfer.job, fd, deadline);
    return code < 0 ? code : transfer.result;
}

/* -EAGAIN: not in memory, or nobody can tell. */
static ssize_t read_now(hawser__disk *disk, int fd, void *buf, size_t size, int64_t offset) {
    ssize_t n = disk->blind ? -EAGAIN : hawser__sys_read_now(fd, buf, size, offset);
    if (!hawser__sys_is_lacking(n))
        return n;
    disk->blind = true;
    return -EAGAIN;
}

ssize_t hawser__disk_read(hawser__disk *disk, int fd, void *buf, size_t size, int64_t offset, hawser__deadline deadline) {
    if (!in_fiber())
        return read_at(fd, buf, size, offset);
    ssize_t n = read_now(disk, fd, buf, size, offset);
    return n != -EAGAIN ? n : read_elsewhere(fd, buf, size, offset, deadline);
}

bool hawser__disk_holds(hawser__disk *disk, int fd, int64_t offset, size_t size) {
    char byte;
    if (!in_fiber() || size == 0)
        return true;
    return read_now(disk, fd, &byte, 1, offset) >= 0 &&
           (size == 1 || read_now(disk, fd, &byte, 1, offset + (int64_t)size - 1) >= 0);
}

ssize_t hawser__disk_write(hawser__disk *disk, int fd, const void *data, size_t size, hawser__deadline deadline) {
    struct transfer transfer = {.job = {.run = run_write}, .fd = fd, .buf = (void *)data, .size = size};
    if (!in_fiber())
        return hawser__sys_write_nosigpipe(fd, data, size);
    int code = 0;
    if (disk->slow)
        code = hawser__disk_offload(&transfer.job, fd, deadline);
    else
        run_write(&transfer.job);
    if (code < 0)
        return code;
    disk->slow = transfer.took > SLOW;
    return transfer.result;
}
