/* SPDX-License-Identifier: MIT */
/* sim/replay: the line that runs a program again. A shell reads it here, and starts this program a second time. */
#include "support.h"

#include <sys/wait.h>
#include <unistd.h>

#include "sim/replay.h"

#define CHILD "TEST_REPLAY_CHILD"
#define TEXT 8192

/* What `command` prints, as sh runs it. */
static void run(const char *command, char *text) {
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    size_t n = fread(text, 1, TEXT - 1, pipe);
    text[n] = '\0';
    assert_int_equal(pclose(pipe), 0);
}

/* Prints what it is started with, then the line to start it so again. */
static int be_child(void) {
    char command[4096];
    const char *seed = getenv("HAWSER_SIM_SEED"), *model = getenv("HAWSER_SIM_MODEL");
    printf("%s %s\n", seed ? seed : "none", model ? model : "none");
    for (char **argument = test_arguments; *argument; argument++)
        printf("<%s>\n", *argument);
    hawser_sim_model storm = {.link = {.loss = 0.1}};
    hawser__replay_command(23, model ? NULL : &storm, command, sizeof command);
    printf("%s\n", command);
    return 0;
}

static void own_program(char path[256]) {
    ssize_t length = readlink("/proc/self/exe", path, 255);
    assert_true(length > 0);
    path[length] = '\0';
}

static void a_shell_runs_the_program_again_with_the_same_arguments(void **state) {
    (void)state;
    skip_where_emulated("a program cannot start itself again");
    char path[256], first[TEXT], second[TEXT];
    own_program(path);
    char *start;
    assert_true(asprintf(&start, "%s plain 'two words' '' \"it's\" '$HOME' '*' 'a;b' 'back\\slash' '\"' -x=1 '\303\244'",
                         path) > 0);
    run(start, first);
    free(start);
    char *command = strstr(first, "HAWSER_SIM_SEED=");
    assert_non_null(command);
    run(command, second);
    assert_int_equal(strncmp(second, "23 perfect,loss=0.1\n", 20), 0);
    const char *arguments = strchr(first, '<'), *again = strchr(second, '<');
    assert_memory_equal(arguments, again, (size_t)(command - arguments));
}

static void what_needs_no_quotes_has_none(void **state) {
    (void)state;
    skip_where_emulated("a program cannot start itself again");
    char path[256], text[TEXT], *start, *expected;
    own_program(path);
    assert_true(asprintf(&start, "%s --loss=0.5 host:80 a/b 'c d'", path) > 0);
    assert_true(asprintf(&expected, "HAWSER_SIM_SEED=23 HAWSER_SIM_MODEL=perfect,loss=0.1 %s --loss=0.5 host:80 a/b 'c d'\n",
                         path) > 0);
    run(start, text);
    assert_string_equal(strstr(text, "HAWSER_SIM_SEED="), expected);
    free(start);
    free(expected);
}

static void control_bytes_are_spelled_out(void **state) {
    (void)state;
    skip_where_emulated("a program cannot start itself again");
    char path[256], text[TEXT], *start;
    own_program(path);
    assert_true(asprintf(&start, "%s \"$(printf 'a\\nb\\033\\\\c')\"", path) > 0);
    run(start, text);
    assert_non_null(strstr(strstr(text, "HAWSER_SIM_SEED="), " $'a\\012b\\033\\\\c'\n"));
    free(start);
}

static void a_line_that_would_be_cut_has_the_program_and_says_so(void **state) {
    (void)state;
    skip_where_emulated("a program cannot start itself again");
    char path[256], text[TEXT], *start, *expected;
    own_program(path);
    assert_true(asprintf(&start, "%s first %05000d", path, 7) > 0);
    run(start, text);
    assert_true(asprintf(&expected, "HAWSER_SIM_SEED=23 HAWSER_SIM_MODEL=perfect,loss=0.1 %s first "
                                    "# and the rest of its arguments\n", path) > 0);
    assert_string_equal(strstr(text, "HAWSER_SIM_SEED="), expected);
    free(expected);
    free(start);
    char small[20];
    hawser__replay_command(5, NULL, small, sizeof small);
    assert_string_equal(small, "HAWSER_SIM_SEED=5");
}

static void without_proc_there_are_the_variables(void **state) {
    (void)state;
    char command[4096];
    static const char *const calls[] = {"open", "read"};
    for (size_t i = 0; i < 2; i++) {
        fault_syscall(calls[i], 1, EACCES, 1);
        errno = 77;
        hawser__replay_command(5, NULL, command, sizeof command);
        assert_true(fault_none());
        assert_int_equal(errno, 77);
        assert_string_equal(command, "HAWSER_SIM_SEED=5");
    }
}

int main(void) {
    if (getenv(CHILD))
        return be_child();
    setenv(CHILD, "1", 1);   /* for those that this one starts */
    unsetenv("TEST_IN_FIBER");
    unsetenv("HAWSER_SIM_SEED");
    unsetenv("HAWSER_SIM_MODEL");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_shell_runs_the_program_again_with_the_same_arguments),
        cmocka_unit_test(what_needs_no_quotes_has_none),
        cmocka_unit_test(control_bytes_are_spelled_out),
        cmocka_unit_test(a_line_that_would_be_cut_has_the_program_and_says_so),
        cmocka_unit_test(without_proc_there_are_the_variables),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
