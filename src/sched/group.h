/* SPDX-License-Identifier: MIT */
/* What fibers do with the group that they belong to. NULL stands for the run itself, which keeps no list of its own. */
#ifndef HAWSER__GROUP_H
#define HAWSER__GROUP_H

#include "sched/fiber.h"

/* FIBER joins GROUP, and BEGIN is called. 0; -ECANCELED: the group is cancelled or, without one, the run; then it is not called. */
int hawser__group_join(hawser_group *group, hawser__fiber *fiber, void (*begin)(hawser__fiber *fiber));

/* FIBER, the calling one, returned RESULT with errno ERROR. */
void hawser__group_note(hawser__fiber *fiber, int result, int error);

/* FIBER has ended. The group may be gone when this returns. */
void hawser__group_leave(hawser__fiber *fiber);

/* The run that GROUP was opened in. */
struct hawser__run *hawser__group_run(hawser_group *group);

#endif
