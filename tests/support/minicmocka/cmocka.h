/* SPDX-License-Identifier: MIT */
/*
 * The part of cmocka that these tests use, for machines that have no cmocka: other C libraries, other processors
 * (HAWSER_MINICMOCKA). The names and the output are cmocka's, so that a test cannot tell; whatever a test needs and this lacks
 * fails to compile there and is added. Not here: mocks, and signals turned into failures (a crash ends the program, red too).
 */
#ifndef TESTS_MINICMOCKA_H
#define TESTS_MINICMOCKA_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef void (*CMUnitTestFunction)(void **state);
typedef int (*CMFixtureFunction)(void **state);

struct CMUnitTest {
    const char *name;
    CMUnitTestFunction test_func;
    CMFixtureFunction setup_func, teardown_func;
    void *initial_state;
};

#define cmocka_unit_test(f) {#f, f, NULL, NULL, NULL}
#define cmocka_unit_test_setup(f, setup) {#f, f, setup, NULL, NULL}
#define cmocka_unit_test_teardown(f, teardown) {#f, f, NULL, teardown, NULL}
#define cmocka_unit_test_setup_teardown(f, setup, teardown) {#f, f, setup, teardown, NULL}

/* The number of tests that failed. */
#define cmocka_run_group_tests(tests, setup, teardown)                                                                        \
    _cmocka_run_group_tests(#tests, tests, sizeof(tests) / sizeof *(tests), setup, teardown)
int _cmocka_run_group_tests(const char *name, const struct CMUnitTest *tests, size_t count, CMFixtureFunction setup,
                            CMFixtureFunction teardown);

__attribute__((format(printf, 1, 2))) void print_message(const char *format, ...);
__attribute__((format(printf, 1, 2))) void print_error(const char *format, ...);

/* Both leave the test. */
_Noreturn void _fail(const char *file, int line);
_Noreturn void _skip(const char *file, int line);
#define fail() _fail(__FILE__, __LINE__)
#define skip() _skip(__FILE__, __LINE__)
#define fail_msg(...) (print_error("ERROR: " __VA_ARGS__), print_error("\n"), fail())

void mini_true(int holds, const char *text, const char *file, int line);
void mini_numbers(uintmax_t a, uintmax_t b, int equal, const char *file, int line);
void mini_strings(const char *a, const char *b, int equal, const char *file, int line);
void mini_memory(const void *a, const void *b, size_t size, int equal, const char *file, int line);
void mini_range(uintmax_t value, uintmax_t low, uintmax_t high, const char *file, int line);

#define assert_true(c) mini_true((c) ? 1 : 0, #c, __FILE__, __LINE__)
#define assert_false(c) mini_true((c) ? 0 : 1, "!(" #c ")", __FILE__, __LINE__)
#define assert_null(p) mini_true((p) == NULL, #p " is NULL", __FILE__, __LINE__)
#define assert_non_null(p) mini_true((p) != NULL, #p " is not NULL", __FILE__, __LINE__)
#define assert_int_equal(a, b) mini_numbers((uintmax_t)(a), (uintmax_t)(b), 1, __FILE__, __LINE__)
#define assert_int_not_equal(a, b) mini_numbers((uintmax_t)(a), (uintmax_t)(b), 0, __FILE__, __LINE__)
#define assert_ptr_equal(a, b) mini_numbers((uintptr_t)(a), (uintptr_t)(b), 1, __FILE__, __LINE__)
#define assert_ptr_not_equal(a, b) mini_numbers((uintptr_t)(a), (uintptr_t)(b), 0, __FILE__, __LINE__)
#define assert_string_equal(a, b) mini_strings((a), (b), 1, __FILE__, __LINE__)
#define assert_string_not_equal(a, b) mini_strings((a), (b), 0, __FILE__, __LINE__)
#define assert_memory_equal(a, b, size) mini_memory((a), (b), (size), 1, __FILE__, __LINE__)
#define assert_memory_not_equal(a, b, size) mini_memory((a), (b), (size), 0, __FILE__, __LINE__)
#define assert_in_range(value, low, high)                                                                                     \
    mini_range((uintmax_t)(value), (uintmax_t)(low), (uintmax_t)(high), __FILE__, __LINE__)

#endif
