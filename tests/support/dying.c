/* SPDX-License-Identifier: MIT */
#include "support.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "dying.h"
#include "fiber/context.h"
#include "sim_call.h"

/* Ways to die, on a host. */

static char *volatile nowhere = (char *)16;

static void fault(void) {
    *nowhere = 0;
}

static int (*volatile dig_on)(int depth);

static int dig(int depth) {
    volatile char spade[500];
    spade[depth % 500] = (char)depth;
    return dig_on(depth + 1) + spade[depth % 100];
}

static int dig_deep(void *arg) {
    (void)arg;
    dig_on = dig;
    return dig(0);
}

static int dig_in_fiber(void *arg) {
    return hawser_run(dig_deep, arg, NULL);
}

static int fault_at_once(void *arg) {
    (void)arg;
    hawser_sleep(1);
    fault();
    return 0;
}

/* What the address sanitizer finds without a signal. */
static int use_after_free(void *arg) {
    char *volatile gone = malloc(16);
    (void)arg;
    free(gone);
    return *gone;
}

static int abort_at_once(void *arg) {
    (void)arg;
    hawser_sleep(1);
    abort();
}

static int exit_at_once(void *arg) {
    (void)arg;
    hawser_sleep(1);
    printf("last words\n");
    exit(0);
}

static int send_itself(void *arg) {
    static const struct { const char *name; int signo; } sent[] = {{"FPE", SIGFPE}, {"ILL", SIGILL}, {"BUS", SIGBUS}};
    for (size_t i = 0; i < 3; i++)
        if (strcmp(arg, sent[i].name) == 0)
            syscall(SYS_tgkill, getpid(), (int)syscall(SYS_gettid), sent[i].signo);
    return 0;
}

static int exit_after_another_world(void *arg) {
    (void)arg;
    hawser_sleep(1);
    if (hawser_sim_run(1, NULL, sleep_long, NULL) != -1 || errno != EBUSY)
        abort();
    exit(0);
}

/* On a stack of its own that is nobody else's, and far from all. */
static hawser__context host, routine;

static void fault_in_routine(void *arg) {
    (void)arg;
    fault();
    hawser__context_exit(&routine, &host);
}

static int fault_elsewhere(void *arg) {
    static char stack[256 * 1024] __attribute__((aligned(4096)));
    (void)arg;
    hawser__context_adopt(&host);
    hawser__context_make(&routine, stack, sizeof stack, fault_in_routine, NULL);
    hawser__context_switch(&host, &routine);
    return 0;
}

static sigjmp_buf back;

static void jump_back(int signo) {
    siglongjmp(back, signo);
}

static int probe_and_abort(void *arg) {
    (void)arg;
    for (volatile int i = 0; i < 3; i++) {
        if (sigsetjmp(back, 1) == 0)
            fault();
        if (!hawser_sim_inside() || hawser_sleep(1000) != 0)
            _exit(3);
    }
    abort();
}

static int start_and_wait(void *arg) {
    static const struct { const char *name; hawser_fn program; } programs[] = {
        {"SEGV", fault_at_once}, {"handled", fault_at_once}, {"handled by exit", fault_at_once},
        {"ABRT", abort_at_once}, {"exit", exit_at_once},
        {"freed", use_after_free}, {"deep", dig_deep}, {"deep fiber", dig_in_fiber},
        {"nested", exit_after_another_world}, {"elsewhere", fault_elsewhere}, {"jump", probe_and_abort},
        {"reader", exit_at_once}, {"chain", abort_at_once},
    };
    hawser_fn program = send_itself;
    for (size_t i = 0; i < sizeof programs / sizeof *programs; i++)
        if (strcmp(arg, programs[i].name) == 0)
            program = programs[i].program;
    return hawser_sim_join(hawser_sim_start("victim", program, arg));
}

/* Two at once: the other one is in the middle of its own run. */

static atomic_int others;

static int stay(void *arg) {
    (void)arg;
    atomic_store(&others, 1);
    while (atomic_load(&others) > 0)
        continue;   /* no call: this host is to be in the middle of something */
    return 0;
}

static void *simulate_beside(void *arg) {
    (void)hawser_sim_run(DYING_SEED + 1, NULL, stay, arg);
    return NULL;
}

static void begin(void *(*body)(void *)) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, body, NULL) != 0)
        exit(99);
}

static void *fault_beside(void *arg) {
    while (!atomic_load(&others))
        sched_yield();
    fault();
    return arg;
}

static void say_and_leave(int signo) {
    (void)signo;
    (void)!write(STDERR_FILENO, "own handler\n", 12);
    _exit(5);
}

static void leave_by_exit(int signo) {
    (void)signo;
    exit(6);
}

/* A stream whose lock another thread has, and keeps. */
static void *lock_stream(void *arg) {
    FILE *file = fopen("/dev/null", "w");
    if (file)
        flockfile(file);
    atomic_store(&others, 1);
    pause();
    return arg;
}

static void begin_beside(void *(*body)(void *)) {
    begin(body);
    while (!atomic_load(&others))
        sched_yield();
}

/* A handler that calls the one before it. */
static struct sigaction chained;

static void call_chained(int signo, siginfo_t *info, void *context) {
    (void)!write(STDERR_FILENO, "own handler\n", 12);
    if (chained.sa_flags & SA_SIGINFO)
        chained.sa_sigaction(signo, info, context);
}

/* In a run, and yet in the real world. */
static void chain_up(const char *line, void *arg) {
    const struct sigaction action = {.sa_sigaction = call_chained, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    (void)arg;
    if (strstr(line, " main start"))
        sigaction(SIGABRT, &action, &chained);
}

static bool is_handled(int signo) {
    struct sigaction now;
    return sigaction(signo, NULL, &now) != 0 || now.sa_handler != SIG_DFL;
}

/* A run that is no simulation, as long as OTHERS is 1. */
static int wait_for_others(void *arg) {
    (void)arg;
    atomic_store(&others, 1);
    while (atomic_load(&others) == 1)
        hawser_sleep(0.001);
    return 0;
}

static void *run_beside(void *arg) {
    (void)hawser_run(wait_for_others, arg, NULL);
    atomic_store(&others, 3);
    return NULL;
}

static int let_it_end(void *arg) {
    (void)arg;
    atomic_store(&others, 2);
    while (atomic_load(&others) != 3)
        continue;
    return 0;
}

static int overlap(void) {
    begin_beside(run_beside);
    (void)hawser_sim_run(DYING_SEED, NULL, let_it_end, NULL);
    return is_handled(SIGSEGV) || is_handled(SIGBUS) ? 3 : 0;
}

/* The child has no simulation, and then has one of its own. */
static int fork_beside(void) {
    int status = -1;
    begin_beside(simulate_beside);
    pid_t pid = fork();
    if (pid == 0) {
        bool left = is_handled(SIGFPE) || is_handled(SIGABRT);
        (void)hawser_sim_run(DYING_SEED, NULL, sleep_long, NULL);
        _exit(left || is_handled(SIGFPE) || is_handled(SIGABRT) ? 4 : 0);
    }
    waitpid(pid, &status, 0);
    return status;
}

static int dig_beside(void) {
    begin_beside(simulate_beside);
    return hawser_run(dig_deep, NULL, NULL);
}

static void prepare_child(const char *how) {
    if (strcmp(how, "handled") == 0)
        signal(SIGSEGV, say_and_leave);
    if (strcmp(how, "handled by exit") == 0)
        signal(SIGSEGV, leave_by_exit);
    if (strcmp(how, "jump") == 0)
        signal(SIGSEGV, jump_back);
    if (strcmp(how, "beside") == 0)
        begin_beside(simulate_beside);
    if (strcmp(how, "reader") == 0)
        begin_beside(lock_stream);
    const hawser_sim_model model = {.trace = chain_up};
    if (strcmp(how, "chain") == 0)
        (void)hawser_sim_run(DYING_SEED, &model, sleep_long, NULL);
}

static void abort_at_victim(const char *line, void *arg) {
    (void)arg;
    if (strstr(line, " victim start"))
        abort();
}

int be_child(const char *how, bool searches) {
    hawser_sim_model model = {.link = {.loss = 0.5}};
    alarm((unsigned)WAIT_LIMIT);   /* the bound of every loop here */
    if (strcmp(how, "overlap") == 0)
        return overlap();
    if (strcmp(how, "fork") == 0)
        return fork_beside();
    if (strcmp(how, "dig beside") == 0)
        return dig_beside();
    prepare_child(how);
    if (strcmp(how, "thread") == 0) {
        begin(fault_beside);
        return hawser_sim_run(DYING_SEED, &model, stay, NULL);
    }
    if (strcmp(how, "after") == 0) {
        (void)hawser_sim_run(DYING_SEED, &model, sleep_long, NULL);
        fault();
    }
    if (strcmp(how, "callback") == 0)
        model.trace = abort_at_victim;
    char *arg = strcmp(how, "beside") == 0 ? (char[]){"SEGV"} : test_arguments[1];
    return searches ? hawser_sim_explore(DYING_SEED, 5, &model, start_and_wait, arg, NULL)
                    : hawser_sim_run(DYING_SEED, &model, start_and_wait, arg);
}
