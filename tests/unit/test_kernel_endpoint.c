/* SPDX-License-Identifier: MIT */
/*
 * Duplicates. O_NONBLOCK is common to all descriptors of one socket, so what happens to one of them must neither make a call on
 * another outlast its time nor keep it from being woken.
 */
#include "support.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

static long accept_one(void *argument) {
    hawser_sock *accepted = hawser_accept(argument, NULL);
    hawser_close(accepted);
    return accepted ? 0 : -1;
}

static void assert_accept_is_bounded(hawser_sock *sock) {
    runner run;
    hawser_settimeout(sock, 0.05);
    start(&run, accept_one, sock);
    assert_int_equal(finish(&run), -1);
    assert_int_equal(run.code, ETIMEDOUT);
}

static void assert_close_wakes_accept(hawser_sock *sock) {
    runner run;
    hawser_settimeout(sock, HAWSER_NO_TIMEOUT);
    hawser_ref(sock);
    start(&run, accept_one, sock);
    assert_true(blocked(&run));
    hawser_close(sock);
    assert_int_equal(finish(&run), -1);
    assert_int_equal(run.code, EBADF);
    hawser_unref(sock);
}

static void detaching_one_duplicate_does_not_make_the_other_block(void **state) {
    (void)state;
    for (int which = 0; which < 2; which++) {
        hawser_sock *pair[2] = {hawser_create_server("127.0.0.1", 0, NULL), NULL};
        pair[1] = hawser_dup(pair[0]);
        int fd = (int)assert_works(hawser_detach(pair[which]));
        assert_accept_is_bounded(pair[!which]);
        assert_true(raw_is_nonblocking(hawser_fileno(pair[!which])));
        assert_close_wakes_accept(pair[!which]);
        close(fd);
    }
}

/* Whoever has a descriptor of the socket may change its flags. */
static void a_duplicate_made_blocking_elsewhere_does_not_block(void **state) {
    (void)state;
    hawser_sock *server = hawser_create_server("127.0.0.1", 0, NULL), *copy = hawser_dup(server);
    int fd = (int)assert_works(hawser_detach(server));
    assert_int_equal(fcntl(fd, F_SETFL, 0), 0);
    assert_accept_is_bounded(copy);
    assert_close_wakes_accept(copy);
    close(fd);
}

static void an_adopted_descriptor_made_blocking_later_does_not_block(void **state) {
    (void)state;
    int port, fd = raw_listener(AF_INET, 5, &port);
    assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
    hawser_sock *sock = hawser_sock_from_fd(fd);
    assert_accept_is_bounded(sock);
    assert_int_equal(fcntl(fd, F_SETFL, 0), 0);
    assert_accept_is_bounded(sock);
    assert_close_wakes_accept(sock);
}

struct sending {
    hawser_sock *sock;
    int fd;
};

static long send_zeros(void *argument) {
    struct sending *sending = argument;
    return hawser_sendfile(sending->sock, sending->fd, 0, 0);
}

static void a_file_is_sent_in_time_over_a_duplicate_made_blocking_elsewhere(void **state) {
    (void)state;
    wire w = tcp_wire(true);
    hawser_sock *copy = hawser_dup(w.sock);
    struct sending sending = {copy, open(own_path("zeros"), O_RDWR | O_CREAT | O_CLOEXEC, 0600)};
    runner run;
    assert_int_equal(ftruncate(sending.fd, 1 << 24), 0);
    assert_int_equal(fcntl(hawser_fileno(w.sock), F_SETFL, 0), 0);
    hawser_settimeout(copy, 0.05);
    start(&run, send_zeros, &sending);
    assert_int_equal(finish(&run), -1);
    assert_int_equal(run.code, ETIMEDOUT);
    assert_true(run.moved > 0 && run.moved < 1 << 24);
    close(sending.fd);
    hawser_close(copy);
    cut(w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(detaching_one_duplicate_does_not_make_the_other_block),
        cmocka_unit_test(a_duplicate_made_blocking_elsewhere_does_not_block),
        cmocka_unit_test(an_adopted_descriptor_made_blocking_later_does_not_block),
        cmocka_unit_test(a_file_is_sent_in_time_over_a_duplicate_made_blocking_elsewhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
