/* SPDX-License-Identifier: MIT */
/* fiber/stack and fiber/guard, when the system refuses: by fault.h, and once by a true limit. */
#include "support.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fiber/sanitizers.h"
#include "stacks.h"

#define ALWAYS_FAILS 1000000

static void a_smaller_piece_is_reserved_when_a_large_one_is_refused(void **state) {
    (void)state;
    census before = take_census();
    for (unsigned refusals = 1; refusals <= 9; refusals++) {   /* the last leaves one slot */
        hawser__stacks *pool = hawser__stacks_new(SLOT);
        fault_syscall("mmap", 1, ENOMEM, refusals);
        assert_non_null(take_stack(pool));
        assert_true(fault_none());
        for (int i = 0; i < 100; i++)
            assert_non_null(take_stack(pool));
        hawser__stacks_free(pool);
    }
    assert_null(compare_census(before));
}

static void without_address_space_taking_fails_and_later_works(void **state) {
    (void)state;
    census before = take_census();
    hawser__stacks *pool = hawser__stacks_new(SLOT);
    errno = 4242;
    fault_syscall("mmap", 1, ENOMEM, ALWAYS_FAILS);
    assert_null(take_stack(pool));
    assert_null(take_stack(pool));
    assert_true(fault_none());
    assert_int_equal(errno, 4242);
    assert_non_null(take_stack(pool));
    hawser__stacks_free(pool);
    assert_null(compare_census(before));
}

static void without_memory_for_the_books_taking_fails_and_later_works(void **state) {
    (void)state;
    census before = take_census();
    fault_alloc(1);
    assert_null(hawser__stacks_new(SLOT));
    assert_true(fault_none());
    hawser__stacks *pool = hawser__stacks_new(SLOT);
    for (unsigned nth = 1; nth <= 2; nth++) {
        fault_alloc(nth);
        assert_null(take_stack(pool));
        assert_true(fault_none());
    }
    assert_non_null(take_stack(pool));
    hawser__stacks_free(pool);
    assert_null(compare_census(before));
}

static void where_guards_cannot_be_marked_they_are_mapped(void **state) {
    (void)state;
    hawser__stacks *pool = hawser__stacks_new(SLOT);
    fault_syscall("madvise", 1, EINVAL, ALWAYS_FAILS);
    char *first = take_stack(pool), *second = take_stack(pool);
    assert_true(fault_none());
    assert_guarded(first);
    assert_guarded(second);
    assert_true(hawser__stacks_guarded(pool));
    assert_ptr_equal(hawser__stacks_guard_hit(pool, second - 1), second);
    hawser__stacks_free(pool);
}

static void where_guards_cannot_be_had_stacks_work_and_the_pool_says_so(void **state) {
    (void)state;
    size_t size;
    hawser__stacks *pool = hawser__stacks_new(SLOT);
    assert_non_null(take_stack(pool));
    fault_syscall(NULL, 1, EINVAL, ALWAYS_FAILS);
    char *stack = hawser__stacks_take(pool, &size);
    assert_true(fault_none());
    assert_false(hawser__stacks_guarded(pool));
    memset(stack, 1, size);
    assert_int_equal(dies_of(stack - 1), 0);
    hawser__stacks_free(pool);
}

static void mapped_guards_leave_mappings_to_the_program_and_are_counted_back(void **state) {
    (void)state;
    enum { MOST = 25000, OTHERS = 100 };   /* others: where the test is in a fiber, the run has stacks, too */
    for (int again = 0; again < 2; again++) {
        hawser__stacks *pool = hawser__stacks_new(0);
        fault_syscall("madvise", 1, EINVAL, ALWAYS_FAILS);
        for (int i = 0; i < MOST - OTHERS; i++)
            assert_non_null(take_stack(pool));
        assert_true(hawser__stacks_guarded(pool));
        for (int i = 0; i <= OTHERS; i++)
            assert_non_null(take_stack(pool));
        assert_false(hawser__stacks_guarded(pool));
        assert_true(fault_none());
        hawser__stacks_free(pool);
    }
}

/* Emulators let a program have the limit, and do not keep it. */
static bool limit_address_space(size_t more) {
    size_t pages;
    FILE *file = fopen("/proc/self/statm", "re");
    if (!file || fscanf(file, "%zu", &pages) != 1)
        return false;
    fclose(file);
    struct rlimit limit = {.rlim_cur = pages * page_size() + more};
    limit.rlim_max = limit.rlim_cur;
    return setrlimit(RLIMIT_AS, &limit) == 0 &&
           mmap(NULL, 2 * more, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0) == MAP_FAILED;
}

/* In a child: takes all that the limit gives. The number of stacks, 0 when there is no limit, 255 when something is wrong. */
static int take_within_limit(void) {
    size_t size, count = 0;
    hawser__stacks *pool = hawser__stacks_new(SLOT);
    char *stack = NULL;
    if (!limit_address_space(64 * 2 * SLOT))
        return 0;
    for (char *next; count < 100 && (next = hawser__stacks_take(pool, &size)) != NULL; count++)
        memset(stack = next, 1, size);
    hawser__stacks_give(pool, stack);
    return take_stack(pool) == stack && take_stack(pool) == NULL ? (int)count : 255;
}

static void under_an_address_space_limit_every_last_slot_is_used(void **state) {
    (void)state;
    int status;
    if (HAWSER__SANITIZER_HANDLES_FAULTS) {
        print_message("    a sanitizer's address space is far beyond any limit\n");
        skip();
    }
    pid_t child = fork();
    if (child == 0)
        _exit(take_within_limit());
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == 0) {
        print_message("    this machine does not limit address space\n");
        skip();
    }
    assert_in_range(WEXITSTATUS(status), 40, 64);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_smaller_piece_is_reserved_when_a_large_one_is_refused),
        cmocka_unit_test(without_address_space_taking_fails_and_later_works),
        cmocka_unit_test(without_memory_for_the_books_taking_fails_and_later_works),
        cmocka_unit_test(where_guards_cannot_be_marked_they_are_mapped),
        cmocka_unit_test(where_guards_cannot_be_had_stacks_work_and_the_pool_says_so),
        cmocka_unit_test(mapped_guards_leave_mappings_to_the_program_and_are_counted_back),
        cmocka_unit_test(under_an_address_space_limit_every_last_slot_is_used),
    };
    return cmocka_run_group_tests(tests, find_out_about_guards, NULL);
}
