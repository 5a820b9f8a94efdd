/* SPDX-License-Identifier: MIT */
/*
 * sched/watchdog: who asks for it, a run's options or the environment, and what is refused. The environment is that of a child,
 * which is this program once more.
 *
 * Runs are on threads of their own: the test itself may be a fiber (tests/support/main.c).
 */
#include "support.h"

#include <errno.h>
#include <math.h>
#include <regex.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHILD "TEST_WATCHDOG_CHILD"

/* Options ask. */

static int nothing(void *arg) {
    (void)arg;
    return 0;
}

static long refused(void *argument) {
    const hawser_run_options *options = argument;
    errno = 0;
    int result = hawser_run(nothing, NULL, options);
    return result == -1 && errno == EINVAL;
}

static void a_span_that_is_none_is_refused(void **state) {
    (void)state;
    const double spans[] = {-0.1, -1e300, NAN, INFINITY, 1e10};
    for (size_t i = 0; i < sizeof spans / sizeof *spans; i++) {
        hawser_run_options options = {.workers = 1, .stall_after = spans[i]};
        runner thread;
        census before = take_census();
        start_thread(&thread, refused, &options);
        assert_true(finish(&thread));
        assert_null(compare_census(before));
    }
}

static int count_threads(void *arg) {
    *(long *)arg = take_census().threads;
    return 0;
}

static long run_without_asking(void *within) {
    const hawser_run_options options = {.workers = 1, .stack_size = TEST_STACK};
    return hawser_run(count_threads, within, &options);
}

/* The thread that runs, and nobody else. */
static void who_does_not_ask_is_not_watched(void **state) {
    (void)state;
    long before = take_census().threads, within = 0;
    runner thread;
    start_thread(&thread, run_without_asking, &within);
    assert_int_equal(finish(&thread), 0);
    assert_int_equal(within, before + 1);
}

/* The environment asks. */

static int hold_for_the_environment(void *arg) {
    (void)arg;
    hawser_fiber_setname("busy\n\"bee\"");
    for (double end = seconds_now() + 0.5; seconds_now() < end;)
        ;
    return 0;
}

static int be_child(void) {
    const hawser_run_options options = {.workers = 1, .stack_size = TEST_STACK};
    alarm((unsigned)WAIT_LIMIT);
    int result = hawser_run(hold_for_the_environment, NULL, &options);
    return result == 0 ? 0 : errno == EINVAL ? 3 : 4;
}

/* What a child with HAWSER_STALL=ASKED writes to standard error, and its exit status. */
static int run_child(const char *asked, char *text, size_t size) {
    char stall[64], child[] = CHILD "=1", name[] = "test_watchdog_asked";
    snprintf(stall, sizeof stall, "HAWSER_STALL=%s", asked);
    char *const environment[] = {child, stall, NULL}, *const arguments[] = {name, NULL};
    posix_spawn_file_actions_t actions;
    int ends[2], status = -1;
    size_t length = 0;
    pid_t pid;
    assert_int_equal(pipe(ends), 0);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDERR_FILENO);
    posix_spawn_file_actions_addclose(&actions, ends[0]);
    posix_spawn_file_actions_addclose(&actions, ends[1]);
    assert_int_equal(posix_spawn(&pid, "/proc/self/exe", &actions, NULL, arguments, environment), 0);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    for (ssize_t n; length + 1 < size && (n = read(ends[0], text + length, size - 1 - length)) > 0;)
        length += (size_t)n;
    text[length] = '\0';
    close(ends[0]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void the_environment_has_stalls_printed(void **state) {
    (void)state;
    skip_where_emulated("a program cannot start itself again");
    char text[1024];
    regex_t line;
    assert_int_equal(run_child("0.05", text, sizeof text), 0);
    const char *pattern = "^hawser: worker 1 held up by fiber 1 \"busy\\\\x0a\\\\x22bee\\\\x22\" for 0\\.[0-9][0-9] s\n$";
    assert_int_equal(regcomp(&line, pattern, REG_EXTENDED | REG_NOSUB), 0);
    if (regexec(&line, text, 0, NULL, 0) != 0)
        fail_msg("this was printed: %s", text);
    regfree(&line);
}

static void an_environment_that_says_nothing_or_0_has_nothing_printed(void **state) {
    (void)state;
    skip_where_emulated("a program cannot start itself again");
    char text[1024];
    assert_int_equal(run_child("", text, sizeof text), 0);
    assert_string_equal(text, "");
    assert_int_equal(run_child("0", text, sizeof text), 0);
    assert_string_equal(text, "");
}

static void an_environment_that_says_nonsense_is_refused(void **state) {
    (void)state;
    skip_where_emulated("a program cannot start itself again");
    char text[1024];
    static const char *const nonsense[] = {"-1", "1e3", "0,1", "soon", " 1", "0.1.2", "99999999999"};
    for (size_t i = 0; i < sizeof nonsense / sizeof *nonsense; i++)
        assert_int_equal(run_child(nonsense[i], text, sizeof text), 3);
}

int main(void) {
    if (getenv(CHILD))
        return be_child();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_span_that_is_none_is_refused),
        cmocka_unit_test(who_does_not_ask_is_not_watched),
        cmocka_unit_test(the_environment_has_stalls_printed),
        cmocka_unit_test(an_environment_that_says_nothing_or_0_has_nothing_printed),
        cmocka_unit_test(an_environment_that_says_nonsense_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
