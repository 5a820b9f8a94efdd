/* SPDX-License-Identifier: MIT */
#include "gate.h"

#include "threads.h"
#include "world.h"

#include "base/fault.h"
#include "sched/offload.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static bool shut;
static int inside, entered, most;
static pthread_t last;
static int passes; /* calls that may go through while it is shut */
static const char *gated_call = "getaddrinfo";

static const struct hawser__faults *inner;
static _Thread_local struct {
    bool (*holds)(void *argument);
    int error;
} poll_fault;

static void pass(void) {
    struct timespec end;
    clock_gettime(CLOCK_REALTIME, &end);
    end.tv_sec += (time_t)WAIT_LIMIT;
    pthread_mutex_lock(&lock);
    entered++;
    inside++;
    most = inside > most ? inside : most;
    last = pthread_self();
    while (shut && passes == 0)
        if (pthread_cond_timedwait(&changed, &lock, &end) != 0)
            abort();
    passes -= shut;
    inside--;
    pthread_mutex_unlock(&lock);
}

static int on_syscall(const char *name) {
    if (strcmp(name, gated_call) == 0 && (hawser__offload_helping() || strcmp(name, "getaddrinfo") == 0))
        pass();
    if (poll_fault.holds && strcmp(name, "poll") == 0) {
        bool (*holds)(void *argument) = poll_fault.holds;
        poll_fault.holds = NULL;
        open_gate();
        if (!wait_until(holds, NULL))
            abort();
        return poll_fault.error;
    }
    return inner->syscall(name);
}

void move_gate(const char *call) {
    gated_call = call;
}

void build_gate(void) {
    static struct hawser__faults gated;
    inner = hawser__faults;
    gated = *inner;
    gated.syscall = on_syscall;
    hawser__faults = &gated;
}

static void set(bool now_shut, int more_passes, bool tell) {
    pthread_mutex_lock(&lock);
    shut = now_shut;
    passes = now_shut ? passes + more_passes : 0;
    if (tell)
        pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
}

void shut_gate(void) {
    skip_in_world("nobody is asked for names");
    pthread_mutex_lock(&lock);
    shut = true;
    entered = most = passes = 0;
    pthread_mutex_unlock(&lock);
}

void open_gate(void) {
    set(false, 0, true);
}

void let_one_through(void) {
    set(true, 1, true);
}

void leave_gate_ajar(void) {
    set(false, 0, false);
}

static int read_locked(const int *number) {
    pthread_mutex_lock(&lock);
    int value = *number;
    pthread_mutex_unlock(&lock);
    return value;
}

static bool n_inside(void *n) {
    return read_locked(&inside) == *(int *)n;
}

static bool n_entered(void *n) {
    return read_locked(&entered) == *(int *)n;
}

bool wait_inside(int n) {
    return wait_until(n_inside, &n);
}

bool wait_entered(int n) {
    return wait_until(n_entered, &n);
}

int gate_entered(void) {
    return read_locked(&entered);
}

int gate_most(void) {
    return read_locked(&most);
}

pthread_t gate_last(void) {
    pthread_mutex_lock(&lock);
    pthread_t thread = last;
    pthread_mutex_unlock(&lock);
    return thread;
}

void fail_poll_when(bool (*holds)(void *argument), int error) {
    skip_in_world("no system calls are made there");
    poll_fault.holds = holds;
    poll_fault.error = error;
}
