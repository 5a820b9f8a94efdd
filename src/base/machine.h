/* SPDX-License-Identifier: MIT */
/*
 * The machine that the calling thread works on: NULL is the real one. The simulator (src/sim) puts another in its place while
 * its thread runs simulated programs. What the library asks a system for, beside what engines do for it, it then asks there:
 * time, chance, threads, the waits of plain threads, signals, and what becomes of numbers in place of descriptors; and it is
 * told of memory, which a simulated crash has to find again.
 *
 * In production this costs one load of thread-local memory and one branch where it is asked.
 */
#ifndef HAWSER__MACHINE_H
#define HAWSER__MACHINE_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct hawser__engine;
struct hawser__task;

/* Sockets of another machine have numbers from here on in place of descriptors: more than processes have, as a rule. */
#define HAWSER__FIRST_NUMBER (1 << 20)

/* What such a number is asked for, with an argument: POLL events; SETFD flags. */
enum hawser__number_call {
    HAWSER__NUMBER_CLOSE,
    HAWSER__NUMBER_DUP,
    HAWSER__NUMBER_GETFD,
    HAWSER__NUMBER_SETFD,
    HAWSER__NUMBER_CHMOD,
    HAWSER__NUMBER_POLL,
    HAWSER__NUMBER_OTHER,
};

/* What is one of a kind in a process, and so in each simulated one. */
struct hawser__process {
    struct hawser__signal_slots *signals;      /* base/signals.c; made when first needed */
    _Atomic(void *) stopped_by_signals;        /* server/stop.c */
};

typedef struct hawser__machine {
    struct hawser__engine *(*engine)(void);
    struct hawser__process *(*process)(void);
    int64_t (*monotonic)(void);
    int64_t (*wall)(void);
    int (*random)(void *buf, size_t size);
    int (*processors)(void);
    int (*hostname)(char *name, size_t size);
    int (*sigaction)(int signo, const struct sigaction *action, struct sigaction *old);
    int (*number)(int number, enum hawser__number_call call, int argument);   /* as the call of its name, -errno */
    void (*yield)(void);                                              /* other threads run */
    int (*doze)(struct hawser__task *task, int64_t deadline);         /* a plain thread, until it is woken (1) or DEADLINE (0) */
    int64_t (*work_time)(void);                                       /* nanoseconds that offloaded work takes */
    int (*thread_begin)(void *(*run)(void *), void *argument, void **ret);   /* RET NULL: detached */
    void (*thread_join)(void *thread);
    /* A condition is a list of those who wait, *WAITERS. The lock is a plain one that the caller has. */
    int (*condition_wait)(void **waiters, void *lock, int64_t deadline);
    void (*condition_signal)(void **waiters, bool all);
    bool (*asks_itself)(void);                                        /* memory is for the machine, and no test's business */
    bool (*refuses_memory)(void);
    void (*memory_moved)(uintptr_t from, void *to);                   /* FROM 0: allocated; TO NULL: freed */
} hawser__machine;

extern _Thread_local const hawser__machine *hawser__machine_here __attribute__((tls_model("initial-exec")));

static inline bool hawser__is_number(int fd) {
    return fd >= HAWSER__FIRST_NUMBER && hawser__machine_here;
}

/* The record of the calling process. */
struct hawser__process *hawser__process_here(void);

#endif
