/* SPDX-License-Identifier: MIT */
#include "support.h"

#include "base/mem.h"

#include <errno.h>

static void allocations_are_counted_and_freed(void **state) {
    (void)state;
    census before = take_census();
    void *a = hawser__alloc(10), *b = hawser__zalloc(10), *c = hawser__realloc(NULL, 10);
    char *d = hawser__strdup("text");
    assert_int_equal(take_census().allocations - before.allocations, 4);
    c = hawser__realloc(c, 1000);
    assert_int_equal(take_census().allocations - before.allocations, 4);
    assert_memory_equal(b, "\0\0\0\0\0\0\0\0\0\0", 10);
    assert_string_equal(d, "text");
    hawser__free(a);
    hawser__free(b);
    hawser__free(c);
    hawser__free(d);
    hawser__free(NULL);
    assert_null(compare_census(before));
}

static void nothing_to_copy_is_no_copy(void **state) {
    (void)state;
    assert_null(hawser__strdup(NULL));
}

static void no_size_is_still_memory(void **state) {
    (void)state;
    void *memory = hawser__alloc(0);
    assert_non_null(memory);
    hawser__free(memory);
}

/* Each kind fails in its turn, sets no errno and leaves what there was. */
static void each_allocation_can_fail(void **state) {
    (void)state;
    char *kept = hawser__strdup("kept");
    errno = 0;
    fault_alloc(1);
    assert_null(hawser__alloc(10));
    fault_alloc(1);
    assert_null(hawser__zalloc(10));
    fault_alloc(1);
    assert_null(hawser__strdup("text"));
    fault_alloc(1);
    assert_null(hawser__realloc(kept, 100));
    assert_true(fault_none());
    assert_int_equal(errno, 0);
    assert_string_equal(kept, "kept");
    hawser__free(kept);
}

static void freeing_keeps_errno(void **state) {
    (void)state;
    void *memory = hawser__alloc(1 << 20);
    errno = 4242;
    hawser__free(memory);
    assert_int_equal(errno, 4242);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(allocations_are_counted_and_freed),
        cmocka_unit_test(nothing_to_copy_is_no_copy),
        cmocka_unit_test(no_size_is_still_memory),
        cmocka_unit_test(each_allocation_can_fail),
        cmocka_unit_test(freeing_keeps_errno),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
