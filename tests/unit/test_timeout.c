/* SPDX-License-Identifier: MIT */
#include "support.h"

#include <errno.h>
#include <math.h>
#include <unistd.h>

static void a_new_socket_waits_without_limit(void **state) {
    (void)state;
    hawser_sock *sock = hawser_socket(AF_INET, SOCK_STREAM, 0);
    assert_true(hawser_gettimeout(sock) == HAWSER_NO_TIMEOUT);
    assert_true(hawser_getblocking(sock));
    hawser_close(sock);
}

static void a_timeout_reads_back_as_it_was_set(void **state) {
    (void)state;
    static const double times[] = {0, 0.05, 1, 12.5, 1e9, HAWSER_NO_TIMEOUT};
    hawser_sock *sock = hawser_socket(AF_INET, SOCK_STREAM, 0);
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        assert_works(hawser_settimeout(sock, times[i]));
        assert_true(hawser_gettimeout(sock) == times[i]);
        assert_int_equal(hawser_getblocking(sock), times[i] != 0);
    }
    hawser_close(sock);
}

static void blocking_is_a_timeout_of_none_or_of_nothing(void **state) {
    (void)state;
    hawser_sock *sock = hawser_socket(AF_INET, SOCK_STREAM, 0);
    assert_works(hawser_setblocking(sock, false));
    assert_true(hawser_gettimeout(sock) == 0);
    assert_false(hawser_getblocking(sock));
    assert_works(hawser_setblocking(sock, true));
    assert_true(hawser_gettimeout(sock) == HAWSER_NO_TIMEOUT);
    hawser_close(sock);
}

static void what_is_no_timeout_is_refused_and_the_old_one_stays(void **state) {
    (void)state;
    hawser_sock *sock = hawser_socket(AF_INET, SOCK_STREAM, 0);
    hawser_settimeout(sock, 3);
    assert_fails(hawser_settimeout(sock, -2), EINVAL);
    assert_sentence("set timeout to -2 seconds: Invalid argument");
    assert_fails(hawser_settimeout(sock, -0.001), EINVAL);
    assert_fails(hawser_settimeout(sock, NAN), EINVAL);
    assert_fails(hawser_settimeout(sock, 1.5e9), ERANGE);
    assert_fails(hawser_settimeout(sock, HUGE_VAL), ERANGE);
    assert_true(hawser_gettimeout(sock) == 3);
    hawser_close(sock);
}

/* Trap 9: would-block and timeout are different results, and each call has its own time. */
static void zero_never_waits_and_a_twentieth_of_a_second_does(void **state) {
    (void)state;
    char buf[8];
    wire w = tcp_wire(false);
    hawser_settimeout(w.sock, 0);
    assert_fails(hawser_recv(w.sock, buf, sizeof buf), EAGAIN);
    hawser_settimeout(w.sock, 0.05);
    for (int i = 0; i < 2; i++) {
        double began = seconds_now();
        assert_fails(hawser_recv(w.sock, buf, sizeof buf), ETIMEDOUT);
        assert_true(seconds_now() - began >= 0.05);
    }
    assert_true(raw_write(w.far, "late", 4));
    assert_result(hawser_recv(w.sock, buf, sizeof buf), 4); /* a timeout breaks nothing */
    cut(w);
}

static long receive(void *argument) {
    char buf[8];
    return hawser_recv(argument, buf, sizeof buf);
}

static void a_call_that_waits_keeps_its_timeout(void **state) {
    (void)state;
    wire w = tcp_wire(false);
    runner run;
    start(&run, receive, w.sock);
    assert_true(blocked(&run));
    assert_works(hawser_settimeout(w.sock, 0));
    assert_true(raw_write(w.far, "x", 1));
    assert_int_equal(finish(&run), 1);
    cut(w);
}

static void the_default_is_what_new_sockets_start_with(void **state) {
    (void)state;
    hawser_sock *before = hawser_socket(AF_INET, SOCK_STREAM, 0), *pair[2];
    assert_true(hawser_getdefaulttimeout() == HAWSER_NO_TIMEOUT);
    assert_works(hawser_setdefaulttimeout(7.25));
    assert_true(hawser_getdefaulttimeout() == 7.25);
    hawser_sock *after = hawser_socket(AF_INET, SOCK_STREAM, 0);
    assert_works(hawser_socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
    assert_true(hawser_gettimeout(before) == HAWSER_NO_TIMEOUT);
    assert_true(hawser_gettimeout(after) == 7.25);
    assert_true(hawser_gettimeout(pair[0]) == 7.25 && hawser_gettimeout(pair[1]) == 7.25);
    assert_works(hawser_setdefaulttimeout(HAWSER_NO_TIMEOUT));
    assert_true(hawser_gettimeout(after) == 7.25);
    hawser_sock *const all[] = {before, after, pair[0], pair[1]};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        hawser_close(all[i]);
}

/* 0 is about sockets: names could never be looked up with it, and nothing could be dialled. */
static void a_default_of_zero_bounds_neither_look_ups_nor_dialling(void **state) {
    (void)state;
    int port, listener = raw_listener(AF_INET, 5, &port);
    hawser_addrinfo *list = NULL;
    assert_works(hawser_setdefaulttimeout(0));
    int looked_up = hawser_getaddrinfo("localhost", NULL, AF_INET, SOCK_STREAM, 0, 0, &list);
    hawser_sock *dialled = hawser_create_connection("localhost", port, NULL);
    assert_works(hawser_setdefaulttimeout(HAWSER_NO_TIMEOUT));
    assert_int_equal(looked_up, 0);
    assert_non_null(dialled);
    assert_true(hawser_gettimeout(dialled) == 0);
    hawser_freeaddrinfo(list);
    hawser_close(dialled);
    close(listener);
}

static void what_is_no_default_timeout_is_refused(void **state) {
    (void)state;
    assert_fails(hawser_setdefaulttimeout(-2), EINVAL);
    assert_fails(hawser_setdefaulttimeout(NAN), EINVAL);
    assert_fails(hawser_setdefaulttimeout(2e9), ERANGE);
    assert_true(hawser_getdefaulttimeout() == HAWSER_NO_TIMEOUT);
}

static void every_hundredth_of_a_second_reads_back_as_it_was_set(void **state) {
    (void)state;
    hawser_sock *sock = hawser_socket(AF_INET, SOCK_STREAM, 0);
    for (int i = 1; i < 100000; i++) {
        hawser_settimeout(sock, i / 100.0);
        if (hawser_gettimeout(sock) != i / 100.0)
            fail_msg("%.17g reads back as %.17g", i / 100.0, hawser_gettimeout(sock));
    }
    hawser_close(sock);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_socket_waits_without_limit),
        cmocka_unit_test(a_timeout_reads_back_as_it_was_set),
        cmocka_unit_test(blocking_is_a_timeout_of_none_or_of_nothing),
        cmocka_unit_test(what_is_no_timeout_is_refused_and_the_old_one_stays),
        cmocka_unit_test(zero_never_waits_and_a_twentieth_of_a_second_does),
        cmocka_unit_test(a_call_that_waits_keeps_its_timeout),
        cmocka_unit_test(the_default_is_what_new_sockets_start_with),
        cmocka_unit_test(a_default_of_zero_bounds_neither_look_ups_nor_dialling),
        cmocka_unit_test(what_is_no_default_timeout_is_refused),
        cmocka_unit_test(every_hundredth_of_a_second_reads_back_as_it_was_set),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
