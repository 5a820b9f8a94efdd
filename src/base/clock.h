/* SPDX-License-Identifier: MIT */
/*
 * Time inside the library: nanoseconds on the monotonic clock; a deadline is a point on it. Public calls take seconds; the
 * conversion happens once, at the door.
 */
#ifndef HAWSER__CLOCK_H
#define HAWSER__CLOCK_H

#include <stdint.h>

typedef int64_t hawser__deadline;

#define HAWSER__NOW   ((hawser__deadline)0)     /* already past: look, do not wait; the operation gives -EAGAIN */
#define HAWSER__NEVER INT64_MAX
#define HAWSER__SECOND INT64_C(1000000000)

int64_t hawser__clock_monotonic(void);
int64_t hawser__clock_wall(void);

/* Checks a timeout in seconds: nanoseconds, HAWSER__NEVER for HAWSER_NO_TIMEOUT; -1 negative or no number, -2 above 1e9 s. */
int64_t hawser__timeout_ns(double seconds);
/* Back to seconds. */
double hawser__timeout_seconds(int64_t ns);

/* The deadline of something that starts at NOW and may take NS: 0 gives HAWSER__NOW, HAWSER__NEVER stays. */
hawser__deadline hawser__deadline_in(int64_t now, int64_t ns);

/* What a wait that ended at its deadline is called: EAGAIN for HAWSER__NOW, else ETIMEDOUT. Positive. */
int hawser__deadline_code(hawser__deadline deadline);

/* Milliseconds for poll from NOW to DEADLINE, rounded up; -1 = no limit. */
int hawser__deadline_ms(hawser__deadline deadline, int64_t now);

#endif
