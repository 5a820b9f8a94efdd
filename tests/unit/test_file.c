/* SPDX-License-Identifier: MIT */
/* stream/file: modes, the life of the connection under a file, timeouts and buffer sizes. */
#include "files.h"

#include <unistd.h>

/* Modes. */

static void a_mode_is_r_or_w_or_both_and_a_b_means_nothing(void **state) {
    (void)state;
    static const struct {
        const char *mode;
        bool reads, writes;
    } modes[] = {{"r", true, false},  {"w", false, true},  {"rw", true, true},  {"wr", true, true},
                 {"rb", true, false}, {"wb", false, true}, {"br", true, false}, {"rwb", true, true}};
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        wire w = unix_wire(SOCK_STREAM);
        hawser_file *file = hawser_makefile(w.sock, modes[i].mode);
        char buf[1];
        assert_non_null(file);
        assert_int_equal(hawser_read(file, buf, 0) == 0, modes[i].reads);
        assert_int_equal(hawser_write(file, buf, 0) == 0, modes[i].writes);
        assert_works(hawser_file_close(file));
        cut(w);
    }
}

static void any_other_mode_is_refused_and_named(void **state) {
    (void)state;
    static const char *const modes[] = {"", "b", "a", "x", "rt", "r+", "rr", "rwrw", "R", " r", "rbb"};
    wire w = unix_wire(SOCK_STREAM);
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        char sentence[100];
        snprintf(sentence, sizeof sentence, "make a file with mode \"%s\" on ", modes[i]);
        assert_null_fails(hawser_makefile(w.sock, modes[i]), EINVAL);
        assert_sentence_has(sentence);
        assert_null_fails(hawser_file_from_fd(w.far, modes[i]), EINVAL);
        assert_sentence_has(sentence);
    }
    assert_null_fails(hawser_makefile(w.sock, NULL), EINVAL);
    cut(w);
}

static void a_listener_on_two_addresses_is_no_stream(void **state) {
    (void)state;
    hawser_addr names[2];
    census before = take_census();
    hawser_sock *server = hawser_create_server("localhost", 0, NULL);
    assert_non_null(server);
    if (hawser_getsocknames(server, names, 2) < 2) {
        hawser_close(server);
        skip(); /* no IPv6 here: one address */
    }
    assert_null_fails(hawser_makefile(server, "r"), EOPNOTSUPP);
    hawser_close(server);
    assert_null(compare_census(before));
}

/* Life. */

static void a_closed_socket_gets_no_file(void **state) {
    (void)state;
    wire w = unix_wire(SOCK_STREAM);
    hawser_sock *held = hawser_ref(w.sock);
    hawser_close(w.sock);
    assert_null_fails(hawser_makefile(held, "r"), EBADF);
    hawser_unref(held);
    close(w.far);
}

static bool far_end_is_open(wire w) {
    char byte;
    return recv(w.far, &byte, 1, MSG_DONTWAIT | MSG_PEEK) != 0;
}

static void the_connection_ends_with_the_last_of_socket_and_files(void **state) {
    (void)state;
    static const int orders[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    for (int o = 0; o < 6; o++) {
        census before = take_census();
        wire w = unix_wire(SOCK_STREAM);
        hawser_file *files[2] = {hawser_makefile(w.sock, "r"), hawser_makefile(w.sock, "w")};
        for (int i = 0; i < 3; i++) {
            assert_true(far_end_is_open(w));
            if (orders[o][i] == 2)
                hawser_close(w.sock);
            else
                assert_works(hawser_file_close(files[orders[o][i]]));
        }
        assert_false(far_end_is_open(w));
        close(w.far);
        assert_null(compare_census(before));
    }
}

static void files_work_on_when_the_socket_is_closed(void **state) {
    (void)state;
    wire w = tcp_wire(false);
    hawser_file *r = hawser_makefile(w.sock, "r"), *wr = hawser_makefile(w.sock, "w");
    char buf[10], sentence[600];
    hawser_addr peer;
    assert_works(hawser_getpeername(w.sock, &peer));
    assert_works(hawser_settimeout(w.sock, 0.02));
    give(w, "hello\n");
    await_input(w);
    hawser_close(w.sock);
    assert_line(r, "hello\n");
    assert_result(hawser_puts(wr, "world\n"), 6);
    assert_works(hawser_flush(wr));
    assert_arrives(w.far, "world\n");
    assert_fails(hawser_readline(r, buf, sizeof buf), ETIMEDOUT);
    snprintf(sentence, sizeof sentence, "read from %s: Timed out", hawser_addr_str(&peer));
    assert_sentence(sentence);
    assert_works(hawser_file_close(r));
    assert_true(far_end_is_open(w));
    assert_works(hawser_file_close(wr));
    assert_int_equal(raw_drain(w.far), 0);
    close(w.far);
}

static void closing_nothing_is_fine(void **state) {
    (void)state;
    assert_int_equal(assert_works(hawser_file_close(NULL)), 0);
}

static void a_close_whose_flush_fails_says_so_and_closes_all_the_same(void **state) {
    (void)state;
    census before = take_census();
    wire w = unix_wire(SOCK_STREAM);
    hawser_file *file = hawser_makefile(w.sock, "w");
    long stuffed = stuff(w.sock);
    assert_works(hawser_settimeout(w.sock, 0));
    assert_result(hawser_puts(file, "lost"), 4);
    hawser_close(w.sock);
    assert_fails(hawser_file_close(file), EAGAIN);
    assert_sentence_has("write to ");
    assert_int_equal(raw_drain(w.far), stuffed);
    close(w.far);
    assert_null(compare_census(before));
}

static void a_failed_opening_leaves_the_socket_usable(void **state) {
    (void)state;
    wire w = unix_wire(SOCK_STREAM);
    fault_alloc(1);
    assert_null_fails(hawser_makefile(w.sock, "r"), ENOMEM);
    assert_true(fault_none());
    assert_result(hawser_send(w.sock, "x", 1), 1);
    hawser_close(w.sock);
    assert_arrives(w.far, "x");
    assert_false(far_end_is_open(w));
    close(w.far);
}

/* Timeouts and sizes. */

static void a_file_on_a_socket_follows_its_timeout(void **state) {
    (void)state;
    wire w = unix_wire(SOCK_STREAM);
    hawser_file *file = hawser_makefile(w.sock, "r");
    char buf[10];
    assert_fails(hawser_file_settimeout(file, 1), EINVAL);
    assert_works(hawser_settimeout(w.sock, 0));
    assert_fails(hawser_readline(file, buf, sizeof buf), EAGAIN);
    assert_works(hawser_settimeout(w.sock, 0.01));
    assert_fails(hawser_readline(file, buf, sizeof buf), ETIMEDOUT);
    done(file, w);
}

static void a_timeout_that_is_none_is_refused(void **state) {
    (void)state;
    skip_in_world("it has no files on sockets of others");
    wire w = unix_wire(SOCK_STREAM);
    hawser_file *file = hawser_file_from_fd(w.far, "r");
    assert_fails(hawser_file_settimeout(file, -2), EINVAL);
    assert_fails(hawser_file_settimeout(file, 0.0 / 0.0), EINVAL);
    assert_fails(hawser_file_settimeout(file, 2e9), ERANGE);
    assert_sentence_has("set the timeout of a file on descriptor ");
    assert_works(hawser_file_settimeout(file, 1e9));
    assert_works(hawser_file_settimeout(file, HAWSER_NO_TIMEOUT));
    done(file, w);
}

static void a_buffer_cannot_become_smaller_than_what_waits_in_it(void **state) {
    (void)state;
    wire w = unix_wire(SOCK_STREAM);
    hawser_file *file = hawser_makefile(w.sock, "rw");
    char buf[100];
    give(w, "x\n12345678\n");
    assert_line(file, "x\n");
    assert_fails(hawser_file_setbuf(file, 8), EBUSY);
    assert_sentence_has("set the buffers of a file on ");
    assert_fails(hawser_file_setbuf(file, 0), EBUSY);
    assert_works(hawser_file_setbuf(file, 9));
    assert_result(hawser_puts(file, "123456789"), 9);
    assert_line(file, "12345678\n");
    assert_fails(hawser_file_setbuf(file, 8), EBUSY);
    assert_fails(hawser_file_setbuf(file, SIZE_MAX), EINVAL);
    assert_works(hawser_file_setbuf(file, 1 << 20));
    assert_works(hawser_flush(file));
    assert_arrives(w.far, "123456789");
    assert_works(hawser_file_setbuf(file, 0));
    give(w, "line\nrest");
    assert_line(file, "line\n");
    assert_result(hawser_recv(w.sock, buf, sizeof buf), 4);
    done(file, w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_mode_is_r_or_w_or_both_and_a_b_means_nothing),
        cmocka_unit_test(any_other_mode_is_refused_and_named),
        cmocka_unit_test(a_listener_on_two_addresses_is_no_stream),
        cmocka_unit_test(a_closed_socket_gets_no_file),
        cmocka_unit_test(the_connection_ends_with_the_last_of_socket_and_files),
        cmocka_unit_test(files_work_on_when_the_socket_is_closed),
        cmocka_unit_test(closing_nothing_is_fine),
        cmocka_unit_test(a_close_whose_flush_fails_says_so_and_closes_all_the_same),
        cmocka_unit_test(a_failed_opening_leaves_the_socket_usable),
        cmocka_unit_test(a_file_on_a_socket_follows_its_timeout),
        cmocka_unit_test(a_timeout_that_is_none_is_refused),
        cmocka_unit_test(a_buffer_cannot_become_smaller_than_what_waits_in_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
