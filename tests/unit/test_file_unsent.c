/* SPDX-License-Identifier: MIT */
/* stream/file_write: what a failed write or flush says and leaves. */
#include "files.h"

#include <unistd.h>

static char many[1 << 20];

static int fill_many(void **state) {
    (void)state;
    fill_pattern(many, sizeof many);
    return 0;
}

static hawser_file *writer(wire w, size_t buffer) {
    hawser_file *file = hawser_makefile(w.sock, "w");
    assert_non_null(file);
    assert_works(hawser_file_setbuf(file, buffer));
    return file;
}

static long read_all(void *argument) {
    return raw_drain(*(int *)argument);
}

struct rest {
    int fd;
    char *into;
    size_t size;
};

static long read_rest(void *argument) {
    const struct rest *rest = argument;
    return raw_read(rest->fd, rest->into, rest->size);
}

static void a_failed_flush_keeps_the_rest_and_says_what_went_out(void **state) {
    (void)state;
    wire w = tcp_wire(true);
    hawser_file *file = writer(w, 1 << 20);
    static char got[sizeof many];
    assert_works(hawser_settimeout(w.sock, 0.05));
    assert_result(hawser_write(file, many, sizeof many), sizeof many);
    assert_fails(hawser_flush(file), ETIMEDOUT);
    assert_sentence_has("write to 127.0.0.1:");
    size_t out = (size_t)hawser_moved();
    assert_in_range(out, 1, sizeof many - 1);
    assert_true(raw_read(w.far, got, out));
    assert_memory_equal(got, many, out);
    runner run;
    struct rest rest = {w.far, got + out, sizeof many - out};
    start(&run, read_rest, &rest);
    assert_works(hawser_settimeout(w.sock, WAIT_LIMIT));
    assert_works(hawser_flush(file));
    assert_int_equal(finish(&run), true);
    assert_memory_equal(got, many, sizeof many);
    done(file, w);
}

static void a_failed_write_says_how_much_of_it_was_taken(void **state) {
    (void)state;
    wire w = tcp_wire(true);
    hawser_file *file = writer(w, 100);
    static char got[sizeof many];
    assert_result(hawser_puts(file, "held back "), 10);
    assert_works(hawser_settimeout(w.sock, 0.05));
    assert_fails(hawser_write(file, many, sizeof many), ETIMEDOUT);
    size_t taken = (size_t)hawser_moved();
    assert_in_range(taken, 1, sizeof many - 1);
    assert_works(hawser_file_close(file));
    hawser_close(w.sock);
    assert_true(raw_read(w.far, got, 10));
    assert_memory_equal(got, "held back ", 10);
    assert_true(raw_read(w.far, got, taken));
    assert_memory_equal(got, many, taken);
    assert_int_equal(raw_drain(w.far), 0);
    close(w.far);
}

static void a_write_that_found_no_room_was_not_taken_and_what_was_held_stays(void **state) {
    (void)state;
    wire w = unix_wire(SOCK_STREAM);
    hawser_file *file = writer(w, 10);
    runner run;
    long stuffed = stuff(w.sock);
    assert_works(hawser_settimeout(w.sock, 0));
    assert_result(hawser_puts(file, "12345678"), 8);
    assert_fails(hawser_puts(file, "abc"), EAGAIN);
    assert_int_equal(hawser_moved(), 0);
    assert_fails(hawser_puts(file, "larger than ten"), EAGAIN);
    assert_int_equal(hawser_moved(), 0);
    assert_fails(hawser_printf(file, "%d", 12345), EAGAIN);
    assert_int_equal(hawser_moved(), 0);
    assert_result(hawser_puts(file, "9\n"), 2);
    assert_works(hawser_settimeout(w.sock, WAIT_LIMIT));
    start(&run, read_all, &w.far);
    assert_works(hawser_file_close(file));
    hawser_close(w.sock);
    assert_int_equal(finish(&run), stuffed + 10);
    close(w.far);
}

static void a_reader_that_is_gone_is_epipe_without_a_signal(void **state) {
    (void)state;
    wire w = unix_wire(SOCK_STREAM);
    hawser_file *file = writer(w, 100);
    end_input(&w);
    assert_result(hawser_puts(file, "lost"), 4);
    assert_fails(hawser_flush(file), EPIPE);
    assert_int_equal(hawser_moved(), 0);
    assert_sentence_has("write to ");
    assert_sentence_has(": Broken pipe");
    assert_fails(hawser_flush(file), EPIPE);
    assert_fails(hawser_file_close(file), EPIPE);
    cut(w);
}

static void a_reset_is_reported_with_the_peers_name(void **state) {
    (void)state;
    wire w = tcp_wire(false);
    hawser_file *file = writer(w, 0);
    hawser_addr peer;
    char sentence[600];
    assert_works(hawser_getpeername(w.sock, &peer));
    snprintf(sentence, sizeof sentence, "write to %s: Connection reset by peer", hawser_addr_str(&peer));
    raw_reset(w.far);
    w.far = -1;
    assert_result(await_sock(w.sock, HAWSER_READABLE), HAWSER_READABLE);
    assert_fails(hawser_puts(file, "x"), ECONNRESET);
    assert_sentence(sentence);
    assert_fails(hawser_puts(file, "x"), EPIPE);
    done(file, w);
}

static void without_memory_bytes_go_straight_out(void **state) {
    (void)state;
    wire w = unix_wire(SOCK_STREAM);
    hawser_file *file = writer(w, 65536);
    fault_alloc(1);
    assert_int_equal(assert_works(hawser_puts(file, "straight")), 8);
    assert_true(fault_none());
    assert_arrives(w.far, "straight");
    assert_result(hawser_puts(file, "held "), 5);
    fault_alloc(1);
    assert_result(hawser_write(file, many, 5000), 5000);
    assert_true(fault_none());
    assert_int_equal(unread(w.far), 5);
    assert_works(hawser_flush(file));
    assert_int_equal(unread(w.far), 5005);
    done(file, w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_failed_flush_keeps_the_rest_and_says_what_went_out),
        cmocka_unit_test(a_failed_write_says_how_much_of_it_was_taken),
        cmocka_unit_test(a_write_that_found_no_room_was_not_taken_and_what_was_held_stays),
        cmocka_unit_test(a_reader_that_is_gone_is_epipe_without_a_signal),
        cmocka_unit_test(a_reset_is_reported_with_the_peers_name),
        cmocka_unit_test(without_memory_bytes_go_straight_out),
    };
    return cmocka_run_group_tests(tests, fill_many, NULL);
}
