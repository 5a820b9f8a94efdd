/* SPDX-License-Identifier: MIT */
#include "sim/trace.h"

#include "base/sys.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

_Thread_local bool hawser__trace_off;

bool hawser__trace_open(hawser__simulation *self) {
    const char *path = getenv("HAWSER_SIM_TRACE");
    self->trace_fd = -1;
    if (path && *path && !hawser__trace_off)
        self->trace_fd = hawser__sys_open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    self->trace_used = 0;
    return self->trace_fd >= 0 || self->world.model.trace;
}

/* What a full disk does not take is lost: the run goes on. */
static void flush(hawser__simulation *self) {
    size_t at = 0;
    while (at < self->trace_used) {
        ssize_t n = hawser__sys_write_nosigpipe(self->trace_fd, self->trace + at, self->trace_used - at);
        if (n <= 0 && n != -EINTR)
            break;
        at += n > 0 ? (size_t)n : 0;
    }
    self->trace_used = 0;
}

void hawser__trace_close(hawser__simulation *self) {
    if (self->trace_fd < 0)
        return;
    flush(self);
    hawser__sys_close(self->trace_fd);
    self->trace_fd = -1;
}

void hawser__trace_put_line(const char *line) {
    hawser__simulation *self = hawser__simulation_here;
    const hawser_sim_model *model = &self->world.model;
    size_t length = strlen(line);
    if (model->trace)
        model->trace(line, model->trace_arg);
    if (self->trace_fd < 0)
        return;
    if (self->trace_used + length + 1 > sizeof self->trace)
        flush(self);
    memcpy(self->trace + self->trace_used, line, length);
    self->trace[self->trace_used + length] = '\n';
    self->trace_used += length + 1;
}
