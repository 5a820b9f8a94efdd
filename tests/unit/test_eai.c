/* SPDX-License-Identifier: MIT */
/* base/eai: trap 22, getaddrinfo's own number space. */
#include "support.h"

#include "base/error.h"

#include <netdb.h>

static void trap_22_every_eai_number_becomes_a_code_of_ours(void **state) {
    (void)state;
    static const struct {
        int eai, code;
    } cases[] = {
        {EAI_NONAME, HAWSER_ENONAME},
        {EAI_NODATA, HAWSER_ENOADDRESS},
        {EAI_ADDRFAMILY, HAWSER_ENOADDRESS},
        {EAI_AGAIN, HAWSER_ETRYAGAIN},
        {EAI_FAIL, HAWSER_ENAMESERVER},
        {EAI_SERVICE, HAWSER_ENOSERVICE},
        {EAI_FAMILY, HAWSER_EFAMILY},
        {EAI_SOCKTYPE, HAWSER_ESOCKTYPE},
        {EAI_BADFLAGS, HAWSER_EFLAGS},
        {EAI_OVERFLOW, HAWSER_EOVERFLOW},
        {EAI_MEMORY, ENOMEM},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(hawser__code_from_eai(cases[i].eai, EMFILE), cases[i].code);
}

static void trap_22_eai_system_means_errno(void **state) {
    (void)state;
    assert_int_equal(hawser__code_from_eai(EAI_SYSTEM, EMFILE), EMFILE);
    assert_int_equal(hawser__code_from_eai(EAI_SYSTEM, ENOENT), ENOENT);
    assert_int_equal(hawser__code_from_eai(EAI_SYSTEM, 0), HAWSER_ENAMESERVER);
}

static void trap_22_a_number_nobody_knows_is_a_failure_all_the_same(void **state) {
    (void)state;
    for (int eai = -300; eai <= 300; eai++)
        if (eai != EAI_SYSTEM)
            assert_true(hawser__code_from_eai(eai, 0) > 0);
    assert_int_equal(hawser__code_from_eai(-12345, EMFILE), HAWSER_ENAMESERVER);
}

static void trap_22_no_such_name_and_try_again_are_told_apart_in_words(void **state) {
    (void)state;
    assert_string_not_equal(hawser_strerror(HAWSER_ENONAME), hawser_strerror(HAWSER_ETRYAGAIN));
    assert_string_not_equal(hawser_strerror(HAWSER_ENONAME), hawser_strerror(HAWSER_ENOADDRESS));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(trap_22_every_eai_number_becomes_a_code_of_ours),
        cmocka_unit_test(trap_22_eai_system_means_errno),
        cmocka_unit_test(trap_22_a_number_nobody_knows_is_a_failure_all_the_same),
        cmocka_unit_test(trap_22_no_such_name_and_try_again_are_told_apart_in_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
