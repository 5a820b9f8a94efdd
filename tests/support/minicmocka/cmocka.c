/* SPDX-License-Identifier: MIT */
/* A failed assertion leaves its test by longjmp, as in cmocka: assertions belong to the thread or fiber that runs the test. */
#include "cmocka.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>

enum outcome { PASSED, FAILED, SKIPPED };

static jmp_buf out_of_the_test;

static void print(FILE *to, const char *format, va_list args) {
    vfprintf(to, format, args);
    fflush(to);
}

void print_message(const char *format, ...) {
    va_list args;
    va_start(args, format);
    print(stdout, format, args);
    va_end(args);
}

void print_error(const char *format, ...) {
    va_list args;
    va_start(args, format);
    print(stderr, format, args);
    va_end(args);
}

void _fail(const char *file, int line) {
    print_error("[   LINE   ] --- %s:%d: error: Failure!\n", file, line);
    longjmp(out_of_the_test, FAILED);
}

void _skip(const char *file, int line) {
    (void)file;
    (void)line;
    longjmp(out_of_the_test, SKIPPED);
}

void mini_true(int holds, const char *text, const char *file, int line) {
    if (holds)
        return;
    print_error("[  ERROR   ] --- %s\n", text);
    _fail(file, line);
}

void mini_numbers(uintmax_t a, uintmax_t b, int equal, const char *file, int line) {
    if ((a == b) == equal)
        return;
    print_error("[  ERROR   ] --- %#jx %s %#jx\n", a, equal ? "!=" : "==", b);
    _fail(file, line);
}

void mini_strings(const char *a, const char *b, int equal, const char *file, int line) {
    if ((a && b ? strcmp(a, b) == 0 : a == b) == equal)
        return;
    print_error("[  ERROR   ] --- \"%s\" %s \"%s\"\n", a ? a : "(null)", equal ? "!=" : "==", b ? b : "(null)");
    _fail(file, line);
}

void mini_memory(const void *a, const void *b, size_t size, int equal, const char *file, int line) {
    const unsigned char *left = a, *right = b;
    size_t at = 0;
    while (at < size && left[at] == right[at])
        at++;
    if ((at == size) == equal)
        return;
    print_error("[  ERROR   ] --- %zu bytes are %s from byte %zu on\n", size, equal ? "different" : "the same", equal ? at : 0);
    _fail(file, line);
}

void mini_range(uintmax_t value, uintmax_t low, uintmax_t high, const char *file, int line) {
    if (value >= low && value <= high)
        return;
    print_error("[  ERROR   ] --- %ju is not within the range %ju-%ju\n", value, low, high);
    _fail(file, line);
}

/* STEP of a fixture: false, and said so, when it fails or leaves by an assertion. */
static bool fixture_works(CMFixtureFunction step, void **state, const char *what) {
    if (!step || (setjmp(out_of_the_test) == PASSED && step(state) == 0))
        return true;
    print_error("[  ERROR   ] --- %s failed\n", what);
    return false;
}

static enum outcome run_body(const struct CMUnitTest *test, void **state) {
    switch (setjmp(out_of_the_test)) {
    case PASSED:
        test->test_func(state);
        return PASSED;
    case SKIPPED:
        return SKIPPED;
    default:
        return FAILED;
    }
}

static enum outcome run_test(const struct CMUnitTest *test, void *group_state) {
    void *state = test->initial_state ? test->initial_state : group_state;
    if (!fixture_works(test->setup_func, &state, "the set-up"))
        return FAILED;
    enum outcome outcome = run_body(test, &state);
    return fixture_works(test->teardown_func, &state, "the tear-down") ? outcome : FAILED;
}

static void run_tests(const struct CMUnitTest *tests, size_t count, void *group_state, unsigned counts[static 3]) {
    static const char *const marks[] = {[PASSED] = "[       OK ]", [FAILED] = "[  FAILED  ]", [SKIPPED] = "[  SKIPPED ]"};
    for (size_t i = 0; i < count; i++) {
        print_message("[ RUN      ] %s\n", tests[i].name);
        enum outcome outcome = run_test(&tests[i], group_state);
        counts[outcome]++;
        print_message("%s %s\n", marks[outcome], tests[i].name);
    }
}

int _cmocka_run_group_tests(const char *name, const struct CMUnitTest *tests, size_t count, CMFixtureFunction setup,
                            CMFixtureFunction teardown) {
    unsigned counts[3] = {0};
    void *state = NULL;
    print_message("[==========] %s: Running %zu test(s).\n", name, count);
    if (fixture_works(setup, &state, "the group's set-up"))
        run_tests(tests, count, state, counts);
    else
        counts[FAILED] = (unsigned)count;
    if (!fixture_works(teardown, &state, "the group's tear-down"))
        counts[FAILED]++;
    print_message("[==========] %s: %zu test(s) run.\n[  PASSED  ] %u test(s).\n", name, count, counts[PASSED]);
    if (counts[SKIPPED])
        print_message("[  SKIPPED ] %u test(s)\n", counts[SKIPPED]);
    if (counts[FAILED])
        print_error("[  FAILED  ] %u test(s)\n", counts[FAILED]);
    return (int)counts[FAILED];
}
