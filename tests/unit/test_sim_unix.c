/* SPDX-License-Identifier: MIT */
#include "small_world.h"

#include <unistd.h>

static void open_pair_of(int type, hawser__socket *ret[2]) {
    ret[0] = open_socket(left, AF_UNIX, type);
    ret[1] = open_socket(left, AF_UNIX, type);
    assert_result(hawser__socket_pair(ret[0], ret[1]), 0);
}

static hawser__socket *listen_at(const char *path, int type, int backlog) {
    hawser__socket *listener = open_socket(left, AF_UNIX, type);
    assert_result(bind_path(listener, path), 0);
    assert_result(hawser__socket_listen(listener, backlog), 0);
    return listener;
}

static void fresh_sockets_say_what_the_kernel_says(void **state) {
    (void)state;
    static const struct {
        int type, receive, send, accept, listen;
    } kinds[] = {{SOCK_STREAM, -EINVAL, -ENOTCONN, -EINVAL, -EINVAL},
                 {SOCK_SEQPACKET, -ENOTCONN, -ENOTCONN, -EINVAL, -EINVAL},
                 {SOCK_DGRAM, -EAGAIN, -ENOTCONN, -EOPNOTSUPP, -EOPNOTSUPP}};
    for (size_t i = 0; i < 3; i++) {
        hawser__socket *socket = open_socket(left, AF_UNIX, kinds[i].type), *accepted;
        assert_result(receive(socket, 1, 0), kinds[i].receive);
        assert_result(say(socket, "x"), kinds[i].send);
        assert_result(hawser__socket_accept(socket, &accepted), kinds[i].accept);
        assert_result(hawser__socket_listen(socket, 1), kinds[i].listen);
        assert_string_equal(peer_of(socket), "ENOTCONN");
        assert_string_equal(name_of(socket), "unix:");
        assert_result(connect_path(socket, "/none"), -ENOENT);
        assert_result(connect_path(socket, "@none"), -ECONNREFUSED);
        assert_result(hawser__socket_shutdown(socket, SHUT_RDWR), 0);
        hawser__socket_unref(socket);
    }
}

static void names_are_files_or_abstract_or_chosen(void **state) {
    (void)state;
    hawser__socket *a = open_socket(left, AF_UNIX, SOCK_STREAM), *b = open_socket(left, AF_UNIX, SOCK_STREAM);
    assert_result(bind_path(a, "/run/a"), 0);
    assert_string_equal(name_of(a), "unix:/run/a");
    assert_true(hawser__host_file(left, "/run/a") != 0);
    assert_true(hawser__host_file_is_socket(left, "/run/a"));
    assert_false(hawser__host_file_is_live(left, "/run/a"));
    assert_result(bind_path(a, "/run/b"), -EINVAL);
    assert_result(bind_path(b, "/run/a"), -EADDRINUSE);
    assert_result(connect_path(b, "/run/a"), -ECONNREFUSED);
    hawser__socket_unref(a);
    assert_result(bind_path(b, "/run/a"), -EADDRINUSE);   /* the file stays */
    assert_result(connect_path(b, "/run/a"), -ECONNREFUSED);
    hawser__host_remove_file(left, "/run/a");
    assert_result(bind_path(b, "/run/a"), 0);
    assert_int_equal(hawser__host_file(right, "/run/a"), 0);
    a = open_socket(left, AF_UNIX, SOCK_STREAM);
    assert_result(bind_path(a, "@name"), 0);
    hawser__socket_unref(b);
    b = open_socket(left, AF_UNIX, SOCK_STREAM);
    assert_result(bind_path(b, "@name"), -EADDRINUSE);
    assert_result(bind_path(b, ""), 0);
    assert_string_equal(name_of(b), "unix:@00000");
    hawser__socket_unref(a);
    hawser__socket_unref(b);
}

static void a_stale_file_survives_a_crash_and_refuses(void **state) {
    (void)state;
    listen_at("/run/s", SOCK_STREAM, 1);
    assert_true(hawser__host_file_is_live(left, "/run/s"));
    hawser__sockets_drop(left, false);
    hawser__socket *client = open_socket(left, AF_UNIX, SOCK_STREAM);
    assert_result(connect_path(client, "/run/s"), -ECONNREFUSED);
    assert_false(hawser__host_file_is_live(left, "/run/s"));
    hawser__socket_unref(client);
}

static void connections_are_made_at_once_and_know_each_other(void **state) {
    (void)state;
    hawser__socket *listener = listen_at("@l", SOCK_STREAM, 5), *client = open_socket(left, AF_UNIX, SOCK_STREAM), *server;
    assert_result(connect_path(client, "@l"), 0);
    assert_result(connect_path(client, "@l"), -EISCONN);
    assert_result(say(client, "early"), 5);
    assert_result(hawser__socket_accept(listener, &server), 0);
    assert_hears(server, "early");
    assert_string_equal(peer_of(client), "unix:@l");
    assert_string_equal(name_of(server), "unix:@l");
    assert_string_equal(peer_of(server), "unix:");
    struct ucred who;
    socklen_t size = sizeof who;
    assert_result(hawser__socket_getsockopt(client, SOL_SOCKET, SO_PEERCRED, &who, &size), 0);
    assert_int_equal(who.pid, getpid());
    assert_result(say_to_path(client, "x", "@l"), -EISCONN);
    hawser__socket_unref(client);
    assert_result(receive(server, 1, 0), 0);
    hawser__socket_unref(server);
    hawser__socket_unref(listener);
}

static void who_finds_the_queue_full_stands_in_line(void **state) {
    (void)state;
    hawser__socket *listener = listen_at("@l", SOCK_STREAM, 0), *clients[4], *server;
    for (int i = 0; i < 4; i++)
        clients[i] = open_socket(left, AF_UNIX, SOCK_STREAM);
    assert_result(connect_path(clients[0], "@l"), 0);
    for (int i = 1; i < 4; i++)
        assert_result(connect_path(clients[i], "@l"), -EINPROGRESS);
    assert_result(connect_path(clients[1], "@l"), -EALREADY);
    hawser__socket_unref(clients[2]);
    assert_result(hawser__socket_accept(listener, &server), 0);
    assert_false(hawser__socket_connecting(clients[1]));
    assert_result(hawser__socket_connect_result(clients[1]), 0);
    assert_true(hawser__socket_connecting(clients[3]));
    hawser__socket_unref(listener);
    assert_result(hawser__socket_connect_result(clients[3]), -ECONNREFUSED);
    assert_result(receive(clients[1], 1, 0), -ECONNRESET);   /* nobody accepted it */
    assert_result(receive(clients[1], 1, 0), 0);
    assert_result(say(clients[1], "x"), -EPIPE);
    hawser__socket_unref(server);
    for (int i = 0; i < 4; i++)
        if (i != 2)
            hawser__socket_unref(clients[i]);
}

static void a_listener_that_is_shut_still_gives_what_it_has(void **state) {
    (void)state;
    hawser__socket *listener = listen_at("@l", SOCK_STREAM, 5), *client = open_socket(left, AF_UNIX, SOCK_STREAM), *server;
    hawser__socket *late = open_socket(left, AF_UNIX, SOCK_STREAM);
    assert_result(connect_path(client, "@l"), 0);
    assert_result(hawser__socket_shutdown(listener, SHUT_RD), 0);
    assert_result(connect_path(late, "@l"), -ECONNREFUSED);
    assert_result(hawser__socket_accept(listener, &server), 0);
    assert_result(hawser__socket_accept(listener, &late), -ESHUTDOWN);
    hawser__socket_unref(server);
    hawser__socket_unref(client);
    hawser__socket_unref(late);
    hawser__socket_unref(listener);
}

static void a_wrong_kind_is_told(void **state) {
    (void)state;
    hawser__socket *listener = listen_at("/run/l", SOCK_STREAM, 5);
    hawser__socket *packets = open_socket(left, AF_UNIX, SOCK_SEQPACKET), *letters = open_socket(left, AF_UNIX, SOCK_DGRAM);
    assert_result(connect_path(packets, "/run/l"), -EPROTOTYPE);
    assert_result(say_to_path(letters, "x", "/run/l"), -EPROTOTYPE);
    hawser__socket_unref(packets);
    hawser__socket_unref(letters);
    hawser__socket_unref(listener);
}

static void streams_fill_and_empty(void **state) {
    (void)state;
    hawser__socket *ends[2];
    open_pair_of(SOCK_STREAM, ends);
    size_t sent = 0;
    for (ssize_t n; (n = say_bytes(ends[0], 10000)) > 0;)
        sent += (size_t)n;
    assert_int_equal(sent, 65536);
    assert_false(hawser__socket_writable(ends[0]));
    assert_result(receive(ends[1], 100, 0), 100);
    assert_true(hawser__socket_writable(ends[0]));
    assert_result(say_bytes(ends[0], 200), 100);
    assert_int_equal(receive_all(ends[1]), 65536);
    assert_result(say(ends[0], ""), 0);
    assert_result(receive(ends[1], 5, 0), -EAGAIN);
    close_both(ends);
}

static void packets_keep_their_limits(void **state) {
    (void)state;
    hawser__socket *ends[2];
    open_pair_of(SOCK_SEQPACKET, ends);
    assert_result(say(ends[0], ""), 0);
    assert_result(say(ends[0], "hello"), 5);
    assert_result(say(ends[0], "you"), 3);
    assert_result(receive(ends[1], 10, 0), 0);
    assert_result(receive(ends[1], 2, 0), 2);
    assert_hears(ends[1], "you");
    close_both(ends);
}

static void a_message_has_less_than_the_buffer_which_the_last_one_overfills(void **state) {
    (void)state;
    static const int types[] = {SOCK_SEQPACKET, SOCK_DGRAM};
    for (size_t i = 0; i < 2; i++) {
        hawser__socket *ends[2];
        open_pair_of(types[i], ends);
        assert_int_equal(get_int(ends[0], SOL_SOCKET, SO_SNDBUF), 131072);
        assert_result(say_bytes(ends[0], 131072 - 31), -EMSGSIZE);
        assert_result(say(ends[0], "x"), 1);
        assert_result(say_bytes(ends[0], 131072 - 32), 131072 - 32);
        assert_false(hawser__socket_writable(ends[0]));
        assert_result(say(ends[0], "x"), -EAGAIN);
        assert_hears(ends[1], "x");
        assert_result(receive(ends[1], 1, MSG_TRUNC), 131072 - 32);
        assert_true(hawser__socket_writable(ends[0]));
        assert_result(set_int(ends[0], SOL_SOCKET, SO_SNDBUF, 3000), 0);
        assert_result(say_bytes(ends[0], 6000 - 31), -EMSGSIZE);
        assert_result(say_bytes(ends[0], 6000 - 32), 6000 - 32);
        close_both(ends);
    }
}

static void a_packet_too_large_is_told_of_a_reset_first(void **state) {
    (void)state;
    hawser__socket *ends[2];
    open_pair_of(SOCK_SEQPACKET, ends);
    assert_result(say(ends[0], "x"), 1);
    hawser__socket_unref(ends[1]);
    assert_result(say_bytes(ends[0], 200000), -ECONNRESET);
    assert_result(say_bytes(ends[0], 200000), -EMSGSIZE);
    assert_result(say(ends[0], "x"), -EPIPE);
    hawser__socket_unref(ends[0]);
}

static void a_peer_that_closes_is_found_out_as_by_the_kernel(void **state) {
    (void)state;
    hawser__socket *ends[2];
    open_pair_of(SOCK_STREAM, ends);
    assert_result(say(ends[0], "abc"), 3);
    assert_result(say(ends[1], "q"), 1);
    hawser__socket_unref(ends[1]);
    assert_hears(ends[0], "q");
    assert_result(receive(ends[0], 1, 0), -ECONNRESET);
    assert_result(receive(ends[0], 1, 0), 0);
    assert_result(say(ends[0], "x"), -EPIPE);
    assert_string_equal(peer_of(ends[0]), "unix:");
    hawser__socket_unref(ends[0]);
    open_pair_of(SOCK_SEQPACKET, ends);
    assert_result(say(ends[0], "abc"), 3);
    assert_result(say(ends[1], "q"), 1);
    hawser__socket_unref(ends[1]);
    assert_result(receive(ends[0], 1, 0), -ECONNRESET);
    assert_hears(ends[0], "q");
    assert_result(receive(ends[0], 1, 0), 0);
    hawser__socket_unref(ends[0]);
    open_pair_of(SOCK_DGRAM, ends);
    assert_result(say(ends[1], "q"), 1);
    hawser__socket_unref(ends[1]);
    assert_hears(ends[0], "q");
    assert_result(receive(ends[0], 1, 0), -EAGAIN);
    assert_result(say(ends[0], "x"), -ECONNREFUSED);
    assert_result(say(ends[0], "x"), -ENOTCONN);
    hawser__socket_unref(ends[0]);
    open_pair_of(SOCK_DGRAM, ends);
    assert_result(say(ends[1], "lost"), 4);
    hawser__socket_unref(ends[1]);
    assert_result(say(ends[0], "x"), -ECONNREFUSED);
    assert_result(receive(ends[0], 1, 0), -EAGAIN);
    hawser__socket_unref(ends[0]);
}

static void shutting_down_one_side_is_seen_by_the_other(void **state) {
    (void)state;
    hawser__socket *ends[2];
    open_pair_of(SOCK_STREAM, ends);
    assert_result(say(ends[0], "z"), 1);
    assert_result(hawser__socket_shutdown(ends[0], SHUT_WR), 0);
    assert_result(say(ends[0], "x"), -EPIPE);
    assert_hears(ends[1], "z");
    assert_result(receive(ends[1], 1, 0), 0);
    assert_result(say(ends[1], "k"), 1);
    assert_hears(ends[0], "k");
    assert_result(hawser__socket_shutdown(ends[0], SHUT_RD), 0);
    assert_result(say(ends[1], "x"), -EPIPE);
    assert_result(receive(ends[0], 1, 0), 0);
    close_both(ends);
}

static void nothing_is_sent_to_one_that_was_shut_before_it_connected(void **state) {
    (void)state;
    hawser__socket *listener = listen_at("@l", SOCK_STREAM, 5), *client = open_socket(left, AF_UNIX, SOCK_STREAM), *server;
    assert_result(hawser__socket_shutdown(client, SHUT_RD), 0);
    assert_result(connect_path(client, "@l"), 0);
    assert_result(hawser__socket_accept(listener, &server), 0);
    assert_result(say(server, ""), 0);
    assert_result(say(server, "x"), -EPIPE);
    hawser__socket_unref(server);
    hawser__socket_unref(client);
    hawser__socket_unref(listener);
}

static void eleven_datagrams_wait_and_the_sender_is_told_of_room(void **state) {
    (void)state;
    hawser__socket *receiver = open_socket(left, AF_UNIX, SOCK_DGRAM), *sender = open_socket(left, AF_UNIX, SOCK_DGRAM);
    assert_result(bind_path(receiver, "/run/r"), 0);
    assert_result(bind_path(sender, "/run/s"), 0);
    for (int i = 0; i < 11; i++)
        assert_result(say_to_path(sender, "x", "/run/r"), 1);
    assert_result(say_to_path(sender, "x", "/run/r"), -EAGAIN);
    assert_false(hawser__socket_writable(sender));
    struct sockaddr_un from;
    struct iovec part = {heard, 1};
    struct msghdr msg = {.msg_name = &from, .msg_namelen = sizeof from, .msg_iov = &part, .msg_iovlen = 1};
    assert_result(hawser__socket_receive(receiver, &msg, 0), 1);
    assert_string_equal(from.sun_path, "/run/s");
    assert_true(hawser__socket_writable(sender));
    assert_result(say_to_path(sender, "x", "/run/r"), 1);
    assert_result(say_to_path(sender, "x", "/run/r"), -EAGAIN);
    hawser__socket_unref(receiver);
    assert_true(hawser__socket_writable(sender));
    assert_result(say_to_path(sender, "x", "/run/r"), -ECONNREFUSED);
    hawser__socket_unref(sender);
}

static void who_is_connected_elsewhere_takes_no_letters(void **state) {
    (void)state;
    hawser__socket *a = open_socket(left, AF_UNIX, SOCK_DGRAM), *b = open_socket(left, AF_UNIX, SOCK_DGRAM);
    hawser__socket *c = open_socket(left, AF_UNIX, SOCK_DGRAM);
    assert_result(bind_path(a, "@a"), 0);
    assert_result(bind_path(b, "@b"), 0);
    assert_result(connect_path(a, "@b"), 0);
    assert_result(say_to_path(c, "x", "@a"), -EPERM);
    assert_result(connect_path(c, "@a"), -EPERM);
    assert_result(say_to_path(b, "ok", "@a"), 2);
    assert_hears(a, "ok");
    const struct sockaddr none = {.sa_family = AF_UNSPEC};
    assert_result(hawser__socket_connect(a, &none, sizeof none), 0);
    assert_result(say(a, "x"), -ENOTCONN);
    assert_result(say_to_path(c, "x", "@a"), 1);
    hawser__socket_unref(a);
    hawser__socket_unref(b);
    hawser__socket_unref(c);
}

static void real_descriptors_are_not_carried(void **state) {
    (void)state;
    hawser__socket *ends[2];
    open_pair_of(SOCK_STREAM, ends);
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {0};
    struct iovec part = {heard, 1};
    struct msghdr msg = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    *CMSG_FIRSTHDR(&msg) =
        (struct cmsghdr){.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof(int))};
    assert_result(hawser__socket_send(ends[0], &msg, 0), -EBADF);
    close_both(ends);
}

static void without_memory_nothing_is_half_done(void **state) {
    (void)state;
    for (unsigned nth = 1; nth < 20; nth++) {
        hawser__socket *listener = listen_at("@l", SOCK_STREAM, 5), *client = open_socket(left, AF_UNIX, SOCK_STREAM);
        hawser__socket *server = NULL;
        fault_alloc(nth);
        int result = connect_path(client, "@l");
        ssize_t n = result == 0 ? say(client, "x") : -1;
        bool struck = fault_none();
        assert_true(result == 0 || result == -ENOMEM);
        assert_int_equal(hawser__socket_accept(listener, &server), result == 0 ? 0 : -EAGAIN);
        assert_true(!server || receive(server, 1, 0) == (n > 0 ? n : -EAGAIN));
        if (server)
            hawser__socket_unref(server);
        hawser__socket_unref(client);
        hawser__socket_unref(listener);
        if (!struck)
            break;
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        world_test(fresh_sockets_say_what_the_kernel_says),
        world_test(names_are_files_or_abstract_or_chosen),
        world_test(a_stale_file_survives_a_crash_and_refuses),
        world_test(connections_are_made_at_once_and_know_each_other),
        world_test(who_finds_the_queue_full_stands_in_line),
        world_test(a_listener_that_is_shut_still_gives_what_it_has),
        world_test(a_wrong_kind_is_told),
        world_test(streams_fill_and_empty),
        world_test(packets_keep_their_limits),
        world_test(a_message_has_less_than_the_buffer_which_the_last_one_overfills),
        world_test(a_packet_too_large_is_told_of_a_reset_first),
        world_test(a_peer_that_closes_is_found_out_as_by_the_kernel),
        world_test(shutting_down_one_side_is_seen_by_the_other),
        world_test(nothing_is_sent_to_one_that_was_shut_before_it_connected),
        world_test(eleven_datagrams_wait_and_the_sender_is_told_of_room),
        world_test(who_is_connected_elsewhere_takes_no_letters),
        world_test(real_descriptors_are_not_carried),
        world_test(without_memory_nothing_is_half_done),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
