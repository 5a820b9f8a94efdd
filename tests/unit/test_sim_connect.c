/* SPDX-License-Identifier: MIT */
/* Simulated connections of TCP: how they begin. */
#include "small_world.h"

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

static size_t count_in(const char *text, const char *what) {
    size_t count = 0;
    for (const char *at = text; (at = strstr(at, what)); at += strlen(what))
        count++;
    return count;
}

static void what_is_sent_again_is_told_once(void **state) {
    (void)state;
    hawser__socket *listener = listen_on(right, AF_INET, ip_of(right), 5), *client = open_socket(left, AF_INET, SOCK_STREAM);
    set_link(&(hawser_sim_link){.latency = 0.02});
    set_cut(right, left, true);
    assert_result(connect_to(client, ip_of(right), port_of(listener)), -EINPROGRESS);
    pass(500 * MS);
    assert_int_equal(count_in(trace_text(), "send c1< syn+ack\n"), 1);
    set_link(&(hawser_sim_link){.latency = 0.01});
    set_cut(right, left, true);
    pass(600 * MS);   /* the client's second SYN is there before the listener's side tries by itself */
    assert_int_equal(count_in(trace_text(), "again c1> syn\n"), 1);
    assert_int_equal(count_in(trace_text(), "again c1< syn+ack\n"), 1);
    pass(1 * SECOND);   /* now that tries */
    assert_int_equal(count_in(trace_text(), "again c1< syn+ack\n"), 2);
    assert_int_equal(count_in(trace_text(), "lose c1< syn+ack\n"), 3);
    assert_int_equal(count_in(trace_text(), "send c1< syn+ack\n"), 1);
    assert_null(strstr(trace_text(), "again c1< syn\n"));
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

int main(void) {
    const struct CMUnitTest tests[] = {
        world_test(both_ends_know_their_names),
        world_test(a_connect_takes_a_round_trip),
        world_test(a_fresh_socket_is_not_connected),
        world_test(nobody_listens_is_a_refusal_told_once),
        world_test(an_address_of_nobody_times_out_as_on_linux),
        world_test(a_host_that_comes_up_again_answers_a_later_syn),
        world_test(what_is_sent_again_is_told_once),
        world_test(a_full_queue_drops_the_syn_until_there_is_room),
        world_test(a_listener_that_closes_resets_those_nobody_accepted),
        world_test(a_listener_that_is_shut_can_listen_again),
        world_test(descriptors_run_out),
        cmocka_unit_test(connects_are_refused_or_never_answered_by_the_model),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
