/* SPDX-License-Identifier: MIT */
/* The polite close (trap 14): the last reply arrives although the peer's input was never read. */
#include "support.h"

#include <errno.h>
#include <math.h>
#include <unistd.h>

static long linger(void *argument) {
    return hawser_close_linger(argument, WAIT_LIMIT);
}

/* Measured with a plain close: 50 of 50 clients lost part of the reply. */
static void the_reply_arrives_whole_although_input_stays_unread(void **state) {
    (void)state;
    static char reply[200000], request[100000], got[200000];
    for (int i = 0; i < 10; i++) {
        wire w = tcp_wire(false);
        runner run;
        assert_true(raw_write(w.far, request, sizeof request));
        assert_int_equal(hawser_sendall(w.sock, reply, sizeof reply), 0);
        start(&run, linger, w.sock);
        assert_true(raw_write(w.far, request, 1000)); /* even what comes late */
        assert_true(raw_read(w.far, got, sizeof got));
        assert_int_equal(raw_drain(w.far), 0);
        close(w.far);
        assert_int_equal(finish(&run), 0);
    }
}

static void the_peers_end_is_success(void **state) {
    (void)state;
    wire w = tcp_wire(false);
    int fd = hawser_fileno(w.sock);
    close(w.far);
    assert_works(hawser_close_linger(w.sock, WAIT_LIMIT));
    assert_int_equal(dup(fd), -1); /* closed */
}

static void a_peer_that_does_not_end_is_ETIMEDOUT_and_closed_all_the_same(void **state) {
    (void)state;
    assert_works(hawser_sleep(0.001)); /* makes what a task has from its first wait on */
    census before = take_census();
    wire w = tcp_wire(false);
    double began = seconds_now();
    assert_fails(hawser_close_linger(w.sock, 0.05), ETIMEDOUT);
    assert_sentence_has("close connection with 127.0.0.1:");
    assert_true(seconds_now() - began >= 0.05);
    assert_int_equal(raw_drain(w.far), 0);
    close(w.far);
    assert_null(compare_census(before));
}

/* A peer that keeps sending must not keep us. */
static long send_without_end(void *argument) {
    char much[4096] = {0};
    while (raw_write(*(int *)argument, much, sizeof much))
        ;
    return 0;
}

static void a_peer_that_talks_on_does_not_hold_the_close(void **state) {
    (void)state;
    wire w = tcp_wire(false);
    runner run;
    start(&run, send_without_end, &w.far);
    assert_fails(hawser_close_linger(w.sock, 0.05), ETIMEDOUT);
    finish(&run);
    close(w.far);
}

static void with_no_time_it_only_looks(void **state) {
    (void)state;
    wire w = tcp_wire(false);
    assert_fails(hawser_close_linger(w.sock, 0), EAGAIN);
    close(w.far);
}

static void a_reset_is_told(void **state) {
    (void)state;
    wire w = tcp_wire(false);
    raw_reset(w.far);
    assert_fails(hawser_close_linger(w.sock, WAIT_LIMIT), ECONNRESET);
}

static void closed_in_every_case(void **state) {
    (void)state;
    census before = take_census();
    wire w = tcp_wire(false);
    assert_fails(hawser_close_linger(w.sock, -2), EINVAL);
    close(w.far);
    w = tcp_wire(false);
    assert_fails(hawser_close_linger(w.sock, NAN), EINVAL);
    close(w.far);
    assert_fails(hawser_close_linger(hawser_socket(AF_INET, SOCK_STREAM, 0), 1), ENOTCONN);
    assert_works(hawser_close_linger(NULL, 1));
    assert_null(compare_census(before));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_reply_arrives_whole_although_input_stays_unread),
        cmocka_unit_test(the_peers_end_is_success),
        cmocka_unit_test(a_peer_that_does_not_end_is_ETIMEDOUT_and_closed_all_the_same),
        cmocka_unit_test(a_peer_that_talks_on_does_not_hold_the_close),
        cmocka_unit_test(with_no_time_it_only_looks),
        cmocka_unit_test(a_reset_is_told),
        cmocka_unit_test(closed_in_every_case),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
