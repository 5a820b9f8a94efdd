/* SPDX-License-Identifier: MIT */
/* sim/sim and sim/attempt: single runs as hawser_sim_run makes them, the environment, and what is said of those that fail. */
#include "support.h"

#include "sim_call.h"

static int tell_seed(void *arg) {
    *(uint64_t *)arg = hawser_sim_random(UINT64_C(1) << 62);
    return 0;
}

static void a_run_that_works_says_nothing(void **state) {
    (void)state;
    struct call call = {.seed = 1, .scenario = sleep_long};
    assert_int_equal(make(&call), 0);
    assert_string_equal(call.said, "");
}

static void a_run_that_fails_says_why_and_how_to_run_it_again(void **state) {
    (void)state;
    struct call call = {.seed = 17, .scenario = draw, .arg = (void *)&always};
    assert_int_equal(make(&call), -1);
    assert_int_equal(call.code, HAWSER_ECHECK);
    assert_string_equal(call.sentence, "drew 0 of 1 with a ? in it");
    assert_said(&call, "hawser: the simulation failed: drew 0 of 1 with a ? in it\n"
                       "hawser: to run it again: HAWSER_SIM_SEED=17 ");
    assert_null(strstr(call.said, "HAWSER_SIM_MODEL"));
}

static void what_is_late_or_failed_by_itself_is_said(void **state) {
    (void)state;
    struct call late = {.scenario = sleep_long, .model = {.time_limit = 2}};
    struct call failed = {.scenario = wait_for_host, .model = {.crash_every = 1, .crash_time = 1}};
    assert_int_equal(make(&late), -1);
    assert_int_equal(late.code, ETIMEDOUT);
    assert_said(&late, "HAWSER_SIM_SEED=0 ");
    assert_int_equal(make(&failed), -1);
    assert_int_equal(failed.code, ECONNABORTED);
    assert_said(&failed, "HAWSER_SIM_SEED=0 ");
}

static void a_quiet_one_says_nothing(void **state) {
    (void)state;
    struct call call = {.seed = 17, .scenario = draw, .arg = (void *)&always, .model = {.quiet = true}};
    assert_int_equal(make(&call), -1);
    assert_string_equal(call.said, "");
    call.count = 5;
    assert_int_equal(make(&call), 1);
    assert_string_equal(call.said, "");
}

static void a_call_that_makes_no_sense_is_no_run_that_failed(void **state) {
    (void)state;
    struct call call = {.scenario = sleep_long, .model = {.link = {.loss = 2}}}, none = {.seed = 1};
    for (call.count = 0; call.count < 2; call.count++) {
        assert_int_equal(make(&call), -1);
        assert_int_equal(call.code, EINVAL);
        assert_non_null(strstr(call.sentence, "loss"));
        assert_string_equal(call.said, "");
    }
    assert_int_equal(make(&none), -1);
    assert_int_equal(none.code, EINVAL);
    assert_string_equal(none.said, "");
}

static void the_environment_has_the_seed(void **state) {
    (void)state;
    uint64_t drawn = 0, asked = 0;
    struct call call = {.seed = 17, .scenario = tell_seed, .arg = &drawn};
    struct call other = {.seed = 4, .scenario = tell_seed, .arg = &asked};
    assert_int_equal(make(&call), 0);
    setenv("HAWSER_SIM_SEED", "17", 1);
    assert_int_equal(make(&other), 0);
    assert_int_equal(drawn, asked);
    setenv("HAWSER_SIM_SEED", "18446744073709551615", 1);
    assert_int_equal(make(&other), 0);
    assert_int_not_equal(drawn, asked);
    setenv("HAWSER_SIM_SEED", "", 1);
    other.seed = 17;
    assert_int_equal(make(&other), 0);
    assert_int_equal(drawn, asked);
}

static void the_environment_has_the_model(void **state) {
    (void)state;
    struct call call = {.seed = 3, .scenario = wait_for_host,
                        .model = {.link = {.loss = 0.5}, .crash_every = 1000000, .crash_time = 1}};
    assert_int_equal(make(&call), 0);
    setenv("HAWSER_SIM_MODEL", "crash_every=1", 1);
    assert_int_equal(make(&call), -1);
    assert_said(&call, "HAWSER_SIM_SEED=3 HAWSER_SIM_MODEL=perfect,loss=0.5,crash_every=1,crash_time=1 ");
    setenv("HAWSER_SIM_MODEL", "perfect", 1);
    assert_int_equal(make(&call), 0);
}

static void nonsense_in_the_environment_is_refused_by_its_name(void **state) {
    (void)state;
    static const char *const cases[][3] = {
        {"HAWSER_SIM_SEED", "x", "HAWSER_SIM_SEED=x"}, {"HAWSER_SIM_SEED", "-1", "HAWSER_SIM_SEED=-1"},
        {"HAWSER_SIM_SEED", " 1", "no seed"}, {"HAWSER_SIM_SEED", "18446744073709551616", "no seed"},
        {"HAWSER_SIM_MODEL", "loss=0.1,los=1,x", "HAWSER_SIM_MODEL in the environment has \"los=1\""},
        {"HAWSER_SIM_MODEL", "loss=2", "HAWSER_SIM_MODEL in the environment makes a world whose loss"},
        {"HAWSER_SIM_TRACE", "/nowhere/at/all", "open /nowhere/at/all, which HAWSER_SIM_TRACE names"},
        {"HAWSER_SIM_DIAGRAM", "/nowhere/at/all", "open /nowhere/at/all, which HAWSER_SIM_DIAGRAM names"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (uint64_t count = 0; count < 2; count++) {
            struct call call = {.count = count, .scenario = sleep_long};
            setenv(cases[i][0], cases[i][1], 1);
            assert_int_equal(make(&call), -1);
            assert_int_equal(call.code, strstr(cases[i][0], "SEED") || strstr(cases[i][0], "MODEL") ? EINVAL : ENOENT);
            if (!strstr(call.sentence, cases[i][2]))
                fail_msg("\"%s\" is not in \"%s\"", cases[i][2], call.sentence);
            unsetenv(cases[i][0]);
        }
}

static void what_is_drawn_is_still_told_to_the_model_s_own(void **state) {
    (void)state;
    char path[] = "/tmp/hawser-diagram-XXXXXX", text[SAID];
    struct lines plain = {.starts = 0}, drawn = {.starts = 0};
    struct call call = {.seed = 1, .scenario = wait_for_host, .model = {.trace = count_lines, .trace_arg = &plain}};
    assert_int_equal(make(&call), 0);
    int file = mkstemp(path);
    setenv("HAWSER_SIM_DIAGRAM", path, 1);
    call.model.trace_arg = &drawn;
    assert_int_equal(make(&call), 0);
    ssize_t n = pread(file, text, SAID - 1, 0);
    unlink(path);
    close(file);
    text[n > 0 ? n : 0] = '\0';
    assert_non_null(strstr(text, "Hosts: main, sleeper."));
    assert_int_equal(plain.lines, drawn.lines);
    assert_true(plain.lines > 0);
}

static void a_diagram_that_cannot_be_written_is_no_failure_of_the_run_but_said(void **state) {
    (void)state;
    struct call call = {.seed = 1, .scenario = wait_for_host};
    setenv("HAWSER_SIM_DIAGRAM", "/dev/full", 1);
    assert_int_equal(make(&call), 0);
    assert_string_equal(call.said, "hawser: write /dev/full, which HAWSER_SIM_DIAGRAM names: No space left on device\n");
    call.model.quiet = true;
    assert_int_equal(make(&call), 0);
    assert_string_equal(call.said, "");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        test(a_run_that_works_says_nothing),
        test(a_run_that_fails_says_why_and_how_to_run_it_again),
        test(what_is_late_or_failed_by_itself_is_said),
        test(a_quiet_one_says_nothing),
        test(a_call_that_makes_no_sense_is_no_run_that_failed),
        test(the_environment_has_the_seed),
        test(the_environment_has_the_model),
        test(nonsense_in_the_environment_is_refused_by_its_name),
        test(what_is_drawn_is_still_told_to_the_model_s_own),
        test(a_diagram_that_cannot_be_written_is_no_failure_of_the_run_but_said),
    };
    if (hawser_sim_inside()) {
        print_message("there are no worlds within worlds\n");
        return 0;
    }
    forget_variables(NULL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
