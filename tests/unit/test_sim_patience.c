/* SPDX-License-Identifier: MIT */
/* Simulated connections of TCP: what is lost, and how long who waits for what. */
#include "small_world.h"

static void a_lost_segment_is_sent_again_and_nothing_twice(void **state) {
    (void)state;
    hawser__socket *ends[2];
    connect_hosts(ends);
    set_cut(left, right, true);
    assert_result(say(ends[0], "one "), 4);
    assert_result(say(ends[0], "two "), 4);
    pass(150 * MS);
    set_cut(left, right, false);
    assert_result(say(ends[0], "three"), 5);
    assert_result(receive(ends[1], 10, 0), -EAGAIN);
    pass(50 * MS);
    assert_hears(ends[1], "one two three");
    settle();
    assert_result(receive(ends[1], 10, 0), -EAGAIN);
    close_both(ends);
}

/* A connection whose beginning had to be tried again, since what went from FROM to TO was lost for the first 900 ms. */
static void connect_in_spite(hawser__host *from, hawser__host *to, hawser__socket *ends[2]) {
    hawser__socket *listener = listen_on(right, AF_INET, ip_of(right), 5);
    ends[0] = open_socket(left, AF_INET, SOCK_STREAM);
    set_link(&(hawser_sim_link){.latency = 0.01});
    set_cut(from, to, true);
    assert_result(connect_to(ends[0], ip_of(right), port_of(listener)), -EINPROGRESS);
    pass(900 * MS);
    set_cut(from, to, false);
    pass(1 * SECOND);
    assert_result(hawser__socket_accept(listener, &ends[1]), 0);
    assert_result(hawser__socket_connect_result(ends[0]), 0);
    hawser__socket_unref(listener);
}

/* As on Linux, whose timestamps tell which of the tries was answered. */
static void a_handshake_that_was_tried_again_leaves_no_patience_behind(void **state) {
    (void)state;
    for (int i = 0; i < 4; i++) {
        hawser__socket *ends[2];
        bool answer_lost = i >= 2;
        connect_in_spite(answer_lost ? right : left, answer_lost ? left : right, ends);
        hawser__socket *sender = ends[i % 2], *receiver = ends[1 - i % 2];
        set_cut(left, right, true);
        set_cut(right, left, true);
        assert_result(say(sender, "x"), 1);
        pass(1 * MS);
        set_cut(left, right, false);
        set_cut(right, left, false);
        pass(238 * MS);                  /* 10 until it would be there, 200 and a round trip of 20, then 10 on its way */
        assert_result(receive(receiver, 1, 0), -EAGAIN);
        pass(1 * MS);
        assert_hears(receiver, "x");
        close_both(ends);
        settle();
    }
}

static void a_lost_answer_makes_the_sender_try_again(void **state) {
    (void)state;
    hawser__socket *ends[2];
    connect_hosts(ends);
    set_cut(right, left, true);
    assert_result(say_bytes(ends[0], 60000), 60000);
    assert_result(say_bytes(ends[0], 60000), 5536);
    assert_result(say_bytes(ends[0], 1), -EAGAIN);
    assert_false(hawser__socket_writable(ends[0]));
    assert_int_equal(receive_all(ends[1]), 65536);
    pass(1 * SECOND);
    assert_false(hawser__socket_writable(ends[0]));
    set_cut(right, left, false);
    pass(1 * SECOND);
    assert_true(hawser__socket_writable(ends[0]));
    assert_result(receive(ends[1], 10, 0), -EAGAIN);
    close_both(ends);
}

static void fifteen_tries_without_an_answer_are_the_end(void **state) {
    (void)state;
    hawser__socket *ends[2];
    connect_hosts(ends);
    set_cut(left, right, true);
    assert_result(say(ends[0], "x"), 1);
    pass(900 * SECOND);
    assert_result(receive(ends[0], 1, 0), -EAGAIN);
    settle();
    assert_in_range(now(), 924 * SECOND, 925 * SECOND);   /* as tcp_retries2 has it */
    assert_result(receive(ends[0], 1, 0), -ETIMEDOUT);
    assert_result(receive(ends[0], 1, 0), 0);
    assert_result(say(ends[0], "x"), -EPIPE);
    assert_result(receive(ends[1], 1, 0), -EAGAIN);   /* half open */
    set_cut(left, right, false);
    assert_result(say(ends[1], "x"), 1);
    settle();
    assert_result(receive(ends[1], 1, 0), -ECONNRESET);
    close_both(ends);
}

/* From LEFT to RIGHT, where 1152 bytes are taken at first. */
static void open_narrow(hawser__socket *ends[2]) {
    hawser__socket *listener = listen_on(right, AF_INET, ip_of(right), 5);
    assert_result(set_int(listener, SOL_SOCKET, SO_RCVBUF, 1), 0);
    ends[0] = open_socket(left, AF_INET, SOCK_STREAM);
    assert_result(connect_to(ends[0], ip_of(right), port_of(listener)), -EINPROGRESS);
    assert_result(hawser__socket_accept(listener, &ends[1]), 0);
    hawser__socket_unref(listener);
}

/* The window grows, and what is sent again is cut up in another way than before. */
static void what_comes_again_in_another_piece_is_not_delivered_twice(void **state) {
    (void)state;
    begin_world(&(hawser_sim_model){.buffer = 3000});
    char text[2001];
    hawser__socket *ends[2];
    for (int i = 0; i < 2000; i++)
        text[i] = (char)('a' + i % 23);
    text[2000] = '\0';
    open_narrow(ends);
    set_link(&(hawser_sim_link){.latency = 0.01});
    assert_result(say(ends[0], "!"), 1);
    pass(1 * MS);
    assert_result(say(ends[0], text), 2000);           /* 1151 of them leave */
    assert_result(set_int(ends[1], SOL_SOCKET, SO_RCVBUF, 50000), 0);
    pass(9 * MS);                                      /* the first byte is there, its answer has the new window, */
    set_cut(right, left, true);
    pass(1 * MS);                                      /* and the answer to the 1151 is lost, */
    set_cut(left, right, true);
    pass(30 * MS);                                     /* as is the rest */
    assert_result(hawser__socket_unread(ends[1]), 1152);
    set_cut(left, right, false);
    set_cut(right, left, false);
    pass(1 * SECOND);
    assert_result(receive(ends[1], 1, 0), 1);
    assert_hears(ends[1], text);
    assert_non_null(strstr(trace_text(), "again c1> 1+2000"));
    close_both(ends);
    end_world();
}

static void a_lost_window_update_is_asked_for(void **state) {
    (void)state;
    hawser__socket *ends[2];
    connect_hosts(ends);
    while (say_bytes(ends[0], 50000) > 0)
        ;
    set_cut(right, left, true);
    assert_int_equal(receive_all(ends[1]), 65536);
    pass(1 * SECOND);
    set_cut(right, left, false);
    pass(10 * SECOND);
    assert_int_equal(receive_all(ends[1]), 65536);
    close_both(ends);
}

static void who_crashed_is_silent_and_who_came_back_resets(void **state) {
    (void)state;
    hawser__socket *ends[2];
    connect_hosts(ends);
    hawser__sockets_drop(right, false);
    right->up = false;
    assert_result(say(ends[0], "x"), 1);
    pass(10 * SECOND);
    assert_result(receive(ends[0], 1, 0), -EAGAIN);
    right->up = true;
    pass(30 * SECOND);
    assert_result(receive(ends[0], 1, 0), -ECONNRESET);
    hawser__socket_unref(ends[0]);
}

static void who_ended_politely_still_delivers(void **state) {
    (void)state;
    hawser__socket *ends[2];
    connect_hosts(ends);
    set_link(&(hawser_sim_link){.latency = 0.1});
    assert_result(say(ends[1], "last words"), 10);
    hawser__sockets_drop(right, true);
    right->up = false;
    settle();
    assert_hears(ends[0], "last words");
    assert_result(receive(ends[0], 1, 0), 0);
    assert_int_equal(right->socket_count, 0);
    hawser__socket_unref(ends[0]);
    settle();
    assert_null(right->sockets);
}

static void an_orphan_whose_peer_never_ends_goes_after_a_minute(void **state) {
    (void)state;
    hawser__socket *ends[2];
    connect_hosts(ends);
    hawser__socket_unref(ends[0]);
    assert_non_null(left->sockets);
    settle();
    assert_result(now(), 60 * SECOND);
    assert_null(left->sockets);
    hawser__socket_unref(ends[1]);
}

static void a_lost_last_answer_is_no_reset(void **state) {
    (void)state;
    hawser__socket *ends[2];
    connect_hosts(ends);
    assert_result(hawser__socket_shutdown(ends[0], SHUT_WR), 0);
    set_cut(left, right, true);
    assert_result(hawser__socket_shutdown(ends[1], SHUT_WR), 0);
    assert_result(receive(ends[0], 1, 0), 0);
    hawser__socket_unref(ends[0]);
    set_cut(left, right, false);
    pass(1 * SECOND);
    assert_result(receive(ends[1], 1, 0), 0);
    assert_result(get_int(ends[1], SOL_SOCKET, SO_ERROR), 0);
    hawser__socket_unref(ends[1]);
    settle();
    assert_null(right->sockets);
}

static void keepalive_finds_out_that_the_peer_is_gone(void **state) {
    (void)state;
    hawser__socket *ends[2];
    connect_hosts(ends);
    assert_result(set_int(ends[0], IPPROTO_TCP, TCP_KEEPIDLE, 10), 0);
    assert_result(set_int(ends[0], IPPROTO_TCP, TCP_KEEPINTVL, 5), 0);
    assert_result(set_int(ends[0], IPPROTO_TCP, TCP_KEEPCNT, 3), 0);
    assert_result(set_int(ends[0], SOL_SOCKET, SO_KEEPALIVE, 1), 0);
    pass(100 * SECOND);
    assert_result(receive(ends[0], 1, 0), -EAGAIN);
    set_cut(left, right, true);
    settle();
    assert_in_range(now(), 115 * SECOND, 126 * SECOND);
    assert_result(receive(ends[0], 1, 0), -ETIMEDOUT);
    close_both(ends);
}

static void the_user_timeout_ends_earlier(void **state) {
    (void)state;
    hawser__socket *ends[2];
    connect_hosts(ends);
    assert_result(set_int(ends[0], IPPROTO_TCP, TCP_USER_TIMEOUT, 5000), 0);
    pass(1 * SECOND);
    set_cut(left, right, true);
    assert_result(say(ends[0], "x"), 1);
    settle();
    assert_result(now(), 6 * SECOND);
    assert_result(receive(ends[0], 1, 0), -ETIMEDOUT);
    close_both(ends);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        world_test(a_lost_segment_is_sent_again_and_nothing_twice),
        world_test(a_handshake_that_was_tried_again_leaves_no_patience_behind),
        world_test(a_lost_answer_makes_the_sender_try_again),
        world_test(fifteen_tries_without_an_answer_are_the_end),
        cmocka_unit_test(what_comes_again_in_another_piece_is_not_delivered_twice),
        world_test(a_lost_window_update_is_asked_for),
        world_test(who_crashed_is_silent_and_who_came_back_resets),
        world_test(who_ended_politely_still_delivers),
        world_test(an_orphan_whose_peer_never_ends_goes_after_a_minute),
        world_test(a_lost_last_answer_is_no_reset),
        world_test(keepalive_finds_out_that_the_peer_is_gone),
        world_test(the_user_timeout_ends_earlier),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
