/* SPDX-License-Identifier: MIT */
/*
 * fiber/stack and fiber/guard, when the system gives what it is asked for. Whether a guard is one is asked in a child process,
 * which dies of it.
 */
#include "support.h"

#include <string.h>

#include "stacks.h"

static void the_last_stack_given_back_is_the_next_one_taken(void **state) {
    (void)state;
    hawser__stacks *pool = hawser__stacks_new(SLOT);
    void *a = take_stack(pool), *b = take_stack(pool), *c = take_stack(pool);
    hawser__stacks_give(pool, b);
    hawser__stacks_give(pool, a);
    hawser__stacks_give(pool, c);
    assert_ptr_equal(take_stack(pool), c);
    assert_ptr_equal(take_stack(pool), a);
    hawser__stacks_give(pool, c);
    assert_ptr_equal(take_stack(pool), c);
    assert_ptr_equal(take_stack(pool), b);
    hawser__stacks_free(pool);
}

static void a_stack_has_the_size_that_was_asked_for_with_its_guard(void **state) {
    (void)state;
    const size_t page = page_size();
    const struct {
        size_t asked, pages;
    } cases[] = {{0, 2}, {1, 2}, {page, 2}, {3 * page, 3}, {3 * page + 1, 4}, {16 * page, 16}, {100 * page - 1, 100}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t size = 0;
        hawser__stacks *pool = hawser__stacks_new(cases[i].asked);
        char *stack = hawser__stacks_take(pool, &size);
        assert_int_equal(size, cases[i].pages * page);
        assert_int_equal((uintptr_t)stack % page, 0);
        memset(stack, 1, size);
        hawser__stacks_free(pool);
    }
}

static void a_size_that_no_machine_has_is_refused(void **state) {
    (void)state;
    size_t size;
    assert_null(hawser__stacks_new(SIZE_MAX));
    assert_null(hawser__stacks_new(SIZE_MAX - 4096));
    if (TEST_EMULATED)
        return;   /* it keeps a record of each page */
    hawser__stacks *pool = hawser__stacks_new((size_t)1 << 40);
    void *stack = pool ? hawser__stacks_take(pool, &size) : NULL;
    if (stack)
        assert_int_equal(size, (size_t)1 << 40);
    hawser__stacks_free(pool);
}

static void no_two_stacks_share_memory(void **state) {
    (void)state;
    enum { COUNT = 200 };
    char *stacks[COUNT];
    size_t size;
    hawser__stacks *pool = hawser__stacks_new(SLOT);
    for (int i = 0; i < COUNT; i++) {
        stacks[i] = hawser__stacks_take(pool, &size);
        memset(stacks[i], i, size);
    }
    for (int i = 0; i < COUNT; i++)
        for (size_t at = 0; at < size; at++)
            if (stacks[i][at] != (char)i)
                fail_msg("byte %zu of stack %d is another's", at, i);
    assert_true(hawser__stacks_guarded(pool));
    hawser__stacks_free(pool);
}

static void below_a_stack_lies_a_guard_that_kills(void **state) {
    (void)state;
    hawser__stacks *pool = hawser__stacks_new(SLOT);
    char *first = take_stack(pool), *second = take_stack(pool);
    assert_guarded(first);
    assert_guarded(second);
    hawser__stacks_give(pool, second);
    assert_guarded(take_stack(pool));
    hawser__stacks_free(pool);
}

static void an_address_in_a_guard_is_recognised(void **state) {
    (void)state;
    size_t size;
    hawser__stacks *pool = hawser__stacks_new(SLOT);
    char *first = hawser__stacks_take(pool, &size), *second = hawser__stacks_take(pool, &size);
    for (char *stack = first; stack; stack = stack == first ? second : NULL) {
        assert_ptr_equal(hawser__stacks_guard_hit(pool, stack - 1), stack);
        assert_ptr_equal(hawser__stacks_guard_hit(pool, stack - SLOT), stack);   /* as large as the stack */
        assert_null(hawser__stacks_guard_hit(pool, stack));
        assert_null(hawser__stacks_guard_hit(pool, stack + size - 1));
    }
    assert_null(hawser__stacks_guard_hit(pool, second + size));   /* not yet anybody's guard */
    assert_null(hawser__stacks_guard_hit(pool, &size));
    assert_null(hawser__stacks_guard_hit(pool, NULL));
    assert_null(hawser__stacks_guard_hit(pool, (void *)UINTPTR_MAX));
    hawser__stacks_free(pool);
}

static void a_pool_without_stacks_answers_too(void **state) {
    (void)state;
    hawser__stacks *pool = hawser__stacks_new(SLOT);
    assert_null(hawser__stacks_guard_hit(pool, &pool));
    assert_int_equal(hawser__stacks_trim(pool), 0);
    assert_true(hawser__stacks_guarded(pool));
    hawser__stacks_after_fork(pool);
    hawser__stacks_give(pool, NULL);
    hawser__stacks_free(pool);
    hawser__stacks_free(NULL);
}

static void neighbours_have_different_colours(void **state) {
    (void)state;
    const size_t page = page_size();
    const size_t sizes[] = {3 * page, SLOT, 5 * SLOT};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        hawser__stacks *pool = hawser__stacks_new(sizes[i]);
        unsigned before = 16, seen = 0;
        for (int n = 0; n < 64; n++) {
            unsigned colour = hawser__stacks_colour(pool, take_stack(pool));
            assert_true(colour < 16 && colour != before);
            seen |= 1u << colour;
            before = colour;
        }
        assert_int_equal(__builtin_popcount(seen), 16);
        hawser__stacks_free(pool);
    }
}

static void what_was_touched_is_counted_from_the_top(void **state) {
    (void)state;
    const size_t page = page_size();
    size_t size;
    hawser__stacks *pool = hawser__stacks_new(400 * page);
    char *stack = hawser__stacks_take(pool, &size);
    assert_int_equal(hawser__stack_touched(stack, size), 0);
    stack[size - 1] = 1;
    assert_int_equal(hawser__stack_touched(stack, size), page);
    assert_int_equal(hawser__stack_touched(stack, size - 100), page - 100);
    stack[size - 10 * page] = 1;
    assert_int_equal(hawser__stack_touched(stack, size), 10 * page);
    stack[size - 390 * page] = 1;
    assert_int_equal(hawser__stack_touched(stack, size), 390 * page);
    stack[0] = 1;
    assert_int_equal(hawser__stack_touched(stack, size), size);
    assert_int_equal(hawser__stack_touched(stack + 8, size - 8), size - 8);
    fault_syscall("mincore", 1, ENOMEM, 1);
    assert_int_equal(hawser__stack_touched(stack, size), 0);
    assert_true(fault_none());
    hawser__stacks_free(pool);
}

/* Memory comes back. */

static size_t resident(void) {
    const size_t page = page_size();
    size_t total = 0, pages = 0;
    FILE *file = fopen("/proc/self/statm", "re");
    if (!file || fscanf(file, "%zu %zu", &total, &pages) != 2)
        abort();
    fclose(file);
    return pages * page;
}

static void an_idle_pool_gives_its_memory_back_at_the_second_trim(void **state) {
    (void)state;
    enum { COUNT = 1000, DEPTH = 32 * 1024 };
    static char *stacks[COUNT];
    size_t size;
    hawser__stacks *pool = hawser__stacks_new(SLOT);
    for (int i = 0; i < COUNT; i++) {
        stacks[i] = hawser__stacks_take(pool, &size);
        memset(stacks[i] + size - DEPTH, 1, DEPTH);
    }
    for (int i = 0; i < COUNT; i++)
        hawser__stacks_give(pool, stacks[i]);
    size_t before = resident(), trimmed = hawser__stacks_trim(pool);
    assert_int_equal(trimmed, 0);
    for (size_t now = HAWSER__TRIM_MOST; now == HAWSER__TRIM_MOST; trimmed += now)
        now = hawser__stacks_trim(pool);
    assert_in_range(trimmed, COUNT - 50, COUNT - 1);   /* a few stay warm */
    if (before < resident() + trimmed * DEPTH * 9 / 10)
        fail_msg("resident: %zu bytes before, %zu after", before, resident());
    assert_int_equal(hawser__stacks_trim(pool), 0);
    assert_int_equal(hawser__stack_touched(stacks[0], size), 0);
    assert_true(hawser__stack_touched(stacks[COUNT - 1], size) >= DEPTH);
    assert_guarded(stacks[0]);
    for (int i = 0; i < COUNT; i++)
        assert_non_null(take_stack(pool));
    hawser__stacks_free(pool);
}

static void what_is_used_between_two_trims_keeps_its_memory(void **state) {
    (void)state;
    const size_t page = page_size();
    enum { COUNT = 300, BUSY = 100 };
    char *stacks[COUNT];
    size_t size;
    hawser__stacks *pool = hawser__stacks_new(SLOT);
    for (int i = 0; i < COUNT; i++) {
        stacks[i] = hawser__stacks_take(pool, &size);
        stacks[i][size - 1] = (char)i;
    }
    for (int i = 0; i < COUNT; i++)
        hawser__stacks_give(pool, stacks[i]);
    hawser__stacks_trim(pool);
    for (int i = COUNT; i-- > COUNT - BUSY;)
        assert_ptr_equal(take_stack(pool), stacks[i]);
    for (int i = COUNT - BUSY; i < COUNT; i++)
        hawser__stacks_give(pool, stacks[i]);
    assert_int_equal(hawser__stacks_trim(pool), COUNT - BUSY);
    for (int i = 0; i < COUNT; i++)
        assert_int_equal(hawser__stack_touched(stacks[i], size), i < COUNT - BUSY ? 0 : page);
    for (int i = COUNT; i-- > COUNT - BUSY;)
        assert_ptr_equal(take_stack(pool), stacks[i]);   /* the warm ones first */
    for (int i = COUNT - BUSY; i-- > 0;)
        assert_ptr_equal(take_stack(pool), stacks[i]);
    hawser__stacks_free(pool);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_last_stack_given_back_is_the_next_one_taken),
        cmocka_unit_test(a_stack_has_the_size_that_was_asked_for_with_its_guard),
        cmocka_unit_test(a_size_that_no_machine_has_is_refused),
        cmocka_unit_test(no_two_stacks_share_memory),
        cmocka_unit_test(below_a_stack_lies_a_guard_that_kills),
        cmocka_unit_test(an_address_in_a_guard_is_recognised),
        cmocka_unit_test(a_pool_without_stacks_answers_too),
        cmocka_unit_test(neighbours_have_different_colours),
        cmocka_unit_test(what_was_touched_is_counted_from_the_top),
        cmocka_unit_test(an_idle_pool_gives_its_memory_back_at_the_second_trim),
        cmocka_unit_test(what_is_used_between_two_trims_keeps_its_memory),
    };
    return cmocka_run_group_tests(tests, find_out_about_guards, NULL);
}
