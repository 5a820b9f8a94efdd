/* SPDX-License-Identifier: MIT */
/*
 * Faults on demand: the Nth system call or the Nth allocation of the library fails.
 *
 * Only the thread that asked is struck, so that the count means the same in every run; fault_everywhere() widens that to helper
 * threads. The hooks are installed before the first test runs and stay; asking is what switches them on.
 */
#ifndef TESTS_FAULTS_H
#define TESTS_FAULTS_H

#include <errno.h>
#include <stdbool.h>

/* From now on the Nth (1 = the next) system call named NAME (NULL = any) of this thread fails with ERROR, TIMES times in a row.
 */
void fault_syscall(const char *name, unsigned nth, int error, unsigned times);
/* The Nth allocation of this thread fails. */
void fault_alloc(unsigned nth);
/* The fault asked for by this thread strikes whichever thread makes the call. */
void fault_everywhere(void);
/* No more faults. true if the one asked for had struck. */
bool fault_none(void);

/* System calls of this thread since the last call of this function, those made to fail included. */
unsigned syscalls_made(void);

/*
 * Sweeps. SCENARIO uses the library with TRY and TRY_NEW, releases at `out` what it holds, and returns 0 when it went through,
 * -1 when one of these failed. It runs once for N = 1, 2, 3 ... on a new thread with the Nth call failing, until the fault no
 * longer strikes. The test fails when a run leaves something behind, when a failing call had no errno or no sentence, or when a
 * run fails without a fault. EXCEPT names calls that are left alone (NULL: none). Gives the number of faults that struck.
 */
unsigned sweep_syscalls(int (*scenario)(void *argument), void *argument, int error, const char *except);
unsigned sweep_allocations(int (*scenario)(void *argument), void *argument);

/* Every system call that a signal can interrupt fails once with EINTR, and nobody notices: each run has to go through. Connect
 * is left out: where it is interrupted the attempt goes on, and behind a call that was only made to fail there is none. */
unsigned sweep_interruptions(int (*scenario)(void *argument), void *argument, const char *except);

#define TRY(call)                                                                                                              \
    do {                                                                                                                       \
        forget_errors();                                                                                                       \
        if ((call) < 0) {                                                                                                      \
            note_failure(#call);                                                                                               \
            goto out;                                                                                                          \
        }                                                                                                                      \
    } while (0)
#define TRY_NEW(variable, call)                                                                                                \
    do {                                                                                                                       \
        forget_errors();                                                                                                       \
        variable = (call);                                                                                                     \
        if (!variable) {                                                                                                       \
            note_failure(#call);                                                                                               \
            goto out;                                                                                                          \
        }                                                                                                                      \
    } while (0)
/* What holds in a scenario whatever fails. */
#define ALWAYS(condition)                                                                                                      \
    do {                                                                                                                       \
        if (!(condition))                                                                                                      \
            note_broken(#condition, __FILE__, __LINE__);                                                                       \
    } while (0)

void note_failure(const char *call);
void note_broken(const char *condition, const char *file, int line);

#endif
