/* SPDX-License-Identifier: MIT */
/*
 * The handler runs on an alternate stack at any instruction of a program, or of the simulator. All it says was written down
 * before the run; what it adds are a number, a name and the lines of the trace that had not been written yet. Where a stack has
 * overflowed it also asks whose, as fiber/overflow.c does elsewhere.
 */
#include "sim/death.h"

#include "base/lock.h"
#include "base/mem.h"
#include "base/sys.h"
#include "base/sys_memory.h"
#include "base/sys_process.h"
#include "fiber/overflow.h"
#include "sched/run.h"
#include "sim/model_text.h"
#include "sim/replay.h"
#include "sim/simulation.h"
#include "sim/trace.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#define ARGUMENTS 4096
#define SAID (ARGUMENTS + HAWSER__MODEL_TEXT + 1024)
#define OVERFLOW 512

struct hawser__death {
    bool running, with_model;
    bool told;                            /* a handler may let the program go on, and fault again: once is enough */
    pid_t process;                        /* a child that was forked in a run dies for itself */
    uint64_t seed;
    hawser_sim_model written;             /* the model of `model` */
    char model[HAWSER__MODEL_TEXT];
    char said[SAID];
    void *stack;                          /* the alternate one */
};

static _Thread_local struct hawser__death *here __attribute__((tls_model("initial-exec")));

static const int signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
#define SIGNALS (sizeof signals / sizeof *signals)

static hawser__lock lock;
static unsigned watchers;                 /* under the lock, as is: */
static bool installed[SIGNALS];
static struct sigaction before[SIGNALS];  /* does not change while anybody watches */
static char arguments[ARGUMENTS];         /* read once: "" = not yet, or not to be had */

/* Telling. Nothing here allocates, waits or formats. */

struct text {
    char *at;
    size_t used, size;
};

static void put(struct text *text, const char *part) {
    size_t length = strnlen(part, text->size - text->used);
    memcpy(text->at + text->used, part, length);
    text->used += length;
}

static void put_number(struct text *text, uint64_t number) {
    char digits[21];
    char *at = digits + sizeof digits - 1;
    *at = '\0';
    do
        *--at = (char)('0' + number % 10);
    while ((number /= 10) > 0);
    put(text, at);
}

static void put_host(struct text *text) {
    if (!hawser__simulation_here || !hawser__simulation_here->host)
        return;
    put(text, "host ");
    put(text, hawser__simulation_here->host->name);
    put(text, " ");
}

static void put_command(struct text *text, const struct hawser__death *death) {
    put(text, "\nhawser: to run it again: HAWSER_SIM_SEED=");
    put_number(text, death->seed);
    if (death->with_model) {
        put(text, " HAWSER_SIM_MODEL=");
        put(text, death->model);
    }
    put(text, arguments);
    put(text, "\n");
}

static bool dies_here(void) {
    return here && here->running && !here->told && here->process == getpid();
}

/* FIRST is a line to go before it; NULL = none. */
static void tell(const char *first, const char *what, const char *which) {
    struct text text = {here->said, 0, sizeof here->said};
    here->told = true;
    if (first)
        put(&text, first);
    put(&text, "hawser: the simulation failed: ");
    put_host(&text);
    put(&text, what);
    put(&text, which);
    put_command(&text, here);
    hawser__signal_say(text.at, text.used);
    if (hawser__simulation_here)
        hawser__trace_flush(hawser__simulation_here);
}

/* Signals. */

/* Whether the strand that runs has left its own stack. */
static bool has_left_stack(const void *address, const void *sp) {
    const hawser__strands *strands = hawser__simulation_here ? &hawser__simulation_here->strands : NULL;
    const hawser__strand *running = strands ? strands->running : NULL;
    if (!running)
        return false;
    uintptr_t lowest = (uintptr_t)running->stack, at = (uintptr_t)sp;
    return hawser__stacks_guard_hit(strands->stacks, address) == running->stack || (sp && at < lowest) ||
           at > lowest + HAWSER__STRAND_STACK;
}

static void tell_fault(int signo, const void *address, const void *sp) {
    char fiber[OVERFLOW];
    hawser__worker *worker = hawser__worker_current();
    bool in_fiber = worker && worker->running;
    if (in_fiber && hawser__run_describe_overflow(address, sp, fiber, sizeof fiber))
        tell(fiber, "died of a stack overflow", "");
    else if (!in_fiber && has_left_stack(address, sp))
        tell(NULL, "overflowed its stack of 1 MiB", "");
    else
        tell(NULL, "died of a signal: ", hawser__sys_signal_name(signo));
}

static void pass_on(int signo, siginfo_t *info, void *context) {
    static const struct sigaction system_action = {.sa_handler = SIG_DFL};
    size_t i = 0;
    while (signals[i] != signo)
        i++;
    if (before[i].sa_flags & SA_SIGINFO) {
        before[i].sa_sigaction(signo, info, context);
    } else if (before[i].sa_handler != SIG_DFL) {
        before[i].sa_handler(signo);
    } else {
        hawser__signal_restore(signo, &system_action);
        if (info->si_code <= 0)   /* somebody sent it: it does not come again by itself */
            hawser__signal_again(signo);
    }
}

static void on_signal(int signo, siginfo_t *info, void *context) {
    if (dies_here() && info->si_code > 0 && (signo == SIGSEGV || signo == SIGBUS))
        tell_fault(signo, info->si_addr, hawser__overflow_stack_pointer(context));
    else if (dies_here())
        tell(NULL, "died of a signal: ", hawser__sys_signal_name(signo));
    hawser__simulation *simulation = hawser__simulation_here;
    const hawser__machine *machine = hawser__machine_here;
    hawser__simulation_here = NULL;   /* the rest is between the process and its system */
    hawser__machine_here = NULL;
    pass_on(signo, info, context);
    hawser__machine_here = machine;
    hawser__simulation_here = simulation;
}

/* Who ignores a signal is not to hear of it. */
static void install(size_t i) {
    struct sigaction action = {.sa_sigaction = on_signal};
    if (hawser__sys_sigaction(signals[i], NULL, &before[i]) < 0 || before[i].sa_handler == SIG_IGN)
        return;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK | (before[i].sa_flags & (SA_NODEFER | SA_RESTART));
    action.sa_mask = before[i].sa_mask;
    installed[i] = hawser__sys_sigaction(signals[i], &action, NULL) == 0;
}

/* Who has put a handler of their own in the place of ours keeps it. */
static void uninstall(size_t i) {
    struct sigaction now;
    if (installed[i] && hawser__sys_sigaction(signals[i], NULL, &now) == 0 && now.sa_sigaction == on_signal)
        hawser__signal_restore(signals[i], &before[i]);
    installed[i] = false;
}

/* Sanitizers, which may be in the program alone: what they find without a signal ends the process by itself. A fuzzer has its
 * own use for the one callback there is. */

void __sanitizer_set_death_callback(void (*callback)(void)) __attribute__((weak));
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) __attribute__((weak));

static void on_report(void) {
    if (dies_here())
        tell(NULL, "died of what a sanitizer has found", "");
}

static void ask_sanitizer(void (*callback)(void)) {
    if (__sanitizer_set_death_callback && !LLVMFuzzerTestOneInput)
        __sanitizer_set_death_callback(callback);
}

/* Everything at once. */

static void count(int more) {
    hawser__lock_take(&lock);
    unsigned was = watchers;
    watchers += (unsigned)more;
    if (!arguments[0])
        hawser__replay_arguments(arguments, sizeof arguments);
    for (size_t i = 0; i < SIGNALS && was == 0; i++)
        install(i);
    for (size_t i = 0; i < SIGNALS && watchers == 0; i++)
        uninstall(i);
    if (was == 0 || watchers == 0)
        ask_sanitizer(was == 0 ? on_report : NULL);
    hawser__lock_drop(&lock);
}

/* exit. A destructor is called behind all that the program has registered with atexit, and nothing has to be installed. */
__attribute__((destructor)) static void leave(void) {
    if (!dies_here())
        return;
    tell(NULL, "called exit", "");
    hawser__sys_end_failed();
}

/* Watching. */

struct hawser__death *hawser__death_watch(bool with_model) {
    struct hawser__death *death = hawser__zalloc(sizeof *death);
    if (!death)
        return NULL;
    death->with_model = with_model;
    death->process = getpid();
    hawser__model_write(&death->written, death->model);
    (void)hawser__overflow_thread_begin(&death->stack);   /* without one an overflow kills without a word */
    here = death;
    count(1);
    return death;
}

/* A search makes thousands with the same model. */
void hawser__death_run(struct hawser__death *death, uint64_t seed, const hawser_sim_model *model) {
    if (!death)
        return;
    if (death->with_model && memcmp(&death->written, model, sizeof *model) != 0) {
        hawser__model_write(model, death->model);
        death->written = *model;
    }
    death->seed = seed;
    death->told = false;
    death->running = true;
}

void hawser__death_run_over(struct hawser__death *death) {
    if (death)
        death->running = false;
}

void hawser__death_unwatch(struct hawser__death *death) {
    int saved = errno;
    if (!death)
        return;
    count(-1);
    here = NULL;
    hawser__overflow_thread_end(death->stack);
    hawser__free(death);
    errno = saved;
}
