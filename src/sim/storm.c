/* SPDX-License-Identifier: MIT */
#include "sim/storm.h"

#include "sched/run.h"
#include "world/socket.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

/* Crashes. Host 0, the scenario's, has none. */

static void crash_or_start(hawser__event *event) {
    hawser__host *host = (hawser__host *)((char *)event - offsetof(hawser__host, fate));
    const hawser__simulation *self = hawser__simulation_here;
    if (!host->up) {
        if (hawser__host_boot(host) < 0)
            hawser__simulation_fail(ENOMEM, "no memory to start %s", host->name);
        return;
    }
    hawser__trace(host, "crash");
    hawser__host_end(host, false, ECONNABORTED);
    host->fate.happen = crash_or_start;
    int64_t mean = self->world.limits.crash_time;
    hawser__world_after(&host->fate, mean > 0 ? hawser__chance_wait(hawser__world_chance(), mean) : 0);
}

void hawser__host_plan_crash(hawser__host *host) {
    int64_t mean = hawser__world_here->limits.crash_every;
    host->fate.happen = crash_or_start;
    if (mean > 0 && host->number > 0)
        hawser__world_after(&host->fate, hawser__chance_wait(hawser__world_chance(), mean));
}

/* Partitions: each host is on one side or the other, and what goes from one side to the other is lost. */

static void set_between(bool parted) {
    hawser__world *world = hawser__world_here;
    for (hawser__host *a = world->hosts; a; a = a->next)
        for (hawser__host *b = world->hosts; b; b = b->next)
            if (a->side != b->side)
                hawser__path_between(a, b)->parted = parted;
}

static void part_or_heal(hawser__event *event);

static void plan(hawser__event *event, int64_t mean) {
    event->happen = part_or_heal;
    hawser__world_after(event, mean > 0 ? hawser__chance_wait(hawser__world_chance(), mean) : 1);
}

static void part(hawser__simulation *self) {
    for (hawser__host *host = self->world.hosts; host; host = host->next)
        host->side = hawser__chance_below(&self->world.chance, 2);
    set_between(true);
    hawser__trace(NULL, "partition");
    plan(&self->partition, self->world.limits.partition_time);
}

static void heal(hawser__simulation *self) {
    set_between(false);
    for (hawser__host *host = self->world.hosts; host; host = host->next)
        host->side = false;
    hawser__trace(NULL, "heal");
    plan(&self->partition, self->world.limits.partition_every);
}

static void part_or_heal(hawser__event *event) {
    hawser__simulation *self = (hawser__simulation *)((char *)event - offsetof(hawser__simulation, partition));
    bool parted = self->parted;
    self->parted = !parted;
    if (parted)
        heal(self);
    else
        part(self);
}

void hawser__storm_begin(hawser__simulation *self) {
    if (self->world.limits.partition_every > 0)
        plan(&self->partition, self->world.limits.partition_every);
}

void hawser__storm_end(hawser__simulation *self) {
    hawser__world_forget(&self->partition);
}

/* Who waits. */

struct text {
    char *at;
    size_t left;
};

HAWSER_FORMAT(2, 3) static void add(struct text *text, const char *format, ...) {
    va_list args;
    va_start(args, format);
    int length = vsnprintf(text->at, text->left, format, args);
    va_end(args);
    size_t used = length < 0 ? 0 : (size_t)length < text->left ? (size_t)length : text->left - 1;
    text->at += used;
    text->left -= used;
}

static void add_fibers(struct text *text, const hawser__host *host, const hawser__worker *worker) {
    for (hawser__fiber *fiber = worker->fibers; fiber; fiber = fiber->all.next)
        add(text, "; %s: fiber %llu%s%s: %s", host->name, (unsigned long long)fiber->number, fiber->name[0] ? " " : "",
            fiber->name, fiber->task.waits_for ? fiber->task.waits_for : "nothing");
}

static void add_strands(struct text *text, const hawser__host *host) {
    for (hawser__strand *strand = host->strands; strand; strand = strand->next) {
        if (strand->rounds > 0)
            add(text, "; %s: never waits", host->name);
        if (strand->worker)
            add_fibers(text, host, strand->worker);
        else if (strand->task.waits_for)
            add(text, "; %s: %s", host->name, strand->task.waits_for);
    }
}

void hawser__storm_waiters(char *text, size_t size) {
    struct text rest = {text, size};
    text[0] = '\0';
    for (hawser__host *host = hawser__world_here->hosts; host; host = host->next)
        add_strands(&rest, host);
    if (text[0])
        text[0] = ':';
}
