/* SPDX-License-Identifier: MIT */
#include "sim/trace.h"

#include "base/error.h"
#include "base/sys.h"
#include "sim/replay.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VARIABLE "HAWSER_SIM_TRACE"
#define LINE 512

/* What the thread has for itself while it simulates. */
struct aside {
    hawser__simulation *simulation;
    const hawser__machine *machine;
    hawser__worker *worker;
    hawser__task *task;              /* NULL = the strand's own, or that of the thread that simulates */
};

_Thread_local bool hawser__trace_off;
static _Thread_local struct aside aside __attribute__((tls_model("initial-exec")));
/* The first code with which the file took nothing more; 0 = it has taken all. */
static _Thread_local int lost __attribute__((tls_model("initial-exec")));

bool hawser__trace_open(hawser__simulation *self) {
    const char *path = getenv(VARIABLE);
    self->trace_fd = -1;
    lost = 0;
    if (path && *path && !hawser__trace_off)
        self->trace_fd = hawser__sys_open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    self->trace_used = 0;
    return self->trace_fd >= 0 || self->world.model.trace;
}

/* The file. */

/* What a full disk does not take is lost: the run goes on. */
void hawser__trace_flush(hawser__simulation *self) {
    size_t at = 0;
    while (self->trace_fd >= 0 && at < self->trace_used && !lost) {
        ssize_t n = hawser__sys_write_nosigpipe(self->trace_fd, self->trace + at, self->trace_used - at);
        if (n <= 0 && n != -EINTR)
            lost = n < 0 ? (int)-n : EIO;
        at += n > 0 ? (size_t)n : 0;
    }
    self->trace_used = 0;
}

void hawser__trace_close(hawser__simulation *self) {
    if (self->trace_fd < 0)
        return;
    hawser__trace_flush(self);
    hawser__sys_close(self->trace_fd);
    self->trace_fd = -1;
    if (lost && !self->world.model.quiet)
        hawser__replay_say("hawser: write %s, which " VARIABLE " names: %s\n", getenv(VARIABLE), hawser_strerror(lost));
}

static void keep(hawser__simulation *self, const char *line) {
    size_t length = strlen(line);
    if (self->trace_used + length + 1 > sizeof self->trace)
        hawser__trace_flush(self);
    memcpy(self->trace + self->trace_used, line, length);
    self->trace[self->trace_used + length] = '\n';
    self->trace_used += length + 1;
}

/* The callback. */

/* The task that is current belongs to a strand, which has it back afterwards; whoever runs in the loop is the thread itself. */
static void put_aside(hawser__simulation *self) {
    hawser__strand *running = self->strands.running;
    hawser__task *task = hawser__task_current();
    aside = (struct aside){self, hawser__machine_here, hawser__worker_switch(NULL), NULL};
    if (running && task != &running->task)
        aside.task = task;
    hawser__task_switch(NULL);
    hawser__task_settle(NULL);
    hawser__machine_here = NULL;
    hawser__world_here = NULL;
    hawser__simulation_here = NULL;
}

static void take_again(void) {
    hawser__simulation *self = aside.simulation;
    hawser__simulation_here = self;
    hawser__world_here = &self->world;
    hawser__machine_here = aside.machine;
    hawser__task_settle(self->strands.running ? &self->strands.running->task : NULL);
    hawser__task_switch(aside.task);
    (void)hawser__worker_switch(aside.worker);
    aside = (struct aside){.simulation = NULL};
}

static void call_back(hawser__simulation *self, const char *line) {
    const hawser_sim_model *model = &self->world.model;
    int saved = errno;
    put_aside(self);
    model->trace(line, model->trace_arg);
    take_again();
    errno = saved;
}

void hawser__trace_flush_here(void) {
    hawser__simulation *self = aside.simulation ? aside.simulation : hawser__simulation_here;
    if (self)
        hawser__trace_flush(self);
}

bool hawser__trace_in_callback(void) {
    return aside.simulation;
}

/* That is a line of the trace as well: the callback is called in the middle of itself. */
bool hawser__trace_fail(const char *sentence) {
    hawser__simulation *self = aside.simulation;
    if (!self)
        return false;
    take_again();
    hawser__simulation_fail(HAWSER_ECHECK, "%s", sentence);
    put_aside(self);
    return true;
}

void hawser__trace_clean(char *text) {
    for (; *text; text++)
        if ((unsigned char)*text < ' ' || *text == 0x7f)
            *text = *text == '\n' ? ' ' : '?';
}

void hawser__trace_put_line(const char *line) {
    hawser__simulation *self = hawser__simulation_here;
    char clean[LINE];
    snprintf(clean, sizeof clean, "%s", line);
    hawser__trace_clean(clean);
    if (self->trace_fd >= 0)
        keep(self, clean);
    if (self->world.model.trace)
        call_back(self, clean);
}
