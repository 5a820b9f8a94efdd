/* SPDX-License-Identifier: MIT */
#include "threads.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <hawser/error.h>

#include "engine_memory.h"
#include "fibers.h"
#include "sched/run.h"
#include "world.h"

void spin(void) {
    if (in_world())
        sched_yield();
}

double seconds_now(void) {
    struct timespec now;
    spin();
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* A fiber's worker has to look at its port: what another worker's fiber waits for may be registered there. Interruptions and
 * wake-ups are left for the fiber's own waits. */
void rest_a_moment(void) {
    const struct timespec millisecond = {0, 1000000};
    hawser__fiber *fiber = hawser__fiber_current();
    if (fiber)
        hawser__worker_park(fiber, hawser__clock_monotonic() + millisecond.tv_nsec);
    else
        nanosleep(&millisecond, NULL);
}

bool wait_until(bool (*holds)(void *), void *argument) {
    for (double end = seconds_now() + WAIT_LIMIT; seconds_now() < end; rest_a_moment())
        if (holds(argument))
            return true;
    return holds(argument);
}

static hawser__engine *engine;

void start_as_fibers(hawser__engine *chosen) {
    engine = chosen;
}

hawser__engine *engine_of_started(void) {
    return engine;
}

void unhold(runner *run) {
    run->strand = in_world() ? current_strand() : NULL;
    atomic_store(&run->tid, (int)syscall(SYS_gettid));
}

static int run_body(void *argument) {
    runner *run = argument;
    if (!run->held)
        unhold(run);
    double began = seconds_now();
    errno = 0;
    run->result = run->body(run->argument);
    run->code = errno;
    run->seconds = seconds_now() - began;
    run->moved = hawser_moved();
    snprintf(run->sentence, sizeof run->sentence, "%s", hawser_error());
    atomic_store(&run->done, true);
    return 0;
}

static void *run_on_thread(void *argument) {
    run_body(argument);
    return NULL;
}

static void *run_in_fiber(void *argument) {
    const hawser_run_options options = {.workers = 1, .stack_size = (size_t)8 << 20};
    runner *run = argument;
    if (hawser__run_on(engine, run_body, run, &options) < 0 && !atomic_load(&run->done)) {
        fprintf(stderr, "%s\n", hawser_error());
        abort();
    }
    return NULL;
}

static void start_running(runner *run, void *(*how)(void *), long (*body)(void *), void *argument) {
    run->body = body;
    run->argument = argument;
    int failed = pthread_create(&run->thread, NULL, how, run);
    if (failed) {
        fprintf(stderr, "no thread: %s\n", strerror(failed));
        abort();
    }
}

void start(runner *run, long (*body)(void *), void *argument) {
    *run = (runner){.sleeps_on_futex = engine == &memory_engine};
    start_running(run, engine ? run_in_fiber : run_on_thread, body, argument);
}

void start_thread(runner *run, long (*body)(void *), void *argument) {
    *run = (runner){0};
    start_running(run, run_on_thread, body, argument);
}

void start_host(runner *run, hawser__engine *of, long (*body)(void *), void *argument) {
    *run = (runner){.held = true, .sleeps_on_futex = of == &memory_engine};
    start_running(run, run_on_thread, body, argument);
}

static bool joined(void *argument) {
    runner *run = argument;
    return pthread_tryjoin_np(run->thread, NULL) == 0;
}

static bool join_in_time(runner *run) {
    struct timespec end;
    clock_gettime(CLOCK_REALTIME, &end);
    end.tv_sec += (time_t)WAIT_LIMIT;
    return pthread_timedjoin_np(run->thread, NULL, &end) == 0;
}

long finish(runner *run) {
    if (!(in_fiber() ? wait_until(joined, run) : join_in_time(run))) {
        fprintf(stderr, "a thread of the test did not end\n");
        abort();
    }
    return run->result;
}

/* Older calls, which newer processors do not have. */
#ifdef SYS_poll
#define OLDER_CALLS SYS_poll, SYS_select, SYS_epoll_wait
#else
#define OLDER_CALLS -1
#endif

#define IO_URING_ENTER 426   /* on every processor; not every C library has a name for it */

/* /proc has the calls of the machine below: where programs are emulated (make check-aarch64), that is taken to be x86-64. A
 * wait with a time goes on as restart_syscall when the process was stopped meanwhile, by a debugger or in a frozen
 * container. */
#if TEST_EMULATED
#define FUTEX 202
static const long waiting[] = {0, 1, 7, 23, 35, 42, 43, 44, 45, 46, 47, 219, 230, 232, 270, 271, 281, 288, 441, IO_URING_ENTER};
#else
#define FUTEX SYS_futex
static const long waiting[] = {OLDER_CALLS,     SYS_ppoll,   SYS_pselect6, SYS_epoll_pwait, SYS_epoll_pwait2, SYS_recvfrom,
                               SYS_recvmsg,     SYS_sendto,  SYS_sendmsg,  SYS_accept,      SYS_accept4,      SYS_connect,
                               SYS_read,        SYS_write,   SYS_clock_nanosleep, SYS_restart_syscall, IO_URING_ENTER};
#endif

static bool waits(const runner *run, long number) {
    if (number == FUTEX)
        return run->sleeps_on_futex;
    for (size_t i = 0; i < sizeof waiting / sizeof *waiting; i++)
        if (waiting[i] == number)
            return true;
    return false;
}

/* The system call that thread TID sleeps in, -1 while it runs. */
static long current_call(int tid) {
    char path[64], line[128] = "";
    snprintf(path, sizeof path, "/proc/self/task/%d/syscall", tid);
    FILE *file = fopen(path, "re");
    if (!file)
        return -1;
    bool read = fgets(line, sizeof line, file) != NULL;
    fclose(file);
    return read && line[0] >= '0' && line[0] <= '9' ? strtol(line, NULL, 10) : -1;
}

static bool blocked_or_done(void *argument) {
    runner *run = argument;
    int tid = atomic_load(&run->tid);
    return atomic_load(&run->done) || (tid && (in_world() ? strand_waits(run->strand) : waits(run, current_call(tid))));
}

bool blocked(runner *run) {
    return wait_until(blocked_or_done, run) && !atomic_load(&run->done);
}

static atomic_long counted;

static void count_signal(int signo) {
    (void)signo;
    atomic_fetch_add(&counted, 1);
}

void count_signals(void) {
    struct sigaction action = {.sa_handler = count_signal};
    sigemptyset(&action.sa_mask);
    sigaction(SIGUSR1, &action, NULL);
}

long signals_counted(void) {
    return atomic_load(&counted);
}

struct pestering {
    runner *run;
    long before;
};

/* A thread that has come to its end may not take the signal any more. */
static bool hit_or_done(void *argument) {
    struct pestering *pestering = argument;
    return atomic_load(&counted) > pestering->before || atomic_load(&pestering->run->done);
}

int pester(runner *run, int times) {
    for (int hit = 0; hit < times; hit++) {
        if (!blocked(run))
            return hit;
        struct pestering pestering = {run, signals_counted()};
        pthread_kill(run->thread, SIGUSR1);
        if (!wait_until(hit_or_done, &pestering) || signals_counted() == pestering.before)
            return hit;
    }
    return times;
}
