/* SPDX-License-Identifier: MIT */
#include "small_world.h"

static void reset_on_close(hawser__socket *socket) {
    struct linger linger = {.l_onoff = 1};
    assert_result(hawser__socket_setsockopt(socket, SOL_SOCKET, SO_LINGER, &linger, sizeof linger), 0);
    hawser__socket_unref(socket);
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

static void a_send_on_loopback_can_be_read_when_it_returns(void **state) {
    (void)state;
    hawser__socket *ends[2];
    connect_within(ends);
    assert_result(receive(ends[1], 10, 0), -EAGAIN);
    assert_result(say(ends[0], "hello"), 5);
    assert_true(hawser__socket_readable(ends[1]));
    assert_result(receive(ends[1], 2, MSG_PEEK), 2);
    assert_result(hawser__socket_unread(ends[1]), 5);
    assert_hears(ends[1], "hello");
    assert_result(now(), 0);
    close_both(ends);
}

static void both_ends_know_their_names(void **state) {
    (void)state;
    hawser__socket *ends[2];
    connect_hosts(ends);
    assert_string_equal(name_of(ends[0]), "10.0.0.1:32768");
    assert_string_equal(peer_of(ends[1]), "10.0.0.1:32768");
    assert_string_equal(peer_of(ends[0]), "10.0.0.2:32768");
    assert_string_equal(name_of(ends[1]), "10.0.0.2:32768");
    close_both(ends);
}

static void what_is_sent_arrives_after_the_latency_in_order(void **state) {
    (void)state;
    hawser__socket *ends[2];
    connect_hosts(ends);
    set_link(&(hawser_sim_link){.latency = 0.02, .jitter = 0.05});
    for (int i = 0; i < 20; i++)
        assert_result(say(ends[0], (char[2]){(char)('a' + i), 0}), 1);
    pass(19 * MS);
    assert_result(receive(ends[1], 10, 0), -EAGAIN);
    settle();
    assert_hears(ends[1], "abcdefghijklmnopqrst");
    close_both(ends);
}

static void a_connect_takes_a_round_trip(void **state) {
    (void)state;
    set_link(&(hawser_sim_link){.latency = 0.01});
    hawser__socket *listener = listen_on(right, AF_INET, ip_of(right), 5), *accepted;
    hawser__socket *client = open_socket(left, AF_INET, SOCK_STREAM);
    assert_result(connect_to(client, ip_of(right), port_of(listener)), -EINPROGRESS);
    assert_result(connect_to(client, ip_of(right), port_of(listener)), -EALREADY);
    assert_result(say(client, "x"), -EAGAIN);
    assert_result(receive(client, 1, 0), -EAGAIN);
    pass(19 * MS);
    assert_true(hawser__socket_connecting(client));
    pass(1 * MS);
    assert_false(hawser__socket_connecting(client));
    assert_result(connect_to(client, ip_of(right), port_of(listener)), 0);
    assert_result(connect_to(client, ip_of(right), port_of(listener)), -EISCONN);
    assert_result(hawser__socket_accept(listener, &accepted), -EAGAIN);
    pass(10 * MS);
    assert_result(hawser__socket_accept(listener, &accepted), 0);
    hawser__socket_unref(accepted);
    hawser__socket_unref(client);
    hawser__socket_unref(listener);
}

static void nobody_listens_is_a_refusal_told_once(void **state) {
    (void)state;
    set_link(&(hawser_sim_link){.latency = 0.01});
    hawser__socket *client = open_socket(left, AF_INET, SOCK_STREAM);
    assert_result(connect_to(client, ip_of(right), 9), -EINPROGRESS);
    assert_result(hawser__socket_connect_result(client), -EINPROGRESS);
    settle();
    assert_result(now(), 20 * MS);
    assert_result(hawser__socket_connect_result(client), -ECONNREFUSED);
    assert_result(hawser__socket_connect_result(client), 0);
    assert_result(connect_to(client, ip_of(right), 9), -ECONNABORTED);
    assert_result(connect_to(client, ip_of(right), 9), -EINPROGRESS);
    hawser__socket_unref(client);
}

static void an_address_of_nobody_times_out_as_on_linux(void **state) {
    (void)state;
    hawser__socket *client = open_socket(left, AF_INET, SOCK_STREAM);
    assert_result(connect_to(client, "10.9.9.9", 9), -EINPROGRESS);
    pass(126 * SECOND);
    assert_true(hawser__socket_connecting(client));
    settle();
    assert_result(now(), 127 * SECOND);
    assert_result(hawser__socket_connect_result(client), -ETIMEDOUT);
    hawser__socket_unref(client);
}

static void a_host_that_comes_up_again_answers_a_later_syn(void **state) {
    (void)state;
    hawser__socket *client = open_socket(left, AF_INET, SOCK_STREAM);
    hawser__sockets_drop(right, false);
    right->up = false;
    assert_result(connect_to(client, ip_of(right), 32768), -EINPROGRESS);
    pass(2 * SECOND);
    assert_true(hawser__socket_connecting(client));
    right->up = true;
    hawser__socket *listener = listen_on(right, AF_INET, ip_of(right), 5);
    assert_int_equal(port_of(listener), 32768);
    pass(2 * SECOND);
    assert_false(hawser__socket_connecting(client));
    assert_result(hawser__socket_connect_result(client), 0);
    hawser__socket_unref(client);
    hawser__socket_unref(listener);
}

static void a_full_queue_drops_the_syn_until_there_is_room(void **state) {
    (void)state;
    hawser__socket *listener = listen_on(right, AF_INET, ip_of(right), 0), *clients[2], *accepted[2];
    for (int i = 0; i < 2; i++) {
        clients[i] = open_socket(left, AF_INET, SOCK_STREAM);
        assert_result(connect_to(clients[i], ip_of(right), port_of(listener)), -EINPROGRESS);
        assert_int_equal(hawser__socket_connecting(clients[i]), i);
    }
    assert_result(hawser__socket_accept(listener, &accepted[0]), 0);
    assert_true(hawser__socket_connecting(clients[1]));
    pass(1 * SECOND);
    assert_false(hawser__socket_connecting(clients[1]));
    assert_result(hawser__socket_accept(listener, &accepted[1]), 0);
    close_both(accepted);
    close_both(clients);
    hawser__socket_unref(listener);
}

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

static void buffers_fill_and_reading_opens_the_window(void **state) {
    (void)state;
    hawser__socket *ends[2];
    connect_hosts(ends);
    set_link(&(hawser_sim_link){.latency = 0.01});
    size_t sent = 0;
    for (int i = 0; i < 100; i++) {
        ssize_t n = say_bytes(ends[0], 5000);
        sent += n > 0 ? (size_t)n : 0;
        pass(100 * MS);
    }
    assert_int_equal(sent, 131072);   /* 64 KiB in each buffer */
    assert_false(hawser__socket_writable(ends[0]));
    assert_result(receive(ends[1], 1000, 0), 1000);
    pass(1 * SECOND);
    size_t got = 1000;
    for (int i = 0; i < 100; i++) {
        got += receive_all(ends[1]);
        pass(50 * MS);
    }
    assert_int_equal(got, sent);
    assert_true(hawser__socket_writable(ends[0]));
    close_both(ends);
}

static void on_one_host_reading_alone_opens_the_window(void **state) {
    (void)state;
    hawser__socket *ends[2];
    connect_within(ends);
    while (say_bytes(ends[0], 50000) > 0)
        ;
    assert_int_equal(receive_all(ends[1]), 131072);
    assert_true(hawser__socket_writable(ends[0]));
    assert_result(now(), 0);
    close_both(ends);
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

static void the_end_comes_behind_the_bytes(void **state) {
    (void)state;
    hawser__socket *ends[2];
    connect_hosts(ends);
    set_link(&(hawser_sim_link){.latency = 0.01, .loss = 0.3});
    for (int i = 0; i < 50; i++)
        assert_result(say(ends[0], "0123456789"), 10);
    hawser__socket_unref(ends[0]);
    size_t got = 0;
    for (int i = 0; i < 10000 && !(receive(ends[1], 1, MSG_PEEK) == 0); i++) {
        got += receive_all(ends[1]);
        pass(10 * MS);
    }
    assert_int_equal(got, 500);
    assert_true(hawser__socket_ended(ends[1]));
    hawser__socket_unref(ends[1]);
    settle();
    assert_null(left->sockets);
    assert_null(right->sockets);
}

static void half_closed_still_receives(void **state) {
    (void)state;
    hawser__socket *ends[2];
    connect_hosts(ends);
    assert_result(hawser__socket_shutdown(ends[0], SHUT_WR), 0);
    assert_result(hawser__socket_shutdown(ends[0], SHUT_WR), 0);
    assert_result(say(ends[0], "x"), -EPIPE);
    assert_result(receive(ends[1], 1, 0), 0);
    assert_result(say(ends[1], "answer"), 6);
    assert_hears(ends[0], "answer");
    assert_result(hawser__socket_shutdown(ends[1], SHUT_WR), 0);
    assert_result(receive(ends[0], 1, 0), 0);
    assert_result(hawser__socket_shutdown(ends[0], SHUT_RD), -ENOTCONN);
    assert_string_equal(peer_of(ends[0]), "ENOTCONN");
    close_both(ends);
}

static void what_came_before_a_reset_can_be_read_then_it_is_told_once(void **state) {
    (void)state;
    hawser__socket *ends[2];
    connect_within(ends);
    assert_result(say(ends[0], "abc"), 3);
    reset_on_close(ends[0]);
    assert_hears(ends[1], "abc");
    assert_result(receive(ends[1], 1, 0), -ECONNRESET);
    assert_result(receive(ends[1], 1, 0), 0);
    assert_result(say(ends[1], "x"), -EPIPE);
    assert_result(hawser__socket_shutdown(ends[1], SHUT_RDWR), -ENOTCONN);
    hawser__socket_unref(ends[1]);
}

static void a_send_may_be_told_of_the_reset_first(void **state) {
    (void)state;
    hawser__socket *ends[2];
    connect_within(ends);
    reset_on_close(ends[0]);
    assert_result(say(ends[1], "x"), -ECONNRESET);
    assert_result(say(ends[1], "x"), -EPIPE);
    assert_result(receive(ends[1], 1, 0), 0);
    hawser__socket_unref(ends[1]);
}

static void unread_bytes_make_a_close_a_reset(void **state) {
    (void)state;
    hawser__socket *ends[2];
    connect_within(ends);
    assert_result(say(ends[0], "x"), 1);
    assert_result(say(ends[1], "yy"), 2);
    hawser__socket_unref(ends[1]);
    assert_hears(ends[0], "yy");
    assert_result(receive(ends[0], 1, 0), -ECONNRESET);
    hawser__socket_unref(ends[0]);
}

static void data_for_a_closed_socket_is_answered_by_a_reset(void **state) {
    (void)state;
    hawser__socket *ends[2];
    connect_within(ends);
    hawser__socket_unref(ends[1]);
    assert_result(say(ends[0], "x"), 1);
    assert_result(get_int(ends[0], SOL_SOCKET, SO_ERROR), EPIPE);   /* it had ended before */
    assert_result(say(ends[0], "x"), -EPIPE);
    assert_result(receive(ends[0], 1, 0), 0);
    hawser__socket_unref(ends[0]);
    assert_null(left->sockets);
}

static void data_for_a_socket_shut_both_ways_is_answered_by_a_reset(void **state) {
    (void)state;
    hawser__socket *ends[2];
    connect_within(ends);
    assert_result(hawser__socket_shutdown(ends[1], SHUT_RDWR), 0);
    assert_result(say(ends[0], "x"), 1);
    assert_result(receive(ends[1], 1, 0), -ECONNRESET);
    assert_result(get_int(ends[0], SOL_SOCKET, SO_ERROR), EPIPE);
    close_both(ends);
}

static void a_fresh_socket_is_not_connected(void **state) {
    (void)state;
    hawser__socket *socket = open_socket(left, AF_INET, SOCK_STREAM), *accepted;
    assert_result(receive(socket, 1, 0), -ENOTCONN);
    assert_result(say(socket, "x"), -EPIPE);
    assert_result(hawser__socket_accept(socket, &accepted), -EINVAL);
    assert_string_equal(peer_of(socket), "ENOTCONN");
    assert_result(hawser__socket_shutdown(socket, SHUT_RDWR), -ENOTCONN);
    assert_result(hawser__socket_shutdown(socket, 7), -EINVAL);
    assert_result(receive(socket, 1, 0), 0);
    hawser__socket_unref(socket);
}

static void a_listener_that_closes_resets_those_nobody_accepted(void **state) {
    (void)state;
    hawser__socket *listener = listen_on(right, AF_INET, ip_of(right), 5);
    hawser__socket *client = open_socket(left, AF_INET, SOCK_STREAM);
    assert_result(connect_to(client, ip_of(right), port_of(listener)), -EINPROGRESS);
    assert_result(say(client, "early"), 5);
    hawser__socket_unref(listener);
    assert_result(receive(client, 1, 0), -ECONNRESET);
    hawser__socket_unref(client);
}

static void a_listener_that_is_shut_can_listen_again(void **state) {
    (void)state;
    hawser__socket *listener = listen_on(right, AF_INET, ip_of(right), 5), *accepted;
    assert_result(say(listener, "x"), -EPIPE);
    assert_result(receive(listener, 1, 0), -ENOTCONN);
    assert_result(connect_to(listener, "127.0.0.1", 1), -EISCONN);
    assert_result(hawser__socket_shutdown(listener, SHUT_WR), 0);
    assert_result(hawser__socket_accept(listener, &accepted), -EAGAIN);
    assert_result(hawser__socket_shutdown(listener, SHUT_RD), 0);
    assert_result(hawser__socket_accept(listener, &accepted), -EINVAL);
    assert_result(hawser__socket_listen(listener, 1), 0);
    hawser__socket_unref(listener);
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

static void sockets_reset_breaks_one_side_or_both(void **state) {
    (void)state;
    hawser__socket *ends[2];
    connect_hosts(ends);
    hawser__sockets_reset(left, right, true);
    assert_result(receive(ends[0], 1, 0), -ECONNRESET);
    assert_result(receive(ends[1], 1, 0), -EAGAIN);
    assert_result(say(ends[1], "x"), 1);
    assert_result(receive(ends[1], 1, 0), -ECONNRESET);
    close_both(ends);
    connect_hosts(ends);
    hawser__sockets_reset(right, left, false);
    assert_result(receive(ends[0], 1, 0), -ECONNRESET);
    assert_result(receive(ends[1], 1, 0), -ECONNRESET);
    close_both(ends);
}

static void a_low_water_mark_waits_for_enough(void **state) {
    (void)state;
    hawser__socket *ends[2];
    connect_within(ends);
    assert_result(set_int(ends[1], SOL_SOCKET, SO_RCVLOWAT, 4), 0);
    assert_result(say(ends[0], "abc"), 3);
    assert_false(hawser__socket_readable(ends[1]));
    assert_result(say(ends[0], "d"), 1);
    assert_true(hawser__socket_readable(ends[1]));
    close_both(ends);
}

static void splice_moves_without_losing(void **state) {
    (void)state;
    hawser__socket *in[2], *out[2];
    connect_within(in);
    connect_within(out);
    assert_result(hawser__socket_splice(in[1], out[0], 100), -EAGAIN);
    assert_result(say(in[0], "one"), 3);
    assert_result(say(in[0], "two"), 3);
    assert_result(hawser__socket_splice(in[1], out[0], 4), 4);
    assert_hears(out[1], "onet");
    assert_result(hawser__socket_splice(in[1], out[0], 100), 2);
    assert_hears(out[1], "wo");
    while (say_bytes(out[0], 60000) > 0)
        ;
    assert_result(say(in[0], "kept"), 4);
    assert_result(hawser__socket_splice(in[1], out[0], 100), -EAGAIN);
    assert_hears(in[1], "kept");
    hawser__socket_unref(in[0]);
    assert_result(hawser__socket_splice(in[1], out[0], 100), 0);
    hawser__socket_unref(in[1]);
    close_both(out);
}

static void descriptors_run_out(void **state) {
    (void)state;
    left->most_sockets = 2;
    hawser__socket *listener = listen_on(left, AF_INET, "127.0.0.1", 5), *client, *more;
    client = open_socket(left, AF_INET, SOCK_STREAM);
    assert_result(hawser__socket_open(left, AF_INET, SOCK_STREAM, 0, &more), -EMFILE);
    assert_result(connect_to(client, "127.0.0.1", port_of(listener)), -EINPROGRESS);
    assert_result(hawser__socket_accept(listener, &more), -EMFILE);
    left->most_sockets = 3;
    assert_result(hawser__socket_accept(listener, &more), 0);
    hawser__socket_unref(more);
    hawser__socket_unref(client);
    hawser__socket_unref(listener);
    assert_int_equal(left->socket_count, 0);
}

/* With a model. */

static void short_reads_and_writes_lose_nothing(void **state) {
    (void)state;
    begin_world(&(hawser_sim_model){.short_reads = 0.5, .short_writes = 0.5});
    hawser__socket *ends[2];
    connect_hosts(ends);
    size_t sent = 0, shorter = 0;
    for (int i = 0; i < 100; i++) {
        ssize_t n = say_bytes(ends[0], 300);
        assert_in_range(n, 1, 300);
        sent += (size_t)n;
        shorter += n < 300;
    }
    assert_in_range(shorter, 30, 70);
    assert_int_equal(receive_all(ends[1]), sent);
    close_both(ends);
    end_world();
}

static void a_slow_reader_slows_the_sender(void **state) {
    (void)state;
    begin_world(&(hawser_sim_model){.read_rate = 10000, .buffer = 10000});
    hawser__socket *ends[2];
    connect_hosts(ends);
    size_t got = 0;
    while (now() < 60 * SECOND) {
        say_bytes(ends[0], 10000);
        got += receive_all(ends[1]);
        pass(50 * MS);
    }
    assert_in_range(got, 500000, 640000);
    close_both(ends);
    end_world();
}

static void a_narrow_path_takes_its_time_without_sending_twice(void **state) {
    (void)state;
    begin_world(&(hawser_sim_model){.link = {.bandwidth = 1000}});
    hawser__socket *ends[2];
    connect_hosts(ends);
    assert_result(say_bytes(ends[0], 50000), 50000);
    pass(49 * SECOND);
    assert_result(receive_all(ends[1]), 0);
    pass(1 * SECOND);
    assert_result(receive_all(ends[1]), 50000);
    assert_null(strstr(trace_text(), "again"));
    close_both(ends);
    end_world();
}

static void established_connections_break_by_the_model(void **state) {
    (void)state;
    begin_world(&(hawser_sim_model){.reset_every = 10});
    hawser__socket *ends[2];
    connect_hosts(ends);
    settle();
    assert_in_range(now(), 1, 200 * SECOND);
    assert_result(receive(ends[0], 1, 0), -ECONNRESET);
    assert_result(receive(ends[1], 1, 0), -ECONNRESET);
    close_both(ends);
    connect_within(ends);
    settle();
    assert_result(receive(ends[0], 1, 0), -EAGAIN);
    close_both(ends);
    end_world();
}

static void a_half_open_break_is_learnt_later(void **state) {
    (void)state;
    begin_world(&(hawser_sim_model){.reset_every = 10, .half_open = 1});
    hawser__socket *ends[2];
    connect_hosts(ends);
    settle();
    int told = receive(ends[0], 1, 0) == -ECONNRESET ? 0 : 1;
    if (told == 1)
        assert_result(receive(ends[1], 1, 0), -ECONNRESET);
    assert_result(receive(ends[1 - told], 1, 0), -EAGAIN);
    close_both(ends);
    end_world();
}

static void connects_are_refused_or_never_answered_by_the_model(void **state) {
    (void)state;
    begin_world(&(hawser_sim_model){.refuse = 1});
    hawser__socket *listener = listen_on(right, AF_INET, ip_of(right), 5);
    hawser__socket *client = open_socket(left, AF_INET, SOCK_STREAM);
    connect_to(client, ip_of(right), port_of(listener));
    assert_result(hawser__socket_connect_result(client), -ECONNREFUSED);
    end_world();
    begin_world(&(hawser_sim_model){.black_hole = 1});
    listener = listen_on(right, AF_INET, ip_of(right), 5);
    client = open_socket(left, AF_INET, SOCK_STREAM);
    connect_to(client, ip_of(right), port_of(listener));
    settle();
    assert_result(now(), 127 * SECOND);
    assert_result(hawser__socket_connect_result(client), -ETIMEDOUT);
    end_world();
}

static void a_storm(void) {
    hawser__socket *ends[2];
    connect_hosts(ends);
    for (int i = 0; i < 200; i++) {
        say_bytes(ends[i % 2], 3000);
        pass(7 * MS);
        receive_all(ends[(i + 1) % 2]);
    }
    close_both(ends);
    settle();
}

static void the_same_seed_gives_the_same_trace(void **state) {
    (void)state;
    static char first[1 << 18];
    hawser_sim_model model = {.link = {.latency = 0.01, .jitter = 0.02, .loss = 0.1, .bandwidth = 100000}, .short_reads = 0.1};
    for (int i = 0; i < 2; i++) {
        begin_world(&model);
        a_storm();
        if (i == 0)
            memcpy(first, trace_text(), sizeof first);
        else
            assert_string_equal(trace_text(), first);
        end_world();
    }
    assert_non_null(strstr(first, "lose c1"));
    assert_non_null(strstr(first, "again c1"));
}

/* Whatever allocation fails: nothing leaks, nothing is delivered wrongly. */
static void without_memory_things_are_lost_at_most(void **state) {
    (void)state;
    for (unsigned nth = 1; nth < 40; nth++) {
        begin_world(&(hawser_sim_model){.link = {.latency = 0.01}});
        hawser__socket *ends[2];
        connect_hosts(ends);
        fault_alloc(nth);
        ssize_t n = 0;
        for (int i = 0; i < 10; i++) {
            ssize_t sent = say(ends[0], "0123456789");
            n += sent > 0 ? sent : 0;
        }
        settle();
        bool struck = fault_none();
        assert_result(receive_all(ends[1]), n);
        close_both(ends);
        end_world();
        if (!struck)
            break;
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        world_test(a_send_on_loopback_can_be_read_when_it_returns),
        world_test(both_ends_know_their_names),
        world_test(what_is_sent_arrives_after_the_latency_in_order),
        world_test(a_connect_takes_a_round_trip),
        world_test(nobody_listens_is_a_refusal_told_once),
        world_test(an_address_of_nobody_times_out_as_on_linux),
        world_test(a_host_that_comes_up_again_answers_a_later_syn),
        world_test(a_full_queue_drops_the_syn_until_there_is_room),
        world_test(a_lost_segment_is_sent_again_and_nothing_twice),
        world_test(a_lost_answer_makes_the_sender_try_again),
        world_test(fifteen_tries_without_an_answer_are_the_end),
        world_test(buffers_fill_and_reading_opens_the_window),
        world_test(on_one_host_reading_alone_opens_the_window),
        cmocka_unit_test(what_comes_again_in_another_piece_is_not_delivered_twice),
        world_test(a_lost_window_update_is_asked_for),
        world_test(the_end_comes_behind_the_bytes),
        world_test(half_closed_still_receives),
        world_test(what_came_before_a_reset_can_be_read_then_it_is_told_once),
        world_test(a_send_may_be_told_of_the_reset_first),
        world_test(unread_bytes_make_a_close_a_reset),
        world_test(data_for_a_closed_socket_is_answered_by_a_reset),
        world_test(data_for_a_socket_shut_both_ways_is_answered_by_a_reset),
        world_test(a_fresh_socket_is_not_connected),
        world_test(a_listener_that_closes_resets_those_nobody_accepted),
        world_test(a_listener_that_is_shut_can_listen_again),
        world_test(who_crashed_is_silent_and_who_came_back_resets),
        world_test(who_ended_politely_still_delivers),
        world_test(an_orphan_whose_peer_never_ends_goes_after_a_minute),
        world_test(a_lost_last_answer_is_no_reset),
        world_test(keepalive_finds_out_that_the_peer_is_gone),
        world_test(the_user_timeout_ends_earlier),
        world_test(sockets_reset_breaks_one_side_or_both),
        world_test(a_low_water_mark_waits_for_enough),
        world_test(splice_moves_without_losing),
        world_test(descriptors_run_out),
        cmocka_unit_test(short_reads_and_writes_lose_nothing),
        cmocka_unit_test(a_slow_reader_slows_the_sender),
        cmocka_unit_test(a_narrow_path_takes_its_time_without_sending_twice),
        cmocka_unit_test(established_connections_break_by_the_model),
        cmocka_unit_test(a_half_open_break_is_learnt_later),
        cmocka_unit_test(connects_are_refused_or_never_answered_by_the_model),
        cmocka_unit_test(the_same_seed_gives_the_same_trace),
        cmocka_unit_test(without_memory_things_are_lost_at_most),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
