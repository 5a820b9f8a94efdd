/* SPDX-License-Identifier: MIT */
/*
 * Groups. A group's lock guards its list of members, its count and the one task that waits for it to become empty; cancelling walks
 * the list under the lock, so no member can end meanwhile.
 */
#include "sched/group.h"

#include "base/error.h"
#include "base/lock.h"
#include "base/mem.h"
#include "base/wake.h"
#include "sched/park.h"
#include "sched/run.h"

#include <errno.h>

struct hawser_group {
    hawser__lock lock;
    unsigned generation;         /* the fork generation that lock and members belong to */
    hawser__run *run;
    hawser__fiber *members;
    size_t count;
    bool cancelled, cancel_on_failure;
    hawser__task *waiter;        /* told when the last member leaves */
    struct hawser__failure failure;   /* of the first that failed */
};

/* In the child of a fork: of the members at most the fiber that forked is left. */
static void renew(hawser_group *group) {
    hawser__fiber *self = hawser__fiber_current();
    bool member = self && self->group == group;
    group->generation = hawser__fork_generation();
    group->lock = (hawser__lock){0};
    group->members = member ? self : NULL;
    group->count = member;
    group->waiter = NULL;
    if (member)
        self->members = (struct hawser__links){0};
}

static void lock(hawser_group *group) {
    if (group->generation != hawser__fork_generation())
        renew(group);
    hawser__lock_take(&group->lock);
}

static void unlock(hawser_group *group) {
    hawser__lock_drop(&group->lock);
}

hawser_group *hawser_group_open(const hawser_group_options *options) {
    hawser__fiber *self = hawser__fiber_current();
    hawser_group *made = self ? hawser__zalloc(sizeof *made) : NULL;
    if (!made) {
        hawser__fail(self ? ENOMEM : EINVAL, "open group in %s", self ? "a fiber" : "a plain thread");
        return NULL;
    }
    made->generation = hawser__fork_generation();
    made->run = self->worker->run;
    made->cancel_on_failure = options && options->cancel_on_failure;
    return made;
}

static void add_member(hawser_group *group, hawser__fiber *fiber) {
    fiber->group = group;
    fiber->members = (struct hawser__links){.next = group->members};
    if (group->members)
        group->members->members.previous = fiber;
    group->members = fiber;
    group->count++;
}

/* The fiber begins under the lock: nobody finds a member that has not begun, and cancels it too early; and however fast it ends, the
 * group and its run are there until it is handed over. */
static int join_and_begin(hawser_group *group, hawser__fiber *fiber, void (*begin)(hawser__fiber *fiber)) {
    lock(group);
    bool cancelled = group->cancelled;
    if (!cancelled) {
        add_member(group, fiber);
        begin(fiber);
    }
    unlock(group);
    return cancelled ? -ECANCELED : 0;
}

int hawser__group_join(hawser_group *group, hawser__fiber *fiber, void (*begin)(hawser__fiber *fiber)) {
    if (group)
        return join_and_begin(group, fiber, begin);
    if (atomic_load(&fiber->worker->run->cancelled))
        return -ECANCELED;
    begin(fiber);
    return 0;
}

static void cancel_members(hawser_group *group) {
    group->cancelled = true;
    for (hawser__fiber *fiber = group->members; fiber; fiber = fiber->members.next) {
        atomic_store(&fiber->task.cancelled, true);
        hawser__task_wake(&fiber->task);
    }
}

void hawser_group_cancel(hawser_group *group) {
    lock(group);
    cancel_members(group);
    unlock(group);
}

/* Only the first failure is kept: the others may be its consequences. */
static void keep_failure(hawser_group *group, const hawser__task *task, int error) {
    if (group->failure.code)
        return;
    hawser__failure_keep(&group->failure, task, error ? error : EIO);
    if (group->cancel_on_failure)
        cancel_members(group);
}

void hawser__group_note(hawser__fiber *fiber, int result, int error) {
    hawser_group *group = fiber->group;
    if (!group || result >= 0)
        return;
    lock(group);
    keep_failure(group, &fiber->task, error);
    unlock(group);
}

void hawser__group_leave(hawser__fiber *fiber) {
    hawser_group *group = fiber->group;
    if (!group)
        return;
    lock(group);
    *(fiber->members.previous ? &fiber->members.previous->members.next : &group->members) = fiber->members.next;
    if (fiber->members.next)
        fiber->members.next->members.previous = fiber->members.previous;
    if (--group->count == 0 && group->waiter)
        hawser__task_wake(group->waiter);
    unlock(group);
}

size_t hawser_group_count(hawser_group *group) {
    lock(group);
    size_t count = group->count;
    unlock(group);
    return count;
}

/* 0: the group is empty. 1: TASK is written down as the one to be told, or was already. -EBUSY: another one is. */
static int empty_or_enlist(hawser_group *group, hawser__task *task) {
    lock(group);
    int result = group->count == 0 ? 0 : group->waiter && group->waiter != task ? -EBUSY : 1;
    if (result >= 0)
        group->waiter = result ? task : NULL;
    unlock(group);
    return result;
}

/* Nobody is to be told any more. */
static void give_up(hawser_group *group) {
    lock(group);
    group->waiter = NULL;
    unlock(group);
}

static bool is_member(const hawser_group *group, const hawser__task *task) {
    return task->fiber && task->fiber->group == group;
}

int hawser_group_wait(hawser_group *group) {
    hawser__task *task = hawser__task_current();
    hawser__deadline deadline = hawser__task_deadline(HAWSER__NEVER);
    int result = is_member(group, task) ? -EDEADLK : 1;
    (void)(task->fiber ? 0 : hawser__task_wake_fd(task));   /* made before somebody may look at it */
    while (result > 0 && (result = empty_or_enlist(group, task)) > 0) {
        int code = hawser__wait("group", -1, deadline);
        if (code < 0)
            give_up(group);
        result = code < 0 ? code : 1;
    }
    if (result < 0)
        return hawser__fail(result, "wait for group");
    return group->failure.code ? hawser__failure_tell(&group->failure) : 0;
}

void hawser_group_close(hawser_group *group) {
    hawser__task *task = hawser__task_current();
    int saved = errno;
    if (!group)
        return;
    hawser_group_cancel(group);
    if (is_member(group, task))
        return;
    give_up(group);
    while (empty_or_enlist(group, task) > 0)
        hawser__wait_through("group", -1);
    hawser__free(group);
    errno = saved;
}

hawser__run *hawser__group_run(hawser_group *group) {
    return group->run;
}

bool hawser_cancelled(void) {
    return atomic_load(&hawser__task_current()->cancelled);
}

void hawser_cancel_clear(void) {
    atomic_store(&hawser__task_current()->cancelled, false);
}
