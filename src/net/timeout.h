/* SPDX-License-Identifier: MIT */
#ifndef HAWSER__TIMEOUT_H
#define HAWSER__TIMEOUT_H

#include "base/clock.h"

/* The default timeout in nanoseconds, HAWSER__NEVER = none. */
int64_t hawser__default_timeout(void);

/* The deadline of a call that is bounded by the default timeout; 0 counts as none. */
hawser__deadline hawser__default_deadline(void);

/* SECONDS checked and in nanoseconds; -EINVAL or -ERANGE. */
int64_t hawser__timeout_checked(double seconds);

#endif
