/* SPDX-License-Identifier: MIT */
/* stream/file_write: formatted text. */
#include "files.h"

#include <wchar.h>

static hawser_file *writer(wire w, size_t buffer) {
    hawser_file *file = hawser_makefile(w.sock, "w");
    assert_non_null(file);
    assert_works(hawser_file_setbuf(file, buffer));
    return file;
}

static void formatted_text_is_never_cut_wherever_the_buffer_ends(void **state) {
    (void)state;
    static const size_t buffers[] = {16, 1, 0};
    for (size_t b = 0; b < 3; b++)
        for (int held = 0; held <= 16; held++)
            for (int length = 0; length <= 40; length++) {
                wire w = unix_wire(SOCK_STREAM);
                hawser_file *file = writer(w, buffers[b]);
                char expected[64], got[64] = "";
                int size = snprintf(expected, sizeof expected, "%.*s[%0*d]", held, "0123456789abcdef", length, 7);
                assert_int_equal(assert_works(hawser_write(file, expected, (size_t)held)), held);
                assert_int_equal(assert_works(hawser_printf(file, "[%0*d]", length, 7)), size - held);
                assert_works(hawser_flush(file));
                assert_true(raw_read(w.far, got, (size_t)size));
                assert_string_equal(got, expected);
                assert_int_equal(unread(w.far), 0);
                done(file, w);
            }
}

static void formatted_text_longer_than_the_buffer_goes_straight_out(void **state) {
    (void)state;
    wire w = unix_wire(SOCK_STREAM);
    hawser_file *file = writer(w, 65536);
    static char got[100010];
    assert_result(hawser_puts(file, "before "), 7);
    census before = take_census();
    assert_result(hawser_printf(file, "%0100000d", 5), 100000);
    assert_null(compare_census(before));
    assert_int_equal(unread(w.far), 100007);
    assert_true(raw_read(w.far, got, 100007));
    assert_memory_equal(got, "before 000", 10);
    assert_int_equal(got[100006], '5');
    done(file, w);
}

static ssize_t print(hawser_file *file, const char *format, ...) {
    va_list args;
    va_start(args, format);
    ssize_t result = hawser_vprintf(file, format, args);
    va_end(args);
    return result;
}

static void text_that_cannot_be_formatted_fails_and_leaves_the_buffer_alone(void **state) {
    (void)state;
    wire w = unix_wire(SOCK_STREAM);
    hawser_file *file = writer(w, 65536);
    assert_result(hawser_puts(file, "kept"), 4);
    assert_fails(print(file, "text %2147483648d", 1), EOVERFLOW);
    assert_fails(print(file, "text %ls", L"\x3b1"), EILSEQ); /* no alpha in the C locale */
    assert_int_equal(hawser_moved(), 0);
    assert_works(hawser_flush(file));
    assert_arrives(w.far, "kept");
    done(file, w);
}

static void the_errno_of_the_caller_is_what_percent_m_prints(void **state) {
    (void)state;
    static const size_t buffers[] = {100, 30, 20, 0}; /* in place, after a flush, apart, apart */
    for (size_t b = 0; b < 4; b++) {
        wire w = unix_wire(SOCK_STREAM);
        hawser_file *file = writer(w, buffers[b]);
        char expected[100];
        int length = snprintf(expected, sizeof expected, "0123456789%s", strerror(ENOENT));
        assert_result(hawser_puts(file, "0123456789"), 10);
        errno = ENOENT;
        assert_result(hawser_printf(file, "%m"), length - 10);
        assert_int_equal(errno, ENOENT);
        assert_works(hawser_flush(file));
        assert_arrives(w.far, expected);
        done(file, w);
    }
}

static void without_memory_formatted_text_fails_whole(void **state) {
    (void)state;
    wire w = unix_wire(SOCK_STREAM);
    hawser_file *file = writer(w, 65536);
    assert_result(hawser_puts(file, "held"), 4);
    fault_alloc(1);
    assert_fails(hawser_printf(file, "%5000d", 1), ENOMEM);
    assert_true(fault_none());
    fault_alloc(1);
    assert_fails(hawser_printf(file, "%70000d", 1), ENOMEM);
    assert_true(fault_none());
    assert_works(hawser_flush(file));
    assert_arrives(w.far, "held");
    done(file, w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(formatted_text_is_never_cut_wherever_the_buffer_ends),
        cmocka_unit_test(formatted_text_longer_than_the_buffer_goes_straight_out),
        cmocka_unit_test(text_that_cannot_be_formatted_fails_and_leaves_the_buffer_alone),
        cmocka_unit_test(the_errno_of_the_caller_is_what_percent_m_prints),
        cmocka_unit_test(without_memory_formatted_text_fails_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
