/* SPDX-License-Identifier: MIT */
/*
 * One fault can be asked for at a time; it is kept in `plan`, and the thread it is meant for carries a mark. The hooks only
 * read atomics, so that they may run on any thread.
 */
#include "faults.h"

#include "support.h"

#include "base/fault.h"

#include <errno.h>

#define SWEEP_LIMIT 3000

static struct {
    _Atomic(const char *) name, except; /* set before `countdown` starts; a thread may still be asking about the last plan */
    atomic_bool interruptible;
    atomic_int error;
    atomic_bool everywhere, struck;
    atomic_int countdown;       /* calls until the fault; 0 or below: strikes while `times` lasts */
    atomic_int times;           /* 0 = no fault asked for */
    atomic_int alloc_countdown; /* 0 = none */
} plan;
static _Thread_local bool marked;
static void *marked_strand;     /* the same in a simulated world */
static _Thread_local unsigned calls;

static void mark(void) {
    marked = !in_world();
    marked_strand = in_world() ? current_strand() : NULL;
}

static bool is_marked(void) {
    return marked || (in_world() && marked_strand == current_strand());
}

static bool is_interruptible(const char *name) {
    static const char *const names[] = {"accept",   "recv",   "send", "recvmsg", "sendmsg",   "poll",
                                        "sendfile", "splice", "read", "write",   "getrandom", "pread", "recvmmsg", "sendmmsg"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}

static int on_syscall(const char *name) {
    if (is_marked())
        calls++;
    if (atomic_load(&plan.times) == 0 || (!is_marked() && !atomic_load(&plan.everywhere)))
        return 0;
    const char *only = plan.name, *except = plan.except;
    if ((only && strcmp(only, name) != 0) || (plan.interruptible && !is_interruptible(name)))
        return 0;
    if (except && strstr(except, name))
        return 0;
    if (atomic_fetch_sub(&plan.countdown, 1) > 1)
        return 0;
    atomic_fetch_sub(&plan.times, 1);
    atomic_store(&plan.struck, true);
    return atomic_load(&plan.error);
}

static bool on_alloc(void) {
    if ((!is_marked() && !atomic_load(&plan.everywhere)) || atomic_load(&plan.alloc_countdown) == 0)
        return false;
    if (atomic_fetch_sub(&plan.alloc_countdown, 1) != 1)
        return false;
    atomic_store(&plan.struck, true);
    return true;
}

static const struct hawser__faults hooks = {.syscall = on_syscall, .alloc = on_alloc, .count = count_allocation};

__attribute__((constructor)) static void install(void) {
    hawser__faults = &hooks;
}

static void ask(const char *name, unsigned nth, int error, unsigned times) {
    fault_none();
    plan.name = name;
    plan.except = NULL;
    plan.interruptible = false;
    atomic_store(&plan.error, error);
    atomic_store(&plan.countdown, (int)nth);
    atomic_store(&plan.times, (int)times);
    mark();
}

static const char no_calls[] = "no system calls are made there";

void fault_syscall(const char *name, unsigned nth, int error, unsigned times) {
    skip_in_world(no_calls);
    ask(name, nth, error, times);
}

void fault_alloc(unsigned nth) {
    fault_none();
    atomic_store(&plan.alloc_countdown, (int)nth);
    mark();
}

void fault_everywhere(void) {
    atomic_store(&plan.everywhere, true);
}

bool fault_none(void) {
    atomic_store(&plan.times, 0);
    atomic_store(&plan.alloc_countdown, 0);
    atomic_store(&plan.everywhere, false);
    return atomic_exchange(&plan.struck, false);
}

unsigned syscalls_made(void) {
    unsigned made = calls;
    mark();
    calls = 0;
    return made;
}

/* A sweep. What went wrong first, in any run, is kept as text: runs are on threads of their own and cannot fail a test. */
typedef struct sweep {
    int (*scenario)(void *argument);
    void *argument;
    unsigned nth;
    bool allocations;
    int error;
    const char *except;
} sweep;

static char wrong[512];
static char failed_call[256];

void note_broken(const char *condition, const char *file, int line) {
    if (!wrong[0])
        snprintf(wrong, sizeof wrong, "%s:%d: does not hold: %s", file, line, condition);
}

void note_failure(const char *call) {
    int code = errno;
    snprintf(failed_call, sizeof failed_call, "%s: errno %d, \"%.120s\"", call, code, hawser_error());
    if (!wrong[0] && code == 0)
        snprintf(wrong, sizeof wrong, "%s failed without errno", call);
    if (!wrong[0] && hawser_error()[0] == '\0')
        snprintf(wrong, sizeof wrong, "%s failed with errno %d and no sentence", call, code);
    errno = code;
}

static void ask_in_sweep(const sweep *run_plan) {
    ask(NULL, run_plan->nth, run_plan->error, 0);
    plan.except = run_plan->except;
    plan.interruptible = run_plan->error == EINTR;
    atomic_store(&plan.times, 1);
}

static long run_once(void *argument) {
    const sweep *plan_of_run = argument;
    if (plan_of_run->allocations)
        fault_alloc(plan_of_run->nth);
    else
        ask_in_sweep(plan_of_run);
    return plan_of_run->scenario(plan_of_run->argument);
}

/* What the library makes once a process is made before anything is counted. */
static long run_unharmed(void *argument) {
    const sweep *plan_of_run = argument;
    return plan_of_run->scenario(plan_of_run->argument);
}

static void warm_up(sweep *run_plan) {
    runner run;
    wrong[0] = failed_call[0] = '\0';
    start(&run, run_unharmed, run_plan);
    if (finish(&run) != 0)
        fail_msg("failed without a fault: %s", failed_call);
}

static unsigned run_sweep(sweep run_plan, bool must_succeed) {
    warm_up(&run_plan);
    for (run_plan.nth = 1; run_plan.nth < SWEEP_LIMIT; run_plan.nth++) {
        census before = take_census();
        wrong[0] = failed_call[0] = '\0';
        runner run;
        start(&run, run_once, &run_plan);
        long result = finish(&run);
        bool struck = fault_none();
        const char *left = compare_census(before);
        if (wrong[0])
            fail_msg("fault %u (errno %d): %s", run_plan.nth, run_plan.error, wrong);
        if (left)
            fail_msg("fault %u (errno %d): %s; the failure was: %s", run_plan.nth, run_plan.error, left, failed_call);
        if (result != 0 && (!struck || must_succeed))
            fail_msg("%s: %s", struck ? "an interruption was noticed" : "failed without a fault", failed_call);
        if (!struck)
            return run_plan.nth - 1;
    }
    fail_msg("more than %d faults", SWEEP_LIMIT);
    return 0;
}

unsigned sweep_syscalls(int (*scenario)(void *), void *argument, int error, const char *except) {
    skip_in_world(no_calls);
    return run_sweep((sweep){.scenario = scenario, .argument = argument, .error = error, .except = except}, false);
}

unsigned sweep_allocations(int (*scenario)(void *), void *argument) {
    return run_sweep((sweep){.scenario = scenario, .argument = argument, .allocations = true}, false);
}

unsigned sweep_interruptions(int (*scenario)(void *), void *argument, const char *except) {
    skip_in_world(no_calls);
    return run_sweep((sweep){.scenario = scenario, .argument = argument, .error = EINTR, .except = except}, true);
}
