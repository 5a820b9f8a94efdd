/* SPDX-License-Identifier: MIT */
/*
 * It samples. TICKS times in the span that makes a stall it looks what runs on each worker, and a fiber that it has seen
 * SIGHTINGS times in a row, with no switch in between, is reported, once. By then the fiber has run for three quarters of the
 * span at least; one that runs for the whole of it is seen in time even when a look comes a tick late. Looks are counted, and
 * not the time, so that a process which was stopped (by a debugger, say) is not taken for one that hangs.
 */
#include "sched/watchdog.h"

#include "base/machine.h"
#include "base/mem.h"
#include "base/sys.h"
#include "base/thread.h"
#include "sched/park.h"
#include "sched/run.h"
#include "sched/seat.h"
#include "sched/sight.h"

#include <errno.h>
#include <hawser/world.h>
#include <stdio.h>
#include <stdlib.h>

#define TICKS 8
#define SIGHTINGS 7
#define SHORTEST_TICK (HAWSER__SECOND / 1000)   /* waits are as exact as poll's milliseconds */
#define DEFAULT_BOUND 0.1
#define LONGEST_BOUND 1e9

struct watched {
    hawser__sight sight;
    unsigned sightings;
    int64_t since;   /* the last look at which it was not there yet */
};

struct hawser__watchdog {
    hawser__run *run;
    hawser__thread thread;
    hawser__seat seat;
    atomic_bool stopped;
    void (*on_stall)(const hawser_stall *stall, void *arg);
    void *arg;
    int64_t tick, looked;
    struct watched watched[];   /* one a worker */
};

/* What is asked for. */

/* A number without sign and exponent, the same in every locale; -1: it is none. */
static double read_seconds(const char *text) {
    double number = 0, unit = 1;
    bool fraction = false;
    for (; *text; text++) {
        if (*text == '.' && !fraction) {
            fraction = true;
        } else if (*text >= '0' && *text <= '9') {
            number = 10 * number + (*text - '0');
            unit *= fraction ? 10 : 1;
        } else {
            return -1;
        }
    }
    return number / unit;
}

static bool is_span(double seconds) {
    return seconds >= 0 && seconds <= LONGEST_BOUND;   /* not NaN either */
}

const char *hawser__watchdog_fault(const hawser_run_options *options) {
    const char *asked = getenv("HAWSER_STALL");
    if (!is_span(options->stall_after))
        return "stall_after";
    return !options->on_stall && asked && !is_span(read_seconds(asked)) ? "HAWSER_STALL" : NULL;
}

/* 0: nobody looks. */
static double bound_for(const hawser_run_options *options) {
    const char *asked = getenv("HAWSER_STALL");
    if (!options->on_stall)
        return asked ? read_seconds(asked) : 0;
    return options->stall_after > 0 ? options->stall_after : DEFAULT_BOUND;
}

/* Asked for by the user of the program, not by the program: the one thing that a run prints by itself. */
static void print_stall(const hawser_stall *stall, void *arg) {
    char text[HAWSER__QUOTED + 128], name[HAWSER__QUOTED];
    long long hundredths = (long long)(stall->seconds * 100);
    (void)arg;
    hawser__quote(stall->name, name, sizeof name);
    int length = snprintf(text, sizeof text, "hawser: worker %d held up by fiber %llu \"%s\" for %lld.%02lld s\n",
                          stall->worker, (unsigned long long)stall->fiber, name, hundredths / 100, hundredths % 100);
    (void)hawser__sys_write_nosigpipe(2, text, (size_t)length);
}

/* Looking. */

static void report(struct hawser__watchdog *dog, hawser__worker *worker, const struct watched *watched, int64_t now) {
    struct hawser__identity who;
    if (!hawser__sight_identify(worker, watched->sight, &who))
        return;
    const hawser_stall stall = {
        .worker = worker->number,
        .fiber = who.number,
        .name = who.name,
        .seconds = (double)(now - watched->since) / HAWSER__SECOND,
    };
    dog->on_stall(&stall, dog->arg);
}

static void look(struct hawser__watchdog *dog, hawser__worker *worker, struct watched *watched, int64_t now) {
    hawser__sight sight = hawser__sight_take(worker);
    if (!sight.fiber || !hawser__sight_equal(sight, watched->sight))
        *watched = (struct watched){.sight = sight, .since = dog->looked};
    if (sight.fiber && watched->sightings <= SIGHTINGS && ++watched->sightings == SIGHTINGS)
        report(dog, worker, watched, now);
}

static void look_at_all(struct hawser__watchdog *dog) {
    int64_t now = hawser__clock_monotonic();
    for (int i = 0; i < dog->run->count; i++)
        look(dog, &dog->run->workers[i], &dog->watched[i], now);
    dog->looked = now;
}

/* A look that is missed is not made up for. What the callback may have left on this thread (an interruption) is not to end
 * every wait from now on. */
static void *watch(void *argument) {
    struct hawser__watchdog *dog = argument;
    int64_t next = dog->looked;
    hawser__seat_take(&dog->seat);
    while (!atomic_load(&dog->stopped)) {
        int64_t now = hawser__clock_monotonic();
        next = next + dog->tick > now ? next + dog->tick : now + dog->tick;
        while (!atomic_load(&dog->stopped) && hawser__wait("watchdog", -1, next) != -ETIMEDOUT)
            hawser_interrupt_clear();
        if (!atomic_load(&dog->stopped))
            look_at_all(dog);
    }
    hawser__seat_leave(&dog->seat);
    return NULL;
}

static struct hawser__watchdog *watchdog_new(hawser__run *run, double bound) {
    size_t count = (size_t)run->count;
    struct hawser__watchdog *made = hawser__zalloc(sizeof *made + count * sizeof made->watched[0]);
    if (!made)
        return NULL;
    int64_t tick = (int64_t)(bound / TICKS * HAWSER__SECOND);
    made->run = run;
    made->tick = tick > SHORTEST_TICK ? tick : SHORTEST_TICK;
    made->looked = hawser__clock_monotonic();
    made->on_stall = run->options.on_stall ? run->options.on_stall : print_stall;
    made->arg = run->options.stall_arg;
    return made;
}

int hawser__watchdog_start(hawser__run *run) {
    if (hawser__watchdog_fault(&run->options))
        return -EINVAL;
    double bound = bound_for(&run->options);
    if (bound == 0 || hawser__machine_here)   /* a clock that stands still while a fiber runs knows of no stalls */
        return 0;
    struct hawser__watchdog *dog = watchdog_new(run, bound);
    int result = dog ? hawser__thread_begin(watch, dog, &dog->thread) : -ENOMEM;
    if (result < 0)
        hawser__free(dog);
    else
        run->watchdog = dog;
    return result;
}

void hawser__watchdog_stop(hawser__run *run) {
    struct hawser__watchdog *dog = run->watchdog;
    if (!dog)
        return;
    atomic_store(&dog->stopped, true);
    hawser__seat_wake(&dog->seat);
    hawser__thread_join(dog->thread);
    hawser__free(dog);
    run->watchdog = NULL;
}
