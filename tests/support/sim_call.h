/* SPDX-License-Identifier: MIT */
/*
 * Calls of hawser_sim_run and hawser_sim_explore, with what they leave behind: for tests/unit/test_sim_run.c and
 * test_sim_explore.c. Scenarios here send nothing: hosts that sleep and crash are enough to fail.
 *
 * Calls are on threads of their own: the test itself may be a fiber (tests/support/main.c). Include it behind support.h.
 */
#ifndef TESTS_SIM_CALL_H
#define TESTS_SIM_CALL_H

#include <hawser/sim.h>
#include <sys/mman.h>
#include <unistd.h>

#define SAID 4096

/* One call of hawser_sim_run or, with COUNT, of hawser_sim_explore, and what it leaves behind. */
struct call {
    uint64_t seed, count;
    hawser_sim_model model;
    hawser_fn scenario;
    void *arg;
    hawser_sim_report report;
    char sentence[512], said[SAID];   /* on standard error */
    int code;
};

static inline long conduct(void *argument) {
    struct call *call = argument;
    return call->count ? hawser_sim_explore(call->seed, call->count, &call->model, call->scenario, call->arg, &call->report)
                       : hawser_sim_run(call->seed, &call->model, call->scenario, call->arg);
}

/* Its result. Standard error goes into CALL meanwhile. */
static inline int make(struct call *call) {
    runner thread;
    int kept = dup(STDERR_FILENO), file = memfd_create("said", MFD_CLOEXEC);
    assert_true(kept >= 0 && file >= 0);
    fflush(stderr);
    dup2(file, STDERR_FILENO);
    start_thread(&thread, conduct, call);
    int result = (int)finish(&thread);
    dup2(kept, STDERR_FILENO);
    ssize_t n = pread(file, call->said, SAID - 1, 0);
    call->said[n > 0 ? n : 0] = '\0';
    close(kept);
    close(file);
    call->code = thread.code;
    snprintf(call->sentence, sizeof call->sentence, "%s", thread.sentence);
    return result;
}

static inline void assert_said(const struct call *call, const char *text) {
    if (!strstr(call->said, text))
        fail_msg("\"%s\" is not in what was said: %s", text, call->said);
}

static inline int forget_variables(void **state) {
    (void)state;
    unsetenv("HAWSER_SIM_SEED");
    unsetenv("HAWSER_SIM_MODEL");
    unsetenv("HAWSER_SIM_TRACE");
    unsetenv("HAWSER_SIM_DIAGRAM");
    return 0;
}

/* Scenarios. */

static inline int sleep_long(void *arg) {
    (void)arg;
    return hawser_sleep(100);
}

/* Fails, with ECONNABORTED, when the model has crashes. */
static inline int wait_for_host(void *arg) {
    (void)arg;
    int host = hawser_sim_start("sleeper", sleep_long, NULL);
    return host < 0 ? -1 : hawser_sim_join(host);
}

/* Fails with one seed in *ARG, whatever the model. */
static inline int draw(void *arg) {
    if (hawser_sim_random(*(uint64_t *)arg) == 0)
        hawser_sim_fail("drew 0 of %d\nwith a \033 in it", (int)*(uint64_t *)arg);
    return 7;
}

struct lines {
    int starts, lines;
};

static inline void count_lines(const char *line, void *arg) {
    struct lines *lines = arg;
    lines->lines++;
    lines->starts += strstr(line, "main start") != NULL;
}

static const uint64_t always __attribute__((unused)) = 1;

#define test(name) cmocka_unit_test_teardown(name, forget_variables)

#endif
