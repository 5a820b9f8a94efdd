/* SPDX-License-Identifier: MIT */
/* sched/fiber: the first and the last step of a fiber, and what it is made of. */
#include "fibers.h"
#include "stacks.h"
#include "support.h"

#include "base/error.h"
#include "base/wake.h"
#include "sched/park.h"
#include "sched/run.h"

#include <errno.h>

/* FN(ARG) as a fiber beside the caller, which waits for its end: the result of the wait. */
static int run_one(const hawser_go_options *options, hawser_fn fn, void *arg) {
    hawser_go_options chosen = options ? *options : (hawser_go_options){0};
    chosen.group = hawser_group_open(NULL);
    int result = hawser_go_with(&chosen, fn, arg);
    if (result == 0)
        result = hawser_group_wait(chosen.group);
    hawser_group_close(chosen.group);
    return result;
}

static int nothing(void *arg) {
    (void)arg;
    return 0;
}

/* Defers. */

static char order[32]; /* what happened, a letter each */
static char letters[] = "abcdefgh";

static void note(void *letter) {
    order[strlen(order)] = *(char *)letter;
}

static int defer_three(void *arg) {
    for (int i = 0; i < 3; i++)
        EXPECT(hawser_defer(note, &letters[i]) == 0);
    note(&letters[5]);
    (void)arg;
    return 0;
}

static int watch_three(void *arg) {
    EXPECT(run_one(NULL, defer_three, NULL) == 0);
    note(&letters[6]); /* whoever waits for the fiber waits for them, too */
    (void)arg;
    return 0;
}

static void what_was_deferred_is_called_at_the_end_the_last_first(void **state) {
    (void)state;
    memset(order, 0, sizeof order);
    assert_runs(1, watch_three, NULL);
    assert_string_equal(order, "fcbag");
}

static void defer_again_and_wait(void *arg) {
    note(&letters[1]);
    EXPECT(hawser_defer(note, &letters[2]) == 0);
    EXPECT(hawser_sleep(0.001) == *(int *)arg);
    note(&letters[3]);
}

static int defer_one_that_defers(void *result) {
    EXPECT(hawser_defer(note, &letters[0]) == 0);
    return hawser_defer(defer_again_and_wait, result);
}

static int cancel_before_it_begins(void *arg) {
    int failure = -1;
    hawser_group *group = hawser_group_open(NULL);
    EXPECT(hawser_group_go(group, defer_one_that_defers, &failure) == 0);
    hawser_group_cancel(group);
    hawser_group_close(group);
    (void)arg;
    return 0;
}

static int defer_in_peace_and_cancelled(void *arg) {
    int success = 0;
    EXPECT(run_one(NULL, defer_one_that_defers, &success) == 0);
    return cancel_before_it_begins(arg);
}

static void a_deferred_function_may_defer_and_wait_and_is_called_when_cancelled_as_well(void **state) {
    (void)state;
    memset(order, 0, sizeof order);
    assert_runs(1, defer_in_peace_and_cancelled, NULL);
    assert_string_equal(order, "bdcabdca");
}

static void fail_otherwise(void *arg) {
    hawser__fail_moved(EDOM, 9, "do what was deferred");
    (void)arg;
}

static int fail_and_defer(void *arg) {
    EXPECT(hawser_defer(fail_otherwise, NULL) == 0);
    (void)arg;
    return hawser__fail_moved(EPERM, 7, "do it");
}

static int fail_beside_oneself(void *arg) {
    EXPECT_FAILURE(run_one(NULL, fail_and_defer, NULL), EPERM);
    EXPECT(hawser_moved() == 7 && strcmp(hawser_error(), "do it: Operation not permitted") == 0);
    return fail_and_defer(arg);
}

static void the_failure_of_a_fiber_is_the_one_from_before_what_it_deferred(void **state) {
    (void)state;
    assert_fails(run_on_workers(1, fail_beside_oneself, NULL), EPERM);
    assert_sentence("do it: Operation not permitted");
    assert_int_equal(hawser_moved(), 7);
    assert_as_expected();
}

static long defer(void *arg) {
    return hawser_defer(note, arg);
}

static int defer_without_memory(void *arg) {
    fault_alloc(1);
    EXPECT_FAILURE(hawser_defer(note, arg), ENOMEM);
    EXPECT(strcmp(hawser_error(), "defer in a fiber: Cannot allocate memory") == 0);
    EXPECT(fault_none());
    return 0;
}

static void what_cannot_be_deferred_is_not_called(void **state) {
    (void)state;
    runner thread;
    memset(order, 0, sizeof order);
    start_thread(&thread, defer, &letters[0]);
    assert_int_equal(finish(&thread), -1);
    assert_int_equal(thread.code, EINVAL);
    assert_string_equal(thread.sentence, "defer in a plain thread: Invalid argument");
    assert_runs(1, defer_without_memory, &letters[1]);
    assert_string_equal(order, "");
}

/* One fiber after the other. */

static int leave_traces(void *stack) {
    hawser__fiber *self = hawser__fiber_current();
    *(void **)stack = self->stack;
    hawser_fiber_setname("untidy");
    hawser_deadline_push(0.5);
    atomic_store(&self->task.cancelled, true);
    hawser__task_wake(&self->task);
    hawser__fail_moved(EPERM, 7, "do it");
    return 0;
}

static int look_for_traces(void *stack) {
    int code = errno;
    EXPECT(hawser__fiber_current()->stack == *(void **)stack);
    EXPECT(code == 0 && hawser_moved() == 0 && hawser_error()[0] == '\0');
    EXPECT(hawser_fiber_name()[0] == '\0');
    EXPECT(hawser_deadline_left() < 0 && !hawser_cancelled());
    EXPECT(hawser__wait("test", -1, 1) == -ETIMEDOUT);
    return 0;
}

static int leave_and_look(void *arg) {
    void *stack = NULL;
    (void)arg;
    EXPECT(run_one(NULL, leave_traces, &stack) == 0);
    return run_one(NULL, look_for_traces, &stack);
}

static void a_fiber_finds_nothing_of_the_one_that_had_its_stack_before(void **state) {
    (void)state;
    assert_runs(1, leave_and_look, NULL);
}

struct place {
    void *stack;
    uint64_t number;
};

static int note_place(void *arg) {
    struct place *place = arg;
    *place = (struct place){hawser__fiber_current()->stack, hawser__fiber_current()->number};
    return 0;
}

static int come_and_go(void *arg) {
    struct place first, next;
    (void)arg;
    EXPECT(hawser__fiber_current()->number == 1);
    EXPECT(run_one(NULL, note_place, &first) == 0);
    for (uint64_t i = 1; i < 300; i++) {
        EXPECT(run_one(NULL, note_place, &next) == 0);
        EXPECT(next.stack == first.stack && next.number == first.number + i);
    }
    return 0;
}

static void fibers_that_come_and_go_share_a_stack_and_no_number(void **state) {
    (void)state;
    census before = take_census();
    assert_runs(1, come_and_go, NULL);
    assert_null(compare_census(before));
}

/* Stacks. */

struct stack {
    hawser__stacks *pool;
    size_t size, room;
};

static int look_at_stack(void *arg) {
    hawser__fiber *self = hawser__fiber_current();
    *(struct stack *)arg = (struct stack){self->stacks, self->stack_size, (size_t)((char *)self - (char *)self->stack)};
    return 0;
}

static struct stack stack_for(size_t asked) {
    const hawser_go_options options = {.stack_size = asked};
    struct stack got = {0};
    EXPECT(run_one(&options, look_at_stack, &got) == 0);
    return got;
}

static int ask_for_stacks(void *arg) {
    static const size_t asked[] = {1, 8192, 16384, 16385, 40000, 65535, 65536, 65537, 1000000, (size_t)1 << 23};
    const size_t page = *(size_t *)arg;
    for (size_t i = 0; i < sizeof asked / sizeof *asked; i++) {
        struct stack got = stack_for(asked[i]);
        size_t least = asked[i] > 2 * page ? asked[i] : 2 * page;
        EXPECT(got.size >= least && got.size < 2 * least);
        EXPECT(got.room + 4096 >= got.size && got.room < got.size); /* its record and its colour at the top */
    }
    EXPECT(stack_for(40000).pool == stack_for(65536).pool);
    EXPECT(stack_for(65537).pool != stack_for(65536).pool);
    EXPECT(stack_for(0).pool == hawser__fiber_current()->stacks);
    return 0;
}

static void stacks_are_as_large_as_asked_up_to_a_power_of_two(void **state) {
    (void)state;
    size_t page = page_size();
    assert_runs(1, ask_for_stacks, &page);
}

#define MUCH ((size_t)900 * 1024)

static int use_much(void *arg) {
    volatile char room[MUCH];
    EXPECT(hawser_fiber_stack_used() <= hawser__fiber_current()->stack_size);
    for (size_t i = 0; i < sizeof room; i += 512)
        room[i] = 'x';
    *(size_t *)arg = hawser_fiber_stack_used() + (size_t)(room[0] - 'x');
    return 0;
}

static int use_little_and_much(void *arg) {
    const hawser_go_options options = {.stack_size = (size_t)1 << 20};
    size_t page = *(size_t *)arg, own = hawser_fiber_stack_used(), much = 0;
    EXPECT(own >= page && own < MUCH && own <= hawser__fiber_current()->stack_size);
    EXPECT(run_one(&options, use_much, &much) == 0);
    EXPECT(much >= MUCH && much < (size_t)1 << 20);
    return 0;
}

static void a_stack_can_be_used_and_tells_how_much_was(void **state) {
    (void)state;
    size_t page = page_size();
    assert_runs(1, use_little_and_much, &page);
}

static int ask_for_too_much(void *arg) {
    static const size_t sizes[] = {(size_t)1 << 44, ((size_t)1 << 46) + 1, ((size_t)1 << 47) + 1, SIZE_MAX};
    (void)arg;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        const hawser_go_options options = {.stack_size = sizes[i]};
        EXPECT_FAILURE(hawser_go_with(&options, nothing, NULL), ENOMEM);
        EXPECT(strcmp(hawser_error(), "start fiber on worker 1: Cannot allocate memory") == 0);
    }
    return run_one(NULL, nothing, NULL); /* none of them counts */
}

static void a_stack_that_no_machine_has_is_ENOMEM(void **state) {
    (void)state;
    const hawser_run_options few = {.workers = 1, .max_fibers = 2, .stack_size = TEST_STACK};
    const hawser_run_options large = {.workers = 1, .stack_size = SIZE_MAX};
    check_run(run_apart(ask_for_too_much, NULL, &few), "ask_for_too_much", __FILE__, __LINE__);
    assert_fails(run_apart(nothing, NULL, &large), ENOMEM);
    assert_sentence("run fibers: Cannot allocate memory");
}

/* All ask at once for the first stacks of a size, on one worker. */
#define SIZES 5

struct rush {
    hawser_group *group;
    atomic_int ready;
};

static long rush_in(void *arg) {
    struct rush *rush = arg;
    hawser_go_options options = {.worker = 1, .group = rush->group, .stack_size = TEST_STACK};
    int failed = 0;
    atomic_fetch_add(&rush->ready, 1);
    for (double end = seconds_now() + WAIT_LIMIT; atomic_load(&rush->ready) < 2 && seconds_now() < end;)
        ;
    for (int i = 0; i < SIZES; i++) {
        options.stack_size *= 2;
        failed += hawser_go_with(&options, nothing, NULL) < 0;
    }
    return failed;
}

static int be_rushed(void *arg) {
    struct rush rush = {.group = hawser_group_open(NULL)};
    runner threads[2];
    (void)arg;
    for (int i = 0; i < 2; i++)
        start_thread(&threads[i], rush_in, &rush);
    for (int i = 0; i < 2; i++)
        EXPECT(finish(&threads[i]) == 0);
    EXPECT(hawser_group_wait(rush.group) == 0);
    hawser_group_close(rush.group);
    return 0;
}

static void several_threads_may_be_the_first_to_want_a_size(void **state) {
    (void)state;
    census before = take_census();
    for (int i = 0; i < 10; i++)
        assert_runs(1, be_rushed, NULL);
    assert_null(compare_census(before));
}

/* Those for whom there is no memory. */

static int wait_at_gate(void *gate) {
    char item;
    return hawser_channel_recv(gate, &item);
}

/* The first fiber of a size needs memory for the pool, for the slab, and for its list of slots; the 65th for timers. */
static int start_without_memory(void *gate) {
    hawser_go_options options = {.stack_size = TEST_STACK};
    unsigned nth = 0, struck = 0;
    do {
        options.stack_size *= 2;
        fault_alloc(++nth);
        errno = 0;
        EXPECT(hawser_go_with(&options, wait_at_gate, gate) == (fault_none() ? -1 : 0) && (errno == ENOMEM || nth == 4));
    } while (errno == ENOMEM && nth < 10);
    EXPECT(nth == 4);
    for (int i = 0; i < 100; i++) {
        fault_alloc(1);
        if (hawser_go(wait_at_gate, gate) < 0)
            EXPECT(errno == ENOMEM && hawser_go(wait_at_gate, gate) == 0);
        struck += fault_none();
    }
    EXPECT(struck == 1);
    fault_syscall("mmap", 1, ENOMEM, 1000);
    options.stack_size *= 2;
    EXPECT_FAILURE(hawser_go_with(&options, nothing, NULL), ENOMEM);
    EXPECT(fault_none());
    hawser_channel_close(gate);
    return 0;
}

static void a_fiber_for_which_there_is_no_memory_is_ENOMEM_and_leaves_nothing(void **state) {
    (void)state;
    hawser_channel *gate = hawser_channel_new(1, 0);
    census before = take_census();
    assert_runs(1, start_without_memory, gate);
    assert_null(compare_census(before));
    hawser_channel_free(gate);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_deferred_is_called_at_the_end_the_last_first),
        cmocka_unit_test(a_deferred_function_may_defer_and_wait_and_is_called_when_cancelled_as_well),
        cmocka_unit_test(the_failure_of_a_fiber_is_the_one_from_before_what_it_deferred),
        cmocka_unit_test(what_cannot_be_deferred_is_not_called),
        cmocka_unit_test(a_fiber_finds_nothing_of_the_one_that_had_its_stack_before),
        cmocka_unit_test(fibers_that_come_and_go_share_a_stack_and_no_number),
        cmocka_unit_test(stacks_are_as_large_as_asked_up_to_a_power_of_two),
        cmocka_unit_test(a_stack_can_be_used_and_tells_how_much_was),
        cmocka_unit_test(a_stack_that_no_machine_has_is_ENOMEM),
        cmocka_unit_test(several_threads_may_be_the_first_to_want_a_size),
        cmocka_unit_test(a_fiber_for_which_there_is_no_memory_is_ENOMEM_and_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
