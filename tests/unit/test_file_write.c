/* SPDX-License-Identifier: MIT */
/* stream/file_write: what is held back and what goes out, and in which order. */
#include "files.h"

#include <unistd.h>

static hawser_file *writer(wire w, size_t buffer) {
    hawser_file *file = hawser_makefile(w.sock, "w");
    assert_non_null(file);
    assert_works(hawser_file_setbuf(file, buffer));
    return file;
}

static void nothing_goes_out_before_the_flush(void **state) {
    (void)state;
    wire w = unix_wire(SOCK_STREAM);
    hawser_file *file = writer(w, 65536);
    assert_int_equal(assert_works(hawser_write(file, "ab\0c", 4)), 4);
    assert_int_equal(assert_works(hawser_puts(file, "def")), 3);
    assert_int_equal(assert_works(hawser_printf(file, "%s %d\n", "ghi", 42)), 7);
    assert_int_equal(assert_works(hawser_write(file, NULL, 0)), 0);
    assert_int_equal(assert_works(hawser_puts(file, "")), 0);
    assert_int_equal(assert_works(hawser_printf(file, "%s", "")), 0);
    assert_int_equal(unread(w.far), 0);
    assert_works(hawser_flush(file));
    assert_arrives_bytes(w.far, "ab\0cdefghi 42\n", 14);
    assert_works(hawser_flush(file));
    assert_int_equal(unread(w.far), 0);
    done(file, w);
}

static void a_full_buffer_sends_what_it_held_before_it_takes_more(void **state) {
    (void)state;
    wire w = unix_wire(SOCK_STREAM);
    hawser_file *file = writer(w, 8);
    assert_result(hawser_write(file, "12345678", 8), 8);
    assert_int_equal(unread(w.far), 0);
    assert_result(hawser_write(file, "9", 1), 1);
    assert_arrives(w.far, "12345678");
    assert_result(hawser_write(file, "abcdefgh", 8), 8);
    assert_arrives(w.far, "9");
    assert_works(hawser_flush(file));
    assert_arrives(w.far, "abcdefgh");
    done(file, w);
}

static void a_buffer_made_smaller_takes_no_more_than_its_new_maximum(void **state) {
    (void)state;
    wire w = unix_wire(SOCK_STREAM);
    hawser_file *file = writer(w, 65536);
    assert_result(hawser_puts(file, "12345678"), 8);
    assert_works(hawser_file_setbuf(file, 10));
    assert_result(hawser_printf(file, "%d", 90), 2);
    assert_int_equal(unread(w.far), 0);
    assert_result(hawser_printf(file, "%d", 12), 2);
    assert_arrives(w.far, "1234567890");
    done(file, w);
}

static void a_write_larger_than_the_buffer_goes_out_at_once_behind_what_was_held(void **state) {
    (void)state;
    wire w = unix_wire(SOCK_STREAM);
    hawser_file *file = writer(w, 8);
    assert_result(hawser_puts(file, "first "), 6);
    assert_result(hawser_puts(file, "larger than eight"), 17);
    assert_arrives(w.far, "first larger than eight");
    assert_result(hawser_puts(file, " last"), 5);
    assert_works(hawser_flush(file));
    assert_arrives(w.far, " last");
    done(file, w);
}

static void unbuffered_writes_go_out_at_once(void **state) {
    (void)state;
    wire w = unix_wire(SOCK_STREAM);
    hawser_file *file = writer(w, 0);
    assert_result(hawser_write(file, "a", 1), 1);
    assert_arrives(w.far, "a");
    assert_result(hawser_puts(file, "line\n"), 5);
    assert_arrives(w.far, "line\n");
    assert_result(hawser_printf(file, "%d,%s", 7, "x"), 3);
    assert_arrives(w.far, "7,x");
    assert_int_equal(assert_works(hawser_write(file, NULL, 0)), 0);
    assert_int_equal(assert_works(hawser_printf(file, "%s", "")), 0);
    done(file, w);
}

static void closing_flushes(void **state) {
    (void)state;
    wire w = unix_wire(SOCK_STREAM);
    hawser_file *file = writer(w, 65536);
    assert_result(hawser_puts(file, "bye"), 3);
    assert_works(hawser_file_close(file));
    assert_arrives(w.far, "bye");
    cut(w);
}

static void take_what_came(hawser_file *in, char *got, size_t *at, size_t size) {
    ssize_t n;
    while ((n = hawser_read1(in, got + *at, size - *at)) > 0)
        *at += (size_t)n;
}

static void a_megabyte_arrives_whole_in_pieces_of_any_size(void **state) {
    (void)state;
    static const size_t pieces[] = {1, 4095, 4096, 4097, 65535, 65536, 65537, 300000, 1 << 20};
    static char many[1 << 20], got[1 << 20];
    fill_pattern(many, sizeof many);
    for (size_t p = 0; p < sizeof pieces / sizeof *pieces; p++) {
        hawser_sock *ends[2];
        assert_works(hawser_socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
        assert_works(hawser_settimeout(ends[0], 0));
        assert_works(hawser_settimeout(ends[1], 0));
        hawser_file *in = hawser_makefile(ends[0], "r"), *out = hawser_makefile(ends[1], "w");
        size_t wrote = 0, read = 0;
        memset(got, 0, sizeof got);
        while (wrote < sizeof many) {
            size_t piece = sizeof many - wrote < pieces[p] ? sizeof many - wrote : pieces[p];
            ssize_t n = hawser_write(out, many + wrote, piece);
            wrote += n < 0 ? (size_t)hawser_moved() : (size_t)n;
            if (n < 0)
                take_what_came(in, got, &read, sizeof got);
        }
        while (hawser_flush(out) < 0)
            take_what_came(in, got, &read, sizeof got);
        take_what_came(in, got, &read, sizeof got);
        assert_int_equal(read, sizeof got);
        assert_memory_equal(got, many, sizeof got);
        assert_works(hawser_file_close(out));
        assert_works(hawser_file_close(in));
        hawser_close(ends[0]);
        hawser_close(ends[1]);
    }
}

static void writing_a_file_opened_for_reading_is_refused(void **state) {
    (void)state;
    wire w = unix_wire(SOCK_STREAM);
    hawser_file *file = hawser_makefile(w.sock, "r");
    assert_fails(hawser_write(file, "x", 1), EBADF);
    assert_sentence_has("write to ");
    assert_sentence_has(": the file was not opened for that");
    assert_fails(hawser_puts(file, "x"), EBADF);
    assert_fails(hawser_printf(file, "x"), EBADF);
    assert_works(hawser_flush(file));
    done(file, w);
}

static void a_buffer_that_was_sent_gives_its_memory_back(void **state) {
    (void)state;
    wire w = unix_wire(SOCK_STREAM);
    hawser_file *file = writer(w, 65536);
    static const char many[20000];
    census before = take_census();
    assert_result(hawser_write(file, many, sizeof many), sizeof many);
    assert_int_equal(take_census().allocations, before.allocations + 1);
    assert_works(hawser_flush(file));
    assert_null(compare_census(before));
    done(file, w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_goes_out_before_the_flush),
        cmocka_unit_test(a_full_buffer_sends_what_it_held_before_it_takes_more),
        cmocka_unit_test(a_buffer_made_smaller_takes_no_more_than_its_new_maximum),
        cmocka_unit_test(a_write_larger_than_the_buffer_goes_out_at_once_behind_what_was_held),
        cmocka_unit_test(unbuffered_writes_go_out_at_once),
        cmocka_unit_test(closing_flushes),
        cmocka_unit_test(a_megabyte_arrives_whole_in_pieces_of_any_size),
        cmocka_unit_test(writing_a_file_opened_for_reading_is_refused),
        cmocka_unit_test(a_buffer_that_was_sent_gives_its_memory_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
