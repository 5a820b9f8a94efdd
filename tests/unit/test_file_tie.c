/* SPDX-License-Identifier: MIT */
/* stream/file: what hawser_file_tie sends out, and when. */
#include "files.h"

static long read_a_line(void *argument) {
    char buf[64];
    return hawser_readline(argument, buf, sizeof buf);
}

static void what_is_written_goes_out_before_the_answer_is_awaited(void **state) {
    (void)state;
    wire w = unix_wire(SOCK_STREAM);
    hawser_file *file = hawser_makefile(w.sock, "rw");
    runner run;
    hawser_file_tie(file, file);
    assert_result(hawser_puts(file, "name? "), 6);
    assert_int_equal(unread(w.far), 0);
    start(&run, read_a_line, file);
    assert_arrives(w.far, "name? ");
    give(w, "x\n");
    assert_int_equal(finish(&run), 2);
    done(file, w);
}

static void every_way_of_reading_flushes_the_tied_file(void **state) {
    (void)state;
    wire w = unix_wire(SOCK_STREAM), screen = unix_wire(SOCK_STREAM);
    hawser_file *r = hawser_makefile(w.sock, "r"), *wr = hawser_makefile(screen.sock, "w");
    char buf[8192];
    hawser_file_tie(r, wr);
    assert_works(hawser_settimeout(w.sock, 0));
    for (int way = 0; way < 6; way++) {
        assert_result(hawser_puts(wr, "?"), 1);
        assert_fails(way == 0   ? hawser_readline(r, buf, 10)
                     : way == 1 ? hawser_read(r, buf, 10)
                     : way == 2 ? hawser_read1(r, buf, 10)
                     : way == 3 ? hawser_read1(r, buf, sizeof buf)
                     : way == 4 ? hawser_read_exactly(r, buf, 10)
                                : hawser_skip_line(r),
                     EAGAIN);
        assert_int_equal(unread(screen.far), 1);
        assert_arrives(screen.far, "?");
    }
    hawser_file_tie(r, NULL);
    assert_result(hawser_puts(wr, "?"), 1);
    assert_fails(hawser_readline(r, buf, 10), EAGAIN);
    assert_int_equal(unread(screen.far), 0);
    assert_works(hawser_file_close(r));
    assert_works(hawser_file_close(wr));
    cut(w);
    cut(screen);
}

static void nothing_is_flushed_for_input_that_is_buffered(void **state) {
    (void)state;
    wire w = unix_wire(SOCK_STREAM);
    hawser_file *file = hawser_makefile(w.sock, "rw");
    hawser_file_tie(file, file);
    give(w, "one\ntwo\nthree\n");
    for (int i = 0; i < 3; i++) {
        assert_line(file, i == 0 ? "one\n" : i == 1 ? "two\n" : "three\n");
        assert_result(hawser_puts(file, "OK "), 3);
        assert_int_equal(unread(w.far), 0);
    }
    end_input(&w);
    assert_fails(hawser_file_close(file), EPIPE);
    cut(w);
}

static void a_tied_file_that_cannot_be_flushed_fails_only_a_read_that_would_wait(void **state) {
    (void)state;
    wire w = tcp_wire(false), screen = unix_wire(SOCK_STREAM);
    hawser_file *r = hawser_makefile(w.sock, "r"), *wr = hawser_makefile(screen.sock, "w");
    char buf[10];
    hawser_file_tie(r, wr);
    end_input(&screen);
    assert_result(hawser_puts(wr, "gone"), 4);
    give(w, "there\n");
    await_input(w);
    assert_line(r, "there\n");
    assert_fails(hawser_readline(r, buf, sizeof buf), EPIPE);
    assert_sentence_has("write to ");
    end_input(&w);
    await_input(w);
    assert_line(r, "");
    hawser_file_tie(r, NULL);
    fault_syscall("recv", 1, ECONNRESET, 1);
    assert_fails(hawser_readline(r, buf, sizeof buf), ECONNRESET);
    assert_true(fault_none());
    assert_sentence_has("read from 127.0.0.1:");
    assert_fails(hawser_file_close(wr), EPIPE);
    assert_works(hawser_file_close(r));
    cut(w);
    cut(screen);
}

static void the_flush_of_a_tied_file_takes_no_longer_than_the_read_may(void **state) {
    (void)state;
    wire w = unix_wire(SOCK_STREAM), screen = unix_wire(SOCK_STREAM);
    hawser_file *r = hawser_makefile(w.sock, "r"), *wr = hawser_makefile(screen.sock, "w");
    char buf[10];
    stuff(screen.sock);
    assert_works(hawser_settimeout(screen.sock, HAWSER_NO_TIMEOUT));
    assert_works(hawser_settimeout(w.sock, 0.02));
    hawser_file_tie(r, wr);
    assert_result(hawser_puts(wr, "stuck"), 5);
    assert_fails(hawser_readline(r, buf, sizeof buf), ETIMEDOUT);
    assert_sentence_has("write to ");
    assert_works(hawser_settimeout(w.sock, 0));
    assert_fails(hawser_readline(r, buf, sizeof buf), EAGAIN);
    assert_works(hawser_settimeout(screen.sock, 0));
    assert_fails(hawser_file_close(wr), EAGAIN);
    hawser_file_tie(r, NULL);
    assert_works(hawser_file_close(r));
    cut(w);
    cut(screen);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_goes_out_before_the_answer_is_awaited),
        cmocka_unit_test(every_way_of_reading_flushes_the_tied_file),
        cmocka_unit_test(nothing_is_flushed_for_input_that_is_buffered),
        cmocka_unit_test(a_tied_file_that_cannot_be_flushed_fails_only_a_read_that_would_wait),
        cmocka_unit_test(the_flush_of_a_tied_file_takes_no_longer_than_the_read_may),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
