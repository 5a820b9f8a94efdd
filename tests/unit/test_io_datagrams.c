/* SPDX-License-Identifier: MIT */
/* Datagrams through io.h; streams are in test_io.c. */
#include "support.h"

#include <errno.h>
#include <unistd.h>

static void datagrams_go_to_whom_they_are_sent_and_tell_their_sender(void **state) {
    (void)state;
    char buf[16];
    hawser_addr peer, own, other;
    hawser_sock *a = hawser_socket(AF_INET, SOCK_DGRAM, 0), *b = hawser_socket(AF_INET, SOCK_DGRAM, 0);
    assert_works(hawser_bind(a, "127.0.0.1", 0));
    assert_works(hawser_bind(b, "127.0.0.1", 0));
    hawser_getsockname(a, &own);
    hawser_getsockname(b, &other);
    assert_int_equal(assert_works(hawser_sendto(a, "hello", 5, "localhost", (int)hawser_addr_port(&other))), 5);
    assert_int_equal(assert_works(hawser_recvfrom(b, buf, sizeof buf, &peer)), 5);
    assert_true(hawser_addr_equal(&peer, &own));
    assert_int_equal(assert_works(hawser_sendto_addr(b, "back", 4, 0, &peer)), 4);
    assert_int_equal(assert_works(hawser_recvfrom_flags(a, buf, sizeof buf, MSG_PEEK, &peer)), 4);
    assert_int_equal(assert_works(hawser_recvfrom(a, buf, sizeof buf, NULL)), 4);
    assert_true(hawser_addr_equal(&peer, &other));
    hawser_close(a);
    hawser_close(b);
}

/* Trap 9: an empty datagram is not the end. */
static void an_empty_datagram_arrives(void **state) {
    (void)state;
    char buf[16];
    hawser_addr peer;
    hawser_sock *pair[2];
    assert_works(hawser_socketpair(AF_UNIX, SOCK_DGRAM, 0, pair));
    hawser_settimeout(pair[1], 0);
    assert_int_equal(assert_works(hawser_send(pair[0], "", 0)), 0);
    assert_works(hawser_sendall(pair[0], NULL, 0));
    assert_works(hawser_send(pair[0], "x", 1));
    assert_int_equal(assert_works(hawser_recv(pair[1], buf, sizeof buf)), 0);
    assert_int_equal(assert_works(hawser_recvfrom(pair[1], buf, sizeof buf, &peer)), 0);
    assert_int_equal(assert_works(hawser_recv(pair[1], buf, sizeof buf)), 1);
    assert_fails(hawser_recv(pair[1], buf, sizeof buf), EAGAIN);
    hawser_close(pair[0]);
    hawser_close(pair[1]);
}

static void a_stream_has_no_sender_in_recvfrom(void **state) {
    (void)state;
    char buf[8];
    hawser_addr peer;
    wire w = tcp_wire(false);
    memset(&peer, 'x', sizeof peer);
    assert_true(raw_write(w.far, "x", 1));
    assert_int_equal(assert_works(hawser_recvfrom(w.sock, buf, sizeof buf, &peer)), 1);
    assert_int_equal(peer.len, 0);
    assert_int_equal(hawser_addr_family(&peer), AF_UNSPEC);
    cut(w);
}

static void a_datagram_too_large_is_EMSGSIZE(void **state) {
    (void)state;
    static char much[70000];
    int port, far = raw_datagrams(&port);
    hawser_sock *sock = hawser_socket(AF_INET, SOCK_DGRAM, 0);
    assert_fails(hawser_sendto(sock, much, sizeof much, "127.0.0.1", port), EMSGSIZE);
    char expected[96];
    snprintf(expected, sizeof expected, "send to 127.0.0.1:%d: Message too long", port);
    assert_sentence(expected);
    hawser_close(sock);
    close(far);
}

/* Trap 25: ICMP errors surface on connected sockets only. */
static void nobody_at_a_udp_port_is_ECONNREFUSED_on_a_connected_socket(void **state) {
    (void)state;
    char buf[8];
    int port, far = raw_datagrams(&port);
    close(far);
    hawser_sock *sock = hawser_socket(AF_INET, SOCK_DGRAM, 0);
    hawser_settimeout(sock, WAIT_LIMIT);
    assert_works(hawser_connect(sock, "127.0.0.1", port));
    assert_works(hawser_send(sock, "x", 1));
    assert_fails(hawser_recv(sock, buf, sizeof buf), ECONNREFUSED);
    hawser_close(sock);
}

/* The kernel says "writable" of a Unix datagram socket whose receiver is full, and EAGAIN when asked to send. */
static void waiting_for_a_full_receiver_does_not_burn_a_core(void **state) {
    (void)state;
    static const char much[4096];
    const char *path = own_path("receiver");
    hawser_sock *receiver = hawser_socket(AF_UNIX, SOCK_DGRAM, 0), *sender = hawser_socket(AF_UNIX, SOCK_DGRAM, 0);
    assert_works(hawser_bind(receiver, path, 0));
    hawser_settimeout(sender, 0);
    while (hawser_sendto(sender, much, sizeof much, path, 0) > 0)
        ;
    assert_int_equal(errno, EAGAIN);
    hawser_settimeout(sender, 0.1);
    syscalls_made();
    assert_fails(hawser_sendto(sender, much, sizeof much, path, 0), ETIMEDOUT);
    assert_true(syscalls_made() < 300);
    hawser_close(sender);
    hawser_close(receiver);
}

static void sending_nowhere_is_told(void **state) {
    (void)state;
    char buf[8];
    hawser_sock *udp = hawser_socket(AF_INET, SOCK_DGRAM, 0), *tcp = hawser_socket(AF_INET, SOCK_STREAM, 0);
    assert_fails(hawser_send(udp, "x", 1), EDESTADDRREQ);
    assert_fails(hawser_send(tcp, "x", 1), EPIPE);
    assert_fails(hawser_recv(tcp, buf, sizeof buf), ENOTCONN);
    hawser_close(udp);
    hawser_close(tcp);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(datagrams_go_to_whom_they_are_sent_and_tell_their_sender),
        cmocka_unit_test(an_empty_datagram_arrives),
        cmocka_unit_test(a_stream_has_no_sender_in_recvfrom),
        cmocka_unit_test(a_datagram_too_large_is_EMSGSIZE),
        cmocka_unit_test(nobody_at_a_udp_port_is_ECONNREFUSED_on_a_connected_socket),
        cmocka_unit_test(waiting_for_a_full_receiver_does_not_burn_a_core),
        cmocka_unit_test(sending_nowhere_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
