/* SPDX-License-Identifier: MIT */
/* stream/file_read: lines, wherever the input is cut and whatever their length. */
#include "files.h"

#include <unistd.h>

static const char several_lines[] = "first\r\n\nthe third\0 line has\0\0NULs\nx\n\r\nlast, without newline";
#define SEVERAL (sizeof several_lines - 1)

static void lines_come_one_by_one_and_the_last_as_it_is(void **state) {
    (void)state;
    wire w = unix_wire(SOCK_STREAM);
    hawser_file *file = open_file(w, "r");
    give_bytes(w, several_lines, SEVERAL);
    end_input(&w);
    assert_line(file, "first\r\n");
    assert_line(file, "\n");
    assert_line_bytes(file, "the third\0 line has\0\0NULs\n", 26);
    assert_line(file, "x\n");
    assert_line(file, "\r\n");
    assert_line(file, "last, without newline");
    for (int i = 0; i < 3; i++) {
        char buf[4] = "abc";
        assert_int_equal(assert_works(hawser_readline(file, buf, sizeof buf)), 0);
        assert_string_equal(buf, "");
    }
    done(file, w);
}

/* Reads on until the input pauses; returns the new end of OUT, in which the lines stand behind each other, each with a '|'. */
static size_t collect_lines(hawser_file *file, char *out, size_t at, size_t size) {
    ssize_t n;
    while ((n = hawser_readline(file, out + at, size - at - 1)) > 0) {
        at += (size_t)n;
        out[at++] = '|';
    }
    return at;
}

static void a_cut_at_any_byte_changes_no_line(void **state) {
    (void)state;
    static const size_t buffers[] = {65536, 26, 100, 0};
    for (size_t b = 0; b < sizeof buffers / sizeof *buffers; b++) {
        char whole[200];
        size_t whole_length = 0;
        for (size_t at = 0; at <= SEVERAL; at++) {
            wire w = unix_wire(SOCK_STREAM);
            hawser_file *file = open_file(w, "r");
            char got[200] = "";
            assert_works(hawser_file_setbuf(file, buffers[b]));
            assert_works(hawser_settimeout(w.sock, 0));
            give_bytes(w, several_lines, at);
            size_t length = collect_lines(file, got, 0, sizeof got);
            assert_int_equal(errno, EAGAIN);
            give_bytes(w, several_lines + at, SEVERAL - at);
            end_input(&w);
            length = collect_lines(file, got, length, sizeof got);
            if (at == 0) {
                memcpy(whole, got, sizeof whole);
                whole_length = length;
                assert_int_equal(length, SEVERAL + 6);
            }
            assert_int_equal(length, whole_length);
            assert_memory_equal(got, whole, length);
            done(file, w);
        }
    }
}

static void a_line_may_fill_the_callers_memory_and_not_one_byte_more(void **state) {
    (void)state;
    wire w = unix_wire(SOCK_STREAM);
    hawser_file *file = open_file(w, "r");
    char buf[8];
    give(w, "123456\n1234567\nrest\n");
    assert_result(hawser_readline(file, buf, 8), 7);
    assert_string_equal(buf, "123456\n");
    for (int i = 0; i < 2; i++) {
        assert_fails(hawser_readline(file, buf, 8), HAWSER_ETOOLONG);
        assert_sentence_has("it is longer than 7 bytes");
        assert_string_equal(buf, "");
        assert_int_equal(hawser_moved(), 0);
        assert_int_equal(hawser_buffered(file), 13);
    }
    assert_line(file, "1234567\n");
    assert_line(file, "rest\n");
    done(file, w);
}

static void a_last_line_that_just_fits_is_no_line_too_long(void **state) {
    (void)state;
    static const size_t buffers[] = {65536, 7, 0};
    for (size_t b = 0; b < 3; b++) {
        wire w = unix_wire(SOCK_STREAM);
        hawser_file *file = open_file(w, "r");
        char buf[8];
        assert_works(hawser_file_setbuf(file, buffers[b]));
        give(w, "1234567");
        end_input(&w);
        assert_result(hawser_readline(file, buf, 8), 7);
        assert_string_equal(buf, "1234567");
        assert_result(hawser_readline(file, buf, 8), 0);
        done(file, w);
    }
}

static void a_line_longer_than_the_buffer_is_refused_and_can_be_skipped_or_read(void **state) {
    (void)state;
    wire w = unix_wire(SOCK_STREAM);
    hawser_file *file = open_file(w, "r");
    char buf[64];
    assert_works(hawser_file_setbuf(file, 16));
    give(w, "0123456789abcde\n0123456789abcdef\nnext\n0123456789abcdef\nlast\n");
    assert_line(file, "0123456789abcde\n");
    assert_fails(hawser_readline(file, buf, sizeof buf), HAWSER_ETOOLONG);
    assert_sentence_has("it is longer than 16 bytes");
    assert_int_equal(assert_works(hawser_skip_line(file)), 17);
    assert_line(file, "next\n");
    assert_fails(hawser_readline(file, buf, sizeof buf), HAWSER_ETOOLONG);
    assert_result(hawser_read(file, buf, 17), 17);
    assert_memory_equal(buf, "0123456789abcdef\n", 17);
    assert_line(file, "last\n");
    done(file, w);
}

static void room_for_the_nul_alone_holds_no_line_and_less_is_refused(void **state) {
    (void)state;
    wire w = unix_wire(SOCK_STREAM);
    hawser_file *file = open_file(w, "r");
    char buf[2] = "x";
    assert_fails(hawser_readline(file, buf, 0), EINVAL);
    assert_string_equal(buf, "x");
    give(w, "\n");
    assert_fails(hawser_readline(file, buf, 1), HAWSER_ETOOLONG);
    assert_string_equal(buf, "");
    assert_line(file, "\n");
    end_input(&w);
    assert_result(hawser_readline(file, buf, 1), 0);
    done(file, w);
}

static void a_line_of_64_kib_needs_no_setting_and_its_memory_is_given_back(void **state) {
    (void)state;
    wire w = unix_wire(SOCK_STREAM);
    hawser_file *file = open_file(w, "r");
    static char line[65536], got[65537];
    drop_loan();
    census before = take_census();
    memset(line, 'y', sizeof line);
    line[65535] = '\n';
    give_bytes(w, line, sizeof line);
    assert_result(hawser_readline(file, got, sizeof got), 65536);
    assert_memory_equal(got, line, sizeof line);
    drop_loan();
    assert_null(compare_census(before));
    line[65535] = 'y';
    give_bytes(w, line, sizeof line);
    give(w, "\n");
    assert_fails(hawser_readline(file, got, sizeof got), HAWSER_ETOOLONG);
    assert_int_equal(assert_works(hawser_skip_line(file)), 65537);
    assert_null(compare_census(before));
    done(file, w);
}

static void skipping_counts_what_it_drops_and_stops_at_the_end(void **state) {
    (void)state;
    wire w = unix_wire(SOCK_STREAM);
    hawser_file *file = open_file(w, "r");
    assert_works(hawser_file_setbuf(file, 4));
    give(w, "a long line\n\nrest");
    end_input(&w);
    assert_int_equal(assert_works(hawser_skip_line(file)), 12);
    assert_int_equal(assert_works(hawser_skip_line(file)), 1);
    assert_int_equal(assert_works(hawser_skip_line(file)), 4);
    assert_int_equal(assert_works(hawser_skip_line(file)), 0);
    done(file, w);
}

static void a_skip_that_times_out_says_what_it_dropped_and_goes_on(void **state) {
    (void)state;
    wire w = unix_wire(SOCK_STREAM);
    hawser_file *file = open_file(w, "r");
    assert_works(hawser_settimeout(w.sock, 0));
    give(w, "half of");
    assert_fails(hawser_skip_line(file), EAGAIN);
    assert_int_equal(hawser_moved(), 7);
    give(w, " it\nnext\n");
    assert_int_equal(assert_works(hawser_skip_line(file)), 4);
    assert_line(file, "next\n");
    done(file, w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_come_one_by_one_and_the_last_as_it_is),
        cmocka_unit_test(a_cut_at_any_byte_changes_no_line),
        cmocka_unit_test(a_line_may_fill_the_callers_memory_and_not_one_byte_more),
        cmocka_unit_test(a_last_line_that_just_fits_is_no_line_too_long),
        cmocka_unit_test(a_line_longer_than_the_buffer_is_refused_and_can_be_skipped_or_read),
        cmocka_unit_test(room_for_the_nul_alone_holds_no_line_and_less_is_refused),
        cmocka_unit_test(a_line_of_64_kib_needs_no_setting_and_its_memory_is_given_back),
        cmocka_unit_test(skipping_counts_what_it_drops_and_stops_at_the_end),
        cmocka_unit_test(a_skip_that_times_out_says_what_it_dropped_and_goes_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
