/* SPDX-License-Identifier: MIT */
/* A table of cases becomes tests: one for each mode and transport that a case is for. */
#include "serving.h"

#define MOST_TESTS 512
#define LONGEST_NAME 128

static struct CMUnitTest tests[MOST_TESTS];
static struct planned {
    void (*body)(const setting *in);
    setting in;
    char name[LONGEST_NAME];
} planned[MOST_TESTS];

static void run_planned(void **state) {
    const struct planned *plan = *state;
    if (!mode_is_refused(plan->in.mode, plan->in.transport))
        plan->body(&plan->in);
}

static void name_test(char *name, const serving_case *one, setting in) {
    const char *mode = one->modes ? mode_names[in.mode] : "", *transport = one->transports ? transport_names[in.transport] : "";
    snprintf(name, LONGEST_NAME, "%s%s%s%s%s", one->name, *mode || *transport ? ": " : "", mode,
             *mode && *transport ? ", " : "", transport);
}

static bool has(unsigned set, unsigned number) {
    return (set ? set : BIT(0)) & BIT(number);
}

static size_t plan_case(const serving_case *one, size_t n) {
    for (unsigned i = 0; i < MODES * TRANSPORTS; i++) {
        setting in = {(hawser_concurrency)(i / TRANSPORTS), (enum transport)(i % TRANSPORTS)};
        if (!has(one->modes, i / TRANSPORTS) || !has(one->transports, i % TRANSPORTS))
            continue;
        if (n == MOST_TESTS) {
            fprintf(stderr, "more than %d tests\n", MOST_TESTS);
            abort();
        }
        planned[n] = (struct planned){.body = one->body, .in = in};
        name_test(planned[n].name, one, in);
        tests[n] = (struct CMUnitTest){.name = planned[n].name, .test_func = run_planned, .initial_state = &planned[n]};
        n++;
    }
    return n;
}

int run_some_cases(const serving_case *cases, size_t count) {
    size_t n = 0;
    take_census(); /* the first one, which no test's threads are in */
    for (size_t i = 0; i < count; i++)
        n = plan_case(&cases[i], n);
    return _cmocka_run_group_tests("tests", tests, n, NULL, NULL);
}
