/* SPDX-License-Identifier: MIT */
/*
 * Groups: fibers that belong together, and are waited for or cancelled together.
 *
 * A fiber belongs to the group it was started in; those that it starts itself belong there too. Whoever opens a group closes
 * it, and closing waits: no fiber outlives the code that started it.
 *
 * Cancelling marks a fiber. The call that it waits in, and every one after that would wait or could have, fails with ECANCELED;
 * hawser_moved() says what had moved until then. Nothing is torn down from outside: the fiber sees the failure, as any
 * other, and ends. One that has something to say before it goes calls hawser_cancel_clear(), best under a deadline.
 */
#ifndef HAWSER_GROUP_H
#define HAWSER_GROUP_H

#include <hawser/run.h>

HAWSER_BEGIN

/* Zeroed, or NULL for it, means defaults. */
typedef struct hawser_group_options {
    bool cancel_on_failure;   /* the first fiber that returns a negative value cancels the others */
} hawser_group_options;

/* A new, empty group of the calling fiber's run. NULL with ENOMEM, EINVAL (the caller is no fiber).
 * Python: asyncio.TaskGroup. */
hawser_group *hawser_group_open(const hawser_group_options *options);

/* Starts FN(ARG) in GROUP, on the calling fiber's worker; hawser_go_with has the choice. 0; -1 with ENOMEM, EAGAIN,
 * ECANCELED (the group is cancelled). Any task may call it while the group is open. */
int hawser_group_go(hawser_group *group, hawser_fn fn, void *arg);

/* Waits until every fiber of GROUP has ended. 0 when all returned 0 or more; -1 with errno, hawser_error() and
 * hawser_moved() of the first that did not; ETIMEDOUT or ECANCELED when the waiting itself was cut short: the fibers go on.
 * EBUSY: another task waits for it; EDEADLK: the caller is of the group itself. */
int hawser_group_wait(hawser_group *group);

/* Cancels every fiber of GROUP; those that come later cannot start. Safe from any task, also one of the group. */
void hawser_group_cancel(hawser_group *group);

/* How many fibers of GROUP have not ended. */
size_t hawser_group_count(hawser_group *group);

/* Cancels what is left, waits for it, and frees GROUP. This wait is not cut short by cancellation or a deadline. The caller
 * is not of the group itself, which would only be cancelled then, and nobody else waits for it. NULL does nothing. Leaves
 * errno alone. */
void hawser_group_close(hawser_group *group);

/* Whether the calling task has been cancelled, and has not cleared that. A fiber that computes asks now and then. */
bool hawser_cancelled(void);

/* The calling fiber waits again as if it had not been cancelled. Cancelling it anew works. */
void hawser_cancel_clear(void);

HAWSER_END

#endif
