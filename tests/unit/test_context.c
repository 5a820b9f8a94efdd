/* SPDX-License-Identifier: MIT */
/*
 * fiber/context: contexts switched by hand, without a scheduler. Assertions leave by longjmp, so they are made on the thread's
 * own stack; what runs on another stack notes what it saw.
 */
#include "support.h"

#include <fenv.h>
#include <math.h>
#include <string.h>

#include "fiber/context.h"
#include "fiber/sanitizers.h"
#include "fiber/stack.h"
#include "frames.h"

/* ThreadSanitizer can have 8,000 threads and contexts at most, and takes its time to make them. */
#ifdef HAWSER__TSAN
#define CROWD 1000
#else
#define CROWD 10000
#endif
#define STACK ((size_t)256 * 1024)

typedef struct guest {
    hawser__context context;
    hawser__context *host;
    void *stack;
    size_t size;
    long number, count, seen;
    bool wrong;
} guest;

static hawser__stacks *stacks;

static int make_stacks(void **state) {
    (void)state;
    stacks = hawser__stacks_new(STACK);
    return stacks ? 0 : -1;
}

static int free_stacks(void **state) {
    (void)state;
    hawser__stacks_free(stacks);
    return 0;
}

/* On the next stack there is, seen from HOST. */
static void invite(guest *one, hawser__context *host, void (*entry)(void *)) {
    one->host = host;
    one->stack = hawser__stacks_take(stacks, &one->size);
    if (!one->stack)
        abort();
    hawser__context_make(&one->context, one->stack, one->size, entry, one);
}

static void dismiss(guest *one) {
    hawser__context_release(&one->context);
    hawser__stacks_give(stacks, one->stack);
}

static void go_back(guest *one) {
    hawser__context_switch(&one->context, one->host);
}

_Noreturn static void leave(guest *one) {
    hawser__context_exit(&one->context, one->host);
}

static void visit(guest *one) {
    hawser__context_switch(one->host, &one->context);
}

/* Where it runs. */

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

/* What is kept. More values than there are registers that a call keeps, whole numbers and fractions, and none the same. */
static bool juggle(guest *self) {
    long n = self->number;
    long a = n + 1, b = n * 3, c = n ^ 5, d = n - 7, e = n * 11, f = n + 13, g = n * 17, h = n - 19, i = n * 23, j = n + 29;
    double p = (double)n / 3, q = (double)n / 7, r = (double)n / 11, s = (double)n / 13;
    double t = p + q, u = q - r, v = r * s, w = s + t;
    bool same = true;
    for (long round = 0; round < self->count; round++) {
        go_back(self);
        a += 1, b += 2, c += 3, d += 4, e += 5, f += 6, g += 7, h += 8, i += 9, j += 10;
        p += 1, q += 2, r += 3, s += 4, t += 5, u += 6, v += 7, w += 8;
        same = same && self->number == n && a == n + 2 + round && j == n + 39 + round * 10;
    }
    double k = (double)self->count, x = (double)n / 3, y = (double)n / 7, z = (double)n / 11, o = (double)n / 13;
    long m = self->count;
    return same && b == n * 3 + 2 * m && c == (n ^ 5) + 3 * m && d == n - 7 + 4 * m && e == n * 11 + 5 * m &&
           f == n + 13 + 6 * m && g == n * 17 + 7 * m && h == n - 19 + 8 * m && i == n * 23 + 9 * m &&
           fabs(p - x - k) < 1e-6 && fabs(q - y - 2 * k) < 1e-6 && fabs(r - z - 3 * k) < 1e-6 && fabs(s - o - 4 * k) < 1e-6 &&
           fabs(t - x - y - 5 * k) < 1e-6 && fabs(u - y + z - 6 * k) < 1e-6 && fabs(v - z * o - 7 * k) < 1e-6 &&
           fabs(w - o - x - y - 8 * k) < 1e-6;
}

static void run_juggler(void *arg) {
    guest *self = arg;
    self->wrong = !juggle(self);
    self->seen = 1;
    leave(self);
}

static void what_a_call_keeps_a_switch_keeps(void **state) {
    (void)state;
    enum { GUESTS = 7, ROUNDS = 100 };
    hawser__context own;
    guest guests[GUESTS] = {{.number = 0}};
    hawser__context_adopt(&own);
    for (int i = 0; i < GUESTS; i++) {
        guests[i] = (guest){.number = 1000 * i + 1, .count = ROUNDS};
        invite(&guests[i], &own, run_juggler);
    }
    for (int round = 0; round <= ROUNDS; round++)
        for (int i = 0; i < GUESTS; i++)
            visit(&guests[i]);
    for (int i = 0; i < GUESTS; i++) {
        assert_int_equal(guests[i].seen, 1);
        assert_false(guests[i].wrong);
        dismiss(&guests[i]);
    }
}

static long descend(guest *self, long depth) {
    volatile long local[4] = {depth, depth + 1, depth + 2, depth + 3};
    if (depth == 0)
        go_back(self);
    else if (descend(self, depth - 1) != (depth - 1) * 4 + 6)
        return -1;
    return local[0] + local[1] + local[2] + local[3];
}

static void recurse(void *arg) {
    guest *self = arg;
    self->wrong = descend(self, self->count) != self->count * 4 + 6;
    self->seen++;
    leave(self);
}

static void a_deep_stack_is_still_there_after_a_switch(void **state) {
    (void)state;
    hawser__context own;
    guest guests[2] = {{.count = 200}, {.count = 300}};
    hawser__context_adopt(&own);
    for (int i = 0; i < 2; i++)
        invite(&guests[i], &own, recurse);
    for (int i = 0; i < 4; i++)
        visit(&guests[i % 2]);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(guests[i].seen, 1);
        assert_false(guests[i].wrong);
        dismiss(&guests[i]);
    }
}

static void turn_upwards(void *arg) {
    guest *self = arg;
    int before = fegetround();
    fesetround(FE_UPWARD);
    volatile double third = 1.0, three = 3.0;
    third /= three;
    self->seen = third * 3 > 1.0 || third > 1.0 / 3.0;
    fesetround(before);
    go_back(self);
    self->wrong = fegetround() != FE_TONEAREST;
    leave(self);
}

static void rounding_modes_that_are_put_back_before_a_switch_disturb_nobody(void **state) {
    (void)state;
    hawser__context own;
    guest one = {.number = 0};
    hawser__context_adopt(&own);
    invite(&one, &own, turn_upwards);
    visit(&one);
    assert_int_equal(one.seen, 1);
    assert_int_equal(fegetround(), FE_TONEAREST);
    visit(&one);
    assert_false(one.wrong);
    dismiss(&one);
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

/* Threads each have their own; the pool is common. */
static long take_turns_on_a_thread(void *argument) {
    hawser__context own;
    guest guests[10];
    long wrong = 0;
    hawser__context_adopt(&own);
    for (int again = 0; again < 20; again++) {
        for (int i = 0; i < 10; i++) {
            guests[i] = (guest){.number = (long)(intptr_t)argument + i, .count = 50};
            invite(&guests[i], &own, run_juggler);
        }
        for (int round = 0; round <= 50; round++)
            for (int i = 0; i < 10; i++)
                visit(&guests[i]);
        for (int i = 0; i < 10; i++) {
            wrong += guests[i].wrong || guests[i].seen != 1;
            dismiss(&guests[i]);
        }
    }
    return wrong;
}

static void threads_switch_without_noticing_each_other(void **state) {
    (void)state;
    runner runs[4];
    for (int i = 0; i < 4; i++)
        start(&runs[i], take_turns_on_a_thread, (void *)(intptr_t)(i * 100));
    for (int i = 0; i < 4; i++)
        assert_int_equal(finish(&runs[i]), 0);
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
        cmocka_unit_test(what_a_call_keeps_a_switch_keeps),
        cmocka_unit_test(a_deep_stack_is_still_there_after_a_switch),
        cmocka_unit_test(rounding_modes_that_are_put_back_before_a_switch_disturb_nobody),
        cmocka_unit_test(ten_thousand_contexts_take_turns),
        cmocka_unit_test(a_stack_serves_another_context_when_one_has_left_in_the_middle),
        cmocka_unit_test(a_context_that_never_ran_can_be_released),
        cmocka_unit_test(a_context_can_be_host_to_others),
        cmocka_unit_test(threads_switch_without_noticing_each_other),
        cmocka_unit_test(a_backtrace_ends_with_the_first_frame_of_its_context),
    };
    return cmocka_run_group_tests(tests, make_stacks, free_stacks);
}
