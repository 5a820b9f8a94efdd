/* SPDX-License-Identifier: MIT */
/* fiber/context: what a switch keeps: the values of a call, the frames of a stack, modes that are put back; on every thread. */
#include "guests.h"
#include "support.h"

#include <fenv.h>
#include <math.h>

/* More values than there are registers that a call keeps, whole numbers and fractions, and none the same. */
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

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_call_keeps_a_switch_keeps),
        cmocka_unit_test(a_deep_stack_is_still_there_after_a_switch),
        cmocka_unit_test(rounding_modes_that_are_put_back_before_a_switch_disturb_nobody),
        cmocka_unit_test(threads_switch_without_noticing_each_other),
    };
    return cmocka_run_group_tests(tests, make_guest_stacks, free_guest_stacks);
}
