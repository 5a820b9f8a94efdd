/* SPDX-License-Identifier: MIT */
/*
 * A simulation under way: the world, and what runs in it.
 *
 * The loop (simulation.c) lets whatever is ready run, one strand at a time, and when nothing is, moves the clock to the next
 * event and lets that happen. A strand is either in its program (with the library), and what it allocates there is its host's;
 * or `inside` the simulator, whose memory no crash takes away. Every door between the two says so: hawser__simulation_inside.
 */
#ifndef HAWSER__SIMULATION_H
#define HAWSER__SIMULATION_H

#include "base/machine.h"
#include "sim/heap.h"
#include "sim/strand.h"

typedef struct hawser__simulation {
    hawser__world world;
    hawser__strands strands;
    size_t strand_count;
    hawser__heap heap;
    hawser__host *host;              /* whose strand runs; NULL = the loop */
    bool inside;
    hawser__host *ending;            /* ends itself, politely or not; NULL = none */
    bool ending_politely;
    bool over;                       /* the scenario has ended, or the run has failed */
    uint64_t seed;
    int code;                        /* why it failed; 0 = it has not */
    char sentence[HAWSER__SENTENCE];
    hawser__event partition;         /* the next one, or its end */
    bool parted;
    uint64_t turns;                  /* without anything happening in between */
    int trace_fd;                    /* -1 = none */
    size_t trace_used;
    char trace[16384];
} hawser__simulation;

/* The one that the calling thread runs; NULL = none. */
extern _Thread_local hawser__simulation *hawser__simulation_here __attribute__((tls_model("initial-exec")));

/* From now on the simulator works, or (false) the program. What it was. */
static inline bool hawser__simulation_inside(bool inside) {
    bool was = hawser__simulation_here->inside;
    hawser__simulation_here->inside = inside;
    return was;
}

static inline void hawser__simulation_enter_host(hawser__host *host) {
    hawser__simulation_here->host = host;
    hawser__simulation_here->inside = false;
}

static inline void hawser__simulation_leave_host(void) {
    hawser__simulation_here->host = NULL;
    hawser__simulation_here->inside = true;
}

/* Of the runs of the calling thread. */
struct hawser__effort {
    uint64_t most;      /* turns and events, after which a run is given up; 0 = any number */
    bool given_up;      /* the last one was */
    uint64_t steps;     /* of the last run */
    uint64_t print;     /* that run's fingerprint: differs between two of one seed when something beside the seed decided */
};
extern _Thread_local struct hawser__effort hawser__effort_here __attribute__((tls_model("initial-exec")));

/* A whole run, where one can be made (attempt.c), without a look at the environment: hawser_sim_run is in sim.c. */
int hawser__simulation_run(uint64_t seed, const hawser_sim_model *model, hawser_fn scenario, void *arg);

/* The run has failed, the first time only. It ends when the strand that runs stops next. */
HAWSER_FORMAT(2, 3) void hawser__simulation_fail(int code, const char *format, ...);

/* life.c: hosts that run, and no longer do. */

/* Starts HOST's program. 0 or a negative code. */
int hawser__host_boot(hawser__host *host);
/* Its program is no more. POLITE: as at the end of a process, its sockets are closed; else as if the power had failed. CODE is
 * what whoever joins it is told, 0 = what it returned. Not from one of its own strands. */
void hawser__host_end(hawser__host *host, bool polite, int code);
/* The same for the host whose strand calls: when that has been left, for good. Does not return. */
_Noreturn void hawser__host_end_self(bool polite);
/* STRAND has ended by itself. In the loop. */
void hawser__host_strand_ended(hawser__strand *strand);
/* The next crash of HOST, if the model has any. */
void hawser__host_plan_crash(hawser__host *host);

/* machine.c */
extern const struct hawser__machine hawser__simulated_machine;
/* Calls the handler of HOST for SIGNO. False: there is none. */
bool hawser__host_signal(hawser__host *host, int signo);

/* number.c: what a bare number is asked for, as base/machine.h has it. */
int hawser__host_number_call(int number, enum hawser__number_call call, int argument);

/* engine.c */
extern const struct hawser__engine_ops hawser__sim_ops;

/* endpoint.c: all of HOST are gone, before its sockets are. */
void hawser__host_forget_endpoints(hawser__host *host);

/* port.c: what the workers of simulated hosts sleep in. */
int hawser__sim_port_open(hawser__engine *engine, hawser__port **ret);
void hawser__sim_port_wait(hawser__port *port, hawser__deadline until);
void hawser__sim_port_wake(hawser__port *port);
void hawser__sim_port_close(hawser__port *port);
void hawser__sim_port_after_fork(hawser__port *port);

/* resolve.c */
int hawser__sim_resolve(hawser__engine *engine, hawser__lookup *lookup, hawser__deadline deadline);

#endif
