/* SPDX-License-Identifier: MIT */
/* Simulated connections of TCP: the bytes that they carry. */
#include "small_world.h"

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
        world_test(what_is_sent_arrives_after_the_latency_in_order),
        world_test(buffers_fill_and_reading_opens_the_window),
        world_test(on_one_host_reading_alone_opens_the_window),
        world_test(the_end_comes_behind_the_bytes),
        world_test(half_closed_still_receives),
        world_test(a_low_water_mark_waits_for_enough),
        world_test(splice_moves_without_losing),
        cmocka_unit_test(short_reads_and_writes_lose_nothing),
        cmocka_unit_test(a_slow_reader_slows_the_sender),
        cmocka_unit_test(a_narrow_path_takes_its_time_without_sending_twice),
        cmocka_unit_test(the_same_seed_gives_the_same_trace),
        cmocka_unit_test(without_memory_things_are_lost_at_most),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
