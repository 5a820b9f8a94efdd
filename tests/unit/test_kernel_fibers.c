/* SPDX-License-Identifier: MIT */
/* engine/kernel and kernel_connect in fibers: what has come is found whatever was asked before, and whoever fails again and
 * again lets others run. */
#include "fibers.h"
#include "support.h"

#include <errno.h>
#include <unistd.h>

/* What has come. */

static int write_eight(void *far) {
    EXPECT(raw_write(*(int *)far, "ABCDEFGH", 8));
    return 0;
}

static int receive_in_three_ways(void *arg) {
    wire *w = arg;
    char buf[100];
    EXPECT(raw_write(w->far, "hello", 5));
    EXPECT(hawser_recv(w->sock, buf, sizeof buf) == 5); /* nothing is left, then */
    EXPECT(hawser_go(write_eight, &w->far) == 0);       /* runs when the next call waits */
    EXPECT(hawser_recvfrom(w->sock, buf, 3, NULL) == 3);
    EXPECT(hawser_recv(w->sock, buf, sizeof buf) == 5 && memcmp(buf, "DEFGH", 5) == 0);
    return 0;
}

static void what_a_read_of_another_kind_left_is_found_after_a_short_one(void **state) {
    (void)state;
    wire w = tcp_wire(false);
    assert_works(hawser_settimeout(w.sock, 5));
    assert_runs(1, receive_in_three_ways, &w);
    cut(w);
}

struct datagrams {
    hawser_sock *sock;
    int peer, port, peer_port;
    wire signal;
    bool connected;
};

static int receive_datagram(void *arg) {
    struct datagrams *d = arg;
    char buf[8];
    EXPECT(hawser_recv(d->sock, buf, sizeof buf) == 5);
    EXPECT(d->connected);
    return 0;
}

static int connect_when_told(void *arg) {
    struct datagrams *d = arg;
    char byte;
    EXPECT(hawser_recv(d->signal.sock, &byte, 1) == 1);
    EXPECT(hawser_connect(d->sock, "127.0.0.1", d->peer_port) == 0);
    d->connected = true;
    return 0;
}

static void send_from_peer(const struct datagrams *d) {
    struct sockaddr_in sa = {.sin_family = AF_INET, .sin_port = htons((uint16_t)d->port)};
    sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT(sendto(d->peer, "hello", 5, 0, (struct sockaddr *)&sa, sizeof sa) == 5);
}

/* Both are told in one look at the port, in the order that makes the connector run first: epoll's of what came first, poll's of
 * who waited last. */
static int tell_both(void *arg) {
    struct datagrams *d = arg;
    EXPECT(hawser_go(receive_datagram, d) == 0);
    EXPECT(hawser_go(connect_when_told, d) == 0);
    rest_a_moment(); /* both wait, and that they could send has been told */
    EXPECT(raw_write(d->signal.far, "x", 1));
    send_from_peer(d);
    return 0;
}

static void a_datagram_that_has_come_is_found_when_the_socket_is_connected_before_its_receiver_runs(void **state) {
    (void)state;
    struct datagrams d = {.sock = hawser_socket(AF_INET, SOCK_DGRAM, 0), .signal = unix_wire(SOCK_STREAM)};
    d.peer = raw_datagrams(&d.peer_port);
    assert_works(hawser_bind(d.sock, "127.0.0.1", 0));
    assert_works(hawser_settimeout(d.sock, 5));
    d.port = raw_port(hawser_fileno(d.sock));
    assert_runs(1, tell_both, &d);
    hawser_close(d.sock);
    close(d.peer);
    cut(d.signal);
}

/* Whoever fails and tries again. */

struct loop {
    hawser_sock *sock;
    wire handler;
    atomic_bool others_ran;
};

static int give_back(void *arg) {
    struct loop *loop = arg;
    char byte;
    EXPECT(hawser_recv(loop->handler.sock, &byte, 1) == 1);
    EXPECT(fault_none());
    return 0;
}

/* The handler waits for what has come already. */
static int accept_without_descriptors(void *arg) {
    struct loop *loop = arg;
    hawser_sock *accepted = NULL;
    EXPECT(hawser_go(give_back, loop) == 0);
    hawser_yield();
    EXPECT(raw_write(loop->handler.far, "x", 1));
    fault_syscall("accept", 1, EMFILE, 1000000);
    for (int tries = 0; tries < 10 && !accepted; tries++) {
        accepted = hawser_accept(loop->sock, NULL);
        EXPECT(accepted || errno == EMFILE);
    }
    EXPECT(accepted != NULL);
    fault_none();
    raw_write(loop->handler.far, "x", 1); /* for one that has not run */
    hawser_close(accepted);
    return 0;
}

static void an_accept_that_fails_for_want_of_descriptors_lets_the_handlers_run_that_give_some_back(void **state) {
    (void)state;
    skip_in_world("no system calls are made there");
    struct loop loop = {.sock = hawser_create_server("127.0.0.1", 0, NULL), .handler = unix_wire(SOCK_STREAM)};
    int far = raw_connect(AF_INET, raw_port(hawser_fileno(loop.sock)));
    assert_runs(1, accept_without_descriptors, &loop);
    hawser_close(loop.sock);
    cut(loop.handler);
    close(far);
}

static int note_that_it_ran(void *arg) {
    struct loop *loop = arg;
    atomic_store(&loop->others_ran, true);
    return 0;
}

static int retry_on_closed(void *arg) {
    struct loop *loop = arg;
    char byte;
    EXPECT(hawser_go(note_that_it_ran, loop) == 0);
    for (int tries = 0; tries < 100000 && !atomic_load(&loop->others_ran); tries++)
        EXPECT_FAILURE(hawser_recv(loop->sock, &byte, 1), EBADF);
    EXPECT(atomic_load(&loop->others_ran));
    return 0;
}

static void a_fiber_that_goes_on_trying_a_closed_socket_lets_others_run(void **state) {
    (void)state;
    struct loop loop = {.sock = hawser_ref(hawser_socket(AF_INET, SOCK_STREAM, 0))};
    hawser_close(loop.sock);
    assert_runs(1, retry_on_closed, &loop);
    hawser_unref(loop.sock);
}

/* A socket of two runs. */

enum { MUCH = 1 << 20 };

static int receive_byte(void *sock) {
    char byte;
    EXPECT(hawser_recv(sock, &byte, 1) == 1);
    return 0;
}

static int send_much(void *sock) {
    static char much[MUCH];
    return hawser_sendall(sock, much, sizeof much);
}

static long run_receiver(void *sock) {
    return run_on_workers(1, receive_byte, sock);
}

static long run_sender(void *sock) {
    return run_on_workers(1, send_much, sock);
}

/* The socket is registered with the worker of the receiver, on whom the sender relies. */
static void whoever_waits_at_a_socket_of_two_runs_is_woken_when_the_other_run_has_ended(void **state) {
    (void)state;
    static char got[MUCH];
    runner receiver, sender;
    wire w = unix_wire(SOCK_STREAM);
    assert_works(hawser_settimeout(w.sock, WAIT_LIMIT));
    start_thread(&receiver, run_receiver, w.sock);
    assert_true(blocked(&receiver));
    start_thread(&sender, run_sender, w.sock);
    assert_true(blocked(&sender));
    assert_true(raw_write(w.far, "x", 1));
    assert_int_equal(finish(&receiver), 0);
    assert_true(raw_read(w.far, got, sizeof got));
    assert_int_equal(finish(&sender), 0);
    assert_as_expected();
    cut(w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_read_of_another_kind_left_is_found_after_a_short_one),
        cmocka_unit_test(a_datagram_that_has_come_is_found_when_the_socket_is_connected_before_its_receiver_runs),
        cmocka_unit_test(an_accept_that_fails_for_want_of_descriptors_lets_the_handlers_run_that_give_some_back),
        cmocka_unit_test(a_fiber_that_goes_on_trying_a_closed_socket_lets_others_run),
        cmocka_unit_test(whoever_waits_at_a_socket_of_two_runs_is_woken_when_the_other_run_has_ended),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
