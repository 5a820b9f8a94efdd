/* SPDX-License-Identifier: MIT */
#include "support.h"

static void the_library_linked_is_the_one_compiled_against(void **state) {
    (void)state;
    char expected[32];
    snprintf(expected, sizeof expected, "%d.%d.%d", HAWSER_VERSION_MAJOR, HAWSER_VERSION_MINOR, HAWSER_VERSION_PATCH);
    assert_string_equal(hawser_version(), expected);
    assert_string_equal(hawser_version(), HAWSER_VERSION);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_library_linked_is_the_one_compiled_against)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
