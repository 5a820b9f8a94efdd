/* SPDX-License-Identifier: MIT */
/*
 * A simulated network: a whole fleet of hosts in one process, each of which runs a program written against this library, as it
 * is. Sockets, names, clocks, random bytes, threads and offloaded work of these programs come from the simulator; time is
 * virtual and jumps to whatever happens next; the order in which things happen is drawn from a seed, so that a run that fails
 * can be had again, from that one number.
 *
 *     static int server(void *arg) {                     // any program: what its main() would do
 *         hawser_server *tcp = hawser_tcp_server("", 12345, greet, NULL);
 *         return hawser_serve_forever(tcp);
 *     }
 *     static int scenario(void *arg) {                    // what happens in this world
 *         int host = hawser_sim_start("server", server, NULL);
 *         hawser_sock *sock = hawser_create_connection("server", 12345, NULL);
 *         ...
 *         hawser_sim_crash(host);
 *         ...
 *         return 0;
 *     }
 *     int main(void) {
 *         hawser_sim_model model = {.link = {.latency = 0.02, .jitter = 0.01, .loss = 0.01}};
 *         return hawser_sim_run(1, &model, scenario, NULL) < 0;
 *     }
 *
 * What is simulated is what goes through this library. The C library's own clock, random numbers, files, threads and global
 * variables are the real ones: a program for which they decide something is not replayed exactly, and what it keeps in
 * variables of the whole process is shared by all hosts that run it. Keep the state of a host in its ARG.
 *
 * All hosts run on the one thread that called hawser_sim_run, in turns: __thread variables are one for all of them, and a
 * pthread mutex that is held over a call that waits may stop the process for good (hawser_mutex does not). A program and each
 * of its threads have a stack of 1 MiB, fibers what hawser_run gives them. Nothing jumps out of a run with longjmp. Objects of
 * the library that were made in a run (sockets, mutexes, channels ...) end with it.
 *
 * There, a socket's descriptor (hawser_fileno) is a number from 1048576 on. The library's calls that take or give descriptors
 * of sockets know it, no system call does: close(2) of one fails, hawser_close(hawser_sock_from_fd(number)) closes it.
 *
 * Not to be had in a simulated host, EOPNOTSUPP: waiting for foreign descriptors, files on those of sockets
 * (hawser_file_from_fd, hawser_sendfile), and the forks mode of a server; raw sockets (EPROTONOSUPPORT), and families other
 * than IP and Unix (EAFNOSUPPORT). docs/simulator.md lists how the simulated network differs from the kernel's.
 */
#ifndef HAWSER_SIM_H
#define HAWSER_SIM_H

#include <hawser/run.h>

HAWSER_BEGIN

/* What lies between two hosts, in each direction. Zeroed: whatever is sent arrives, at once. */
typedef struct hawser_sim_link {
    double latency;             /* seconds that everything takes */
    double jitter;              /* and up to so many more, each as likely */
    double loss;                /* probability for each packet. Those of streams are sent again, later and later */
    double duplicate;           /* probability that a datagram arrives twice */
    double reorder;             /* probability that a datagram is held back for up to four times the latency and jitter */
    double bandwidth;           /* bytes a second; 0: no limit */
    bool cut;                   /* nothing arrives */
} hawser_sim_link;

/* The world. Zeroed: nothing goes wrong, nothing takes time. Probabilities are 0 to 1. */
typedef struct hawser_sim_model {
    hawser_sim_link link;       /* between any two hosts that hawser_sim_set_link has not been told about */
    int workers;                /* processors of a host; 0: 2 */
    size_t buffer;              /* bytes that a socket holds in each direction; 0: 65536 */
    double short_reads;         /* probability that a call takes less than is there, */
    double short_writes;        /* or gives less than there is room for */
    double refuse;              /* probability that a connection is refused although somebody listens */
    double black_hole;          /* probability that a connect is never answered */
    double reset_every;         /* mean seconds after which an established connection is reset; 0: never */
    double half_open;           /* probability that such a reset reaches one of the two sides only */
    double read_rate;           /* bytes a second that a receiver takes; 0: all */
    double crash_every;         /* mean seconds between crashes of a host; 0: never. The host of the scenario never crashes */
    double crash_time;          /* mean seconds until such a host is started again; 0: at once */
    double partition_every;     /* mean seconds between partitions of the hosts in two halves; 0: never */
    double partition_time;      /* mean seconds until such a partition heals */
    double clock_skew;          /* the clocks of hosts (hawser_time) are wrong by up to so many seconds, */
    double clock_drift;         /* and hawser_now runs too fast or too slow by up to this share */
    double offload_time;        /* mean seconds that offloaded work takes */
    double lookup_time;         /* mean seconds that a name takes to look up */
    double lookup_fails;        /* probability that this fails for now (HAWSER_ETRYAGAIN) */
    int descriptors;            /* sockets that a host may have; 0: no limit. More: EMFILE */
    double allocation_fails;    /* probability for each allocation of the library in a host */
    double time_limit;          /* virtual seconds after which the run has failed; 0: a day */
    void (*trace)(const char *line, void *arg);   /* called with each line of the trace, outside of the world: calls of this
                                                   * library are real ones there, hawser_sim_* fail with EPERM, except
                                                   * hawser_sim_fail, after which it goes on to its end. NULL: nobody */
    void *trace_arg;
    bool quiet;                 /* a run that fails says nothing on standard error */
} hawser_sim_model;

/* Runs SCENARIO(ARG) in a world of its own until it returns; hosts that still run then are ended. What SCENARIO returned, or
 * -1 with errno, a sentence (hawser_error), and the line that replays the run on standard error: EDEADLK (nothing can ever
 * happen any more, and somebody waits), ETIMEDOUT (the time limit), HAWSER_ECHECK (hawser_sim_fail), EBUSY (called in a
 * fiber or in a simulation), EINVAL (the model), ENOMEM. SCENARIO is a program of its own, on a host named "main"; as the
 * others it is no fiber unless it says hawser_run. MODEL may be NULL. It makes what it needs itself, each time anew: that is
 * what can be run again.
 *
 * The environment has the last word, for every run of the process:
 *   HAWSER_SIM_SEED=17               the seed
 *   HAWSER_SIM_MODEL=loss=0.01,...   fields of the model, those of its link by their own names; "perfect": all others are zero
 *   HAWSER_SIM_TRACE=FILE            where the trace is written: a line for each thing that happened, the same for the same
 *                                    seed with every compiler
 *   HAWSER_SIM_DIAGRAM=FILE.svg      where it is drawn: hawser_sim_diagram
 * EINVAL when one of the first two makes no sense, the errno of a file that cannot be written; standard error says which.
 *
 * A process that dies in a run says so, quiet or not, with the line that replays it: of SIGSEGV, SIGBUS, SIGFPE, SIGILL or
 * SIGABRT, after which it dies as it would have; by a sanitizer's verdict; or because a program calls exit, which ends it with
 * status 1, what it had not written yet of streams other than stdout and stderr being lost. A handler of the program's own that
 * was there before is called, after lines that say so; it may return, or jump inside of the run only. No picture is drawn on
 * a death; hawser_sim_diagram draws one from the trace. The signal handlers for this are there during a run only. */
int hawser_sim_run(uint64_t seed, const hawser_sim_model *model, hawser_fn scenario, void *arg);

/* What a search has found. Zeroed, but for `runs`, `seconds` and `unsteady`, when nothing failed. */
typedef struct hawser_sim_report {
    uint64_t runs;              /* made altogether, */
    double seconds;             /* in this real time */
    uint64_t first;             /* the first seed that failed, with the model as it was given */
    hawser_sim_model model;     /* the smallest one that was found to fail in the same way, */
    uint64_t seed;              /* and the seed with which it does: */
    int code;                   /* errno, */
    char sentence[512];         /* hawser_error(), */
    char command[4096];         /* and the line that runs this again */
    bool unsteady;              /* run again it went another way: something beside the seed decides in this scenario */
} hawser_sim_report;

/* Runs SCENARIO(ARG) with COUNT seeds, from FIRST_SEED on, until one fails. Then it looks for the smallest model that still
 * fails with the same errno, with some seed: fields at zero, then milder ones, in 2,000 runs more at most; a run that takes a
 * hundred times as many steps as the failure took at first is given up, and counts as one that does not fail. 0: none failed.
 * 1: one did; errno and hawser_error() are those of the smallest, REPORT (may be NULL) has it all, and standard error gets
 * the two lines that a run prints. -1: as hawser_sim_run, for what is no failure of the scenario; EINVAL also for no COUNT.
 * The trace, the diagram and the model's callback get one run only: that of the smallest model, or, when none has failed, of
 * the last seed. This run is one more, of a seed that has been run, to see that it goes the same way; `runs` counts it where
 * something failed. When standard error is a terminal it shows once a second how far things are. HAWSER_SIM_SEED makes this a
 * search of that seed alone. */
int hawser_sim_explore(uint64_t first_seed, uint64_t count, const hawser_sim_model *model, hawser_fn scenario, void *arg,
                       hawser_sim_report *report);

/* Draws the trace in the file TRACE_PATH as a sequence diagram into SVG_PATH: a line down for each host, arrows for what
 * went from one to another, with a cross where it was lost, and the time at the left. Of a long trace the last 500 lines,
 * and of many hosts 16, which the picture then says. It is one file for any browser. 0; -1 with the errno of the file,
 * EINVAL when TRACE_PATH has no line of a trace, a path is NULL or both are one file; ENOMEM. */
int hawser_sim_diagram(const char *trace_path, const char *svg_path);

/* The following are for a scenario (and its hosts), inside of hawser_sim_run. Elsewhere: -1 with EPERM, or nothing. */

/* Adds a host called NAME, which others can look up, with an address of its own in 10.0.0.0/8 and in fd00::/8, and starts
 * PROGRAM(ARG) on it. PROGRAM is called like main: on a thread of the host, outside of hawser_run. NAME has letters (either
 * case is the same), digits, "-" and dots, 63 at most, and is neither a number nor "localhost". Its number, 1 or more; -1 with
 * EEXIST, EINVAL, ENOMEM. */
int hawser_sim_start(const char *name, hawser_fn program, void *arg);

/* Waits until the program of HOST has returned. Its result; -1 with its errno and sentence, ECONNABORTED when it was crashed
 * (at once when it is down), ECANCELED, EINVAL for host 0. For a host that crashes and comes back:
 *     while (hawser_sim_join(host) < 0 && errno == ECONNABORTED)
 *         hawser_sleep(0.1);
 */
int hawser_sim_join(int host);

/* Ends HOST in the middle of whatever it does: nothing is sent, nothing released, its peers learn nothing. Memory that the
 * library allocated for it is freed; what the program allocated itself is the program's to find, through its ARG. 0, or -1. */
int hawser_sim_crash(int host);
/* Starts the program of a host that does not run once more, with the same ARG. 0; -1 with EBUSY. */
int hawser_sim_restart(int host);
/* Sends SIGNO to the program of HOST: whoever asked for it is told, as by a signal of the system; else a program without a
 * handler ends at once, as it would, its sockets closed, and is not touched by SIGCHLD, SIGCONT, SIGURG and SIGWINCH. 0; -1
 * with ESRCH when it does not run, EOPNOTSUPP for what would stop it (SIGSTOP; SIGTSTP, SIGTTIN, SIGTTOU unhandled). */
int hawser_sim_kill(int host, int signo);
/* Whether the program of HOST runs: not when it has returned, was ended, or has crashed and is not back. Outside, false. */
bool hawser_sim_running(int host);

/* What lies between A and B from now on, both ways. Host 0 is the scenario's own. */
int hawser_sim_set_link(int a, int b, const hawser_sim_link *link);
/* What A sends reaches B no more; or does again. One way: call it twice for both. */
int hawser_sim_cut(int a, int b);
int hawser_sim_heal(int a, int b);
/* Resets every connection between A and B. */
int hawser_sim_reset(int a, int b);
/* HOST may have this many sockets (0: no limit); its allocations fail with this PROBABILITY; its clock is wrong by SECONDS. */
int hawser_sim_set_descriptors(int host, int most);
int hawser_sim_set_allocation_fails(int host, double probability);
int hawser_sim_set_clock(int host, double seconds);

/* The scenario has failed: the run ends at once, and hawser_sim_run says why. May be called on any host. Newlines become
 * spaces, here and in notes. */
void hawser_sim_fail(const char *format, ...) HAWSER_FORMAT(1, 2);
/* A line of the trace. */
void hawser_sim_note(const char *format, ...) HAWSER_FORMAT(1, 2);
/* A number from 0 to N - 1 that the seed decides. */
uint64_t hawser_sim_random(uint64_t n);
/* Virtual seconds since the run began, by no host's clock; 0 outside. */
double hawser_sim_now(void);
/* Whether the caller is in a simulation. */
bool hawser_sim_inside(void);

HAWSER_END

#endif
