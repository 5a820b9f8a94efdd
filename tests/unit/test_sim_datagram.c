/* SPDX-License-Identifier: MIT */
#include "small_world.h"

static hawser__socket *bound(hawser__host *host, const char *ip) {
    hawser__socket *socket = open_socket(host, AF_INET, SOCK_DGRAM);
    assert_result(bind_to(socket, ip, 0), 0);
    return socket;
}

/* A receiver on RIGHT and a sender on LEFT that is connected to it. */
static void open_ends(hawser__socket *ends[2]) {
    ends[1] = bound(right, ip_of(right));
    ends[0] = open_socket(left, AF_INET, SOCK_DGRAM);
    assert_result(connect_to(ends[0], ip_of(right), port_of(ends[1])), 0);
}

static void a_datagram_arrives_whole_with_its_sender(void **state) {
    (void)state;
    hawser__socket *ends[2];
    open_ends(ends);
    struct sockaddr_in from;
    char bytes[3];
    struct iovec part = {bytes, sizeof bytes};
    struct msghdr msg = {.msg_name = &from, .msg_namelen = sizeof from, .msg_iov = &part, .msg_iovlen = 1};
    assert_result(say(ends[0], "hello"), 5);
    assert_result(hawser__socket_unread(ends[1]), 5);
    assert_result(hawser__socket_receive(ends[1], &msg, MSG_PEEK | MSG_TRUNC), 5);
    msg.msg_namelen = sizeof from;
    assert_result(hawser__socket_receive(ends[1], &msg, 0), 3);
    assert_memory_equal(bytes, "hel", 3);
    assert_int_equal(msg.msg_flags, MSG_TRUNC);
    assert_int_equal(msg.msg_namelen, sizeof from);
    assert_int_equal(ntohs(from.sin_port), port_of(ends[0]));
    assert_int_equal(ntohl(from.sin_addr.s_addr), 0x0a000001);
    assert_result(receive(ends[1], 10, 0), -EAGAIN);
    close_both(ends);
}

static void empty_datagrams_arrive_and_are_bounded(void **state) {
    (void)state;
    hawser__socket *ends[2];
    open_ends(ends);
    for (int i = 0; i < 1000; i++)
        assert_result(say(ends[0], ""), 0);
    int count = 0;
    for (; receive(ends[1], 10, 0) == 0; count++)
        ;
    assert_int_equal(count, 256);
    close_both(ends);
}

static void what_has_no_room_is_dropped(void **state) {
    (void)state;
    hawser__socket *ends[2];
    open_ends(ends);
    assert_result(say_bytes(ends[0], 40000), 40000);
    assert_result(say_bytes(ends[0], 40000), 40000);
    assert_true(hawser__socket_writable(ends[0]));
    assert_result(receive(ends[1], 65535, 0), 40000);
    assert_result(receive(ends[1], 65535, 0), -EAGAIN);
    assert_result(say_bytes(ends[0], 65507), 65507);
    assert_result(say_bytes(ends[0], 65508), -EMSGSIZE);
    assert_result(receive(ends[1], 65535, 0), 65507);
    close_both(ends);
}

static void a_fresh_socket_has_nowhere_to_send(void **state) {
    (void)state;
    hawser__socket *socket = open_socket(left, AF_INET, SOCK_DGRAM), *accepted;
    assert_result(say(socket, "x"), -EDESTADDRREQ);
    assert_result(receive(socket, 1, 0), -EAGAIN);
    assert_result(say_to(socket, "x", "127.0.0.1", 0), -EINVAL);
    assert_result(say_to(socket, "x", "::1", 1), -EAFNOSUPPORT);
    assert_result(hawser__socket_listen(socket, 1), -EOPNOTSUPP);
    assert_result(hawser__socket_accept(socket, &accepted), -EOPNOTSUPP);
    assert_result(hawser__socket_shutdown(socket, SHUT_RDWR), -ENOTCONN);
    hawser__socket_unref(socket);
}

static void nobody_there_is_told_once_to_who_is_connected(void **state) {
    (void)state;
    set_link(&(hawser_sim_link){.latency = 0.01});
    hawser__socket *socket = open_socket(left, AF_INET, SOCK_DGRAM);
    assert_result(say_to(socket, "x", ip_of(right), 9), 1);
    settle();
    assert_result(receive(socket, 1, 0), -EAGAIN);
    assert_result(connect_to(socket, ip_of(right), 9), 0);
    assert_result(say(socket, "x"), 1);
    assert_false(hawser__socket_readable(socket));
    pass(20 * MS);
    assert_true(hawser__socket_readable(socket));
    assert_result(say(socket, "x"), -ECONNREFUSED);
    assert_result(say(socket, "x"), 1);
    settle();
    assert_result(receive(socket, 1, 0), -ECONNREFUSED);
    assert_result(receive(socket, 1, 0), -EAGAIN);
    hawser__socket_unref(socket);
}

static void a_host_without_power_does_not_refuse(void **state) {
    (void)state;
    hawser__socket *socket = open_socket(left, AF_INET, SOCK_DGRAM);
    hawser__sockets_drop(right, false);
    right->up = false;
    assert_result(connect_to(socket, ip_of(right), 9), 0);
    assert_result(say(socket, "x"), 1);
    assert_result(say_to(socket, "x", "10.7.7.7", 9), 1);
    assert_result(receive(socket, 1, 0), -EAGAIN);
    hawser__socket_unref(socket);
}

static void a_connected_socket_hears_its_peer_alone(void **state) {
    (void)state;
    hawser__socket *ends[2], *stranger = bound(left, "");
    open_ends(ends);
    assert_result(connect_to(ends[1], ip_of(left), port_of(ends[0])), 0);
    assert_result(say_to(stranger, "no", ip_of(right), port_of(ends[1])), 2);
    assert_result(receive(ends[1], 10, 0), -EAGAIN);
    assert_result(say(ends[0], "yes"), 3);
    assert_hears(ends[1], "yes");
    assert_result(say_to(ends[1], "else", ip_of(left), port_of(stranger)), 4);
    assert_hears(stranger, "else");
    hawser__socket_unref(stranger);
    close_both(ends);
}

static void dissolving_gives_back_what_was_not_asked_for(void **state) {
    (void)state;
    const struct sockaddr none = {.sa_family = AF_UNSPEC};
    hawser__socket *socket = open_socket(left, AF_INET, SOCK_DGRAM);
    assert_result(connect_to(socket, "127.0.0.1", 9), 0);
    assert_int_equal(strncmp(name_of(socket), "127.0.0.1:", 10), 0);
    assert_result(hawser__socket_connect(socket, &none, sizeof none), 0);
    assert_string_equal(name_of(socket), "0.0.0.0:0");
    assert_string_equal(peer_of(socket), "ENOTCONN");
    assert_result(bind_to(socket, "127.0.0.1", 777), 0);
    assert_result(connect_to(socket, "127.0.0.1", 9), 0);
    assert_result(hawser__socket_connect(socket, &none, sizeof none), 0);
    assert_string_equal(name_of(socket), "127.0.0.1:777");
    hawser__socket_unref(socket);
}

static void the_first_send_binds_whatever_comes_of_it(void **state) {
    (void)state;
    hawser__socket *nowhere = open_socket(left, AF_INET, SOCK_DGRAM), *unheard = open_socket(left, AF_INET, SOCK_DGRAM);
    assert_result(say(nowhere, "x"), -EDESTADDRREQ);
    assert_string_equal(name_of(nowhere), "0.0.0.0:32768");
    assert_result(bind_to(nowhere, "127.0.0.1", 777), -EINVAL);
    assert_result(say_to(unheard, "x", "10.7.7.7", 9), 1);
    assert_string_equal(name_of(unheard), "0.0.0.0:32769");
    assert_result(bind_to(unheard, "127.0.0.1", 777), -EINVAL);
    hawser__socket_unref(nowhere);
    hawser__socket_unref(unheard);
}

static void shut_down_it_sends_no_more(void **state) {
    (void)state;
    hawser__socket *ends[2];
    open_ends(ends);
    assert_result(hawser__socket_shutdown(ends[0], SHUT_WR), 0);
    assert_result(say(ends[0], "x"), -EPIPE);
    assert_result(hawser__socket_shutdown(ends[0], SHUT_RD), 0);
    assert_result(receive(ends[0], 1, 0), -EAGAIN);
    assert_result(say_to(ends[1], "hi", ip_of(left), port_of(ends[0])), 2);
    assert_hears(ends[0], "hi");
    close_both(ends);
}

static void the_socket_that_fits_best_hears_it(void **state) {
    (void)state;
    hawser__socket *any = open_socket(right, AF_INET, SOCK_DGRAM), *own = open_socket(right, AF_INET, SOCK_DGRAM);
    hawser__socket *sender = open_socket(left, AF_INET, SOCK_DGRAM);
    assert_result(set_int(any, SOL_SOCKET, SO_REUSEADDR, 1), 0);
    assert_result(set_int(own, SOL_SOCKET, SO_REUSEADDR, 1), 0);
    assert_result(bind_to(any, "0.0.0.0", 53), 0);
    assert_result(bind_to(own, ip_of(right), 53), 0);
    assert_result(say_to(sender, "x", ip_of(right), 53), 1);
    assert_hears(own, "x");
    hawser__socket_unref(own);
    assert_result(say_to(sender, "y", ip_of(right), 53), 1);
    assert_hears(any, "y");
    hawser__socket_unref(any);
    hawser__socket_unref(sender);
}

static void those_who_share_a_port_share_the_datagrams(void **state) {
    (void)state;
    hawser__socket *receivers[2], *sender = open_socket(left, AF_INET, SOCK_DGRAM);
    for (int i = 0; i < 2; i++) {
        receivers[i] = open_socket(right, AF_INET, SOCK_DGRAM);
        assert_result(set_int(receivers[i], SOL_SOCKET, SO_REUSEPORT, 1), 0);
        assert_result(bind_to(receivers[i], "0.0.0.0", 53), 0);
    }
    for (int i = 0; i < 100; i++)
        assert_result(say_to(sender, "x", ip_of(right), 53), 1);
    int counts[2] = {0};
    for (int i = 0; i < 2; i++)
        while (receive(receivers[i], 10, 0) == 1)
            counts[i]++;
    assert_in_range(counts[0], 30, 70);
    assert_int_equal(counts[0] + counts[1], 100);
    close_both(receivers);
    hawser__socket_unref(sender);
}

static void where_it_was_sent_to_is_told_and_answers_come_from_there(void **state) {
    (void)state;
    hawser__socket *server = open_socket(right, AF_INET6, SOCK_DGRAM), *client = open_socket(left, AF_INET, SOCK_DGRAM);
    assert_result(set_int(server, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1), 0);
    assert_result(bind_to(server, "::", 53), 0);
    assert_result(connect_to(client, ip_of(right), 53), 0);
    assert_result(say(client, "ping"), 4);
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(struct in6_pktinfo))];
    struct sockaddr_in6 from;
    char bytes[10];
    struct iovec part = {bytes, sizeof bytes};
    struct msghdr msg = {.msg_name = &from, .msg_namelen = sizeof from, .msg_iov = &part, .msg_iovlen = 1};
    msg.msg_control = control;
    msg.msg_controllen = sizeof control;
    assert_result(hawser__socket_receive(server, &msg, 0), 4);
    struct cmsghdr *head = CMSG_FIRSTHDR(&msg);
    assert_non_null(head);
    assert_int_equal(head->cmsg_level, IPPROTO_IPV6);
    assert_int_equal(head->cmsg_type, IPV6_PKTINFO);
    assert_memory_equal(CMSG_DATA(head), "\0\0\0\0\0\0\0\0\0\0\xff\xff\x0a\0\0\2", 16);
    part.iov_len = 4;
    assert_result(hawser__socket_send(server, &msg, 0), 4);
    assert_hears(client, "ping");
    hawser__socket_unref(server);
    hawser__socket_unref(client);
}

static void too_little_room_for_control_is_said(void **state) {
    (void)state;
    hawser__socket *ends[2];
    char control[8], bytes[10];
    struct iovec part = {bytes, sizeof bytes};
    struct msghdr msg = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    open_ends(ends);
    assert_result(set_int(ends[1], IPPROTO_IP, IP_PKTINFO, 1), 0);
    assert_result(say(ends[0], "x"), 1);
    assert_result(hawser__socket_receive(ends[1], &msg, 0), 1);
    assert_int_equal(msg.msg_flags, MSG_CTRUNC);
    assert_int_equal(msg.msg_controllen, 0);
    close_both(ends);
}

static void broadcasts_reach_every_host_if_allowed(void **state) {
    (void)state;
    hawser__socket *a = bound(left, "0.0.0.0"), *b = open_socket(right, AF_INET, SOCK_DGRAM);
    hawser__socket *sender = open_socket(left, AF_INET, SOCK_DGRAM);
    assert_result(bind_to(b, "0.0.0.0", port_of(a)), 0);
    assert_result(say_to(sender, "all", "255.255.255.255", port_of(a)), -EACCES);
    assert_result(set_int(sender, SOL_SOCKET, SO_BROADCAST, 1), 0);
    assert_result(say_to(sender, "all", "255.255.255.255", port_of(a)), 3);
    assert_hears(a, "all");
    assert_hears(b, "all");
    hawser__socket_unref(a);
    hawser__socket_unref(b);
    hawser__socket_unref(sender);
}

static void groups_reach_their_members(void **state) {
    (void)state;
    struct ip_mreq group = {.imr_multiaddr.s_addr = htonl(0xe0000101)};
    hawser__socket *member = open_socket(right, AF_INET, SOCK_DGRAM), *other = open_socket(left, AF_INET, SOCK_DGRAM);
    assert_result(bind_to(member, "0.0.0.0", 777), 0);
    assert_result(bind_to(other, "0.0.0.0", 777), 0);
    assert_result(hawser__socket_setsockopt(member, IPPROTO_IP, IP_ADD_MEMBERSHIP, &group, sizeof group), 0);
    assert_result(hawser__socket_setsockopt(member, IPPROTO_IP, IP_ADD_MEMBERSHIP, &group, sizeof group), -EADDRINUSE);
    assert_result(say_to(other, "news", "224.0.1.1", 777), 4);
    assert_hears(member, "news");
    assert_result(receive(other, 10, 0), -EAGAIN);
    assert_result(hawser__socket_setsockopt(other, IPPROTO_IP, IP_ADD_MEMBERSHIP, &group, sizeof group), 0);
    assert_result(say_to(other, "more", "224.0.1.1", 777), 4);
    assert_hears(other, "more");
    assert_result(set_int(other, IPPROTO_IP, IP_MULTICAST_LOOP, 0), 0);
    assert_result(say_to(other, "last", "224.0.1.1", 777), 4);
    assert_result(receive(other, 10, 0), -EAGAIN);
    assert_result(hawser__socket_setsockopt(member, IPPROTO_IP, IP_DROP_MEMBERSHIP, &group, sizeof group), 0);
    assert_result(hawser__socket_setsockopt(member, IPPROTO_IP, IP_DROP_MEMBERSHIP, &group, sizeof group), -EADDRNOTAVAIL);
    hawser__socket_unref(member);
    hawser__socket_unref(other);
}

/* How many of 1000 datagrams arrive over LINK. */
static size_t count_over(const hawser_sim_link *link, bool *disordered) {
    hawser__socket *ends[2];
    int last = -1;
    size_t count = 0;
    begin_world(&(hawser_sim_model){.link = *link});
    open_ends(ends);
    for (int i = 0; i < 1000; i++) {
        char text[8];
        snprintf(text, sizeof text, "%d", i);
        say(ends[0], text);
        pass(1 * MS);
        for (; receive(ends[1], 10, 0) > 0; count++) {
            *disordered |= atoi(heard) < last;
            last = atoi(heard);
        }
    }
    settle();
    while (receive(ends[1], 10, 0) > 0)
        count++;
    close_both(ends);
    end_world();
    return count;
}

static void the_path_loses_doubles_and_disorders(void **state) {
    (void)state;
    bool disordered = false;
    assert_int_equal(count_over(&(hawser_sim_link){.latency = 0.01}, &disordered), 1000);
    assert_false(disordered);
    assert_in_range(count_over(&(hawser_sim_link){.loss = 0.2}, &disordered), 700, 900);
    assert_in_range(count_over(&(hawser_sim_link){.duplicate = 0.2}, &disordered), 1100, 1300);
    assert_false(disordered);
    assert_int_equal(count_over(&(hawser_sim_link){.latency = 0.01, .reorder = 0.2}, &disordered), 1000);
    assert_true(disordered);
    assert_int_equal(count_over(&(hawser_sim_link){.cut = true}, &disordered), 0);
}

static void what_is_under_way_is_freed_with_the_world(void **state) {
    (void)state;
    hawser__socket *ends[2];
    set_link(&(hawser_sim_link){.latency = 1});
    open_ends(ends);
    assert_result(say(ends[0], "never"), 5);
    assert_result(say(ends[0], "arrives"), 7);
    hawser__socket_unref(ends[0]);
}

static void without_memory_a_datagram_is_lost_or_refused(void **state) {
    (void)state;
    for (unsigned nth = 1; nth < 10; nth++) {
        hawser__socket *ends[2];
        open_ends(ends);
        fault_alloc(nth);
        ssize_t n = say(ends[0], "hello");
        bool struck = fault_none();
        assert_true(n == 5 || n == -ENOBUFS);
        assert_true(struck || receive(ends[1], 10, 0) == 5);
        close_both(ends);
        if (!struck)
            break;
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        world_test(a_datagram_arrives_whole_with_its_sender),
        world_test(empty_datagrams_arrive_and_are_bounded),
        world_test(what_has_no_room_is_dropped),
        world_test(a_fresh_socket_has_nowhere_to_send),
        world_test(nobody_there_is_told_once_to_who_is_connected),
        world_test(a_host_without_power_does_not_refuse),
        world_test(a_connected_socket_hears_its_peer_alone),
        world_test(dissolving_gives_back_what_was_not_asked_for),
        world_test(the_first_send_binds_whatever_comes_of_it),
        world_test(shut_down_it_sends_no_more),
        world_test(the_socket_that_fits_best_hears_it),
        world_test(those_who_share_a_port_share_the_datagrams),
        world_test(where_it_was_sent_to_is_told_and_answers_come_from_there),
        world_test(too_little_room_for_control_is_said),
        world_test(broadcasts_reach_every_host_if_allowed),
        world_test(groups_reach_their_members),
        cmocka_unit_test(the_path_loses_doubles_and_disorders),
        world_test(what_is_under_way_is_freed_with_the_world),
        world_test(without_memory_a_datagram_is_lost_or_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
