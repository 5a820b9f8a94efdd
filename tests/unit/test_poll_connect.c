/* SPDX-License-Identifier: MIT */
/*
 * Sockets that were adopted in blocking mode. Their flags stay, and accept and connect know no MSG_DONTWAIT: what another program
 * does with the same socket must not make our call outlast its time.
 */
#include "support.h"

#include <errno.h>
#include <sys/time.h>
#include <unistd.h>

static hawser_sock *adopt_blocking_listener(int *ret_port) {
    int fd = raw_listener(AF_INET, 5, ret_port);
    const struct timeval none = {0, 0};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &none, sizeof none);
    hawser_sock *sock = hawser_sock_from_fd(fd);
    assert_non_null(sock);
    assert_false(raw_is_nonblocking(fd));
    return sock;
}

static long accept_one(void *argument) {
    hawser_sock *accepted = hawser_accept(argument, NULL);
    hawser_close(accepted);
    return accepted ? 0 : -1;
}

/* Two that share a blocking listener see the same connection come; one gets it, and the other is not stuck in the kernel. */
static void of_two_that_share_a_blocking_listener_neither_outlasts_its_time(void **state) {
    (void)state;
    for (int round = 0; round < 20; round++) {
        int port;
        hawser_sock *sharing[2];
        runner runs[2];
        sharing[0] = adopt_blocking_listener(&port);
        sharing[1] = hawser_dup(sharing[0]);
        for (int i = 0; i < 2; i++) {
            hawser_settimeout(sharing[i], 0.1);
            start(&runs[i], accept_one, sharing[i]);
        }
        assert_true(blocked(&runs[0]) || atomic_load(&runs[0].done));
        int client = raw_connect(AF_INET, port), accepted = 0;
        for (int i = 0; i < 2; i++) {
            accepted += finish(&runs[i]) == 0;
            assert_true(runs[i].result == 0 || runs[i].code == ETIMEDOUT);
        }
        assert_true(accepted <= 1);
        close(client);
        hawser_close(sharing[0]);
        hawser_close(sharing[1]);
    }
}

/* The connection that poll announced is gone when accept asks for it. The fault stands for the program that took it. */
static void a_connection_taken_by_another_is_waited_for_again(void **state) {
    (void)state;
    int port;
    hawser_sock *sock = adopt_blocking_listener(&port);
    int client = raw_connect(AF_INET, port);
    hawser_settimeout(sock, WAIT_LIMIT);
    fault_syscall("accept", 1, EAGAIN, 1);
    hawser_sock *accepted = hawser_accept(sock, NULL);
    assert_true(fault_none());
    assert_non_null(accepted);
    hawser_close(accepted);
    hawser_close(sock);
    close(client);
}

static void the_timeouts_of_an_adopted_socket_are_as_they_were(void **state) {
    (void)state;
    int port;
    struct timeval before = {12, 0}, after;
    socklen_t size = sizeof after;
    hawser_sock *listener = adopt_blocking_listener(&port);
    setsockopt(hawser_fileno(listener), SOL_SOCKET, SO_RCVTIMEO, &before, sizeof before);
    hawser_sock *client = hawser_sock_from_fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    setsockopt(hawser_fileno(client), SOL_SOCKET, SO_SNDTIMEO, &before, sizeof before);
    assert_works(hawser_connect(client, "127.0.0.1", port));
    assert_int_equal(getsockopt(hawser_fileno(client), SOL_SOCKET, SO_SNDTIMEO, &after, &size), 0);
    assert_int_equal(after.tv_sec, 12);
    hawser_sock *accepted = hawser_accept(listener, NULL);
    assert_non_null(accepted);
    assert_int_equal(getsockopt(hawser_fileno(listener), SOL_SOCKET, SO_RCVTIMEO, &after, &size), 0);
    assert_int_equal(after.tv_sec, 12);
    hawser_close(accepted);
    hawser_close(client);
    hawser_close(listener);
}

struct dial {
    hawser_sock *sock;
    int port;
};

static long connect_to_port(void *argument) {
    const struct dial *dial = argument;
    return hawser_connect(dial->sock, "127.0.0.1", dial->port);
}

/* A connection that takes longer than the guard goes on in the kernel; its result is the call's. */
static void a_slow_connection_of_an_adopted_socket_is_awaited(void **state) {
    (void)state;
    black_hole hole = dig_black_hole("127.0.0.1", 0);
    struct dial dial = {hawser_sock_from_fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)), hole.port};
    runner run;
    hawser_settimeout(dial.sock, WAIT_LIMIT);
    start(&run, connect_to_port, &dial);
    assert_true(blocked(&run));
    close(raw_accept(hole.listener));
    assert_int_equal(finish(&run), 0);
    assert_false(raw_is_nonblocking(hawser_fileno(dial.sock)));
    hawser_close(dial.sock);
    fill_in(hole);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(of_two_that_share_a_blocking_listener_neither_outlasts_its_time),
        cmocka_unit_test(a_connection_taken_by_another_is_waited_for_again),
        cmocka_unit_test(the_timeouts_of_an_adopted_socket_are_as_they_were),
        cmocka_unit_test(a_slow_connection_of_an_adopted_socket_is_awaited),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
