/* SPDX-License-Identifier: MIT */
/*
 * Gathering: what a server's handler writes is held back until it waits for something, and sent by the wait itself
 * (sched/park.c), whatever it is for. Nobody is there to be told when that fails, so the failure is kept for the next call on
 * the file.
 *
 * Only the task that gathers holds back. Others may write while it does not, under a lock of theirs perhaps; what they write
 * goes out before their call returns, so no task ever sends what another one is adding to.
 */
#include "stream/file.h"

#include "base/error.h"

#include <hawser/run.h>

#include <errno.h>

/* At a socket that another task is sending on. */
#define TRIES 64

/* What can go at once does; true: the rest had to be waited for. A peer that is gone will never take it, so it is dropped then;
 * a timeout leaves it for another try. */
static bool send_held(struct hawser__held *held) {
    hawser_file *file = (hawser_file *)((char *)held - offsetof(hawser_file, held));
    size_t moved = 0;
    file->listed = false;
    file->out.ready = 0;
    int result = hawser__file_flush(file, HAWSER__NOW, &moved);
    for (int tries = 0; result == -EBUSY && tries < TRIES; tries++) {   /* another task sends on the socket, past the file */
        hawser_yield();
        result = hawser__file_flush(file, HAWSER__NOW, &moved);
    }
    if (result == -EBUSY)
        return false;   /* it stays held back, and goes with the next that is written, or with the last */
    bool waits = result == -EAGAIN;
    if (waits)
        result = hawser__file_flush(file, HAWSER__NEVER, &moved);
    if (result < 0) {
        file->failed = result;
        file->unsent = hawser__buffer_used(&file->out);
        if (result != -ETIMEDOUT && result != -EAGAIN && result != -ECANCELED)
            hawser__buffer_clear(&file->out);
    }
    return waits;
}

void hawser__file_gather(hawser_file *file) {
    file->gatherer = hawser__task_current();
    file->held.send = send_held;
}

int hawser__file_enlist(hawser_file *file) {
    hawser__task *task = file->gatherer;
    size_t moved = 0;
    if (task != hawser__task_current())
        return hawser__file_flush(file, HAWSER__NEVER, &moved);
    file->listed = true;
    file->held.next = task->held;
    task->held = &file->held;
    return 0;
}

void hawser__file_unlist(hawser_file *file) {
    if (!file->listed)
        return;
    struct hawser__held **at = &file->gatherer->held;
    while (*at != &file->held)
        at = &(*at)->next;
    *at = file->held.next;
    file->listed = false;
    file->out.ready = 0;
}

static int tell_failure(hawser_file *file) {
    hawser_addr addr;
    int code = file->failed;
    file->failed = 0;
    return hawser__fail_sentence(code, "write to %s: %s; %zu bytes were not sent", hawser__file_name(file, &addr),
                                 hawser_strerror(-code), file->unsent);
}

int hawser__file_refuse_read(hawser_file *file) {
    return file->readable ? tell_failure(file->tied) : hawser__file_refuse(file, "read from");
}

int hawser__file_refuse_write(hawser_file *file) {
    return file->writable ? tell_failure(file) : hawser__file_refuse(file, "write to");
}
