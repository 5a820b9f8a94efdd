/* SPDX-License-Identifier: MIT */
/* sched/sight: who runs on a worker, seen from another thread, and what is said of it. What it is for is in test_watchdog.c. */
#include "fibers.h"
#include "support.h"

#include <dlfcn.h>

#include "sched/run.h"
#include "sched/sight.h"

static void assert_quoted(const char *name, const char *expected) {
    char text[HAWSER__QUOTED];
    assert_int_equal(hawser__quote(name, text, sizeof text), strlen(expected));
    assert_string_equal(text, expected);
}

static void a_name_is_quoted_so_that_a_line_stays_a_line(void **state) {
    (void)state;
    assert_quoted("", "");
    assert_quoted("talk 7 ~", "talk 7 ~");
    assert_quoted("a\nb", "a\\x0ab");
    assert_quoted("\x1b[31m", "\\x1b[31m");
    assert_quoted("say \"yes\\no\"", "say \\x22yes\\x5cno\\x22");
    assert_quoted("gr\xc3\xb6\xc3\x9f\x7f", "gr\\xc3\\xb6\\xc3\\x9f\\x7f");
}

static void a_quoted_name_is_cut_between_characters(void **state) {
    (void)state;
    for (size_t size = 1; size < 24; size++) {
        char text[24];
        memset(text, '#', sizeof text);
        size_t length = hawser__quote("\x01\x02\x03\x04\x05\x06", text, size);
        assert_int_equal(length % 4, 0);
        assert_true(length < size && strlen(text) == length);
    }
}

static int own_function(void *arg) {
    (void)arg;
    return 0;
}

static void a_function_is_called_by_its_name_or_its_place(void **state) {
    (void)state;
    char text[HAWSER__CALLED];
    hawser__function_text((hawser_fn)(uintptr_t)atoi, text, sizeof text);
    bool by_address = strncmp(text, "function at 0x", 14) == 0; /* a static program has no names */
    assert_true(by_address || dlsym(RTLD_DEFAULT, text) == (void *)(uintptr_t)atoi);
    hawser__function_text(own_function, text, sizeof text);
    assert_non_null(strstr(text, by_address ? "function at 0x" : "unit_test_sight+0x"));
}

/* Each step that failed is a bit of the result. */
static int look_at_oneself(void *arg) {
    struct hawser__identity who = {.number = 0};
    hawser__fiber *self = hawser__fiber_current();
    hawser__sight sight = hawser__sight_take(self->worker);
    int wrong = 0;
    (void)arg;
    hawser_fiber_setname("watched");
    wrong |= sight.fiber != self;
    wrong |= (!hawser__sight_identify(self->worker, sight, &who) || who.number != self->number) << 1;
    wrong |= (strcmp(who.name, "watched") != 0) << 2;
    hawser_yield();
    hawser__sight later = hawser__sight_take(self->worker);
    wrong |= (later.fiber != self || hawser__sight_equal(sight, later)) << 3;
    wrong |= hawser__sight_identify(self->worker, sight, &who) << 4;
    wrong |= hawser__sight_identify(self->worker, (hawser__sight){.fiber = NULL, .switches = later.switches}, &who) << 5;
    return wrong;
}

static void a_fiber_that_was_switched_away_from_is_another_sight(void **state) {
    (void)state;
    assert_int_equal(run_on_workers(1, look_at_oneself, NULL), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_is_quoted_so_that_a_line_stays_a_line),
        cmocka_unit_test(a_quoted_name_is_cut_between_characters),
        cmocka_unit_test(a_function_is_called_by_its_name_or_its_place),
        cmocka_unit_test(a_fiber_that_was_switched_away_from_is_another_sight),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
