/* SPDX-License-Identifier: MIT */
/*
 * Sockets that were adopted in blocking mode. Their flags stay, and accept and connect know no MSG_DONTWAIT: what another
 * program does with the same socket must not make our call outlast its time.
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

/* A Unix connect is made at once or not at all. One that a signal ended before there was room must not pass for made: the
 * socket polls as writable and has no error. */
static void an_interrupted_connect_to_a_full_unix_listener_is_not_taken_for_made(void **state) {
    (void)state;
    const char *path = own_path("full");
    int listener = raw_unix_listener(path, 0);
    hawser_sock *first = hawser_socket(AF_UNIX, SOCK_STREAM, 0);
    hawser_sock *sock = hawser_sock_from_fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    hawser_addr peer;
    assert_works(hawser_connect(first, path, 0));
    hawser_settimeout(sock, 0.05);
    fault_syscall("connect", 1, EINTR, 2);
    assert_fails(hawser_connect(sock, path, 0), ETIMEDOUT);
    assert_true(fault_none());
    assert_fails(hawser_getpeername(sock, &peer), ENOTCONN);
    close(raw_accept(listener));
    hawser_settimeout(sock, WAIT_LIMIT);
    fault_syscall("connect", 1, EINTR, 2);
    assert_works(hawser_connect(sock, path, 0));
    assert_true(fault_none());
    assert_works(hawser_getpeername(sock, &peer));
    hawser_close(sock);
    hawser_close(first);
    close(listener);
    unlink(path);
}

static struct timeval receive_timeout(int fd) {
    struct timeval value = {-1, -1};
    socklen_t size = sizeof value;
    assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &value, &size), 0);
    return value;
}

/* A timeout as short as our own guard is that of another process in the middle of its accept, which will take it off. */
static void the_guard_of_another_process_is_not_put_back(void **state) {
    (void)state;
    int port;
    hawser_sock *listener = adopt_blocking_listener(&port);
    const struct timeval guard = {.tv_usec = 1000};
    setsockopt(hawser_fileno(listener), SOL_SOCKET, SO_RCVTIMEO, &guard, sizeof guard);
    int client = raw_connect(AF_INET, port);
    assert_int_equal(accept_one(listener), 0);
    struct timeval after = receive_timeout(hawser_fileno(listener));
    assert_true(after.tv_sec == 0 && after.tv_usec == 0);
    hawser_close(listener);
    close(client);
}

static long accept_until_no_more_come(void *argument) {
    long accepted = 0;
    hawser_sock *copy = hawser_fromfd(*(int *)argument);
    hawser_settimeout(copy, 0.2);
    while (accept_one(copy) == 0)
        accepted++;
    hawser_close(copy);
    return accepted;
}

static void those_who_share_a_blocking_listener_leave_its_timeout_as_it_was(void **state) {
    (void)state;
    int port, listener = raw_listener(AF_INET, 100, &port);
    const struct timeval before = {.tv_sec = 12};
    long accepted = 0;
    runner runs[4];
    setsockopt(listener, SOL_SOCKET, SO_RCVTIMEO, &before, sizeof before);
    for (int i = 0; i < 4; i++)
        start(&runs[i], accept_until_no_more_come, &listener);
    for (int i = 0; i < 100; i++)
        close(raw_connect(AF_INET, port));
    for (int i = 0; i < 4; i++)
        accepted += finish(&runs[i]);
    assert_int_equal(accepted, 100);
    assert_int_equal(receive_timeout(listener).tv_sec, 12);
    close(listener);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(of_two_that_share_a_blocking_listener_neither_outlasts_its_time),
        cmocka_unit_test(a_connection_taken_by_another_is_waited_for_again),
        cmocka_unit_test(the_timeouts_of_an_adopted_socket_are_as_they_were),
        cmocka_unit_test(a_slow_connection_of_an_adopted_socket_is_awaited),
        cmocka_unit_test(an_interrupted_connect_to_a_full_unix_listener_is_not_taken_for_made),
        cmocka_unit_test(the_guard_of_another_process_is_not_put_back),
        cmocka_unit_test(those_who_share_a_blocking_listener_leave_its_timeout_as_it_was),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
