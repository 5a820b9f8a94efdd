/* SPDX-License-Identifier: MIT */
#include "threads.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <hawser/error.h>

double seconds_now(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

bool wait_until(bool (*holds)(void *), void *argument) {
    for (double end = seconds_now() + WAIT_LIMIT; seconds_now() < end;) {
        if (holds(argument))
            return true;
        const struct timespec millisecond = {0, 1000000};
        nanosleep(&millisecond, NULL);
    }
    return holds(argument);
}

static void *run_body(void *argument) {
    runner *run = argument;
    atomic_store(&run->tid, (int)syscall(SYS_gettid));
    double began = seconds_now();
    errno = 0;
    run->result = run->body(run->argument);
    run->code = errno;
    run->seconds = seconds_now() - began;
    run->moved = hawser_moved();
    snprintf(run->sentence, sizeof run->sentence, "%s", hawser_error());
    atomic_store(&run->done, true);
    return NULL;
}

void start(runner *run, long (*body)(void *), void *argument) {
    memset(run, 0, sizeof *run);
    run->body = body;
    run->argument = argument;
    int failed = pthread_create(&run->thread, NULL, run_body, run);
    if (failed) {
        fprintf(stderr, "no thread: %s\n", strerror(failed));
        abort();
    }
}

long finish(runner *run) {
    struct timespec end;
    clock_gettime(CLOCK_REALTIME, &end);
    end.tv_sec += (time_t)WAIT_LIMIT;
    int failed = pthread_timedjoin_np(run->thread, NULL, &end);
    if (failed) {
        fprintf(stderr, "a thread of the test did not end: %s\n", strerror(failed));
        abort();
    }
    return run->result;
}

static bool waits(long number) {
    static const long waiting[] = {SYS_poll,    SYS_ppoll,           SYS_recvfrom, SYS_recvmsg, SYS_sendto,
                                   SYS_sendmsg, SYS_accept,          SYS_accept4,  SYS_connect, SYS_read,
                                   SYS_write,   SYS_clock_nanosleep, SYS_select,   SYS_pselect6};
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
    return atomic_load(&run->done) || (tid && waits(current_call(tid)));
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

static bool counted_past(void *before) {
    return atomic_load(&counted) > *(long *)before;
}

int pester(runner *run, int times) {
    for (int hit = 0; hit < times; hit++) {
        if (!blocked(run))
            return hit;
        long before = signals_counted();
        pthread_kill(run->thread, SIGUSR1);
        if (!wait_until(counted_past, &before))
            return hit;
    }
    return times;
}
