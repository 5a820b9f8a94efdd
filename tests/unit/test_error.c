/* SPDX-License-Identifier: MIT */
#include "support.h"

#include "base/error.h"
#include "base/task.h"

#include <errno.h>
#include <limits.h>

static void a_failure_sets_code_sentence_and_count(void **state) {
    (void)state;
    assert_int_equal(hawser__fail(ECONNREFUSED, "connect to %s:%d", "localhost", 9), -1);
    assert_int_equal(errno, ECONNREFUSED);
    assert_string_equal(hawser_error(), "connect to localhost:9: Connection refused");
    assert_int_equal(hawser_moved(), 0);
}

static void a_negative_code_means_the_same(void **state) {
    (void)state;
    assert_int_equal(hawser__fail(-EPIPE, "send"), -1);
    assert_int_equal(errno, EPIPE);
    assert_string_equal(hawser_error(), "send: Broken pipe");
    assert_int_equal(hawser__fail(-HAWSER_ENONAME, "look up no.such"), -1);
    assert_int_equal(errno, HAWSER_ENONAME);
}

static void the_next_failure_of_another_kind_forgets_what_had_moved(void **state) {
    (void)state;
    assert_int_equal(hawser__fail_moved(ECONNRESET, 12345678901, "send"), -1);
    assert_int_equal(hawser_moved(), 12345678901);
    hawser__fail(EINVAL, "bind");
    assert_int_equal(hawser_moved(), 0);
}

static void a_whole_sentence_gets_no_reason_added(void **state) {
    (void)state;
    assert_int_equal(hawser__fail_sentence(ERANGE, "port %d is too large", 65536), -1);
    assert_int_equal(errno, ERANGE);
    assert_string_equal(hawser_error(), "port 65536 is too large");
}

static void a_sentence_may_hold_the_one_before(void **state) {
    (void)state;
    hawser__fail(ENOENT, "open");
    hawser__fail_sentence(EIO, "start: %s", hawser_error());
    assert_string_equal(hawser_error(), "start: open: No such file or directory");
}

static void a_long_sentence_is_cut_and_stays_text(void **state) {
    (void)state;
    char name[2 * HAWSER__SENTENCE];
    memset(name, 'x', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    hawser__fail(ENOENT, "look up %s", name);
    assert_int_equal(strlen(hawser_error()), HAWSER__SENTENCE - 1);
    assert_int_equal(errno, ENOENT);
}

static void every_code_of_ours_has_a_text_of_its_own(void **state) {
    (void)state;
    for (int code = HAWSER_ENONAME; code <= HAWSER_ECHECK; code++) {
        assert_true(hawser_strerror(code)[0] != '\0');
        assert_null(strstr(hawser_strerror(code), "Unknown"));
        for (int other = HAWSER_ENONAME; other < code; other++)
            assert_string_not_equal(hawser_strerror(code), hawser_strerror(other));
    }
}

static void system_codes_read_as_in_strerror_and_unknown_ones_keep_their_number(void **state) {
    (void)state;
    assert_string_equal(hawser_strerror(ETIMEDOUT), "Timed out"); /* the system blames the connection */
    assert_string_equal(hawser_strerror(HAWSER_ECHECK + 1), "Unknown error 20014");
    assert_string_equal(hawser_strerror(-1), "Unknown error -1");
    needs_gnu_libc("the texts are the GNU library's everywhere, so other strerrors differ");
    for (int code = 0; code < 200; code++)
        if (code != ETIMEDOUT)
            assert_string_equal(hawser_strerror(code), strerror(code));
}

static void our_codes_never_change(void **state) {
    (void)state;
    assert_int_equal(HAWSER_ENONAME, 20001);
    assert_int_equal(HAWSER_EADDRESS, 20010);
    assert_int_equal(HAWSER_EEOF, 20012);
    assert_int_equal(HAWSER_ECHECK, 20013);
}

static long sentence_of_a_new_thread(void *argument) {
    (void)argument;
    long empty = hawser_error()[0] == '\0';
    hawser__fail(EIO, "elsewhere");
    return empty;
}

static void each_task_has_its_own_sentence(void **state) {
    (void)state;
    runner run;
    hawser__fail(ENOENT, "here");
    start(&run, sentence_of_a_new_thread, NULL);
    assert_true(finish(&run));
    assert_string_equal(run.sentence, "elsewhere: Input/output error");
    assert_string_equal(hawser_error(), "here: No such file or directory");
}

static void however_long_the_object_the_reason_is_there(void **state) {
    (void)state;
    static const char reason[] = ": Name or service not known";
    char name[2 * HAWSER__SENTENCE];
    for (size_t length = HAWSER__SENTENCE - 2 * sizeof reason; length < sizeof name; length++) {
        memset(name, 'x', length);
        name[length] = '\0';
        hawser__fail(HAWSER_ENONAME, "look up %s", name);
        const char *sentence = hawser_error();
        assert_true(strlen(sentence) > sizeof reason && strlen(sentence) < HAWSER__SENTENCE);
        assert_string_equal(sentence + strlen(sentence) - strlen(reason), reason);
        bool cut = strlen("look up ") + length + strlen(reason) >= HAWSER__SENTENCE;
        assert_int_equal(strstr(sentence, "x...: ") != NULL, cut);
    }
}

/* Worth most under the sanitizer of undefined behaviour. */
static void the_smallest_number_is_an_unknown_code_too(void **state) {
    (void)state;
    assert_string_equal(hawser_strerror(INT_MIN), "Unknown error -2147483648");
    assert_string_equal(hawser_strerror(INT_MAX), "Unknown error 2147483647");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_failure_sets_code_sentence_and_count),
        cmocka_unit_test(a_negative_code_means_the_same),
        cmocka_unit_test(the_next_failure_of_another_kind_forgets_what_had_moved),
        cmocka_unit_test(a_whole_sentence_gets_no_reason_added),
        cmocka_unit_test(a_sentence_may_hold_the_one_before),
        cmocka_unit_test(a_long_sentence_is_cut_and_stays_text),
        cmocka_unit_test(every_code_of_ours_has_a_text_of_its_own),
        cmocka_unit_test(system_codes_read_as_in_strerror_and_unknown_ones_keep_their_number),
        cmocka_unit_test(our_codes_never_change),
        cmocka_unit_test(each_task_has_its_own_sentence),
        cmocka_unit_test(however_long_the_object_the_reason_is_there),
        cmocka_unit_test(the_smallest_number_is_an_unknown_code_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
