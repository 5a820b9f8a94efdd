/* SPDX-License-Identifier: MIT */
#include "sim/trace.h"

#include "base/sys.h"
#include "sim/host.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE 512

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

static void put_line(hawser__simulation *self, char *line, size_t length) {
    const hawser_sim_model *model = &self->world.model;
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

void hawser__trace_line(const hawser__host *host, const char *format, ...) {
    hawser__simulation *self = hawser__simulation_here;
    char line[LINE];
    va_list args;
    if (!self)
        return;
    int64_t now = self->world.now;
    int head = snprintf(line, sizeof line, "%lld.%09lld %s ", (long long)(now / HAWSER__SECOND), (long long)(now % HAWSER__SECOND),
                        host ? host->name : "-");
    va_start(args, format);
    int tail = vsnprintf(line + head, sizeof line - (size_t)head, format, args);
    va_end(args);
    size_t length = strlen(line);
    if (tail >= 0)
        put_line(self, line, length);
}
