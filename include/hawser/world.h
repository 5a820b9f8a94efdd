/* SPDX-License-Identifier: MIT */
/*
 * The world outside the sockets: clocks, random bytes, foreign descriptors, and signals.
 *
 * Programs that take time and chance from here, instead of from libc, run unchanged where Hawser supplies both (tests with a
 * clock of their own). Nothing here owns anything; only hawser_sleep and hawser_wait_fd park their task.
 */
#ifndef HAWSER_WORLD_H
#define HAWSER_WORLD_H

#include <hawser/common.h>

HAWSER_BEGIN

/* Seconds on a clock that never goes back (Python: time.monotonic). Only differences mean something. */
double hawser_now(void);

/* Seconds since 1970-01-01 UTC (Python: time.time). */
double hawser_time(void);

/* Fills BUF with SIZE bytes fit for keys (Python: os.urandom). 0, or -1 with errno: the system has none to give. */
int hawser_random_bytes(void *buf, size_t size);

/* Parks the calling task for SECONDS (Python: time.sleep). 0; -1 with ECANCELED when interrupted, ETIMEDOUT or EAGAIN when a
 * deadline around it comes first (hawser_deadline_push), EINVAL when SECONDS is negative or no number. */
int hawser_sleep(double seconds);

#define HAWSER_READABLE 1
#define HAWSER_WRITABLE 2

/* Parks the task until FD, a descriptor that Hawser did not open, is ready for one of EVENTS (HAWSER_READABLE,
 * HAWSER_WRITABLE, or both), at most TIMEOUT seconds (0: only look; HAWSER_NO_TIMEOUT: no limit). An end or error counts as
 * ready for what was asked. Returns the events that hold; -1 with EAGAIN or ETIMEDOUT when there are none, EBADF, EINVAL,
 * ECANCELED. Regular files are always ready. The flags of FD stay as they are.
 * Python: select.select. */
int hawser_wait_fd(int fd, int events, double timeout);

/* Asks that signal SIGNO end the calling task's waits: from its delivery on, every call of this task that can wait fails
 * with ECANCELED, also one that would not have had to, until hawser_interrupt_clear(): call that before saying goodbye. The
 * fibers of a run that ask share their signals: each that one of them asked for interrupts all of them, and no other fiber.
 * The library touches no signal unless asked here; an ignored one is taken over as any other. Without it, signals are never
 * visible in a result: interrupted calls go on with the time they have left. 0; -1 with EINVAL (no such signal, or one that
 * cannot be caught), EBUSY (another thread or run asked for it), ENOMEM, EMFILE. */
int hawser_interrupt_on_signal(int signo);

/* The signal that interrupted the calling task, 0 when none. Python runs the handler; here the caller decides. */
int hawser_interrupted(void);

/* Ends the interruption: waits work again. */
void hawser_interrupt_clear(void);

/* Puts back the action that SIGNO had before hawser_interrupt_on_signal. 0; -1 with EINVAL when nobody asked for it. */
int hawser_interrupt_restore(int signo);

HAWSER_END

#endif
