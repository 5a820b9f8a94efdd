/* SPDX-License-Identifier: MIT */
/* fiber/context: where contexts run, one, many, and within each other. What a switch keeps is in test_context_kept.c. */
#include "frames.h"
#include "guests.h"
#include "support.h"

#include <string.h>

#include "fiber/sanitizers.h"

/* ThreadSanitizer can have 8,000 threads and contexts at most, and takes its time to make them. */
#ifdef HAWSER__TSAN
#define CROWD 1000
#else
#define CROWD 10000
#endif
static void note_place(void *arg) {
    guest *self = arg;
    char local = 0;
    uintptr_t frame = (uintptr_t)__builtin_frame_address(0);
    self->wrong = frame <= (uintptr_t)self->stack || frame > (uintptr_t)self->stack + self->size;
    self->seen = local + 1;
    leave(self);
}

static void a_context_runs_its_entry_on_its_own_stack(void **state) {
    (void)state;
    hawser__context own;
    guest one = {.number = 1};
    hawser__context_adopt(&own);
    invite(&one, &own, note_place);
    visit(&one);
    assert_int_equal(one.seen, 1);
    assert_false(one.wrong);
    dismiss(&one);
}

struct aligned {
    _Alignas(16) long double wide;
    char text[40];
};

/* Vector instructions fault on a stack that is aligned otherwise than a call leaves it; libc has some in printf. */
static void use_alignment(void *arg) {
    guest *self = arg;
    struct aligned local = {.wide = 1.5L};
    uintptr_t address = (uintptr_t)&local;
    __asm__ volatile("" : "+r"(address));   /* or the compiler would know the answer */
    snprintf(local.text, sizeof local.text, "%.2Lf %.1f", local.wide, 2.5);
    self->wrong = address % 16 != 0 || strcmp(local.text, "1.50 2.5") != 0;
    leave(self);
}

static void the_stack_is_aligned_as_calls_want_it_wherever_it_ends(void **state) {
    (void)state;
    hawser__context own;
    hawser__context_adopt(&own);
    for (size_t less = 0; less < 40; less += 8) {
        guest one = {.wrong = true};
        invite(&one, &own, use_alignment);
        hawser__context_release(&one.context);
        hawser__context_make(&one.context, one.stack, one.size - less, use_alignment, &one);
        visit(&one);
        assert_false(one.wrong);
        dismiss(&one);
    }
}

/* Many. */

static guest *crowd;

/* Hands on to the next without a way back to the host, as a scheduler does. */
static void hand_on(void *arg) {
    guest *self = arg;
    for (long round = 0; round < self->count; round++) {
        guest *next = &crowd[(self->number + 1) % CROWD];
        next->seen = self->seen + 1;
        if (self->number == CROWD - 1 && round == self->count - 1)
            leave(self);
        if (round % 2 == 0)
            hawser__context_switch(&self->context, &next->context);
        else
            hawser__context_switch_alike(&self->context, &next->context);
        self->wrong = self->wrong || self->seen != (round + 1) * CROWD + self->number;
    }
    self->wrong = true;
    leave(self);
}

static void ten_thousand_contexts_take_turns(void **state) {
    (void)state;
    hawser__context own;
    hawser__context_adopt(&own);
    crowd = calloc(CROWD, sizeof *crowd);
    assert_non_null(crowd);
    for (int i = 0; i < CROWD; i++) {
        crowd[i] = (guest){.number = i, .count = 20};
        invite(&crowd[i], &own, hand_on);
    }
    visit(&crowd[0]);
    assert_int_equal(crowd[0].seen, 20 * CROWD);
    for (int i = 0; i < CROWD; i++) {
        assert_false(crowd[i].wrong);
        dismiss(&crowd[i]);
    }
    free(crowd);
}

static void (*volatile leave_somehow)(guest *self) = leave;   /* so that compilers do not know that nothing returns */

/* Leaves from the middle of frames that never return, with arrays in them. */
static int wander(guest *self, int depth) {
    char scratch[300];
    memset(scratch, depth, sizeof scratch);
    __asm__ volatile("" : : "r"(scratch) : "memory");
    if (depth > 0)
        return wander(self, depth - 1) + scratch[depth];
    self->seen++;
    leave_somehow(self);
    return 0;
}

static void wander_off(void *arg) {
    guest *self = arg;
    self->wrong = wander(self, (int)self->number) != 0;
}

static void a_stack_serves_another_context_when_one_has_left_in_the_middle(void **state) {
    (void)state;
    hawser__context own;
    void *first = NULL;
    hawser__context_adopt(&own);
    for (int i = 0; i < 5000; i++) {   /* with more frames than a sanitizer has room for, if it does not forget them */
        guest one = {.number = i * 7 % 50};
        invite(&one, &own, wander_off);
        first = first ? first : one.stack;
        assert_ptr_equal(one.stack, first);
        visit(&one);
        assert_int_equal(one.seen, 1);
        dismiss(&one);
    }
}

static void a_context_that_never_ran_can_be_released(void **state) {
    (void)state;
    hawser__context own;
    hawser__context_adopt(&own);
    for (int i = 0; i < 1000; i++) {
        guest one = {.number = 0};
        invite(&one, &own, note_place);
        dismiss(&one);
    }
}

/* Contexts that start contexts. */
static void host_another(void *arg) {
    guest *self = arg;
    guest inner = {.number = self->number - 1};
    if (self->number > 0) {
        invite(&inner, &self->context, host_another);
        visit(&inner);
        go_back(self);
        visit(&inner);
        dismiss(&inner);
        self->seen = inner.seen + 1;
    } else {
        go_back(self);
        self->seen = 1;
    }
    leave(self);
}

static void a_context_can_be_host_to_others(void **state) {
    (void)state;
    hawser__context own;
    guest one = {.number = 20};
    hawser__context_adopt(&own);
    invite(&one, &own, host_another);
    visit(&one);
    visit(&one);
    assert_int_equal(one.seen, 21);
    dismiss(&one);
}

static void look_back(void *arg) {
    guest *self = arg;
    self->count = count_frames();
    go_back(self);
    self->seen = count_frames();
    leave(self);
}

static void a_backtrace_ends_with_the_first_frame_of_its_context(void **state) {
    (void)state;
    hawser__context own;
    guest one = {.number = 0};
    if (strcmp(TEST_SWITCH, "sigjmp") == 0 || count_frames() < 0) {
        print_message("    under the first frame of this switch is that of a signal, or nobody counts frames here\n");
        skip();
    }
    hawser__context_adopt(&own);
    invite(&one, &own, look_back);
    visit(&one);
    visit(&one);
    assert_in_range(one.count, 2, 6);
    assert_int_equal(one.seen, one.count);
    dismiss(&one);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_context_runs_its_entry_on_its_own_stack),
        cmocka_unit_test(the_stack_is_aligned_as_calls_want_it_wherever_it_ends),
        cmocka_unit_test(ten_thousand_contexts_take_turns),
        cmocka_unit_test(a_stack_serves_another_context_when_one_has_left_in_the_middle),
        cmocka_unit_test(a_context_that_never_ran_can_be_released),
        cmocka_unit_test(a_context_can_be_host_to_others),
        cmocka_unit_test(a_backtrace_ends_with_the_first_frame_of_its_context),
    };
    return cmocka_run_group_tests(tests, make_guest_stacks, free_guest_stacks);
}
