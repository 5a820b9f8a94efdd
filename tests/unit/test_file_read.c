/* SPDX-License-Identifier: MIT */
/* stream/file_read: bytes, and what a reader keeps when a call fails. */
#include "files.h"

#include <signal.h>
#include <unistd.h>

static const char several_lines[] = "first\r\n\nthe third\0 line has\0\0NULs\nx\n\r\nlast, without newline";
#define SEVERAL (sizeof several_lines - 1)

/* Bytes. */

static void read_gives_all_that_is_asked_and_less_only_at_the_end(void **state) {
    (void)state;
    wire w = unix_wire(SOCK_STREAM);
    hawser_file *file = open_file(w, "r");
    char buf[16];
    give(w, "abcdefgh");
    assert_int_equal(assert_works(hawser_read(file, buf, 0)), 0);
    assert_int_equal(assert_works(hawser_read(file, NULL, 0)), 0);
    assert_int_equal(assert_works(hawser_read(file, buf, 3)), 3);
    assert_memory_equal(buf, "abc", 3);
    end_input(&w);
    assert_int_equal(assert_works(hawser_read(file, buf, sizeof buf)), 5);
    assert_memory_equal(buf, "defgh", 5);
    assert_int_equal(assert_works(hawser_read(file, buf, sizeof buf)), 0);
    done(file, w);
}

static void a_read_cut_at_any_byte_loses_nothing(void **state) {
    (void)state;
    static const size_t buffers[] = {65536, SEVERAL, 20, 0};
    for (size_t b = 0; b < sizeof buffers / sizeof *buffers; b++)
        for (size_t at = 0; at < SEVERAL; at++) {
            wire w = unix_wire(SOCK_STREAM);
            hawser_file *file = open_file(w, "r");
            char buf[SEVERAL];
            assert_works(hawser_file_setbuf(file, buffers[b]));
            assert_works(hawser_settimeout(w.sock, 0));
            give_bytes(w, several_lines, at);
            assert_fails(hawser_read(file, buf, SEVERAL), EAGAIN);
            size_t moved = (size_t)hawser_moved();
            assert_int_equal(moved, SEVERAL <= buffers[b] ? 0 : at);
            give_bytes(w, several_lines + at, SEVERAL - at);
            assert_result(hawser_read(file, buf + moved, SEVERAL - moved), (int64_t)(SEVERAL - moved));
            assert_memory_equal(buf, several_lines, SEVERAL);
            done(file, w);
        }
}

static void a_read_larger_than_the_buffer_goes_straight_into_the_callers_memory(void **state) {
    (void)state;
    wire w = unix_wire(SOCK_STREAM);
    hawser_file *file = open_file(w, "r");
    char buf[64];
    assert_works(hawser_file_setbuf(file, 8));
    give(w, "one\n");
    assert_line(file, "one\n");
    census before = take_census();
    give(w, "twothree-four-five");
    assert_result(hawser_read(file, buf, 3), 3);
    assert_int_equal(hawser_buffered(file), 5);
    assert_result(hawser_read(file, buf, 9), 9);
    assert_memory_equal(buf, "three-fou", 9);
    assert_int_equal(hawser_buffered(file), 0);
    assert_int_equal(unread(hawser_fileno(w.sock)), 6);
    assert_null(compare_census(before));
    done(file, w);
}

static void read1_gives_what_is_there(void **state) {
    (void)state;
    wire w = unix_wire(SOCK_STREAM);
    hawser_file *file = open_file(w, "r");
    static char buf[8192];
    assert_int_equal(assert_works(hawser_read1(file, buf, 0)), 0);
    give(w, "abcdef");
    assert_int_equal(assert_works(hawser_read1(file, buf, 2)), 2);
    assert_int_equal(hawser_buffered(file), 4);
    give(w, "more");
    assert_int_equal(assert_works(hawser_read1(file, buf, sizeof buf)), 4);
    assert_memory_equal(buf, "cdef", 4);
    assert_int_equal(assert_works(hawser_read1(file, buf, sizeof buf)), 4);
    assert_memory_equal(buf, "more", 4);
    assert_works(hawser_settimeout(w.sock, 0));
    assert_fails(hawser_read1(file, buf, 2), EAGAIN);
    assert_fails(hawser_read1(file, buf, sizeof buf), EAGAIN);
    end_input(&w);
    assert_int_equal(assert_works(hawser_read1(file, buf, 2)), 0);
    assert_int_equal(assert_works(hawser_read1(file, buf, sizeof buf)), 0);
    done(file, w);
}

static void read_exactly_tells_an_end_before_from_an_end_in_the_middle(void **state) {
    (void)state;
    static const size_t buffers[] = {65536, 3, 0};
    for (size_t b = 0; b < 3; b++) {
        wire w = unix_wire(SOCK_STREAM);
        hawser_file *file = open_file(w, "r");
        char buf[8];
        assert_works(hawser_file_setbuf(file, buffers[b]));
        give(w, "12345678abc");
        end_input(&w);
        assert_int_equal(assert_works(hawser_read_exactly(file, buf, 8)), 8);
        assert_memory_equal(buf, "12345678", 8);
        assert_fails(hawser_read_exactly(file, buf, 8), HAWSER_EEOF);
        assert_int_equal(hawser_moved(), 3);
        assert_memory_equal(buf, "abc", 3);
        assert_int_equal(assert_works(hawser_read_exactly(file, buf, 8)), 0);
        done(file, w);
    }
}

static void unbuffered_reads_leave_the_rest_in_the_socket(void **state) {
    (void)state;
    wire w = unix_wire(SOCK_STREAM);
    hawser_file *file = open_file(w, "r");
    char buf[16];
    int fd = hawser_fileno(w.sock);
    assert_works(hawser_file_setbuf(file, 0));
    give(w, "line\n12345678\nlong line\nend\nrest");
    assert_line(file, "line\n");
    assert_int_equal(unread(fd), 27);
    assert_result(hawser_read(file, buf, 4), 4);
    assert_int_equal(unread(fd), 23);
    assert_result(hawser_read1(file, buf, 2), 2);
    assert_int_equal(unread(fd), 21);
    assert_result(hawser_read_exactly(file, buf, 2), 2);
    assert_int_equal(unread(fd), 19);
    assert_result(hawser_skip_line(file), 1);
    assert_result(hawser_skip_line(file), 10);
    assert_int_equal(unread(fd), 8);
    assert_fails(hawser_readline(file, buf, 3), HAWSER_ETOOLONG);
    assert_int_equal(hawser_buffered(file), 3);
    assert_int_equal(unread(fd), 5);
    assert_line(file, "end\n");
    assert_int_equal(hawser_buffered(file), 0);
    assert_int_equal(unread(fd), 4);
    assert_result(hawser_recv(w.sock, buf, sizeof buf), 4);
    done(file, w);
}

/* Failures. */

static void the_timeout_of_the_socket_bounds_a_read_and_the_partial_line_stays(void **state) {
    (void)state;
    wire w = tcp_wire(false);
    hawser_file *file = open_file(w, "r");
    char buf[100];
    assert_works(hawser_settimeout(w.sock, 0.05));
    give(w, "par");
    await_input(w);
    double began = seconds_now();
    assert_fails(hawser_readline(file, buf, sizeof buf), ETIMEDOUT);
    assert_true(seconds_now() - began >= 0.049);
    assert_true(seconds_now() - began < WAIT_LIMIT / 2);
    assert_sentence_has("read from 127.0.0.1:");
    assert_sentence_has(": Timed out");
    assert_int_equal(hawser_buffered(file), 3);
    assert_fails(hawser_read(file, buf, 10), ETIMEDOUT);
    assert_int_equal(hawser_moved(), 0);
    give(w, "tial\n");
    assert_works(hawser_settimeout(w.sock, WAIT_LIMIT));
    assert_line(file, "partial\n");
    done(file, w);
}

struct interruption {
    hawser_file *file;
    long results[3];
    int codes[3];
    char line[32];
    atomic_bool twice;
};

static bool interrupted_twice(void *read) {
    return atomic_load(&((struct interruption *)read)->twice);
}

static long interrupted_read(void *argument) {
    struct interruption *read = argument;
    if (hawser_interrupt_on_signal(SIGUSR2) < 0)
        return -1;
    read->results[0] = hawser_readline(read->file, read->line, sizeof read->line);
    read->codes[0] = errno;
    read->results[1] = hawser_readline(read->file, read->line, sizeof read->line);
    read->codes[1] = errno;
    atomic_store(&read->twice, true);
    hawser_interrupt_clear();
    read->results[2] = hawser_readline(read->file, read->line, sizeof read->line);
    return hawser_interrupt_restore(SIGUSR2);
}

static void an_interrupted_read_keeps_what_came_and_can_go_on(void **state) {
    (void)state;
    wire w = unix_wire(SOCK_STREAM);
    struct interruption read = {.file = open_file(w, "r")};
    runner run;
    give(w, "in two ");
    start(&run, interrupted_read, &read);
    assert_true(blocked(&run));
    pthread_kill(run.thread, SIGUSR2);
    assert_true(wait_until(interrupted_twice, &read));
    assert_int_equal(hawser_buffered(read.file), 7);
    give(w, "halves\n");
    assert_int_equal(finish(&run), 0);
    assert_int_equal(read.results[2], 14);
    assert_string_equal(read.line, "in two halves\n");
    assert_int_equal(read.results[0], -1);
    assert_int_equal(read.codes[0], ECANCELED);
    assert_int_equal(read.results[1], -1);
    assert_int_equal(read.codes[1], ECANCELED);
    done(read.file, w);
}

static long read_a_line(void *argument) {
    char buf[64];
    return hawser_readline(argument, buf, sizeof buf);
}

static void signals_nobody_asked_for_are_not_seen(void **state) {
    (void)state;
    wire w = unix_wire(SOCK_STREAM);
    hawser_file *file = open_file(w, "r");
    runner run;
    count_signals();
    start(&run, read_a_line, file);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(pester(&run, 3), 3);
        give_bytes(w, &"abc\n"[i], 1);
    }
    assert_int_equal(finish(&run), 4);
    done(file, w);
}

static void what_came_before_a_reset_is_read_first(void **state) {
    (void)state;
    wire w = tcp_wire(false);
    hawser_file *file = open_file(w, "r");
    hawser_addr peer;
    char sentence[600], buf[100];
    assert_works(hawser_getpeername(w.sock, &peer));
    snprintf(sentence, sizeof sentence, "read from %s: Connection reset by peer", hawser_addr_str(&peer));
    give(w, "whole\nhal");
    assert_line(file, "whole\n");
    raw_reset(w.far);
    w.far = -1;
    assert_fails(hawser_readline(file, buf, sizeof buf), ECONNRESET);
    assert_sentence(sentence);
    assert_int_equal(hawser_buffered(file), 3);
    assert_line(file, "hal");
    assert_int_equal(assert_works(hawser_readline(file, buf, sizeof buf)), 0);
    assert_int_equal(assert_works(hawser_read(file, buf, 10)), 0);
    done(file, w);
}

static void a_reset_in_a_large_read_says_how_much_had_come(void **state) {
    (void)state;
    wire w = tcp_wire(false);
    hawser_file *file = open_file(w, "r");
    char buf[100];
    assert_works(hawser_file_setbuf(file, 10));
    give(w, "whole\nhalf");
    assert_line(file, "whole\n");
    raw_reset(w.far);
    w.far = -1;
    assert_fails(hawser_read(file, buf, sizeof buf), ECONNRESET);
    assert_int_equal(hawser_moved(), 4);
    assert_memory_equal(buf, "half", 4);
    assert_int_equal(assert_works(hawser_read(file, buf, sizeof buf)), 0);
    done(file, w);
}

static void reading_a_file_opened_for_writing_is_refused(void **state) {
    (void)state;
    wire w = unix_wire(SOCK_STREAM);
    hawser_file *file = hawser_makefile(w.sock, "w");
    char buf[10];
    assert_fails(hawser_read(file, buf, sizeof buf), EBADF);
    assert_sentence_has("the file was not opened for that");
    assert_fails(hawser_read1(file, buf, sizeof buf), EBADF);
    assert_fails(hawser_read_exactly(file, buf, sizeof buf), EBADF);
    assert_fails(hawser_readline(file, buf, sizeof buf), EBADF);
    assert_fails(hawser_skip_line(file), EBADF);
    assert_int_equal(hawser_buffered(file), 0);
    done(file, w);
}

static void without_memory_a_read_fails_and_can_be_made_again(void **state) {
    (void)state;
    wire w = unix_wire(SOCK_STREAM);
    hawser_file *file = open_file(w, "r");
    char buf[100];
    give(w, "line\n");
    drop_loan();
    fault_alloc(1);
    assert_fails(hawser_readline(file, buf, sizeof buf), ENOMEM);
    assert_true(fault_none());
    assert_line(file, "line\n");
    done(file, w);
}

/* What has come in has nowhere to go but the memory that it came in with. */
static void without_memory_to_keep_input_in_nothing_is_lost(void **state) {
    (void)state;
    wire w = unix_wire(SOCK_STREAM);
    hawser_file *file = open_file(w, "r");
    char buf[100];
    give(w, "one\ntwo\n");
    drop_loan();
    fault_alloc(2);
    assert_result(hawser_readline(file, buf, sizeof buf), 4);
    assert_true(fault_none());
    assert_string_equal(buf, "one\n");
    assert_line(file, "two\n");
    done(file, w);
}

static void a_second_reader_is_told_so(void **state) {
    (void)state;
    wire w = unix_wire(SOCK_STREAM);
    hawser_file *file = open_file(w, "r"), *other = open_file(w, "r");
    char buf[10];
    runner run;
    start(&run, read_a_line, file);
    assert_true(blocked(&run));
    assert_fails(hawser_readline(other, buf, sizeof buf), EBUSY);
    assert_fails(hawser_recv(w.sock, buf, sizeof buf), EBUSY);
    give(w, "\n");
    assert_int_equal(finish(&run), 1);
    assert_works(hawser_file_close(other));
    done(file, w);
}

/* Memory and system calls. */

static void a_file_that_was_not_read_holds_no_buffer(void **state) {
    (void)state;
    wire w = unix_wire(SOCK_STREAM);
    census before = take_census();
    hawser_file *file = hawser_makefile(w.sock, "rw");
    census with_file = take_census();
    assert_int_equal(with_file.allocations, before.allocations + 1);
    assert_int_equal(hawser_buffered(file), 0);
    done(file, w);
}

static void lines_that_are_there_already_cost_no_system_call(void **state) {
    (void)state;
    wire w = unix_wire(SOCK_STREAM);
    hawser_file *file = open_file(w, "r");
    give(w, "one\ntwo\nthree\n");
    assert_line(file, "one\n");
    syscalls_made();
    assert_line(file, "two\n");
    assert_line(file, "three\n");
    assert_int_equal(syscalls_made(), 0);
    done(file, w);
}

static void bulk_input_costs_few_system_calls(void **state) {
    (void)state;
    wire w = unix_wire(SOCK_STREAM);
    hawser_file *file = open_file(w, "r");
    static char bulk[160000];
    memset(bulk, 'x', sizeof bulk);
    for (size_t i = 15; i < sizeof bulk; i += 16)
        bulk[i] = '\n';
    give_bytes(w, bulk, sizeof bulk);
    syscalls_made();
    for (size_t i = 0; i < sizeof bulk; i += 16)
        assert_line(file, "xxxxxxxxxxxxxxx\n");
    if (!in_world())
        assert_in_range(syscalls_made(), 1, 12);
    done(file, w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(read_gives_all_that_is_asked_and_less_only_at_the_end),
        cmocka_unit_test(a_read_cut_at_any_byte_loses_nothing),
        cmocka_unit_test(a_read_larger_than_the_buffer_goes_straight_into_the_callers_memory),
        cmocka_unit_test(read1_gives_what_is_there),
        cmocka_unit_test(read_exactly_tells_an_end_before_from_an_end_in_the_middle),
        cmocka_unit_test(unbuffered_reads_leave_the_rest_in_the_socket),
        cmocka_unit_test(the_timeout_of_the_socket_bounds_a_read_and_the_partial_line_stays),
        cmocka_unit_test(an_interrupted_read_keeps_what_came_and_can_go_on),
        cmocka_unit_test(signals_nobody_asked_for_are_not_seen),
        cmocka_unit_test(what_came_before_a_reset_is_read_first),
        cmocka_unit_test(a_reset_in_a_large_read_says_how_much_had_come),
        cmocka_unit_test(reading_a_file_opened_for_writing_is_refused),
        cmocka_unit_test(without_memory_a_read_fails_and_can_be_made_again),
        cmocka_unit_test(without_memory_to_keep_input_in_nothing_is_lost),
        cmocka_unit_test(a_second_reader_is_told_so),
        cmocka_unit_test(a_file_that_was_not_read_holds_no_buffer),
        cmocka_unit_test(lines_that_are_there_already_cost_no_system_call),
        cmocka_unit_test(bulk_input_costs_few_system_calls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
