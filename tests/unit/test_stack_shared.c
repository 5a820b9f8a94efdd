/* SPDX-License-Identifier: MIT */
/* fiber/stack: many stacks, and many threads at one pool. */
#include "support.h"

#include <sys/wait.h>
#include <unistd.h>

#include "stacks.h"

static void a_hundred_thousand_stacks_are_taken_and_given_back(void **state) {
    (void)state;
    enum { COUNT = 100000 };
    char **stacks = calloc(COUNT, sizeof *stacks);
    hawser__stacks *pool = hawser__stacks_new(SLOT);
    assert_non_null(stacks);
    for (int i = 0; i < COUNT; i++) {
        assert_non_null(stacks[i] = take_stack(pool));
        if (i % 100 == 0)
            *stacks[i] = (char)(i / 100);
    }
    for (int i = 0; i < COUNT; i++) {
        assert_ptr_equal(hawser__stacks_guard_hit(pool, stacks[i] - 1), stacks[i]);
        if (i % 100 == 0)
            assert_int_equal(*stacks[i], (char)(i / 100));
    }
    for (int i = 0; i < COUNT; i++)
        hawser__stacks_give(pool, stacks[i]);
    for (int i = COUNT; i-- > 0;)
        assert_ptr_equal(take_stack(pool), stacks[i]);
    free(stacks);
    hawser__stacks_free(pool);
}

struct shared {
    hawser__stacks *pool;
    atomic_bool stop;
};

/* Each stack is this thread's alone while it has it. */
static long take_and_give(void *argument) {
    struct shared *shared = argument;
    unsigned dice = (unsigned)(uintptr_t)&dice >> 4;
    char *mine[20] = {NULL};
    long wrong = 0;
    for (int i = 0; i < 20000; i++) {
        dice = dice * 1103515245 + 12345;
        char **slot = &mine[dice >> 16 & 15];
        if (*slot) {
            wrong += *(unsigned *)*slot != (unsigned)(uintptr_t)slot;
            hawser__stacks_give(shared->pool, *slot);
            *slot = NULL;
        } else if ((*slot = take_stack(shared->pool))) {
            *(unsigned *)*slot = (unsigned)(uintptr_t)slot;
        }
    }
    for (int i = 0; i < 20; i++)
        hawser__stacks_give(shared->pool, mine[i]);
    return wrong;
}

static long trim_all_the_time(void *argument) {
    struct shared *shared = argument;
    while (!atomic_load(&shared->stop))
        hawser__stacks_trim(shared->pool);
    return 0;
}

static void threads_take_give_and_trim_at_once(void **state) {
    (void)state;
    struct shared shared = {.pool = hawser__stacks_new(SLOT)};
    char *stacks[100];
    runner takers[3], trimmer;
    for (int i = 0; i < 100; i++)
        stacks[i] = take_stack(shared.pool);
    for (int i = 0; i < 100; i++)
        hawser__stacks_give(shared.pool, stacks[i]);
    start(&trimmer, trim_all_the_time, &shared);
    for (int i = 0; i < 3; i++)
        start(&takers[i], take_and_give, &shared);
    for (int i = 0; i < 3; i++)
        assert_int_equal(finish(&takers[i]), 0);
    atomic_store(&shared.stop, true);
    finish(&trimmer);
    for (int i = 0; i < 100; i++) {
        stacks[i] = take_stack(shared.pool);
        for (int k = 0; k < i; k++)
            assert_ptr_not_equal(stacks[i], stacks[k]);
    }
    hawser__stacks_free(shared.pool);
}

static long take_and_give_until_stopped(void *argument) {
    struct shared *shared = argument;
    while (!atomic_load(&shared->stop)) {
        char *first = take_stack(shared->pool), *second = take_stack(shared->pool);
        hawser__stacks_give(shared->pool, first);
        hawser__stacks_give(shared->pool, second);
    }
    return 0;
}

static int use_in_child(hawser__stacks *pool, char *own) {
    char *stacks[50];
    hawser__stacks_after_fork(pool);
    for (int i = 0; i < 50; i++) {
        stacks[i] = take_stack(pool);
        *stacks[i] = (char)i;
    }
    for (int i = 0; i < 50; i++)
        if (*stacks[i] != (char)i || stacks[i] == own)
            return 1;
    for (int i = 0; i < 50; i++)
        hawser__stacks_give(pool, stacks[i]);
    hawser__stacks_trim(pool);
    hawser__stacks_trim(pool);
    return 0;
}

static void the_child_of_a_fork_goes_on_with_the_pool_whatever_others_were_at(void **state) {
    (void)state;
    skip_where_emulated("a fork while other threads run is not survived");
    struct shared shared = {.pool = hawser__stacks_new(SLOT)};
    char *own = take_stack(shared.pool);
    runner takers[2], trimmer;
    for (int i = 0; i < 2; i++)
        start(&takers[i], take_and_give_until_stopped, &shared);
    start(&trimmer, trim_all_the_time, &shared);
    for (int i = 0; i < 100; i++) {
        int status = -1;
        pid_t child = fork();
        if (child == 0) {
            alarm((unsigned)WAIT_LIMIT);
            _exit(use_in_child(shared.pool, own));
        }
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_int_equal(status, 0);
    }
    atomic_store(&shared.stop, true);
    for (int i = 0; i < 2; i++)
        finish(&takers[i]);
    finish(&trimmer);
    hawser__stacks_free(shared.pool);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_hundred_thousand_stacks_are_taken_and_given_back),
        cmocka_unit_test(threads_take_give_and_trim_at_once),
        cmocka_unit_test(the_child_of_a_fork_goes_on_with_the_pool_whatever_others_were_at),
    };
    return cmocka_run_group_tests(tests, find_out_about_guards, NULL);
}
