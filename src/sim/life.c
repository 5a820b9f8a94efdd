/* SPDX-License-Identifier: MIT */
/*
 * The lives of hosts: a program that starts, returns, is killed or loses power, and what is left of it then: nothing. Its
 * strands stop where they are, its fibers are forgotten with their stacks, its memory is freed.
 */
#include "base/machine.h"
#include "base/mem.h"
#include "base/wake.h"
#include "sched/run.h"
#include "sim/simulation.h"
#include "world/socket.h"

#include <errno.h>
#include <stdio.h>

/* What the last failed call left may be of long ago, and have nothing to do with it: so it is only said to be that. */
static void blame_scenario(struct hawser__failure *failure) {
    char last[HAWSER__SENTENCE];
    snprintf(last, sizeof last, "%s", failure->sentence);
    int length = snprintf(failure->sentence, sizeof failure->sentence, "the scenario returned -1");
    if (*last)
        snprintf(failure->sentence + length, sizeof failure->sentence - (size_t)length, "; its last error: %.460s", last);
}

/* On the host's first strand, whose end is the end of the program. */
static void *work(void *argument) {
    hawser__host *host = argument;
    host->result = host->program(host->arg);
    if (host->result < 0)   /* with its sentence, for who joins */
        hawser__failure_keep(&host->failure, hawser__task_current(), errno ? errno : EIO);
    if (host->result < 0 && host->number == 0)
        blame_scenario(&host->failure);
    return NULL;
}

int hawser__host_boot(hawser__host *host) {
    host->engine.ops = &hawser__sim_ops;
    host->process = hawser__zalloc(sizeof *host->process);
    host->main = host->process ? hawser__strand_new(host, work, host) : NULL;
    if (!host->main) {
        hawser__free(host->process);
        host->process = NULL;
        return -ENOMEM;
    }
    host->main->detached = true;
    host->up = true;
    host->life++;
    host->result = 0;
    host->failure.code = 0;
    hawser__trace(host, "start");
    hawser__host_plan_crash(host);
    return 0;
}

static void wake_joiners(hawser__host *host) {
    while (host->joiners) {
        struct hawser__joiner *joiner = host->joiners;
        host->joiners = joiner->next;
        joiner->over = true;
        joiner->result = host->result;
        joiner->failure = host->failure;
        hawser__task_wake(joiner->task);
    }
}

/* Its own tasks that wait for other hosts wait no more. */
static void leave_joiners(hawser__host *host) {
    for (hawser__host *other = hawser__world_here->hosts; other; other = other->next)
        for (struct hawser__joiner **at = &other->joiners; *at;) {
            if ((*at)->host == host)
                *at = (*at)->next;
            else
                at = &(*at)->next;
        }
}

void hawser__host_end(hawser__host *host, bool polite, int code) {
    host->up = false;
    if (code) {
        host->result = -1;
        host->failure = (struct hawser__failure){.code = code};
    }
    hawser__world_forget(&host->fate);
    hawser__runs_drop(&host->engine);
    leave_joiners(host);
    while (host->strands)
        hawser__strand_free(host->strands);
    host->main = NULL;
    hawser__host_forget_endpoints(host);
    hawser__sockets_drop(host, polite);
    hawser__heap_free_of(&hawser__simulation_here->heap, host->number);
    hawser__free(host->process);
    hawser__free(host->actions);
    host->process = NULL;
    host->actions = NULL;
    wake_joiners(host);
}

_Noreturn void hawser__host_end_self(bool polite) {
    hawser__simulation *self = hawser__simulation_here;
    self->ending = self->host;
    self->ending_politely = polite;
    for (;;)
        (void)hawser__strand_wait(HAWSER__NEVER);
}

static void trace_end(const hawser__host *host) {
    const char *sentence = host->failure.sentence;
    if (host->result >= 0)
        hawser__trace(host, "end");
    else
        hawser__trace(host, "end, failed%s%s", *sentence ? ": " : "", sentence);
}

void hawser__host_strand_ended(hawser__strand *strand) {
    hawser__host *host = strand->host;
    if (strand == host->main) {
        trace_end(host);
        hawser__host_end(host, true, 0);
        if (host->number == 0)
            hawser__simulation_here->over = true;
    } else if (strand->detached) {
        hawser__strand_free(strand);
    } else if (strand->joiner) {
        hawser__strand_ready(strand->joiner);
    }
}
