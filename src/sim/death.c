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
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#define ARGUMENTS 4096
#define SAID (ARGUMENTS + HAWSER__MODEL_TEXT + 1024)
#define OVERFLOW 512

struct hawser__death {
    bool running, with_model;
    bool told;                            /* once is enough */
    bool took;                            /* the same of signals that the program's own handler has: it may let it go on */
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
static bool beneath;                      /* overflows of fibers outside of simulations are reported, below these handlers */
static struct sigaction before[SIGNALS];  /* does not change while anybody watches */
static char arguments[ARGUMENTS];         /* read once: "" = not yet, or not to be had */
static atomic_bool arguments_read;

typedef void handler(int signo, siginfo_t *info, void *context);
static handler *at_start[SIGNALS];        /* those of a sanitizer; NULL = none */

/* The call of a handler that was there before, as long as it has not returned; one that has jumped leaves it behind. */
static _Thread_local struct {
    const char *frame;
    const void *context;
} passing[SIGNALS] __attribute__((tls_model("initial-exec")));

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

static void say(const char *head, const char *what, const char *which) {
    struct text text = {here->said, 0, sizeof here->said};
    put(&text, head);
    put_host(&text);
    put(&text, what);
    put(&text, which);
    put_command(&text, here);
    hawser__signal_say(text.at, text.used);
    hawser__trace_flush_here();
}

static void tell(const char *what, const char *which) {
    here->told = true;
    say("hawser: the simulation failed: ", what, which);
}

/* A signal that a handler of the program has: whether it is a death is for that to say. */
static void tell_taken(int signo) {
    here->took = true;
    say("hawser: in the simulation: ", "took a signal that a handler of its own has: ", hawser__sys_signal_name(signo));
}

/* Signals. */

/* Whether the strand that runs has used up its stack. A coroutine of its own has its stack elsewhere. */
static bool has_used_up_stack(const void *address, const void *sp) {
    const hawser__strands *strands = hawser__simulation_here ? &hawser__simulation_here->strands : NULL;
    const hawser__strand *running = strands ? strands->running : NULL;
    if (!running)
        return false;
    uintptr_t lowest = (uintptr_t)running->stack, at = (uintptr_t)sp;
    return hawser__stacks_guard_hit(strands->stacks, address) == running->stack ||
           (sp && at < lowest && lowest - at <= HAWSER__STRAND_STACK);
}

static void tell_fault(int signo, const void *address, const void *sp) {
    char fiber[OVERFLOW];
    hawser__worker *worker = hawser__worker_current();
    bool in_fiber = worker && worker->running;
    if (in_fiber && hawser__run_describe_overflow(address, sp, fiber, sizeof fiber)) {
        hawser__signal_say(fiber, strnlen(fiber, sizeof fiber));
        tell("died of a stack overflow", "");
    } else if (!in_fiber && has_used_up_stack(address, sp)) {
        tell("overflowed its stack of 1 MiB", "");
    } else {
        tell("died of a signal: ", hawser__sys_signal_name(signo));
    }
}

static size_t place_of(int signo) {
    size_t i = 0;
    while (signals[i] != signo)
        i++;
    return i;
}

/* Whether the program itself has a handler: not the system, a sanitizer, or this library. */
static bool is_the_program_s(size_t i) {
    bool none = !(before[i].sa_flags & SA_SIGINFO) && before[i].sa_handler == SIG_DFL;
    return !none && before[i].sa_sigaction != at_start[i] && !hawser__overflow_has(&before[i]);
}

/* The rest is between the process and its system: the calls that are made for it must not go to the world. */
static void end_by_system(int signo, bool sent) {
    static const struct sigaction system_action = {.sa_handler = SIG_DFL};
    hawser__simulation *simulation = hawser__simulation_here;
    const hawser__machine *machine = hawser__machine_here;
    hawser__simulation_here = NULL;
    hawser__machine_here = NULL;
    hawser__signal_restore(signo, &system_action);
    if (sent)   /* by somebody: it does not come again by itself */
        hawser__signal_again(signo);
    hawser__machine_here = machine;
    hawser__simulation_here = simulation;
}

/* The handler may call ours: who has installed it in an earlier run has that as the one before it. It may jump as well, and
 * then the next signal comes no deeper on its stack, or with another context. */
static bool calls_itself(size_t i, const char *frame, const void *context) {
    return passing[i].frame && frame < passing[i].frame && context == passing[i].context;
}

/* In a world the reports of overflows have nothing to add. */
static void pass_on(size_t i, siginfo_t *info, void *context) {
    if (before[i].sa_flags & SA_SIGINFO && !(hawser__machine_here && hawser__overflow_has(&before[i])))
        before[i].sa_sigaction(signals[i], info, context);
    else if (!(before[i].sa_flags & SA_SIGINFO) && before[i].sa_handler != SIG_DFL)
        before[i].sa_handler(signals[i]);
    else
        end_by_system(signals[i], info->si_code <= 0);
}

static void tell_signal(size_t i, const siginfo_t *info, const void *context) {
    int signo = signals[i];
    if (is_the_program_s(i)) {
        if (!here->took)
            tell_taken(signo);
    } else if (info->si_code > 0 && (signo == SIGSEGV || signo == SIGBUS)) {
        tell_fault(signo, info->si_addr, hawser__overflow_stack_pointer(context));
    } else {
        tell("died of a signal: ", hawser__sys_signal_name(signo));
    }
}

static void on_signal(int signo, siginfo_t *info, void *context) {
    size_t i = place_of(signo);
    const char *frame = __builtin_frame_address(0);
    if (calls_itself(i, frame, context)) {
        end_by_system(signo, info->si_code <= 0);
        return;
    }
    if (dies_here())
        tell_signal(i, info, context);
    passing[i].frame = frame;
    passing[i].context = context;
    pass_on(i, info, context);
    passing[i].frame = NULL;
}

/* Who ignores a signal is not to hear of it. Ours is there already where a program has put it back after a run. */
static void install(size_t i) {
    struct sigaction now, action = {.sa_sigaction = on_signal};
    if (hawser__sys_sigaction(signals[i], NULL, &now) < 0 || now.sa_handler == SIG_IGN || now.sa_sigaction == on_signal)
        return;
    before[i] = now;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK | (now.sa_flags & (SA_NODEFER | SA_RESTART));
    action.sa_mask = now.sa_mask;
    (void)hawser__sys_sigaction(signals[i], &action, NULL);
}

/* Who has put a handler of their own in the place of ours keeps it. */
static void uninstall(size_t i) {
    struct sigaction now;
    if (hawser__sys_sigaction(signals[i], NULL, &now) == 0 && now.sa_sigaction == on_signal)
        hawser__signal_restore(signals[i], &before[i]);
}

/* Sanitizers, which may be in the program alone: what they find without a signal ends the process by itself. A fuzzer has its
 * own use for the one callback there is. */

void __sanitizer_set_death_callback(void (*callback)(void)) __attribute__((weak));
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) __attribute__((weak));

static void on_report(void) {
    if (dies_here())
        tell("died of what a sanitizer has found", "");
}

/* A sanitizer has its handlers before anybody else has any. */
__attribute__((constructor)) static void note_sanitizer(void) {
    struct sigaction now;
    for (size_t i = 0; i < SIGNALS && __sanitizer_set_death_callback; i++)
        if (hawser__sys_sigaction(signals[i], NULL, &now) == 0 && now.sa_handler != SIG_DFL)
            at_start[i] = now.sa_sigaction;
}

static void ask_sanitizer(void (*callback)(void)) {
    if (__sanitizer_set_death_callback && !LLVMFuzzerTestOneInput)
        __sanitizer_set_death_callback(callback);
}

/* Everything at once. */

/* The reports of overflows are begun before and ended after, so that each handler is put back in its turn. */
static void install_all(void) {
    beneath = hawser__overflow_begin(hawser__run_describe_overflow) == 0;
    for (size_t i = 0; i < SIGNALS; i++)
        install(i);
    ask_sanitizer(on_report);
}

static void uninstall_all(void) {
    ask_sanitizer(NULL);
    for (size_t i = 0; i < SIGNALS; i++)
        uninstall(i);
    if (beneath)
        hawser__overflow_end();
    beneath = false;
}

static void count(int more) {
    hawser__lock_take(&lock);
    unsigned was = watchers;
    watchers += (unsigned)more;
    if (was == 0)
        install_all();
    else if (watchers == 0)
        uninstall_all();
    hawser__lock_drop(&lock);
}

/* From a file, which is nothing to do under a lock. */
static void read_arguments(void) {
    char text[ARGUMENTS] = "";
    if (atomic_load(&arguments_read))
        return;
    hawser__replay_arguments(text, sizeof text);
    hawser__lock_take(&lock);
    if (!arguments[0])
        memcpy(arguments, text, sizeof arguments);
    hawser__lock_drop(&lock);
    atomic_store(&arguments_read, true);
}

/* The thread that forked is the only one in the child. */
static void after_fork(void) {
    hawser__overflow_after_fork();
    hawser__lock_drop(&lock);
    watchers = here ? 1 : 0;
    if (watchers == 0 && !hawser__machine_here)   /* where that is set, the system's handlers are out of reach */
        uninstall_all();
}

static void prepare(void) {
    pthread_atfork(NULL, NULL, after_fork);
}

/* Handlers run on the alternate stack: one that calls exit has chosen how the process ends. */
static bool in_handler(void) {
    stack_t stack;
    return hawser__sys_sigaltstack(NULL, &stack) == 0 && stack.ss_flags & SS_ONSTACK;
}

/* exit. A destructor is called behind all that the program has registered with atexit, and nothing has to be installed. */
__attribute__((destructor)) static void leave(void) {
    if (!dies_here() || (here->took && in_handler()))
        return;
    tell("called exit", "");
    hawser__sys_end_failed();
}

/* Watching. */

struct hawser__death *hawser__death_watch(bool with_model) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    struct hawser__death *death = hawser__zalloc(sizeof *death);
    if (!death)
        return NULL;
    pthread_once(&once, prepare);
    read_arguments();
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
    death->told = death->took = false;
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
