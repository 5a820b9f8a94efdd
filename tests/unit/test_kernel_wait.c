/* SPDX-License-Identifier: MIT */
/*
 * Waiting when the kernel says "ready" and, asked, has nothing: for as long as an error notice lies in a socket's queue, or for
 * good when a datagram socket was shut. The deadline holds, no core burns, and whoever waits beside it is still woken.
 */
#include "support.h"

#include <errno.h>
#include <linux/net_tstamp.h>
#include <poll.h>
#include <unistd.h>

static long receive(void *argument) {
    char buf[8];
    return hawser_recv(argument, buf, sizeof buf);
}

static void assert_ended_while_waiting(hawser_sock *sock) {
    runner run;
    start(&run, receive, sock);
    assert_true(blocked(&run));
    assert_works(hawser_shutdown(sock, SHUT_RD));
    assert_int_equal(finish(&run), 0);
    start(&run, receive, sock);
    assert_int_equal(finish(&run), 0); /* and again */
}

static void a_datagram_socket_that_is_shut_has_ended(void **state) {
    (void)state;
    wire w = unix_wire(SOCK_DGRAM);
    assert_ended_while_waiting(w.sock);
    cut(w);
    int port, fd = raw_datagrams(&port);
    hawser_sock *udp = hawser_socket(AF_INET, SOCK_DGRAM, 0);
    assert_works(hawser_bind(udp, "127.0.0.1", 0));
    assert_works(hawser_connect(udp, "127.0.0.1", port));
    assert_ended_while_waiting(udp);
    hawser_close(udp);
    close(fd);
}

static void what_came_before_the_shutdown_is_received_before_the_end(void **state) {
    (void)state;
    char buf[8];
    wire w = unix_wire(SOCK_DGRAM);
    assert_true(raw_write(w.far, "abc", 3));
    assert_works(hawser_shutdown(w.sock, SHUT_RD));
    assert_int_equal(assert_works(hawser_recv(w.sock, buf, sizeof buf)), 3);
    assert_int_equal(assert_works(hawser_recv(w.sock, buf, sizeof buf)), 0);
    cut(w);
}

static void await_error_notice(hawser_sock *sock) {
    struct pollfd fd = {.fd = hawser_fileno(sock)};
    assert_int_equal(poll(&fd, 1, (int)(WAIT_LIMIT * 1000)), 1);
    assert_true(fd.revents & POLLERR);
}

/* A UDP socket with a refusal in its error queue that nobody reads. */
static hawser_sock *refused_udp(int *ret_port) {
    char buf[8];
    int fd = raw_datagrams(ret_port);
    hawser_sock *sock = hawser_socket(AF_INET, SOCK_DGRAM, 0);
    close(fd);
    assert_works(hawser_setsockopt_int(sock, IPPROTO_IP, IP_RECVERR, 1));
    assert_works(hawser_connect(sock, "127.0.0.1", *ret_port));
    assert_works(hawser_send(sock, "x", 1));
    await_error_notice(sock);
    hawser_settimeout(sock, 0);
    assert_fails(hawser_recv(sock, buf, sizeof buf), ECONNREFUSED);
    await_error_notice(sock); /* told, but still in the queue */
    return sock;
}

/* A TCP connection with the time stamp of a sent byte in its error queue. */
static wire stamped_tcp(void) {
    wire w = tcp_wire(false);
    int what = SOF_TIMESTAMPING_TX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE;
    assert_works(hawser_setsockopt_int(w.sock, SOL_SOCKET, SO_TIMESTAMPING, what));
    assert_works(hawser_send(w.sock, "x", 1));
    await_error_notice(w.sock);
    return w;
}

struct receiving {
    hawser_sock *sock;
    unsigned syscalls;
};

static long receive_counted(void *argument) {
    struct receiving *receiving = argument;
    syscalls_made();
    long result = receive(receiving->sock);
    int code = errno;
    receiving->syscalls = syscalls_made();
    errno = code;
    return result;
}

static void assert_times_out_at_leisure(hawser_sock *sock) {
    struct receiving receiving = {.sock = sock};
    runner run;
    hawser_settimeout(sock, 0.1);
    start(&run, receive_counted, &receiving);
    assert_int_equal(finish(&run), -1);
    assert_int_equal(run.code, ETIMEDOUT);
    assert_true(run.seconds >= 0.09);
    assert_true(receiving.syscalls < 300);
}

static void an_unread_error_notice_neither_outlasts_the_deadline_nor_burns_a_core(void **state) {
    (void)state;
    int port;
    hawser_sock *udp = refused_udp(&port);
    assert_times_out_at_leisure(udp);
    hawser_close(udp);
    wire w = stamped_tcp();
    assert_times_out_at_leisure(w.sock);
    cut(w);
}

static void beside_an_unread_error_notice_input_is_received_and_close_wakes(void **state) {
    (void)state;
    runner run;
    wire w = stamped_tcp();
    start(&run, receive, w.sock);
    assert_true(blocked(&run));
    assert_true(raw_write(w.far, "abc", 3));
    assert_int_equal(finish(&run), 3);
    hawser_ref(w.sock);
    start(&run, receive, w.sock);
    assert_true(blocked(&run));
    hawser_close(w.sock);
    assert_int_equal(finish(&run), -1);
    assert_int_equal(run.code, EBADF);
    cut(w);
}

struct sending {
    hawser_sock *sock;
    const char *to;
    unsigned syscalls;
};

static long send_counted(void *argument) {
    struct sending *sending = argument;
    syscalls_made();
    long result = hawser_sendto(sending->sock, "x", 1, sending->to, 0);
    int code = errno;
    sending->syscalls = syscalls_made();
    errno = code;
    return result;
}

/* A sender that is not connected is always writable; small messages leave its own buffer almost empty. */
static void a_full_receiver_of_small_datagrams_is_waited_for_until_the_deadline(void **state) {
    (void)state;
    struct sending sending = {.sock = hawser_socket(AF_UNIX, SOCK_DGRAM, 0), .to = own_path("full")};
    hawser_sock *receiver = hawser_socket(AF_UNIX, SOCK_DGRAM, 0);
    char buf[8];
    runner run;
    assert_works(hawser_bind(receiver, sending.to, 0));
    hawser_settimeout(sending.sock, 0);
    while (hawser_sendto(sending.sock, "x", 1, sending.to, 0) == 1)
        ;
    assert_int_equal(errno, EAGAIN);
    hawser_settimeout(sending.sock, 0.1);
    start(&run, send_counted, &sending);
    assert_int_equal(finish(&run), -1);
    assert_int_equal(run.code, ETIMEDOUT);
    assert_true(sending.syscalls < 300);
    hawser_settimeout(sending.sock, WAIT_LIMIT);
    start(&run, send_counted, &sending);
    assert_true(blocked(&run));
    assert_int_equal(assert_works(hawser_recv(receiver, buf, sizeof buf)), 1);
    assert_int_equal(finish(&run), 1);
    hawser_close(sending.sock);
    hawser_close(receiver);
}

static long send_much(void *argument) {
    static char much[1 << 20];
    return hawser_sendall(argument, much, sizeof much);
}

/* What poll announced was taken by another, again and again. */
static long receive_in_vain_first(void *argument) {
    bool made_up = !told_changes();
    if (made_up)
        fault_syscall("recv", 1, EAGAIN, 6);
    long result = receive(argument);
    return fault_none() == made_up ? result : -2;
}

static void a_receiver_that_pauses_does_not_take_the_senders_place(void **state) {
    (void)state;
    runner sending, receiving;
    wire w = unix_wire(SOCK_STREAM);
    hawser_ref(w.sock);
    start(&sending, send_much, w.sock);
    assert_true(blocked(&sending));
    assert_true(raw_write(w.far, "x", 1));
    start(&receiving, receive_in_vain_first, w.sock);
    assert_int_equal(finish(&receiving), 1);
    hawser_close(w.sock);
    assert_int_equal(finish(&sending), -1);
    assert_int_equal(sending.code, EBADF);
    cut(w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_datagram_socket_that_is_shut_has_ended),
        cmocka_unit_test(what_came_before_the_shutdown_is_received_before_the_end),
        cmocka_unit_test(an_unread_error_notice_neither_outlasts_the_deadline_nor_burns_a_core),
        cmocka_unit_test(beside_an_unread_error_notice_input_is_received_and_close_wakes),
        cmocka_unit_test(a_full_receiver_of_small_datagrams_is_waited_for_until_the_deadline),
        cmocka_unit_test(a_receiver_that_pauses_does_not_take_the_senders_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
