/* SPDX-License-Identifier: MIT */
/* hawser_defer, and the end of what it is for: a fiber, or one call of a server's handler on whatever task that runs. */
#ifndef HAWSER__DEFER_H
#define HAWSER__DEFER_H

#include "base/task.h"

/* Calls what TASK, the calling one, has deferred, also what is deferred meanwhile. */
void hawser__defers_run(hawser__task *task);

#endif
