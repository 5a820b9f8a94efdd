/* SPDX-License-Identifier: MIT */
/* A whole run: the loop, and how it begins, fails and ends. */
#include "sim/simulation.h"

#include "base/machine.h"
#include "base/mem.h"
#include "sim/engine.h"
#include "sim/storm.h"
#include "sim/trace.h"
#include "world/socket.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#define TURN 200                   /* nanoseconds for a turn of a strand: programs that only spin come to their end, too */
#define TURNS_MOST 20000000        /* turns in a row in which nothing happens */

_Thread_local hawser__simulation *hawser__simulation_here;
_Thread_local struct hawser__effort hawser__effort_here;

void hawser__simulation_fail(int code, const char *format, ...) {
    hawser__simulation *self = hawser__simulation_here;
    va_list args;
    self->over = true;
    if (self->code)
        return;
    self->code = code;
    va_start(args, format);
    vsnprintf(self->sentence, sizeof self->sentence, format, args);
    va_end(args);
    hawser__trace(self->host, "fail %s", self->sentence);
}

/* The loop. */

static bool something_is_due(const hawser__world *world) {
    const hawser__event *first = hawser__events_first(&world->events);
    return first && first->at <= world->now;
}

/* Whether nobody can run, and what will happen next, if anything, lies behind the end of the world's time. */
static bool is_stuck(const hawser__simulation *self) {
    const hawser__event *first = hawser__events_first(&self->world.events);
    return self->strands.count == 0 && (!first || first->at > self->world.limits.time_limit);
}

/* With nobody who can run: either nothing will ever change that, or not in time. */
static void fail_for_good(hawser__simulation *self) {
    char who[HAWSER__SENTENCE / 2];
    hawser__storm_waiters(who, sizeof who);
    if (hawser__events_first(&self->world.events) || self->world.now > self->world.limits.time_limit)
        hawser__simulation_fail(ETIMEDOUT, "not over after %g s%s",
                                hawser__timeout_seconds(self->world.limits.time_limit), who);
    else
        hawser__simulation_fail(EDEADLK, "nothing can happen any more, and somebody waits%s", who);
}

static void take_turn(hawser__simulation *self) {
    self->world.now += TURN;
    if (++self->turns > TURNS_MOST)
        hawser__simulation_fail(EDEADLK, "%d turns in a row in which nothing happened", TURNS_MOST);
    else
        (void)hawser__strands_turn(&self->strands);
    hawser__host *ending = self->ending;
    self->ending = NULL;
    if (ending)
        hawser__host_end(ending, self->ending_politely, ECONNABORTED);
}

static void loop(hawser__simulation *self) {
    struct hawser__effort *effort = &hawser__effort_here;
    for (effort->steps = 0; !self->over; effort->steps++) {
        effort->given_up = effort->most > 0 && effort->steps > effort->most;
        if (effort->given_up)
            hawser__simulation_fail(ECANCELED, "it takes too long");
        if (self->world.broken) {
            hawser__simulation_fail(ENOMEM, "no memory for the simulation");
        } else if (is_stuck(self) || self->world.now > self->world.limits.time_limit) {
            fail_for_good(self);
        } else if (self->strands.count == 0 || something_is_due(&self->world)) {
            self->turns = 0;
            (void)hawser__world_step(&self->world);
        } else {
            take_turn(self);
        }
    }
}

/* Beginning and end. */

static int begin(hawser__simulation *self, hawser_fn scenario, void *arg) {
    hawser__host *host;
    int result = hawser__host_add(&self->world, "main", &host);
    if (result < 0)
        return result;
    hawser__storm_begin(self);
    host->program = scenario;
    host->arg = arg;
    return hawser__host_boot(host);
}

/* Host 0 last: what its scenario left behind is kept in its record. */
static void end(hawser__simulation *self) {
    for (int number = self->world.host_count - 1; number >= 0; number--) {
        hawser__host *host = hawser__host_number(&self->world, number);
        if (host->up)
            hawser__host_end(host, false, 0);
    }
    for (hawser__host *host = self->world.hosts; host; host = host->next) {
        hawser__sockets_drop(host, false);
        hawser__host_forget_files(host);
    }
    hawser__storm_end(self);
}

/* What is under way when a world ends never arrives, and is freed by its events' owners: socket.c. */
static void close_all(hawser__simulation *self) {
    hawser__sockets_end();
    hawser__heap_done(&self->heap);
    hawser__strands_close(&self->strands);
    hawser__world_close(&self->world);
}

/* The result of the scenario, or the failure of the run, told to the caller. */
static int hand_in(const hawser__simulation *self, int result, const struct hawser__failure *failure) {
    if (self->code)
        return hawser__fail_sentence(self->code, "%s", self->sentence);
    return result < 0 ? hawser__failure_tell(failure) : result;
}

static void conduct(hawser__simulation *self, hawser_fn scenario, void *arg) {
    int result = hawser__strands_open(&self->strands);
    if (result == 0)
        result = begin(self, scenario, arg);
    if (result < 0)
        hawser__simulation_fail(-result, "no memory to start the simulation");
    loop(self);
    hawser__effort_here.print = self->world.chance.state[0] ^ (uint64_t)self->world.now;
    end(self);
}

/* From here to the end of the run the calling thread is the simulator's. */
static void take_over(hawser__simulation *self) {
    self->inside = true;
    hawser__simulation_here = self;
    hawser__world_here = &self->world;
    hawser__machine_here = &hawser__simulated_machine;
}

static void give_back(void) {
    hawser__machine_here = NULL;
    hawser__world_here = NULL;
    hawser__simulation_here = NULL;
}

/* What SCENARIO returned; *FAILURE is what it left behind. */
static int run(hawser__simulation *self, hawser_fn scenario, void *arg, struct hawser__failure *failure) {
    int result = 0;
    take_over(self);
    conduct(self, scenario, arg);
    hawser__host *host = hawser__host_number(&self->world, 0);
    if (host) {
        result = host->result;
        *failure = host->failure;
    }
    close_all(self);
    give_back();
    return result;
}

static int simulate(hawser__simulation *self, uint64_t seed, const hawser_sim_model *model, hawser_fn scenario, void *arg) {
    const char *fault;
    struct hawser__failure failure = {.code = 0};
    int result = hawser__world_open(&self->world, seed, model, &fault);
    if (result == -EINVAL)
        return hawser__fail(EINVAL, "simulate a world whose %s makes no sense", fault);
    if (result == 0)
        result = hawser__strands_warm_up();
    if (result < 0)
        return hawser__fail(result, "simulate a world");
    self->seed = seed;
    self->world.changed = hawser__sim_changed;
    self->world.put_line = hawser__trace_open(self) ? hawser__trace_put_line : NULL;
    result = run(self, scenario, arg, &failure);
    hawser__trace_close(self);
    return hand_in(self, result, &failure);
}

int hawser__simulation_run(uint64_t seed, const hawser_sim_model *model, hawser_fn scenario, void *arg) {
    static const hawser_sim_model perfect;
    int saved = errno;
    hawser__simulation *self = hawser__zalloc(sizeof *self);
    if (!self)
        return hawser__fail(ENOMEM, "simulate a world");
    int result = simulate(self, seed, model ? model : &perfect, scenario, arg);
    int code = errno;
    hawser__free(self);
    errno = result < 0 ? code : saved;
    return result;
}
