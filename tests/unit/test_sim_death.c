/* SPDX-License-Identifier: MIT */
/* sim/death: what is said when the process dies in a run. Who dies is this program, started once more by a shell. */
#include "support.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>

#include "fiber/sanitizers.h"
#include "sim_call.h"

#ifdef HAWSER__ASAN
#define ADDRESSES_ARE_WATCHED true
#else
#define ADDRESSES_ARE_WATCHED false
#endif

#define CHILD "TEST_DEATH_CHILD"
#define SEED 17
#define TEXT (256 * 1024)   /* a sanitizer has much to say */

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

static int start_and_wait(void *arg) {
    static const struct { const char *name; hawser_fn program; } programs[] = {
        {"SEGV", fault_at_once}, {"handled", fault_at_once}, {"ABRT", abort_at_once}, {"exit", exit_at_once},
        {"freed", use_after_free}, {"deep", dig_deep}, {"deep fiber", dig_in_fiber},
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
    (void)hawser_sim_run(SEED + 1, NULL, stay, arg);
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

static int be_child(const char *how, bool searches) {
    hawser_sim_model model = {.link = {.loss = 0.5}};
    if (strcmp(how, "handled") == 0)
        signal(SIGSEGV, say_and_leave);
    if (strcmp(how, "beside") == 0)
        begin(simulate_beside);
    while (strcmp(how, "beside") == 0 && !atomic_load(&others))
        sched_yield();
    if (strcmp(how, "thread") == 0) {
        begin(fault_beside);
        return hawser_sim_run(SEED, &model, stay, NULL);
    }
    if (strcmp(how, "after") == 0) {
        (void)hawser_sim_run(SEED, &model, sleep_long, NULL);
        fault();
    }
    char *arg = strcmp(how, "beside") == 0 ? (char[]){"SEGV"} : test_arguments[1];
    return searches ? hawser_sim_explore(SEED, 5, &model, start_and_wait, arg, NULL)
                    : hawser_sim_run(SEED, &model, start_and_wait, arg);
}

/* Watching them die. */

static struct {
    char text[TEXT], path[256];
    int status;                       /* as a shell has it: a signal is 128 more */
} died;

static void own_program(void) {
    ssize_t length = readlink("/proc/self/exe", died.path, sizeof died.path - 1);
    assert_true(length > 0);
    died.path[length] = '\0';
}

static void die(const char *variables, const char *arguments) {
    char *command;
    own_program();
    assert_true(asprintf(&command, "ulimit -c 0; (%s exec %s %s) 2>&1; echo \"status $?\"", variables, died.path,
                         arguments) > 0);
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    died.text[fread(died.text, 1, TEXT - 1, pipe)] = '\0';
    pclose(pipe);
    free(command);
    const char *status = strstr(died.text, "status ");
    assert_non_null(status);
    died.status = atoi(status + strlen("status "));
}

static void assert_died(int status, const char *why, const char *command) {
    char *expected;
    if (died.status != status && !HAWSER__SANITIZER_HANDLES_FAULTS)
        fail_msg("status %d in place of %d: %s", died.status, status, died.text);
    assert_true(asprintf(&expected, "hawser: the simulation failed: %s\nhawser: to run it again: %s%s", why, command,
                         *command ? died.path : "") > 0);
    if (!strstr(died.text, expected))
        fail_msg("\"%s\" is not in \"%s\"", expected, died.text);
    free(expected);
}

static void assert_nothing_said(void) {
    if (strstr(died.text, "hawser:"))
        fail_msg("%s", died.text);
}

/* Deaths. */

static void a_signal_of_a_program_s_own_making_names_its_host_and_the_seed(void **state) {
    (void)state;
    skip_where_emulated("a program cannot start itself again");
    static const struct { const char *name, *text; int signo; } rows[] = {
        {"SEGV", "segmentation fault", SIGSEGV}, {"ABRT", "abort", SIGABRT}, {"FPE", "arithmetic", SIGFPE},
        {"ILL", "illegal instruction", SIGILL}, {"BUS", "bus error", SIGBUS},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char why[128];
        snprintf(why, sizeof why, "host victim died of a signal: %s", rows[i].text);
        die("", rows[i].name);
        assert_died(128 + rows[i].signo, why, "HAWSER_SIM_SEED=17 ");
    }
}

static void a_search_that_dies_names_the_seed_and_the_model(void **state) {
    (void)state;
    skip_where_emulated("a program cannot start itself again");
    die("", "SEGV search");
    assert_died(128 + SIGSEGV, "host victim died of a signal: segmentation fault",
                "HAWSER_SIM_SEED=17 HAWSER_SIM_MODEL=perfect,loss=0.5 ");
}

static void what_the_environment_made_of_the_run_is_in_the_line(void **state) {
    (void)state;
    skip_where_emulated("a program cannot start itself again");
    die("HAWSER_SIM_SEED=18446744073709551615 HAWSER_SIM_MODEL=jitter=0.25", "SEGV");
    assert_died(128 + SIGSEGV, "host victim died of a signal: segmentation fault",
                "HAWSER_SIM_SEED=18446744073709551615 HAWSER_SIM_MODEL=perfect,jitter=0.25,loss=0.5 ");
}

static void exit_in_a_program_is_no_success(void **state) {
    (void)state;
    skip_where_emulated("a program cannot start itself again");
    die("", "exit search");
    assert_died(1, "host victim called exit", "HAWSER_SIM_SEED=17 HAWSER_SIM_MODEL=perfect,loss=0.5 ");
    assert_non_null(strstr(died.text, "last words\n"));
}

static void whose_stack_has_overflowed_is_said(void **state) {
    (void)state;
    skip_where_emulated("a program cannot start itself again");
    die("", "deep");
    assert_died(128 + SIGSEGV, "host victim overflowed its stack of 1 MiB", "HAWSER_SIM_SEED=17 ");
    die("", "'deep fiber'");
    assert_died(128 + SIGSEGV, "host victim died of a stack overflow", "HAWSER_SIM_SEED=17 ");
    assert_non_null(strstr(died.text, "overflowed its stack of 65536 bytes\n"));
}

static void what_a_sanitizer_finds_is_told_as_well(void **state) {
    (void)state;
    skip_where_emulated("a program cannot start itself again");
    if (!ADDRESSES_ARE_WATCHED) {
        print_message("    nobody watches what is freed in this build\n");
        skip();
    }
    die("", "freed");
    assert_died(1, "host victim died of what a sanitizer has found", "HAWSER_SIM_SEED=17 ");
}

static void the_program_s_own_handler_is_called_afterwards(void **state) {
    (void)state;
    skip_where_emulated("a program cannot start itself again");
    die("", "handled");
    assert_died(5, "host victim died of a signal: segmentation fault", "HAWSER_SIM_SEED=17 ");
    assert_true(strstr(died.text, "own handler\n") > strstr(died.text, "to run it again"));
}

static void of_several_runs_at_once_the_one_that_died_is_named(void **state) {
    (void)state;
    skip_where_emulated("a program cannot start itself again");
    die("", "beside");
    assert_died(128 + SIGSEGV, "host victim died of a signal: segmentation fault", "HAWSER_SIM_SEED=17 ");
    assert_null(strstr(died.text, "HAWSER_SIM_SEED=18"));
}

static void who_dies_outside_of_a_run_dies_as_ever(void **state) {
    (void)state;
    skip_where_emulated("a program cannot start itself again");
    static const char *const cases[] = {"thread", "after"};
    for (size_t i = 0; i < 2; i++) {
        die("", cases[i]);
        assert_nothing_said();
        assert_true(died.status != 0);
    }
}

static void the_trace_goes_up_to_the_death(void **state) {
    (void)state;
    skip_where_emulated("a program cannot start itself again");
    char path[] = "/tmp/hawser-trace-XXXXXX", variables[64], text[SAID];
    int file = mkstemp(path);
    snprintf(variables, sizeof variables, "HAWSER_SIM_TRACE=%s", path);
    die(variables, "ABRT");
    ssize_t n = pread(file, text, SAID - 1, 0);
    unlink(path);
    close(file);
    text[n > 0 ? n : 0] = '\0';
    assert_non_null(strstr(text, " victim start\n"));
}

static void nothing_is_left_installed(void **state) {
    (void)state;
    static const int signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
    struct sigaction before[5], after;
    struct call call = {.seed = 1, .scenario = sleep_long};
    for (size_t i = 0; i < 5; i++)
        sigaction(signals[i], NULL, &before[i]);
    for (call.count = 0; call.count < 2; call.count++) {
        assert_int_equal(make(&call), 0);
        for (size_t i = 0; i < 5; i++) {
            sigaction(signals[i], NULL, &after);
            assert_ptr_equal(after.sa_handler, before[i].sa_handler);
            assert_int_equal(after.sa_flags & SA_ONSTACK, before[i].sa_flags & SA_ONSTACK);
        }
    }
}

int main(void) {
    if (getenv(CHILD))
        return be_child(test_arguments[1], test_arguments[2] != NULL) != 0;
    setenv(CHILD, "1", 1);   /* for those that this one starts */
    unsetenv("TEST_IN_FIBER");
    const struct CMUnitTest tests[] = {
        test(a_signal_of_a_program_s_own_making_names_its_host_and_the_seed),
        test(a_search_that_dies_names_the_seed_and_the_model),
        test(what_the_environment_made_of_the_run_is_in_the_line),
        test(exit_in_a_program_is_no_success),
        test(whose_stack_has_overflowed_is_said),
        test(what_a_sanitizer_finds_is_told_as_well),
        test(the_program_s_own_handler_is_called_afterwards),
        test(of_several_runs_at_once_the_one_that_died_is_named),
        test(who_dies_outside_of_a_run_dies_as_ever),
        test(the_trace_goes_up_to_the_death),
        test(nothing_is_left_installed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
