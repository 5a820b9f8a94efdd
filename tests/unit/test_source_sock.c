/* SPDX-License-Identifier: MIT */
/* stream/source_sock: a file and its socket side by side. */
#include "files.h"

#include "engine/engines.h"
#include "engine_memory.h"

#include <unistd.h>

static long read_a_line(void *argument) {
    char buf[64];
    return hawser_readline(argument, buf, sizeof buf);
}

static void a_file_that_only_holds_bytes_back_is_not_in_the_way_of_the_socket(void **state) {
    (void)state;
    wire w = unix_wire(SOCK_STREAM);
    hawser_file *file = hawser_makefile(w.sock, "rw");
    char buf[10];
    give(w, "one\ntwo");
    assert_result(hawser_readline(file, buf, sizeof buf), 4);
    assert_result(hawser_puts(file, "held"), 4);
    give(w, "three");
    assert_result(hawser_recv(w.sock, buf, sizeof buf), 5);
    assert_works(hawser_sendall(w.sock, "first ", 6));
    assert_works(hawser_flush(file));
    assert_true(raw_read(w.far, buf, 10));
    assert_memory_equal(buf, "first held", 10);
    done(file, w);
}

static void a_reader_waits_while_others_write_and_make_files(void **state) {
    (void)state;
    wire w = unix_wire(SOCK_STREAM);
    hawser_file *r = hawser_makefile(w.sock, "r");
    runner run;
    char buf[10];
    start(&run, read_a_line, r);
    assert_true(blocked(&run));
    hawser_file *wr = hawser_makefile(w.sock, "w");
    assert_result(hawser_puts(wr, "out"), 3);
    assert_works(hawser_file_close(wr));
    assert_true(raw_read(w.far, buf, 3));
    give(w, "in\n");
    assert_int_equal(finish(&run), 3);
    assert_works(hawser_file_close(r));
    cut(w);
}

static long flush_it(void *argument) {
    return hawser_flush(argument);
}

static void a_second_sender_is_told_so_and_keeps_its_bytes(void **state) {
    (void)state;
    wire w = unix_wire(SOCK_STREAM);
    hawser_file *waiting = hawser_makefile(w.sock, "w"), *second = hawser_makefile(w.sock, "w");
    runner run;
    long stuffed = stuff(w.sock);
    assert_result(hawser_puts(waiting, "first "), 6);
    assert_result(hawser_puts(second, "second"), 6);
    start(&run, flush_it, waiting);
    assert_true(blocked(&run));
    assert_fails(hawser_flush(second), EBUSY);
    char *drop = malloc((size_t)stuffed), buf[12];
    assert_true(raw_read(w.far, drop, (size_t)stuffed));
    free(drop);
    assert_int_equal(finish(&run), 0);
    assert_works(hawser_flush(second));
    assert_true(raw_read(w.far, buf, sizeof buf));
    assert_memory_equal(buf, "first second", sizeof buf);
    assert_works(hawser_file_close(waiting));
    assert_works(hawser_file_close(second));
    cut(w);
}

static void closing_the_socket_does_not_disturb_a_waiting_reader_but_shutting_it_down_does(void **state) {
    (void)state;
    wire w = unix_wire(SOCK_STREAM);
    hawser_file *file = hawser_makefile(w.sock, "r");
    hawser_sock *held = hawser_ref(w.sock);
    runner run;
    start(&run, read_a_line, file);
    assert_true(blocked(&run));
    hawser_close(w.sock);
    assert_true(blocked(&run));
    assert_int_equal(shutdown(w.far, SHUT_WR), 0);
    assert_int_equal(finish(&run), 0);
    assert_works(hawser_file_close(file));
    hawser_unref(held);
    close(w.far);
}

static void a_descriptor_is_not_given_away_under_a_file(void **state) {
    (void)state;
    wire w = unix_wire(SOCK_STREAM);
    hawser_file *file = hawser_makefile(w.sock, "w");
    assert_fails(hawser_detach(w.sock), EBUSY);
    assert_works(hawser_file_close(file));
    int fd = hawser_detach(w.sock);
    assert_true(fd >= 0);
    close(fd);
    close(w.far);
}

static void a_socket_without_a_peer_is_named_by_what_it_is(void **state) {
    (void)state;
    hawser_sock *sock = hawser_socket(AF_INET, SOCK_STREAM, 0);
    hawser_file *file = hawser_makefile(sock, "r");
    char buf[10];
    assert_works(hawser_bind(sock, "127.0.0.1", 0));
    assert_fails(hawser_read(file, buf, sizeof buf), ENOTCONN);
    assert_sentence_has("read from 127.0.0.1:");
    assert_works(hawser_file_close(file));
    hawser_close(sock);
}

static void a_file_needs_no_descriptor_below_it(void **state) {
    (void)state;
    skip_in_world("its hosts have one engine");
    hawser_sock *ends[2];
    char buf[10];
    assert_works(hawser_sleep(0.001)); /* the task has its wake descriptor from its first wait on */
    drop_loan();
    census before = take_census();
    hawser__engine_use(&memory_engine);
    assert_works(hawser_socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
    assert_int_equal(open_descriptors(), before.descriptors);
    hawser_file *r = hawser_makefile(ends[0], "r"), *wr = hawser_makefile(ends[1], "w");
    assert_works(hawser_settimeout(ends[0], 0.01));
    assert_fails(hawser_readline(r, buf, sizeof buf), ETIMEDOUT);
    assert_result(hawser_printf(wr, "line %d\nrest", 1), 11);
    assert_works(hawser_file_close(wr));
    hawser_close(ends[1]);
    assert_result(hawser_readline(r, buf, sizeof buf), 7);
    assert_result(hawser_readline(r, buf, sizeof buf), 4);
    assert_result(hawser_readline(r, buf, sizeof buf), 0);
    hawser_close(ends[0]);
    assert_works(hawser_file_close(r));
    hawser__engine_use(NULL);
    drop_loan();
    assert_null(compare_census(before));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_that_only_holds_bytes_back_is_not_in_the_way_of_the_socket),
        cmocka_unit_test(a_reader_waits_while_others_write_and_make_files),
        cmocka_unit_test(a_second_sender_is_told_so_and_keeps_its_bytes),
        cmocka_unit_test(closing_the_socket_does_not_disturb_a_waiting_reader_but_shutting_it_down_does),
        cmocka_unit_test(a_descriptor_is_not_given_away_under_a_file),
        cmocka_unit_test(a_socket_without_a_peer_is_named_by_what_it_is),
        cmocka_unit_test(a_file_needs_no_descriptor_below_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
