/* SPDX-License-Identifier: MIT */
#include "server/loop.h"

#include "base/mem.h"
#include "base/sys.h"
#include "base/thread.h"
#include "base/wake.h"
#include "sched/park.h"

#define SLICE (HAWSER__SECOND / 50)

struct hawser__guard {
    hawser_server *server;
    hawser__task *guarded;
    _Atomic(hawser__task *) task;    /* the thread's own, once it runs */
    atomic_bool over;
    atomic_bool woken;               /* nobody touches the thread's task any more: it may end */
    hawser__thread thread;
};

static bool is_over(struct hawser__guard *guard) {
    return atomic_load(&guard->over);
}

/* The bell stays rung until the guarded task takes the ring, which may be long: so then it is only looked at now and then. */
static void wait_for_bell(struct hawser__guard *guard) {
    struct pollfd bell = {.fd = hawser_fileno(guard->server->bell[0]), .events = POLLIN};
    int result = bell.fd >= 0 ? hawser__park(&bell, 1, HAWSER__NEVER) : 1;
    if (result != 0 && !hawser__stopping(guard->server))
        (void)hawser__park(NULL, 0, hawser__clock_monotonic() + SLICE);
}

static void wait_for_cut(struct hawser__guard *guard) {
    while (!is_over(guard) && hawser__server_now(guard->server) < atomic_load(&guard->server->cut_at))
        (void)hawser__park(NULL, 0, hawser__clock_monotonic() + SLICE);
}

static void *watch(void *argument) {
    struct hawser__guard *guard = argument;
    (void)hawser__task_wake_fd(hawser__task_current());
    atomic_store(&guard->task, hawser__task_current());
    while (!is_over(guard) && !hawser__stopping(guard->server))
        wait_for_bell(guard);
    wait_for_cut(guard);
    while (!is_over(guard)) {
        atomic_store(&guard->guarded->cancelled, true);
        hawser__task_wake(guard->guarded);
        (void)hawser__park(NULL, 0, hawser__clock_monotonic() + SLICE);
    }
    while (!atomic_load(&guard->woken))
        hawser__sys_yield();
    return NULL;
}

int hawser__guard_start(hawser_server *server) {
    struct hawser__guard *guard = hawser__zalloc(sizeof *guard);
    if (!guard)
        return hawser__fail(ENOMEM, "serve");
    guard->server = server;
    guard->guarded = hawser__task_current();
    if (!guard->guarded->fiber)
        (void)hawser__task_wake_fd(guard->guarded);
    int result = hawser__thread_begin(watch, guard, &guard->thread);
    if (result < 0) {
        hawser__free(guard);
        return hawser__fail(result, "serve");
    }
    server->loop->guard = guard;
    return 0;
}

void hawser__guard_stop(hawser_server *server) {
    struct hawser__guard *guard = server->loop->guard;
    if (!guard)
        return;
    server->loop->guard = NULL;
    atomic_store(&guard->over, true);
    while (!atomic_load(&guard->task))
        hawser__sys_yield();
    hawser__task_wake(atomic_load(&guard->task));
    atomic_store(&guard->woken, true);
    hawser__thread_join(guard->thread);
    atomic_store(&guard->guarded->cancelled, false);
    hawser__free(guard);
}
