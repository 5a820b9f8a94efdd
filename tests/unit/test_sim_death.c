/* SPDX-License-Identifier: MIT */
/* sim/death: what is said when the process dies in a run. Who dies is this program (dying.h), started once more by a shell. */
#include "support.h"

#include <signal.h>

#include "dying.h"
#include "fiber/sanitizers.h"
#include "sim_call.h"

#ifdef HAWSER__ASAN
#define ADDRESSES_ARE_WATCHED true
#else
#define ADDRESSES_ARE_WATCHED false
#endif

#define CHILD "TEST_DEATH_CHILD"
#define TEXT (256 * 1024)   /* a sanitizer has much to say */


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

static void assert_told(int status, const char *what, const char *command) {
    char *expected;
    if (died.status != status && !HAWSER__SANITIZER_HANDLES_FAULTS)
        fail_msg("status %d in place of %d: %s", died.status, status, died.text);
    assert_true(asprintf(&expected, "hawser: %s\nhawser: to run it again: %s%s", what, command,
                         *command ? died.path : "") > 0);
    if (!strstr(died.text, expected))
        fail_msg("\"%s\" is not in \"%s\"", expected, died.text);
    free(expected);
}

static void assert_died(int status, const char *why, const char *command) {
    char what[256];
    snprintf(what, sizeof what, "the simulation failed: %s", why);
    assert_told(status, what, command);
}

#define TAKEN "in the simulation: host victim took a signal that a handler of its own has: "

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
    assert_told(5, TAKEN "segmentation fault", "HAWSER_SIM_SEED=17 ");
    assert_true(strstr(died.text, "own handler\n") > strstr(died.text, "to run it again"));
    die("", "'handled by exit'");
    assert_told(6, TAKEN "segmentation fault", "HAWSER_SIM_SEED=17 ");
    assert_null(strstr(died.text, "called exit"));
}

static void the_program_s_own_handler_may_jump_inside_of_the_run(void **state) {
    (void)state;
    skip_where_emulated("a program cannot start itself again");
    die("", "jump");
    assert_told(128 + SIGABRT, TAKEN "segmentation fault", "HAWSER_SIM_SEED=17 ");
    assert_died(128 + SIGABRT, "host victim died of a signal: abort", "HAWSER_SIM_SEED=17 ");
}

static void a_handler_that_calls_the_one_before_it_is_called_once(void **state) {
    (void)state;
    skip_where_emulated("a program cannot start itself again");
    die("", "chain");
    assert_told(128 + SIGABRT, TAKEN "abort", "HAWSER_SIM_SEED=17 ");
    char *first = strstr(died.text, "own handler\n");
    assert_non_null(first);
    assert_null(strstr(first + 1, "own handler\n"));
}

static void exit_is_told_whatever_came_before(void **state) {
    (void)state;
    skip_where_emulated("a program cannot start itself again");
    static const char *const cases[] = {"nested", "reader"};   /* another world was refused; a stream is locked */
    for (size_t i = 0; i < 2; i++) {
        die("", cases[i]);
        assert_died(1, "host victim called exit", "HAWSER_SIM_SEED=17 ");
    }
}

static void who_faults_on_another_stack_has_not_used_up_its_own(void **state) {
    (void)state;
    skip_where_emulated("a program cannot start itself again");
    die("", "elsewhere");
    assert_died(128 + SIGSEGV, "host victim died of a signal: segmentation fault", "HAWSER_SIM_SEED=17 ");
}

static void runs_beside_a_simulation_keep_and_lose_their_handlers_in_turn(void **state) {
    (void)state;
    skip_where_emulated("a program cannot start itself again");
    static const char *const cases[] = {"overlap", "fork"};
    for (size_t i = 0; i < 2 && !HAWSER__SANITIZER_HANDLES_FAULTS; i++) {
        die("", cases[i]);
        if (died.status != 0)
            fail_msg("%s: status %d: %s", cases[i], died.status, died.text);
    }
    die("", "'dig beside'");
    assert_null(strstr(died.text, "simulation"));
    if (!HAWSER__SANITIZER_HANDLES_FAULTS)
        assert_non_null(strstr(died.text, "overflowed its stack of 65536 bytes\n"));
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
    static const char *const cases[] = {"ABRT", "callback"};
    for (size_t i = 0; i < 2; i++) {
        char path[] = "/tmp/hawser-trace-XXXXXX", variables[64], text[SAID];
        int file = mkstemp(path);
        snprintf(variables, sizeof variables, "HAWSER_SIM_TRACE=%s", path);
        die(variables, cases[i]);
        ssize_t n = pread(file, text, SAID - 1, 0);
        unlink(path);
        close(file);
        text[n > 0 ? n : 0] = '\0';
        assert_non_null(strstr(died.text, "died of a signal: abort"));
        assert_non_null(strstr(text, " victim start\n"));
    }
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
        test(the_program_s_own_handler_may_jump_inside_of_the_run),
        test(a_handler_that_calls_the_one_before_it_is_called_once),
        test(exit_is_told_whatever_came_before),
        test(who_faults_on_another_stack_has_not_used_up_its_own),
        test(runs_beside_a_simulation_keep_and_lose_their_handlers_in_turn),
        test(of_several_runs_at_once_the_one_that_died_is_named),
        test(who_dies_outside_of_a_run_dies_as_ever),
        test(the_trace_goes_up_to_the_death),
        test(nothing_is_left_installed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
