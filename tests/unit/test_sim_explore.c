/* SPDX-License-Identifier: MIT */
/* sim/explore and sim/shrink: searches for a run that fails, and for the smallest model with which it does. */
#include "support.h"

#include <sys/stat.h>

#include "sim/model_text.h"
#include "sim_call.h"

static const uint64_t sometimes = 40;

/* Fails in two ways: with a crash, and without. */
static int fail_without_crash(void *arg) {
    if (wait_for_host(arg) < 0)
        return -1;
    hawser_sim_fail("nothing crashed");
    return 0;
}

static int call_explore(void *arg) {
    uint64_t one = 1;
    int *results = arg;
    results[0] = hawser_sim_explore(1, 1, NULL, draw, &one, NULL);
    results[1] = errno;
    return 0;
}

static void a_search_that_finds_nothing_has_made_all_runs(void **state) {
    (void)state;
    struct call call = {.seed = 1, .count = 25, .scenario = wait_for_host};
    assert_int_equal(make(&call), 0);
    assert_int_equal(call.report.runs, 25);
    assert_int_equal(call.report.code, 0);
    assert_string_equal(call.said, "");
    assert_string_equal(call.sentence, "");
}

static void the_first_seed_that_fails_ends_it(void **state) {
    (void)state;
    struct call call = {.seed = 1, .count = 2000, .scenario = draw, .arg = (void *)&sometimes};
    uint64_t first = 1;
    assert_int_equal(make(&call), 1);
    struct call alone = {.seed = first, .scenario = draw, .arg = (void *)&sometimes, .model = {.quiet = true}};
    while (make(&alone) >= 0)
        alone.seed = ++first;
    assert_int_equal(call.report.first, first);
    assert_int_equal(call.report.seed, first);
    assert_int_equal(call.report.runs, first + 1);   /* a perfect model is not made smaller; the last one is to be seen */
    assert_int_equal(call.report.code, HAWSER_ECHECK);
    assert_int_equal(call.code, HAWSER_ECHECK);
    assert_string_equal(call.report.sentence, call.sentence);
    assert_false(call.report.unsteady);
    assert_said(&call, call.report.command);
}

static hawser_sim_model storm(void) {
    hawser_sim_model model = {.workers = 4, .buffer = 5000, .short_reads = 0.5, .short_writes = 0.5, .refuse = 0.1,
                              .black_hole = 0.1};
    model.link = (hawser_sim_link){.latency = 0.1, .jitter = 0.1, .loss = 0.1, .duplicate = 0.1, .reorder = 0.1};
    model.link.bandwidth = 1000;
    model.reset_every = 10;
    model.half_open = 0.5;
    model.read_rate = 100;
    model.crash_every = 50;
    model.crash_time = 10;
    model.partition_every = 10;
    model.partition_time = 1;
    model.clock_skew = 10;
    model.clock_drift = 0.01;
    model.offload_time = 1;
    model.lookup_time = 1;
    model.lookup_fails = 0.1;
    model.descriptors = 10;
    model.time_limit = 1000;
    return model;
}

static void what_has_nothing_to_do_with_the_failure_leaves_the_model(void **state) {
    (void)state;
    struct call call = {.seed = 1, .count = 100, .scenario = wait_for_host, .model = storm()};
    assert_int_equal(make(&call), 1);
    const hawser_sim_model *model = &call.report.model;
    assert_true(model->crash_every >= 50);
    assert_true(model->time_limit == 1000);
    hawser_sim_model rest = *model;
    char text[HAWSER__MODEL_TEXT];
    /* A host that is back at once is joined as if nothing had been. */
    rest.crash_every = rest.crash_time = rest.time_limit = 0;
    hawser__model_write(&rest, text);
    assert_string_equal(text, "perfect");
    assert_int_equal(call.report.code, ECONNABORTED);
}

static void the_smallest_model_fails_when_it_is_run_again(void **state) {
    (void)state;
    char seed[32], model[256];
    struct call call = {.seed = 1, .count = 100, .scenario = wait_for_host, .model = storm()};
    assert_int_equal(make(&call), 1);
    assert_int_equal(sscanf(call.report.command, "HAWSER_SIM_SEED=%31[0-9] HAWSER_SIM_MODEL=%255[^ ]", seed, model), 2);
    setenv("HAWSER_SIM_SEED", seed, 1);
    setenv("HAWSER_SIM_MODEL", model, 1);
    struct call again = {.seed = 1, .count = 100, .scenario = wait_for_host, .model = storm()};
    assert_int_equal(make(&again), 1);
    assert_int_equal(again.report.runs, 2);   /* that one, and once more to be seen */
    assert_string_equal(again.report.sentence, call.report.sentence);
    assert_string_equal(again.report.command, call.report.command);
}

static void with_a_seed_in_the_environment_a_search_is_one_run(void **state) {
    (void)state;
    struct call call = {.seed = 1, .count = 100, .scenario = wait_for_host};
    setenv("HAWSER_SIM_SEED", "5", 1);
    assert_int_equal(make(&call), 0);
    assert_int_equal(call.report.runs, 1);
}

static void another_failure_is_not_taken_for_the_same(void **state) {
    (void)state;
    struct call call = {.seed = 1, .count = 100, .scenario = fail_without_crash, .model = storm()};
    call.model.crash_every = 10;
    assert_int_equal(make(&call), 1);
    assert_int_equal(call.report.code, ECONNABORTED);
    assert_true(call.report.model.crash_every > 0);
}

/* The scenario keeps something outside of its run. */
static int fail_twice(void *arg) {
    int *runs = arg;
    if (++*runs <= 2)
        hawser_sim_fail("that was run %d", *runs);
    return 0;
}

static void a_failure_that_does_not_come_again_is_called_unsteady(void **state) {
    (void)state;
    int runs = 0;
    struct call call = {.seed = 1, .count = 100, .scenario = fail_twice, .arg = &runs, .model = storm()};
    assert_int_equal(make(&call), 1);
    assert_true(call.report.unsteady);
    assert_said(&call, "did not go the same way again");
}

static void only_the_last_run_of_a_search_is_traced(void **state) {
    (void)state;
    char path[] = "/tmp/hawser-trace-XXXXXX", text[SAID];
    struct lines lines = {.starts = 0};
    struct call call = {.seed = 1, .count = 100, .scenario = wait_for_host, .model = storm()};
    call.model.trace = count_lines;
    call.model.trace_arg = &lines;
    int file = mkstemp(path);
    setenv("HAWSER_SIM_TRACE", path, 1);
    assert_int_equal(make(&call), 1);
    ssize_t n = pread(file, text, SAID - 1, 0);
    unlink(path);
    close(file);
    text[n > 0 ? n : 0] = '\0';
    assert_int_equal(lines.starts, 1);
    assert_true(call.report.runs > 2);
    assert_non_null(strstr(text, "sleeper crash\n"));
    assert_ptr_equal(strstr(text, "main start"), strstr(text, "main "));
}

static void a_search_that_finds_nothing_traces_its_last_run(void **state) {
    (void)state;
    struct stat status;
    char path[] = "/tmp/hawser-trace-XXXXXX";
    struct lines lines = {.starts = 0};
    struct call call = {.seed = 1, .count = 3, .scenario = sleep_long, .model = {.trace = count_lines, .trace_arg = &lines}};
    int file = mkstemp(path);
    setenv("HAWSER_SIM_TRACE", path, 1);
    assert_int_equal(make(&call), 0);
    assert_int_equal(fstat(file, &status), 0);
    unlink(path);
    close(file);
    assert_int_equal(lines.starts, 1);
    assert_true(status.st_size > 0);
    assert_int_equal(call.report.runs, 3);
}

/* Nearly every smaller model needs many seeds before it fails. */
static void a_search_for_a_smaller_model_has_an_end(void **state) {
    (void)state;
    static const uint64_t rarely = 400;
    struct call call = {.seed = 1, .count = 20000, .scenario = draw, .arg = (void *)&rarely, .model = storm()};
    assert_int_equal(make(&call), 1);
    uint64_t before = call.report.first;
    assert_true(call.report.runs > before + 100);
    assert_in_range(call.report.runs, before + 1, before + 2001);
}

static void a_search_for_nothing_and_one_inside_of_a_world_are_refused(void **state) {
    (void)state;
    int results[2] = {0, 0};
    struct call call = {.scenario = call_explore, .arg = results};
    assert_int_equal(make(&call), 0);
    assert_int_equal(results[0], -1);
    assert_int_equal(results[1], EBUSY);
    assert_fails(hawser_sim_explore(1, 0, NULL, draw, (void *)&always, NULL), EINVAL);
}

static void seeds_go_round(void **state) {
    (void)state;
    struct call call = {.seed = UINT64_MAX - 2, .count = 300, .scenario = draw, .arg = (void *)&sometimes,
                        .model = {.quiet = true}};
    assert_int_equal(make(&call), 1);
    assert_true(call.report.runs < 300);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        test(a_search_that_finds_nothing_has_made_all_runs),
        test(the_first_seed_that_fails_ends_it),
        test(what_has_nothing_to_do_with_the_failure_leaves_the_model),
        test(the_smallest_model_fails_when_it_is_run_again),
        test(with_a_seed_in_the_environment_a_search_is_one_run),
        test(another_failure_is_not_taken_for_the_same),
        test(a_failure_that_does_not_come_again_is_called_unsteady),
        test(only_the_last_run_of_a_search_is_traced),
        test(a_search_that_finds_nothing_traces_its_last_run),
        test(a_search_for_a_smaller_model_has_an_end),
        test(a_search_for_nothing_and_one_inside_of_a_world_are_refused),
        test(seeds_go_round),
    };
    forget_variables(NULL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
