/* SPDX-License-Identifier: MIT */
#include "small_world.h"

/* The rules of bind, as Linux has them: the second socket of each row binds to the port of the first. */
struct names {
    const char *first;
    bool first_reuse, first_share, first_only, first_listens;
    const char *second;
    bool second_reuse, second_share, second_only;
    int result;                             /* of streams, */
    int result_datagrams;                   /* and of datagrams */
};

static hawser__socket *open_named(const char *ip, int type, bool reuse, bool share, bool only) {
    bool six = strchr(ip, ':') != NULL;
    hawser__socket *socket = open_socket(left, six ? AF_INET6 : AF_INET, type);
    assert_result(set_int(socket, SOL_SOCKET, SO_REUSEADDR, reuse), 0);
    assert_result(set_int(socket, SOL_SOCKET, SO_REUSEPORT, share), 0);
    if (six)
        assert_result(set_int(socket, IPPROTO_IPV6, IPV6_V6ONLY, only), 0);
    return socket;
}

static int bind_second(const struct names *row, int type) {
    hawser__socket *first = open_named(row->first, type, row->first_reuse, row->first_share, row->first_only);
    hawser__socket *second = open_named(row->second, type, row->second_reuse, row->second_share, row->second_only);
    assert_result(bind_to(first, row->first, 0), 0);
    if (row->first_listens && type == SOCK_STREAM)
        assert_result(hawser__socket_listen(first, 1), 0);
    int result = bind_to(second, row->second, port_of(first));
    hawser__socket_unref(first);
    hawser__socket_unref(second);
    return result;
}

static void ports_are_shared_as_on_linux(void **state) {
    (void)state;
    enum { USED = -EADDRINUSE };
    static const struct names rows[] = {
        {"127.0.0.1", 0, 0, 0, 0, "0.0.0.0", 0, 0, 0, USED, USED},
        {"0.0.0.0", 0, 0, 0, 0, "127.0.0.1", 0, 0, 0, USED, USED},
        {"127.0.0.1", 0, 0, 0, 0, "127.0.0.2", 0, 0, 0, 0, 0},
        {"127.0.0.1", 1, 0, 0, 0, "127.0.0.1", 1, 0, 0, 0, 0},
        {"127.0.0.1", 1, 0, 0, 1, "127.0.0.1", 1, 0, 0, USED, 0},
        {"127.0.0.1", 1, 0, 0, 0, "127.0.0.1", 0, 0, 0, USED, USED},
        {"127.0.0.1", 0, 1, 0, 1, "127.0.0.1", 0, 1, 0, 0, 0},
        {"127.0.0.1", 0, 1, 0, 0, "127.0.0.1", 0, 0, 0, USED, USED},
        {"::", 0, 0, 0, 0, "127.0.0.1", 0, 0, 0, USED, USED},
        {"::", 0, 0, 1, 0, "0.0.0.0", 0, 0, 0, 0, 0},
        {"0.0.0.0", 0, 0, 0, 0, "::", 0, 0, 0, USED, USED},
        {"0.0.0.0", 0, 0, 0, 0, "::", 0, 0, 1, 0, 0},
        {"127.0.0.1", 0, 0, 0, 0, "::", 0, 0, 0, USED, USED},
        {"::1", 0, 0, 0, 0, "127.0.0.1", 0, 0, 0, 0, 0},
        {"::1", 0, 0, 0, 0, "::", 0, 0, 0, USED, USED},
        {"127.0.0.1", 1, 0, 0, 1, "0.0.0.0", 1, 0, 0, USED, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_result(bind_second(&rows[i], SOCK_STREAM), rows[i].result);
        assert_result(bind_second(&rows[i], SOCK_DGRAM), rows[i].result_datagrams);
    }
}

static void kinds_that_do_not_exist_are_refused(void **state) {
    (void)state;
    static const struct {
        int family, type, proto, result;
    } rows[] = {{AF_NETLINK, SOCK_DGRAM, 0, -EAFNOSUPPORT},         {AF_INET, SOCK_SEQPACKET, 0, -ESOCKTNOSUPPORT},
                {AF_INET, SOCK_RAW, 0, -EPROTONOSUPPORT},           {AF_INET, SOCK_STREAM, IPPROTO_UDP, -EPROTONOSUPPORT},
                {AF_INET6, SOCK_DGRAM, IPPROTO_TCP, -EPROTONOSUPPORT}, {AF_UNIX, SOCK_STREAM, IPPROTO_TCP, -EPROTONOSUPPORT}};
    hawser__socket *socket;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_result(hawser__socket_open(left, rows[i].family, rows[i].type, rows[i].proto, &socket), rows[i].result);
    hawser__socket *a = open_socket(left, AF_INET, SOCK_STREAM), *b = open_socket(left, AF_INET, SOCK_STREAM);
    assert_result(hawser__socket_pair(a, b), -EOPNOTSUPP);
    hawser__socket_unref(a);
    hawser__socket_unref(b);
}

static void only_own_addresses_can_be_bound_and_once(void **state) {
    (void)state;
    hawser__socket *socket = open_socket(left, AF_INET, SOCK_STREAM);
    struct sockaddr_in short_one = {.sin_family = AF_INET};
    assert_string_equal(name_of(socket), "0.0.0.0:0");
    assert_result(bind_to(socket, ip_of(right), 0), -EADDRNOTAVAIL);
    assert_result(bind_to(socket, "8.8.8.8", 0), -EADDRNOTAVAIL);
    assert_result(hawser__socket_bind(socket, (struct sockaddr *)&short_one, 8), -EINVAL);
    assert_result(bind_to(socket, "::1", 0), -EAFNOSUPPORT);
    assert_result(bind_to(socket, ip_of(left), 80), 0);
    assert_result(bind_to(socket, ip_of(left), 81), -EINVAL);
    hawser__socket_unref(socket);
}

static void free_ports_come_in_turn_and_a_crash_frees_all(void **state) {
    (void)state;
    hawser__socket *sockets[3];
    for (int i = 0; i < 3; i++) {
        sockets[i] = listen_on(left, AF_INET, "", 1);
        assert_int_equal(port_of(sockets[i]), 32768 + i);
    }
    assert_int_equal(port_of(listen_on(right, AF_INET, "", 1)), 32768);
    left->next_port = 32768;
    assert_int_equal(port_of(listen_on(left, AF_INET, "", 1)), 32771);
    hawser__sockets_drop(left, false);
    assert_null(left->sockets);
    hawser__socket *again = open_socket(left, AF_INET, SOCK_STREAM);
    assert_result(bind_to(again, "", 32768), 0);
    hawser__socket_unref(again);
}

static void the_last_free_port_is_found_and_then_there_is_none(void **state) {
    (void)state;
    hawser__socket *first = open_socket(left, AF_INET, SOCK_DGRAM);
    left->next_port = 60999;
    assert_result(bind_to(first, "", 0), 0);
    assert_int_equal(port_of(first), 60999);
    hawser__socket *second = open_socket(left, AF_INET, SOCK_DGRAM);
    assert_result(bind_to(second, "", 0), 0);
    assert_int_equal(port_of(second), 32768);
    hawser__socket_unref(first);
    hawser__socket_unref(second);
}

static void one_listens_even_where_two_are_bound(void **state) {
    (void)state;
    hawser__socket *a = open_named("127.0.0.1", SOCK_STREAM, true, false, false);
    hawser__socket *b = open_named("127.0.0.1", SOCK_STREAM, true, false, false);
    assert_result(bind_to(a, "127.0.0.1", 80), 0);
    assert_result(bind_to(b, "127.0.0.1", 80), 0);
    assert_result(hawser__socket_listen(a, 1), 0);
    assert_result(hawser__socket_listen(a, 2), 0);
    assert_result(hawser__socket_listen(b, 1), -EADDRINUSE);
    hawser__socket_unref(a);
    assert_result(hawser__socket_listen(b, 1), 0);
    hawser__socket_unref(b);
}

static void connections_keep_their_listeners_port(void **state) {
    (void)state;
    hawser__socket *ends[2];
    connect_within(ends);
    hawser__socket *next = open_socket(left, AF_INET, SOCK_STREAM);
    int port = port_of(ends[1]);
    assert_result(bind_to(next, "127.0.0.1", port), -EADDRINUSE);
    close_both(ends);
    settle();
    assert_result(bind_to(next, "127.0.0.1", port), 0);
    hawser__socket_unref(next);
}

static void ipv4_meets_ipv6(void **state) {
    (void)state;
    hawser__socket *listener = listen_on(right, AF_INET6, "::", 5), *client = open_socket(left, AF_INET, SOCK_STREAM), *server;
    assert_result(connect_to(client, ip_of(right), port_of(listener)), -EINPROGRESS);
    assert_result(hawser__socket_accept(listener, &server), 0);
    struct sockaddr_in6 name;
    socklen_t len = sizeof name;
    assert_result(hawser__socket_getpeername(server, (struct sockaddr *)&name, &len), 0);
    assert_int_equal(len, sizeof name);
    assert_int_equal(name.sin6_family, AF_INET6);
    assert_memory_equal(&name.sin6_addr, "\0\0\0\0\0\0\0\0\0\0\xff\xff\x0a\0\0\1", 16);
    hawser__socket_unref(client);
    hawser__socket_unref(server);
    client = open_socket(left, AF_INET6, SOCK_STREAM);
    assert_result(connect_to(client, "::ffff:10.0.0.2", port_of(listener)), -EINPROGRESS);
    assert_result(hawser__socket_accept(listener, &server), 0);
    hawser__socket_unref(client);
    hawser__socket_unref(server);
    client = open_socket(left, AF_INET6, SOCK_STREAM);
    assert_result(connect_to(client, "fd00::2", port_of(listener)), -EINPROGRESS);
    assert_result(hawser__socket_accept(listener, &server), 0);
    assert_int_equal(strncmp(name_of(client), "[fd00::1]:", 10), 0);
    hawser__socket_unref(client);
    hawser__socket_unref(server);
    hawser__socket_unref(listener);
}

static void families_that_do_not_meet_are_unreachable(void **state) {
    (void)state;
    hawser__socket *socket = open_socket(left, AF_INET6, SOCK_STREAM);
    assert_result(set_int(socket, IPPROTO_IPV6, IPV6_V6ONLY, 1), 0);
    assert_result(connect_to(socket, "::ffff:127.0.0.1", 9), -ENETUNREACH);
    assert_result(connect_to(socket, "127.0.0.1", 9), -EINVAL);
    hawser__socket_unref(socket);
    socket = open_socket(left, AF_INET6, SOCK_STREAM);
    assert_result(bind_to(socket, "::1", 0), 0);
    assert_result(connect_to(socket, "::ffff:127.0.0.1", 9), -ENETUNREACH);
    hawser__socket_unref(socket);
    socket = open_socket(left, AF_INET, SOCK_STREAM);
    assert_result(bind_to(socket, "127.0.0.1", 0), 0);
    assert_result(connect_to(socket, ip_of(right), 9), -EINVAL);
    assert_result(connect_to(socket, "::1", 9), -EAFNOSUPPORT);
    hawser__socket_unref(socket);
}

/* It gave up the port that a vain attempt had chosen for it, so the option can be set, but keeps the address. */
static void an_ipv4_address_of_ipv6_alone_is_nobodys(void **state) {
    (void)state;
    for (int only = 0; only < 2; only++) {
        hawser__socket *listener = open_socket(left, AF_INET6, SOCK_STREAM), *client = open_socket(left, AF_INET, SOCK_STREAM);
        assert_result(bind_to(listener, "::ffff:127.0.0.1", 0), 0);
        assert_result(connect_to(listener, "::ffff:127.0.0.1", 9), -EINPROGRESS);
        assert_result(hawser__socket_connect_result(listener), -ECONNREFUSED);
        assert_result(connect_to(listener, "::ffff:127.0.0.1", 9), -ECONNABORTED);
        assert_result(set_int(listener, IPPROTO_IPV6, IPV6_V6ONLY, only), 0);
        assert_result(hawser__socket_listen(listener, 1), 0);
        assert_result(connect_to(client, "127.0.0.1", port_of(listener)), -EINPROGRESS);
        assert_result(hawser__socket_connect_result(client), only ? -ECONNREFUSED : 0);
        hawser__socket_unref(client);
        hawser__socket_unref(listener);
    }
}

static void connecting_to_no_address_is_to_oneself(void **state) {
    (void)state;
    hawser__socket *listener = listen_on(left, AF_INET, "", 5), *client = open_socket(left, AF_INET, SOCK_STREAM);
    assert_result(connect_to(client, "0.0.0.0", port_of(listener)), -EINPROGRESS);
    assert_int_equal(strncmp(peer_of(client), "127.0.0.1:", 10), 0);
    assert_int_equal(strncmp(name_of(client), "127.0.0.1:", 10), 0);
    hawser__socket_unref(client);
    hawser__socket_unref(listener);
}

static void those_who_share_a_port_share_the_connections(void **state) {
    (void)state;
    hawser__socket *listeners[2], *accepted;
    int counts[2] = {0};
    for (int i = 0; i < 2; i++) {
        listeners[i] = open_socket(right, AF_INET, SOCK_STREAM);
        assert_result(set_int(listeners[i], SOL_SOCKET, SO_REUSEPORT, 1), 0);
        assert_result(bind_to(listeners[i], "0.0.0.0", 80), 0);
        assert_result(hawser__socket_listen(listeners[i], 100), 0);
    }
    for (int i = 0; i < 60; i++) {
        hawser__socket *client = open_socket(left, AF_INET, SOCK_STREAM);
        assert_result(connect_to(client, ip_of(right), 80), -EINPROGRESS);
        for (int k = 0; k < 2; k++)
            if (hawser__socket_accept(listeners[k], &accepted) == 0) {
                counts[k]++;
                hawser__socket_unref(accepted);
            }
        hawser__socket_unref(client);
    }
    assert_int_equal(counts[0] + counts[1], 60);
    assert_in_range(counts[0], 15, 45);
    close_both(listeners);
}

/* Options. */

static void options_are_kept_checked_and_given_back(void **state) {
    (void)state;
    hawser__socket *tcp = open_socket(left, AF_INET, SOCK_STREAM), *udp = open_socket(left, AF_INET, SOCK_DGRAM);
    hawser__socket *local = open_socket(left, AF_UNIX, SOCK_STREAM);
    assert_result(get_int(tcp, SOL_SOCKET, SO_TYPE), SOCK_STREAM);
    assert_result(get_int(tcp, SOL_SOCKET, SO_DOMAIN), AF_INET);
    assert_result(get_int(tcp, SOL_SOCKET, SO_PROTOCOL), IPPROTO_TCP);
    assert_result(get_int(tcp, SOL_SOCKET, SO_RCVBUF), 131072);
    assert_result(set_int(tcp, SOL_SOCKET, SO_RCVBUF, 1000), 0);
    assert_result(set_int(tcp, SOL_SOCKET, SO_SNDBUF, 1000), 0);
    assert_result(get_int(tcp, SOL_SOCKET, SO_RCVBUF), 2304);
    assert_result(get_int(tcp, SOL_SOCKET, SO_SNDBUF), 4608);
    assert_result(set_int(tcp, SOL_SOCKET, SO_RCVBUF, 50000), 0);
    assert_result(get_int(tcp, SOL_SOCKET, SO_RCVBUF), 100000);
    assert_result(set_int(tcp, SOL_SOCKET, SO_RCVBUF, 50000000), 0);
    assert_result(get_int(tcp, SOL_SOCKET, SO_RCVBUF), 425984);
    assert_result(set_int(tcp, SOL_SOCKET, SO_REUSEADDR, 5), 0);
    assert_result(get_int(tcp, SOL_SOCKET, SO_REUSEADDR), 1);
    assert_result(set_int(tcp, SOL_SOCKET, SO_RCVLOWAT, 0), 0);
    assert_result(get_int(tcp, SOL_SOCKET, SO_RCVLOWAT), 1);
    assert_result(get_int(tcp, IPPROTO_TCP, TCP_KEEPIDLE), 7200);
    assert_result(set_int(tcp, IPPROTO_TCP, TCP_KEEPIDLE, 0), -EINVAL);
    assert_result(set_int(tcp, IPPROTO_TCP, TCP_USER_TIMEOUT, -1), -EINVAL);
    assert_result(set_int(tcp, IPPROTO_TCP, TCP_NODELAY, 7), 0);
    assert_result(get_int(tcp, IPPROTO_TCP, TCP_NODELAY), 1);
    assert_result(hawser__socket_setsockopt(tcp, SOL_SOCKET, SO_KEEPALIVE, "x", 1), -EINVAL);
    assert_result(set_int(tcp, SOL_SOCKET, SO_LINGER, 1), -EINVAL);
    assert_result(set_int(tcp, SOL_SOCKET, SO_TYPE, 1), -ENOPROTOOPT);
    assert_result(set_int(tcp, SOL_SOCKET, 999, 1), -ENOPROTOOPT);
    assert_result(get_int(tcp, SOL_SOCKET, 999), -ENOPROTOOPT);
    assert_result(set_int(tcp, 999, 1, 1), -ENOPROTOOPT);
    assert_result(get_int(tcp, 999, 1), -EOPNOTSUPP);
    assert_result(set_int(udp, IPPROTO_TCP, TCP_NODELAY, 1), -ENOPROTOOPT);
    assert_result(get_int(udp, IPPROTO_TCP, TCP_NODELAY), -EOPNOTSUPP);
    assert_result(set_int(tcp, IPPROTO_IPV6, IPV6_V6ONLY, 1), -ENOPROTOOPT);
    assert_result(set_int(local, IPPROTO_TCP, TCP_NODELAY, 1), -EOPNOTSUPP);
    assert_result(set_int(local, SOL_SOCKET, SO_REUSEPORT, 1), -EOPNOTSUPP);
    hawser__socket_unref(tcp);
    hawser__socket_unref(udp);
    hawser__socket_unref(local);
}

static void a_value_is_cut_to_the_room_there_is(void **state) {
    (void)state;
    hawser__socket *tcp = open_socket(left, AF_INET, SOCK_STREAM);
    struct linger linger = {.l_onoff = 5, .l_linger = 7}, got;
    unsigned char two[2] = {9, 9};
    socklen_t size = sizeof two;
    assert_result(hawser__socket_getsockopt(tcp, SOL_SOCKET, SO_TYPE, two, &size), 0);
    assert_int_equal(size, 2);
    assert_result(hawser__socket_setsockopt(tcp, SOL_SOCKET, SO_LINGER, &linger, sizeof linger), 0);
    size = sizeof got;
    assert_result(hawser__socket_getsockopt(tcp, SOL_SOCKET, SO_LINGER, &got, &size), 0);
    assert_int_equal(got.l_onoff, 1);
    assert_int_equal(got.l_linger, 7);
    hawser__socket_unref(tcp);
}

static void accepted_sockets_have_their_listeners_options(void **state) {
    (void)state;
    hawser__socket *listener = listen_on(left, AF_INET, "127.0.0.1", 5), *server;
    hawser__socket *client = open_socket(left, AF_INET, SOCK_STREAM);
    assert_result(set_int(listener, SOL_SOCKET, SO_KEEPALIVE, 1), 0);
    assert_result(set_int(listener, SOL_SOCKET, SO_RCVBUF, 5000), 0);
    assert_result(connect_to(client, "127.0.0.1", port_of(listener)), -EINPROGRESS);
    assert_result(hawser__socket_accept(listener, &server), 0);
    assert_result(get_int(server, SOL_SOCKET, SO_KEEPALIVE), 1);
    assert_result(get_int(server, SOL_SOCKET, SO_RCVBUF), 10000);
    assert_result(get_int(server, SOL_SOCKET, SO_ACCEPTCONN), 0);
    assert_result(get_int(listener, SOL_SOCKET, SO_ACCEPTCONN), 1);
    hawser__socket_unref(server);
    hawser__socket_unref(client);
    hawser__socket_unref(listener);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        world_test(ports_are_shared_as_on_linux),
        world_test(kinds_that_do_not_exist_are_refused),
        world_test(only_own_addresses_can_be_bound_and_once),
        world_test(free_ports_come_in_turn_and_a_crash_frees_all),
        world_test(the_last_free_port_is_found_and_then_there_is_none),
        world_test(one_listens_even_where_two_are_bound),
        world_test(connections_keep_their_listeners_port),
        world_test(ipv4_meets_ipv6),
        world_test(families_that_do_not_meet_are_unreachable),
        world_test(an_ipv4_address_of_ipv6_alone_is_nobodys),
        world_test(connecting_to_no_address_is_to_oneself),
        world_test(those_who_share_a_port_share_the_connections),
        world_test(options_are_kept_checked_and_given_back),
        world_test(a_value_is_cut_to_the_room_there_is),
        world_test(accepted_sockets_have_their_listeners_options),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
