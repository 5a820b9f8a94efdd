/* SPDX-License-Identifier: MIT */
#include "support.h"

#include <errno.h>
#include <sys/un.h>
#include <unistd.h>

static void a_refused_connection_is_named(void **state) {
    (void)state;
    int port, held = raw_refusing(&port);
    char expected[96];
    hawser_sock *sock = hawser_socket(AF_INET, SOCK_STREAM, 0);
    snprintf(expected, sizeof expected, "connect to 127.0.0.1:%d: Connection refused", port);
    assert_fails(hawser_connect(sock, "127.0.0.1", port), ECONNREFUSED);
    assert_sentence(expected);
    hawser_close(sock);
    sock = hawser_socket(AF_INET, SOCK_STREAM, 0);
    hawser_settimeout(sock, WAIT_LIMIT);
    assert_int_equal(hawser_connect_ex(sock, "127.0.0.1", port), ECONNREFUSED);
    assert_sentence(expected);
    hawser_close(sock);
    close(held);
}

static void a_name_is_looked_up_and_connected_to(void **state) {
    (void)state;
    int port, listener = raw_listener(AF_INET, 5, &port);
    static const char *const hosts[] = {"localhost", "127.0.0.1", ""};
    for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++) {
        hawser_sock *sock = hawser_socket(AF_INET, SOCK_STREAM, 0);
        assert_works(hawser_connect(sock, hosts[i], port));
        close(raw_accept(listener));
        hawser_close(sock);
    }
    close(listener);
}

static void an_address_is_connected_to(void **state) {
    (void)state;
    int port, listener = raw_listener(AF_INET6, 5, &port);
    hawser_addr addr, peer;
    assert_int_equal(hawser_addr_ip(&addr, "::1", port), 0);
    hawser_sock *sock = hawser_socket(AF_INET6, SOCK_STREAM, 0);
    assert_works(hawser_connect_addr(sock, &addr));
    assert_works(hawser_getpeername(sock, &peer));
    assert_true(hawser_addr_equal(&addr, &peer));
    hawser_close(sock);
    sock = hawser_socket(AF_INET6, SOCK_STREAM, 0);
    assert_int_equal(hawser_connect_ex_addr(sock, &addr), 0);
    hawser_close(sock);
    close(listener);
}

/* Trap 4: writable is not connected; the three stay distinct. */
static void refused_unanswered_and_unreachable_stay_distinct(void **state) {
    (void)state;
    int port, held = raw_refusing(&port);
    black_hole hole = dig_black_hole("127.0.0.1", 0);
    hawser_sock *socks[3];
    for (int i = 0; i < 3; i++) {
        socks[i] = hawser_socket(AF_INET, SOCK_STREAM, 0);
        hawser_settimeout(socks[i], 0.05);
    }
    assert_int_equal(hawser_connect_ex(socks[0], "127.0.0.1", port), ECONNREFUSED);
    assert_int_equal(hawser_connect_ex(socks[1], "127.0.0.1", hole.port), ETIMEDOUT);
    fault_syscall("connect", 1, ENETUNREACH, 1);
    assert_int_equal(hawser_connect_ex(socks[2], "127.0.0.1", port), ENETUNREACH);
    assert_true(fault_none());
    for (int i = 0; i < 3; i++)
        hawser_close(socks[i]);
    fill_in(hole);
    close(held);
}

static void with_a_timeout_of_zero_a_connection_is_in_progress_and_may_be_awaited(void **state) {
    (void)state;
    black_hole hole = dig_black_hole("127.0.0.1", 0);
    hawser_sock *sock = hawser_socket(AF_INET, SOCK_STREAM, 0);
    hawser_settimeout(sock, 0);
    assert_fails(hawser_connect(sock, "127.0.0.1", hole.port), EINPROGRESS);
    assert_int_equal(hawser_connect_ex(sock, "127.0.0.1", hole.port), EALREADY);
    close(raw_accept(hole.listener));
    assert_int_equal(await_sock(sock, HAWSER_WRITABLE), HAWSER_WRITABLE);
    int code = -1;
    assert_works(hawser_getsockopt_int(sock, SOL_SOCKET, SO_ERROR, &code));
    assert_int_equal(code, 0);
    hawser_close(sock);
    fill_in(hole);
}

/* Trap 2: an interrupted connect goes on; a second call would be EALREADY. The fault is as if a signal had come while the
 * kernel was connecting: the attempt is under way, the result comes later. */
struct dial {
    hawser_sock *sock;
    int port;
};

static long connect_to_port(void *argument) {
    struct dial *dial = argument;
    return hawser_connect(dial->sock, "127.0.0.1", dial->port);
}

static void a_signal_does_not_start_the_connection_again(void **state) {
    (void)state;
    count_signals();
    black_hole hole = dig_black_hole("127.0.0.1", 0);
    struct dial dial = {hawser_socket(AF_INET, SOCK_STREAM, 0), hole.port};
    runner run;
    start(&run, connect_to_port, &dial);
    assert_int_equal(pester(&run, 5), 5);
    close(raw_accept(hole.listener));
    assert_int_equal(finish(&run), 0);
    assert_int_equal(run.code, 0);
    hawser_close(dial.sock);
    fill_in(hole);
}

/* An adopted socket in blocking mode, as a program that knows nothing of us made it, has a timeout all the same. */
static void an_adopted_blocking_socket_connects_within_its_timeout(void **state) {
    (void)state;
    black_hole hole = dig_black_hole("127.0.0.1", 0);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    hawser_sock *sock = hawser_sock_from_fd(fd);
    hawser_settimeout(sock, 0.1);
    double began = seconds_now();
    assert_int_equal(hawser_connect_ex(sock, "127.0.0.1", hole.port), ETIMEDOUT);
    assert_true(seconds_now() - began >= 0.1 && seconds_now() - began < WAIT_LIMIT / 2);
    assert_false(raw_is_nonblocking(fd));
    hawser_close(sock);
    fill_in(hole);
}

/* Trap 4: Linux says EAGAIN for a full Unix listener, which is neither refused nor the end. */
static void a_full_unix_listener_is_waited_for(void **state) {
    (void)state;
    const char *path = own_path("full");
    int listener = raw_unix_listener(path, 0);
    hawser_sock *first = hawser_socket(AF_UNIX, SOCK_STREAM, 0), *second = hawser_socket(AF_UNIX, SOCK_STREAM, 0);
    assert_works(hawser_connect(first, path, 0));
    hawser_settimeout(second, 0.05);
    assert_fails(hawser_connect(second, path, 0), ETIMEDOUT);
    hawser_settimeout(second, 0);
    assert_fails(hawser_connect(second, path, 0), EAGAIN);
    close(raw_accept(listener));
    hawser_settimeout(second, WAIT_LIMIT);
    assert_works(hawser_connect(second, path, 0));
    hawser_close(first);
    hawser_close(second);
    close(listener);
    unlink(path);
}

static void unix_names_in_all_their_forms(void **state) {
    (void)state;
    char path[128], with_scheme[160];
    snprintf(path, sizeof path, "%s", own_path("forms"));
    snprintf(with_scheme, sizeof with_scheme, "unix:%s", path);
    int listener = raw_unix_listener(path, 5);
    const char *const hosts[] = {path, with_scheme};
    for (size_t i = 0; i < 2; i++) {
        hawser_sock *sock = hawser_socket(AF_UNIX, SOCK_STREAM, 0);
        assert_works(hawser_connect(sock, hosts[i], 0));
        hawser_close(sock);
    }
    close(listener);
    hawser_sock *sock = hawser_socket(AF_UNIX, SOCK_STREAM, 0);
    assert_fails(hawser_connect(sock, path, 0), ECONNREFUSED); /* stale */
    unlink(path);
    assert_fails(hawser_connect(sock, path, 0), ENOENT);
    assert_sentence_has("connect to unix:/");
    assert_fails(hawser_connect(sock, path, 80), EINVAL);
    hawser_close(sock);
}

static void connecting_to_an_address_of_another_family_is_refused(void **state) {
    (void)state;
    hawser_sock *sock = hawser_socket(AF_INET, SOCK_STREAM, 0);
    assert_fails(hawser_connect(sock, "::1", 80), HAWSER_ENOADDRESS);
    hawser_addr addr;
    assert_int_equal(hawser_addr_ip(&addr, "::1", 80), 0);
    assert_fails(hawser_connect_addr(sock, &addr), EAFNOSUPPORT);
    hawser_close(sock);
}

static void a_datagram_socket_is_connected_at_once(void **state) {
    (void)state;
    char buf[8];
    int port, far = raw_datagrams(&port);
    hawser_sock *sock = hawser_socket(AF_INET, SOCK_DGRAM, 0);
    hawser_settimeout(sock, 0);
    assert_works(hawser_connect(sock, "127.0.0.1", port));
    assert_int_equal(assert_works(hawser_send(sock, "hi", 2)), 2);
    assert_int_equal(recv(far, buf, sizeof buf, 0), 2);
    hawser_close(sock);
    close(far);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_refused_connection_is_named),
        cmocka_unit_test(a_name_is_looked_up_and_connected_to),
        cmocka_unit_test(an_address_is_connected_to),
        cmocka_unit_test(refused_unanswered_and_unreachable_stay_distinct),
        cmocka_unit_test(with_a_timeout_of_zero_a_connection_is_in_progress_and_may_be_awaited),
        cmocka_unit_test(a_signal_does_not_start_the_connection_again),
        cmocka_unit_test(an_adopted_blocking_socket_connects_within_its_timeout),
        cmocka_unit_test(a_full_unix_listener_is_waited_for),
        cmocka_unit_test(unix_names_in_all_their_forms),
        cmocka_unit_test(connecting_to_an_address_of_another_family_is_refused),
        cmocka_unit_test(a_datagram_socket_is_connected_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
