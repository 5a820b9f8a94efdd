/* SPDX-License-Identifier: MIT */
/* The order of a race (trap 6): families in turn, the resolver's order within each. */
#include "support.h"

#include "net/race_order.h"

#define MOST 12

/* ORDER as the resolver gave it, a letter each: '6' and '4' for the families. What comes out, each with its place among all. */
static void assert_order(const char *order, const char *expected) {
    hawser_addrinfo entries[MOST] = {{.next = NULL}}, *list = NULL, **end = &list;
    for (size_t i = 0; order[i]; i++) {
        entries[i].family = order[i] == '6' ? AF_INET6 : AF_INET;
        *end = &entries[i];
        end = &entries[i].next;
    }
    hawser__race_order(&list);
    char got[4 * MOST] = "";
    for (const hawser_addrinfo *at = list; at; at = at->next)
        snprintf(got + strlen(got), sizeof got - strlen(got), "%s%d", got[0] ? " " : "", (int)(at - entries));
    assert_string_equal(got, expected);
}

static void families_take_turns_starting_with_the_resolvers_first(void **state) {
    (void)state;
    assert_order("6644", "0 2 1 3");
    assert_order("4466", "0 2 1 3");
    assert_order("666644", "0 4 1 5 2 3");
    assert_order("6444", "0 1 2 3");
    assert_order("46666664", "0 1 7 2 3 4 5 6");
}

static void what_is_in_turn_already_stays(void **state) {
    (void)state;
    assert_order("6464", "0 1 2 3");
    assert_order("46", "0 1");
}

static void one_family_keeps_its_order(void **state) {
    (void)state;
    assert_order("4444", "0 1 2 3");
    assert_order("6", "0");
    assert_order("", "");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(families_take_turns_starting_with_the_resolvers_first),
        cmocka_unit_test(what_is_in_turn_already_stays),
        cmocka_unit_test(one_family_keeps_its_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
