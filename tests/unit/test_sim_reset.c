/* SPDX-License-Identifier: MIT */
/* Simulated connections of TCP: how they end out of order, and what they leave behind. */
#include "small_world.h"

#include "world/socket_inside.h"

static void reset_on_close(hawser__socket *socket) {
    struct linger linger = {.l_onoff = 1};
    assert_result(hawser__socket_setsockopt(socket, SOL_SOCKET, SO_LINGER, &linger, sizeof linger), 0);
    hawser__socket_unref(socket);
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

/* Connections to RIGHT's port 777, COUNT of them, are over: FIRST's end (0: the client's) went first. How many sockets are left
 * there. */
static size_t be_done_with(int count, int first, bool reuse) {
    hawser__socket *listener = open_socket(right, AF_INET, SOCK_STREAM), *ends[2];
    assert_result(set_int(listener, SOL_SOCKET, SO_REUSEADDR, reuse), 0);
    assert_result(bind_to(listener, "0.0.0.0", 777), 0);
    assert_result(hawser__socket_listen(listener, 5), 0);
    for (int i = 0; i < count; i++) {
        ends[0] = open_socket(left, AF_INET, SOCK_STREAM);
        assert_result(connect_to(ends[0], ip_of(right), 777), -EINPROGRESS);
        assert_result(hawser__socket_accept(listener, &ends[1]), 0);
        hawser__socket_unref(ends[first]);
        hawser__socket_unref(ends[1 - first]);
    }
    hawser__socket_unref(listener);
    size_t left_over = 0;
    for (const hawser__socket *socket = right->sockets; socket; socket = socket->next)
        left_over++;
    return left_over;
}

static int bind_again(bool reuse) {
    hawser__socket *socket = open_socket(right, AF_INET, SOCK_STREAM);
    assert_result(set_int(socket, SOL_SOCKET, SO_REUSEADDR, reuse), 0);
    int result = bind_to(socket, "0.0.0.0", 777);
    hawser__socket_unref(socket);
    return result;
}

static void who_ends_first_keeps_its_address_for_a_minute(void **state) {
    (void)state;
    assert_int_equal(be_done_with(1, 0, false), 0);
    assert_result(bind_again(false), 0);
    assert_null(left->sockets);
    assert_int_equal(be_done_with(20, 1, false), 1);   /* it stands for all of them */
    pass(59 * SECOND);
    assert_result(bind_again(false), -EADDRINUSE);
    assert_result(bind_again(true), -EADDRINUSE);   /* both have to allow it */
    pass(1 * SECOND);
    assert_result(bind_again(false), 0);
    assert_int_equal(be_done_with(20, 1, true), 1);
    assert_result(bind_again(false), -EADDRINUSE);
    assert_result(bind_again(true), 0);
    settle();
    assert_null(right->sockets);
}

static void one_that_shares_its_address_does_not_stand_for_one_that_does_not(void **state) {
    (void)state;
    hawser__socket *listener = listen_on(right, AF_INET, "", 5), *ends[2];
    assert_result(set_int(listener, SOL_SOCKET, SO_REUSEADDR, 1), 0);
    int port = port_of(listener);
    for (int shares = 1; shares >= 0; shares--) {
        ends[0] = open_socket(left, AF_INET, SOCK_STREAM);
        assert_result(connect_to(ends[0], ip_of(right), port), -EINPROGRESS);
        assert_result(hawser__socket_accept(listener, &ends[1]), 0);
        assert_result(set_int(ends[1], SOL_SOCKET, SO_REUSEADDR, shares), 0);
        hawser__socket_unref(ends[1]);
        hawser__socket_unref(ends[0]);
    }
    hawser__socket_unref(listener);
    listener = open_socket(right, AF_INET, SOCK_STREAM);
    assert_result(set_int(listener, SOL_SOCKET, SO_REUSEADDR, 1), 0);
    assert_result(bind_to(listener, "", port), -EADDRINUSE);
    hawser__socket_unref(listener);
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

int main(void) {
    const struct CMUnitTest tests[] = {
        world_test(what_came_before_a_reset_can_be_read_then_it_is_told_once),
        world_test(a_send_may_be_told_of_the_reset_first),
        world_test(unread_bytes_make_a_close_a_reset),
        world_test(data_for_a_closed_socket_is_answered_by_a_reset),
        world_test(data_for_a_socket_shut_both_ways_is_answered_by_a_reset),
        world_test(sockets_reset_breaks_one_side_or_both),
        world_test(who_ends_first_keeps_its_address_for_a_minute),
        world_test(one_that_shares_its_address_does_not_stand_for_one_that_does_not),
        cmocka_unit_test(established_connections_break_by_the_model),
        cmocka_unit_test(a_half_open_break_is_learnt_later),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
