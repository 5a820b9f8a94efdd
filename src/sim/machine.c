/* SPDX-License-Identifier: MIT */
/* What simulated programs get in place of the system: base/machine.h. */
#include "base/machine.h"

#include "base/mem.h"
#include "sim/simulation.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define EPOCH INT64_C(1767225600)    /* wall clocks begin at 2026-01-01 00:00:00 UTC */
#define READING 20                   /* nanoseconds that a look at the clock takes: whoever looks for long sees it move */

static struct hawser__engine *engine(void) {
    return &hawser__simulation_here->host->engine;
}

static struct hawser__process *process(void) {
    return hawser__simulation_here->host->process;
}

static int64_t monotonic(void) {
    hawser__simulation *self = hawser__simulation_here;
    if (!self->host)
        return self->world.now;
    self->world.now += self->inside ? 0 : READING;
    return hawser__host_clock(self->host, self->world.now);
}

static int64_t wall(void) {
    hawser__simulation *self = hawser__simulation_here;
    self->world.now += self->inside ? 0 : READING;
    return EPOCH * HAWSER__SECOND + self->world.now + (self->host ? self->host->skew : 0);
}

static int random_bytes(void *buf, size_t size) {
    hawser__chance_bytes(hawser__world_chance(), buf, size);
    return 0;
}

static int processors(void) {
    return hawser__simulation_here->world.limits.processors;
}

static int hostname(char *name, size_t size) {
    snprintf(name, size, "%s", hawser__simulation_here->host->name);
    return 0;
}

/* Signals. */

static int make_actions(hawser__host *host) {
    bool inside = hawser__simulation_inside(true);
    if (!host->actions)
        host->actions = hawser__zalloc(NSIG * sizeof host->actions[0]);
    hawser__simulation_inside(inside);
    return host->actions ? 0 : -ENOMEM;
}

static int set_action(int signo, const struct sigaction *action, struct sigaction *old) {
    hawser__host *host = hawser__simulation_here->host;
    if (signo <= 0 || signo >= NSIG || signo == SIGKILL || signo == SIGSTOP)
        return -EINVAL;
    if (make_actions(host) < 0)
        return -ENOMEM;
    if (old)
        *old = host->actions[signo];
    if (action)
        host->actions[signo] = *action;
    return 0;
}

/* On whatever strand sends the signal, with the host's clock and process in place. */
bool hawser__host_signal(hawser__host *host, int signo) {
    hawser__simulation *self = hawser__simulation_here;
    hawser__host *before = self->host;
    bool inside = self->inside;
    void (*handler)(int) = host->actions ? host->actions[signo].sa_handler : SIG_DFL;
    if (handler == SIG_IGN)
        return true;
    if (handler == SIG_DFL)
        return false;
    self->host = host;
    self->inside = false;
    handler(signo);
    self->host = before;
    self->inside = inside;
    return true;
}

/* Work and memory. */

static int64_t work_time(void) {
    hawser__simulation *self = hawser__simulation_here;
    int64_t mean = self->world.limits.offload_time;
    return mean > 0 ? hawser__chance_wait(&self->world.chance, mean) : 0;
}

static bool asks_itself(void) {
    return hawser__simulation_here->inside;
}

static bool refuses_memory(void) {
    hawser__simulation *self = hawser__simulation_here;
    return !self->inside && self->host && hawser__chance_hits(&self->world.chance, self->host->allocation_fails);
}

static void memory_moved(uintptr_t from, void *to) {
    hawser__simulation *self = hawser__simulation_here;
    bool inside = hawser__simulation_inside(true);
    if (from)
        hawser__heap_remove(&self->heap, from);
    if (to && !inside)
        (void)hawser__heap_add(&self->heap, to, self->host->number);
    hawser__simulation_inside(inside);
}

const hawser__machine hawser__simulated_machine = {
    .engine = engine,
    .process = process,
    .monotonic = monotonic,
    .wall = wall,
    .random = random_bytes,
    .processors = processors,
    .hostname = hostname,
    .sigaction = set_action,
    .number = hawser__host_number_call,
    .yield = hawser__strand_give_way,
    .doze = hawser__strand_doze,
    .work_time = work_time,
    .thread_begin = hawser__strand_begin,
    .thread_join = hawser__strand_join,
    .condition_wait = hawser__strand_condition_wait,
    .condition_signal = hawser__strand_condition_signal,
    .asks_itself = asks_itself,
    .refuses_memory = refuses_memory,
    .memory_moved = memory_moved,
};
