/* SPDX-License-Identifier: MIT */
#include "helpers.h"

#include "support.h"

#include "sched/offload.h"

bool no_helpers(void *unused) {
    (void)unused;
    return hawser__offload_helpers() == 0;
}

bool helpers_gone(void) {
    return wait_until(no_helpers, NULL);
}

census quiet_census(void) {
    assert_true(helpers_gone());
    assert_true(wait_until(only_first_threads, NULL));
    return take_census();
}

void assert_nothing_is_left(census before) {
    assert_true(helpers_gone());
    const char *left = compare_census(before);
    if (left)
        fail_msg("%s", left);
}
