/* SPDX-License-Identifier: MIT */
/* What streams and datagrams carry, and how they end: the same in every engine. */
#include "engine_suite.h"

#include <errno.h>
#include <signal.h>
#include <sys/uio.h>

static void a_stream_has_no_message_borders(void **state) {
    (void)state;
    hawser__endpoint *pair[2];
    open_pair(SOCK_STREAM, pair);
    char got[16];
    assert_int_equal(send_text(pair[0], "ab"), 2);
    assert_int_equal(send_text(pair[0], "cdef"), 4);
    assert_int_equal(ops()->recv(pair[1], got, 3, 0, HAWSER__NOW), 3);
    assert_memory_equal(got, "abc", 3);
    assert_receives(pair[1], "def");
    close_endpoint(pair[0]);
    close_endpoint(pair[1]);
}

static void peeked_bytes_come_again(void **state) {
    (void)state;
    hawser__endpoint *pair[2];
    open_pair(SOCK_STREAM, pair);
    char got[16];
    send_text(pair[0], "peek");
    assert_int_equal(ops()->recv(pair[1], got, sizeof got, MSG_PEEK, HAWSER__NOW), 4);
    assert_int_equal(ops()->unread(pair[1]), 4);
    assert_receives(pair[1], "peek");
    assert_int_equal(ops()->unread(pair[1]), 0);
    close_endpoint(pair[0]);
    close_endpoint(pair[1]);
}

static void one_message_is_gathered_and_scattered(void **state) {
    (void)state;
    hawser__endpoint *pair[2];
    open_pair(SOCK_STREAM, pair);
    char a[3], b[10];
    struct iovec out[] = {{(char[]){'o', 'n'}, 2}, {NULL, 0}, {(char[]){'e', '!', '?'}, 3}}, in[] = {{a, 3}, {b, 10}};
    const struct msghdr sent = {.msg_iov = out, .msg_iovlen = 3};
    struct msghdr received = {.msg_iov = in, .msg_iovlen = 2};
    assert_int_equal(ops()->sendmsg(pair[0], &sent, 0, HAWSER__NOW), 5);
    assert_int_equal(ops()->recvmsg(pair[1], &received, 0, HAWSER__NOW), 5);
    assert_memory_equal(a, "one", 3);
    assert_memory_equal(b, "!?", 2);
    assert_int_equal(received.msg_flags & (MSG_TRUNC | MSG_CTRUNC), 0);
    close_endpoint(pair[0]);
    close_endpoint(pair[1]);
}

static void much_is_sent_in_parts_and_arrives_whole(void **state) {
    (void)state;
    static unsigned char data[1 << 20], got[1 << 20];
    hawser__endpoint *pair[2];
    open_tcp(pair);
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (unsigned char)(i * 7 + (i >> 8));
    for (size_t out = 0, in = 0; in < sizeof got;) {
        ssize_t n = out < sizeof data ? ops()->send(pair[0], data + out, sizeof data - out, 0, HAWSER__NOW) : 0;
        assert_true(n >= 0 || n == -EAGAIN);
        out += n > 0 ? (size_t)n : 0;
        n = ops()->recv(pair[1], got + in, sizeof got - in, 0, in_seconds(WAIT_LIMIT));
        assert_true(n > 0);
        in += (size_t)n;
    }
    assert_memory_equal(data, got, sizeof data);
    close_endpoint(pair[0]);
    close_endpoint(pair[1]);
}

static void the_end_comes_after_the_bytes_and_stays(void **state) {
    (void)state;
    hawser__endpoint *pair[2];
    char buf[8];
    open_tcp(pair);
    send_text(pair[0], "last");
    close_endpoint(pair[0]);
    assert_receives(pair[1], "last");
    for (int i = 0; i < 3; i++)
        assert_int_equal(ops()->recv(pair[1], buf, sizeof buf, 0, in_seconds(WAIT_LIMIT)), 0);
    close_endpoint(pair[1]);
}

static void half_closed_still_receives(void **state) {
    (void)state;
    hawser__endpoint *pair[2];
    char buf[8];
    open_tcp(pair);
    assert_int_equal(ops()->shutdown(pair[0], SHUT_WR), 0);
    assert_int_equal(ops()->recv(pair[1], buf, sizeof buf, 0, in_seconds(WAIT_LIMIT)), 0);
    assert_int_equal(send_text(pair[1], "reply"), 5);
    assert_receives(pair[0], "reply");
    assert_int_equal(send_text(pair[0], "no"), -EPIPE);
    close_endpoint(pair[0]);
    close_endpoint(pair[1]);
}

static long recv_until_the_end(void *argument) {
    char buf[8];
    return ops()->recv(argument, buf, sizeof buf, 0, HAWSER__NEVER);
}

static void shutting_down_ends_our_own_waiting_receiver(void **state) {
    (void)state;
    hawser__endpoint *pair[2];
    runner run;
    open_tcp(pair);
    start(&run, recv_until_the_end, pair[0]);
    assert_true(blocked(&run));
    assert_int_equal(ops()->shutdown(pair[0], SHUT_RDWR), 0);
    assert_int_equal(finish(&run), 0);
    close_endpoint(pair[0]);
    close_endpoint(pair[1]);
}

static void a_peer_that_closes_ends_a_waiting_receiver(void **state) {
    (void)state;
    hawser__endpoint *pair[2];
    runner run;
    open_tcp(pair);
    start(&run, recv_until_the_end, pair[0]);
    assert_true(blocked(&run));
    close_endpoint(pair[1]);
    assert_int_equal(finish(&run), 0);
    close_endpoint(pair[0]);
}

/* Unread input makes the closing end reset the connection. */
static void a_reset_is_ECONNRESET_once(void **state) {
    (void)state;
    hawser__endpoint *pair[2];
    char buf[8];
    open_tcp(pair);
    send_text(pair[0], "unread");
    while (ops()->unread(pair[1]) < 6)
        assert_true(ops()->recv(pair[1], buf, 1, MSG_PEEK, in_seconds(WAIT_LIMIT)) > 0);
    close_endpoint(pair[1]);
    assert_int_equal(ops()->recv(pair[0], buf, sizeof buf, 0, in_seconds(WAIT_LIMIT)), -ECONNRESET);
    assert_int_equal(ops()->recv(pair[0], buf, sizeof buf, 0, in_seconds(WAIT_LIMIT)), 0);
    assert_int_equal(send_text(pair[0], "x"), -EPIPE);
    close_endpoint(pair[0]);
}

static void a_reset_ends_a_waiting_receiver(void **state) {
    (void)state;
    const struct linger at_once = {.l_onoff = 1, .l_linger = 0};
    hawser__endpoint *pair[2];
    runner run;
    open_tcp(pair);
    start(&run, recv_until_the_end, pair[0]);
    assert_true(blocked(&run));
    assert_int_equal(ops()->setsockopt(pair[1], SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once), 0);
    close_endpoint(pair[1]);
    assert_int_equal(finish(&run), -ECONNRESET);
    close_endpoint(pair[0]);
}

/* Contract 6. The signal's action is the default one here: raised, it would end the program. */
static void sending_to_nobody_is_EPIPE_and_no_signal(void **state) {
    (void)state;
    assert_ptr_equal(signal(SIGPIPE, SIG_DFL), SIG_DFL);
    hawser__endpoint *pair[2];
    open_pair(SOCK_STREAM, pair);
    close_endpoint(pair[1]);
    struct iovec part = {(char[]){'x'}, 1};
    const struct msghdr msg = {.msg_iov = &part, .msg_iovlen = 1};
    assert_int_equal(send_text(pair[0], "x"), -EPIPE);
    assert_int_equal(ops()->sendmsg(pair[0], &msg, 0, HAWSER__NOW), -EPIPE);
    close_endpoint(pair[0]);
}

static void without_connection_there_is_nothing_to_receive(void **state) {
    (void)state;
    char buf[8];
    hawser__endpoint *stream = open_endpoint(AF_INET, SOCK_STREAM);
    assert_int_equal(ops()->recv(stream, buf, sizeof buf, 0, HAWSER__NEVER), -ENOTCONN);
    assert_int_equal(ops()->send(stream, "x", 1, 0, HAWSER__NEVER), -EPIPE);
    assert_int_equal(ops()->shutdown(stream, SHUT_WR), -ENOTCONN);
    close_endpoint(stream);
}

static void lent_bytes_are_those_that_were_sent(void **state) {
    (void)state;
    hawser__endpoint *pair[2];
    void *lent;
    open_pair(SOCK_STREAM, pair);
    send_text(pair[0], "lend me");
    assert_int_equal(ops()->recv_lend(pair[1], &lent, 65536, HAWSER__NOW), 7);
    assert_memory_equal(lent, "lend me", 7);
    ops()->give_back(pair[1], lent);
    close_endpoint(pair[0]);
    assert_int_equal(ops()->recv_lend(pair[1], &lent, 65536, in_seconds(WAIT_LIMIT)), 0);
    ops()->give_back(pair[1], lent);
    close_endpoint(pair[1]);
}

static void splicing_moves_bytes_up_to_a_limit_and_to_the_end(void **state) {
    (void)state;
    hawser__endpoint *from[2], *to[2];
    open_pair(SOCK_STREAM, from);
    open_pair(SOCK_STREAM, to);
    send_text(from[0], "abcdef");
    assert_int_equal(ops()->splice(from[1], to[0], 4, HAWSER__NOW), 4);
    assert_receives(to[1], "abcd");
    assert_int_equal(ops()->splice(from[1], to[0], 100, HAWSER__NOW), 2);
    assert_receives(to[1], "ef");
    close_endpoint(from[0]);
    assert_int_equal(ops()->splice(from[1], to[0], 100, in_seconds(WAIT_LIMIT)), 0);
    close_endpoint(from[1]);
    close_endpoint(to[0]);
    close_endpoint(to[1]);
}

/* What could not be sent is not lost. */
static void splicing_to_nobody_loses_nothing(void **state) {
    (void)state;
    hawser__endpoint *from[2], *to[2];
    open_pair(SOCK_STREAM, from);
    open_pair(SOCK_STREAM, to);
    close_endpoint(to[1]);
    send_text(from[0], "kept");
    assert_int_equal(ops()->splice(from[1], to[0], 100, HAWSER__NOW), -EPIPE);
    assert_receives(from[1], "kept");
    close_endpoint(from[0]);
    close_endpoint(from[1]);
    close_endpoint(to[0]);
}

static void datagrams_keep_their_borders_and_an_empty_one_counts(void **state) {
    (void)state;
    hawser__endpoint *pair[2];
    char buf[8];
    open_pair(SOCK_DGRAM, pair);
    send_text(pair[0], "one");
    assert_int_equal(ops()->send(pair[0], "", 0, 0, HAWSER__NOW), 0);
    send_text(pair[0], "two");
    assert_receives(pair[1], "one");
    assert_int_equal(ops()->recv(pair[1], buf, sizeof buf, 0, HAWSER__NOW), 0);
    assert_receives(pair[1], "two");
    assert_int_equal(ops()->recv(pair[1], buf, sizeof buf, 0, HAWSER__NOW), -EAGAIN);
    close_endpoint(pair[0]);
    close_endpoint(pair[1]);
}

static void a_datagram_that_is_cut_says_so_and_tells_its_sender(void **state) {
    (void)state;
    hawser__endpoint *to = open_endpoint(AF_INET, SOCK_DGRAM), *from = open_endpoint(AF_INET, SOCK_DGRAM);
    hawser_addr addr, own = {.len = sizeof own.ss}, peer;
    assert_int_equal(hawser_addr_ip(&addr, "127.0.0.1", 0), 0);
    assert_int_equal(ops()->bind(to, (struct sockaddr *)&addr.ss, addr.len), 0);
    assert_int_equal(ops()->bind(from, (struct sockaddr *)&addr.ss, addr.len), 0);
    addr.len = sizeof addr.ss;
    assert_int_equal(ops()->getsockname(to, (struct sockaddr *)&addr.ss, &addr.len), 0);
    assert_int_equal(ops()->getsockname(from, (struct sockaddr *)&own.ss, &own.len), 0);
    struct iovec out = {(char[]){'l', 'o', 'n', 'g', 'e', 'r'}, 6};
    const struct msghdr sent = {.msg_name = &addr.ss, .msg_namelen = addr.len, .msg_iov = &out, .msg_iovlen = 1};
    assert_int_equal(ops()->sendmsg(from, &sent, 0, HAWSER__NOW), 6);
    char got[4];
    struct iovec in = {got, sizeof got};
    struct msghdr msg = {.msg_name = &peer.ss, .msg_namelen = sizeof peer.ss, .msg_iov = &in, .msg_iovlen = 1};
    assert_int_equal(ops()->recvmsg(to, &msg, 0, in_seconds(WAIT_LIMIT)), 4);
    assert_memory_equal(got, "long", 4);
    assert_true(msg.msg_flags & MSG_TRUNC);
    peer.len = msg.msg_namelen;
    assert_true(hawser_addr_equal(&peer, &own));
    close_endpoint(to);
    close_endpoint(from);
}

static void a_sequenced_packet_stays_whole(void **state) {
    (void)state;
    hawser__endpoint *pair[2];
    open_pair(SOCK_SEQPACKET, pair);
    send_text(pair[0], "first");
    send_text(pair[0], "second");
    assert_receives(pair[1], "first");
    assert_receives(pair[1], "second");
    close_endpoint(pair[0]);
    assert_receives(pair[1], "");
    close_endpoint(pair[1]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        engine_test(a_stream_has_no_message_borders),
        engine_test(peeked_bytes_come_again),
        engine_test(one_message_is_gathered_and_scattered),
        engine_test(much_is_sent_in_parts_and_arrives_whole),
        engine_test(the_end_comes_after_the_bytes_and_stays),
        engine_test(half_closed_still_receives),
        engine_test(shutting_down_ends_our_own_waiting_receiver),
        engine_test(a_peer_that_closes_ends_a_waiting_receiver),
        engine_test(a_reset_is_ECONNRESET_once),
        engine_test(a_reset_ends_a_waiting_receiver),
        engine_test(sending_to_nobody_is_EPIPE_and_no_signal),
        engine_test(without_connection_there_is_nothing_to_receive),
        engine_test(lent_bytes_are_those_that_were_sent),
        engine_test(splicing_moves_bytes_up_to_a_limit_and_to_the_end),
        engine_test(splicing_to_nobody_loses_nothing),
        engine_test(datagrams_keep_their_borders_and_an_empty_one_counts),
        engine_test(a_datagram_that_is_cut_says_so_and_tells_its_sender),
        engine_test(a_sequenced_packet_stays_whole),
    };
    return run_for_each_engine(tests, sizeof tests / sizeof *tests);
}
