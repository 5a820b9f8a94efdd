/* SPDX-License-Identifier: MIT */
/*
 * sim/trace and sim/attempt: what is said when the environment asks for what cannot be, when a scenario says nothing, and when
 * a trace is lost; and what the callback of the trace may do.
 */
#include "support.h"

#include <fcntl.h>

#include "sim_call.h"

/* The environment. */

static void what_is_wrong_with_the_environment_is_said(void **state) {
    (void)state;
    static const char *const rows[][3] = {
        {"HAWSER_SIM_SEED", "x", "hawser: HAWSER_SIM_SEED=x in the environment is no seed"},
        {"HAWSER_SIM_MODEL", "los=1", "hawser: HAWSER_SIM_MODEL in the environment has \"los=1\": no field has that name\n"},
        {"HAWSER_SIM_MODEL", "loss", "has \"loss\": it is neither FIELD=NUMBER nor \"perfect\"\n"},
        {"HAWSER_SIM_MODEL", "loss=much", "has \"loss=much\": loss is a probability, from 0 to 1\n"},
        {"HAWSER_SIM_MODEL", "workers=1.5", "has \"workers=1.5\": workers is a whole number from 0 to 64\n"},
        {"HAWSER_SIM_MODEL", "cut=2", "has \"cut=2\": cut is 0 or 1\n"},
        {"HAWSER_SIM_MODEL", "loss=2", "makes a world whose loss is 2; it is a probability, from 0 to 1\n"},
        {"HAWSER_SIM_MODEL", "latency=1e10", "whose latency is 1e+10; it is seconds, from 0 to 1e9\n"},
        {"HAWSER_SIM_MODEL", "clock_drift=0.5", "whose clock_drift is 0.5; it is a share, from 0 to less than 0.5\n"},
        {"HAWSER_SIM_TRACE", "/nowhere/at/all", "hawser: open /nowhere/at/all, which HAWSER_SIM_TRACE names: "},
        {"HAWSER_SIM_DIAGRAM", "/nowhere/at/all", "hawser: open /nowhere/at/all, which HAWSER_SIM_DIAGRAM names: "},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (int search = 0; search < 2; search++) {
            struct call call = {.count = (uint64_t)search, .scenario = sleep_long};
            setenv(rows[i][0], rows[i][1], 1);
            assert_int_equal(make(&call), -1);
            assert_said(&call, rows[i][2]);
            call.model.quiet = true;
            assert_int_equal(make(&call), -1);
            assert_string_equal(call.said, "");
            unsetenv(rows[i][0]);
        }
}

static void one_file_is_not_both_trace_and_picture(void **state) {
    (void)state;
    char folder[] = "/tmp/hawser-both-XXXXXX", trace[64], names[2][64];
    assert_non_null(mkdtemp(folder));
    snprintf(trace, sizeof trace, "%s/a", folder);
    snprintf(names[0], sizeof names[0], "%s/a", folder);
    snprintf(names[1], sizeof names[1], "%s/./a", folder);
    setenv("HAWSER_SIM_TRACE", trace, 1);
    for (size_t i = 0; i < 2; i++) {
        struct call call = {.scenario = sleep_long};
        setenv("HAWSER_SIM_DIAGRAM", names[i], 1);
        assert_int_equal(make(&call), -1);
        assert_int_equal(call.code, EINVAL);
        assert_said(&call, "name the same file, ");
        assert_said(&call, trace);
    }
    unlink(trace);
    rmdir(folder);
}

static void a_picture_is_not_drawn_over_its_trace_through_a_link(void **state) {
    (void)state;
    char folder[] = "/tmp/hawser-link-XXXXXX", trace[64], link[64];
    struct call call = {.seed = 1, .scenario = sleep_long};
    assert_non_null(mkdtemp(folder));
    snprintf(trace, sizeof trace, "%s/a", folder);
    snprintf(link, sizeof link, "%s/b.svg", folder);
    assert_int_equal(symlink("a", link), 0);
    setenv("HAWSER_SIM_TRACE", trace, 1);
    assert_int_equal(make(&call), 0);
    assert_fails(hawser_sim_diagram(trace, link), EINVAL);
    unlink(link);
    unlink(trace);
    rmdir(folder);
}

static void a_program_s_own_model_is_refused_with_value_and_range(void **state) {
    (void)state;
    struct call call = {.scenario = sleep_long, .model = {.lookup_fails = -1}};
    assert_int_equal(make(&call), -1);
    assert_string_equal(call.sentence, "simulate a world whose lookup_fails is -1; it is a probability, from 0 to 1");
    assert_string_equal(call.said, "");
}

static void a_trace_that_cannot_be_written_whole_is_said_to_be_lost(void **state) {
    (void)state;
    struct call call = {.seed = 1, .scenario = wait_for_host};
    setenv("HAWSER_SIM_TRACE", "/dev/full", 1);
    assert_int_equal(make(&call), 0);
    assert_string_equal(call.said, "hawser: write /dev/full, which HAWSER_SIM_TRACE names: No space left on device\n");
    call.model.quiet = true;
    assert_int_equal(make(&call), 0);
    assert_string_equal(call.said, "");
}

/* Sentences. */

static int just_fail(void *arg) {
    (void)arg;
    return -1;
}

static int fail_at_a_name(void *arg) {
    (void)arg;
    (void)hawser_create_connection("nobody", 1, NULL);
    return -1;
}

static void a_scenario_that_says_nothing_is_said_to_have_returned(void **state) {
    (void)state;
    struct call silent = {.seed = 1, .scenario = just_fail}, other = {.seed = 1, .scenario = fail_at_a_name};
    assert_int_equal(make(&silent), -1);
    assert_said(&silent, "hawser: the simulation failed: the scenario returned -1\n");
    assert_int_equal(make(&other), -1);
    assert_said(&other, "failed: the scenario returned -1; its last error: connect to nobody:1: ");
}

static int write_notes(void *arg) {
    (void)arg;
    hawser_sim_note("one\n9.000000000 main crash\033[2J");
    hawser_sim_fail("a\nhawser: to run it again: something\tworse");
    return 0;
}

static void keep_notes(const char *line, void *arg) {
    if (strstr(line, " note ") || strchr(line, '\n'))
        snprintf(arg, SAID, "%s", line);
}

static void what_a_program_says_is_one_line(void **state) {
    (void)state;
    char line[SAID] = "";
    struct call call = {.seed = 1, .scenario = write_notes, .model = {.trace = keep_notes, .trace_arg = line}};
    assert_int_equal(make(&call), -1);
    assert_non_null(strstr(line, "note one 9.000000000 main crash?[2J"));
    assert_string_equal(call.sentence, "a hawser: to run it again: something?worse");
}

/* The callback. */

struct witness {
    const char *fails_at;
    int lines, real, refused;
};

static void watch(const char *line, void *arg) {
    struct witness *witness = arg;
    hawser_sock *sock = hawser_socket(AF_INET, SOCK_DGRAM, 0);
    witness->lines++;
    witness->real += sock && hawser_fileno(sock) >= 0 && hawser_fileno(sock) < 1 << 20 && hawser_sleep(0) == 0;
    hawser_close(sock);
    witness->real += hawser_time() > 0 && !hawser_sim_inside() && hawser_sim_now() == 0;
    witness->refused += hawser_sim_cut(0, 1) < 0 && errno == EPERM;
    witness->refused += hawser_sim_run(1, NULL, sleep_long, NULL) < 0 && errno == EBUSY;
    hawser_sim_note("nothing");
    errno = 1234;
    if (witness->fails_at && strstr(line, witness->fails_at))
        hawser_sim_fail("saw %s", line);
}

/* In a fiber and out of one; a failure stays that of the program, whatever the callback meets. */
static int fail_and_look(void *arg) {
    (void)arg;
    (void)hawser_create_connection("nobody", 1, NULL);
    char sentence[512];
    snprintf(sentence, sizeof sentence, "%s", hawser_error());
    int code = errno;
    hawser_sim_note("a line");
    if (code != errno || strcmp(sentence, hawser_error()) != 0)
        hawser_sim_fail("the callback left %d, %s", errno, hawser_error());
    return wait_for_host(NULL);
}

static int look_in_fiber(void *arg) {
    return hawser_run(fail_and_look, arg, NULL);
}

static void the_callback_is_outside_of_the_world(void **state) {
    (void)state;
    static const hawser_fn scenarios[] = {wait_for_host, fail_and_look, look_in_fiber};
    for (size_t i = 0; i < 3; i++) {
        struct witness witness = {.lines = 0};
        struct call call = {.seed = 1, .scenario = scenarios[i], .model = {.trace = watch, .trace_arg = &witness}};
        assert_int_equal(make(&call), 0);
        assert_true(witness.lines >= 4);
        assert_int_equal(witness.real, 2 * witness.lines);
        assert_int_equal(witness.refused, 2 * witness.lines);
    }
}

static void the_callback_can_fail_the_run(void **state) {
    (void)state;
    static const char *const places[] = {"main start", "sleeper start", "sleeper end", "main note a line"};
    for (size_t i = 0; i < 4; i++)
        for (int search = 0; search < 2; search++) {
            struct witness witness = {.fails_at = places[i]};
            struct call call = {.seed = 1, .count = (uint64_t)search, .scenario = look_in_fiber};
            call.model.trace = watch;
            call.model.trace_arg = &witness;
            int result = make(&call);
            assert_int_equal(result, search ? 0 : -1);   /* a search does not trace before it has found something */
            if (!search)
                assert_int_equal(call.code, HAWSER_ECHECK);
            assert_said(&call, places[i]);
        }
}

static void the_same_is_traced_whatever_the_callback_does(void **state) {
    (void)state;
    struct lines lines = {.starts = 0};
    struct witness witness = {.lines = 0};
    struct call plain = {.seed = 1, .scenario = look_in_fiber, .model = {.trace = count_lines, .trace_arg = &lines}};
    struct call busy = {.seed = 1, .scenario = look_in_fiber, .model = {.trace = watch, .trace_arg = &witness}};
    assert_int_equal(make(&plain), 0);
    assert_int_equal(make(&busy), 0);
    assert_int_equal(lines.lines, witness.lines);
}

/* Pictures. */

static void a_picture_needs_two_files(void **state) {
    (void)state;
    static const char line[] = "0.000000000 main start\n";
    char path[] = "/tmp/hawser-trace-XXXXXX", other[64];
    int file = mkstemp(path);
    assert_int_equal(pwrite(file, line, sizeof line - 1, 0), sizeof line - 1);
    assert_fails(hawser_sim_diagram(NULL, path), EINVAL);
    assert_fails(hawser_sim_diagram(path, NULL), EINVAL);
    assert_fails(hawser_sim_diagram(path, path), EINVAL);
    snprintf(other, sizeof other, "%s.other", path);
    assert_int_equal(link(path, other), 0);
    assert_fails(hawser_sim_diagram(path, other), EINVAL);
    unlink(other);
    unlink(path);
    close(file);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        test(what_is_wrong_with_the_environment_is_said),
        test(one_file_is_not_both_trace_and_picture),
        test(a_picture_is_not_drawn_over_its_trace_through_a_link),
        test(a_program_s_own_model_is_refused_with_value_and_range),
        test(a_trace_that_cannot_be_written_whole_is_said_to_be_lost),
        test(a_scenario_that_says_nothing_is_said_to_have_returned),
        test(what_a_program_says_is_one_line),
        test(the_callback_is_outside_of_the_world),
        test(the_callback_can_fail_the_run),
        test(the_same_is_traced_whatever_the_callback_does),
        test(a_picture_needs_two_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
