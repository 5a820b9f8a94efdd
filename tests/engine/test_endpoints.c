/* SPDX-License-Identifier: MIT */
/* Endpoints from birth to end: kinds, descriptors, names, options, connections, the second endpoint of a socket. */
#include "engine_suite.h"

#include "engine_memory.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <unistd.h>

static void an_unknown_kind_is_refused(void **state) {
    (void)state;
    hawser__endpoint *made = NULL;
    assert_int_equal(ops()->open(subject.engine, 250, SOCK_STREAM, 0, &made), -EAFNOSUPPORT);
    assert_int_equal(ops()->open(subject.engine, AF_INET, SOCK_SEQPACKET, 0, &made), -ESOCKTNOSUPPORT);
    assert_null(made);
}

/* What only descriptors can do. */
static void without_descriptors_what_needs_one_is_EOPNOTSUPP(void **state) {
    (void)state;
    if (subject.descriptors)
        return;
    hawser__endpoint *pair[2], *made = NULL;
    int64_t offset = 0;
    open_pair(SOCK_STREAM, pair);
    assert_int_equal(ops()->descriptor(pair[0]), -EOPNOTSUPP);
    assert_int_equal(ops()->adopt(subject.engine, 0, &made), -EOPNOTSUPP);
    assert_int_equal(ops()->sendfile(pair[0], 0, &offset, 1, HAWSER__NOW), -EOPNOTSUPP);
    assert_int_equal(ops()->wait_fd(subject.engine, NULL, 0, 1, HAWSER__NOW), -EOPNOTSUPP);
    assert_int_equal(ops()->detach(pair[0], true), -EOPNOTSUPP);
    assert_null(made);
    close_endpoint(pair[0]); /* a detach that failed leaves the endpoint alone */
    close_endpoint(pair[1]);
}

static void assert_born_well(hawser__endpoint *endpoint) {
    if (!subject.descriptors)
        return;
    int fd = ops()->descriptor(endpoint);
    assert_true(fd >= 0);
    assert_true(raw_is_cloexec(fd));
    assert_true(raw_is_nonblocking(fd));
}

/* Contract 6, trap 23. */
static void descriptors_are_close_on_exec_from_birth(void **state) {
    (void)state;
    hawser__endpoint *pair[2], *tcp[2], *copy;
    open_pair(SOCK_STREAM, pair);
    open_tcp(tcp);
    assert_int_equal(ops()->dup(pair[0], &copy), 0);
    hawser__endpoint *const born[] = {pair[0], pair[1], tcp[0], tcp[1], copy};
    for (size_t i = 0; i < sizeof born / sizeof *born; i++) {
        assert_born_well(born[i]);
        close_endpoint(born[i]);
    }
}

/* Contract 7. */
static void an_adopted_descriptor_keeps_its_flags(void **state) {
    (void)state;
    if (!subject.descriptors)
        return;
    int fds[2];
    hawser__endpoint *made[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    assert_int_equal(fcntl(fds[1], F_SETFL, O_NONBLOCK), 0);
    for (int i = 0; i < 2; i++)
        assert_int_equal(ops()->adopt(subject.engine, fds[i], &made[i]), 0);
    char buf[4];
    assert_int_equal(send_text(made[0], "ok"), 2);
    assert_receives(made[1], "ok");
    assert_int_equal(ops()->recv(made[0], buf, sizeof buf, 0, HAWSER__NOW), -EAGAIN);
    assert_int_equal(ops()->recv(made[0], buf, sizeof buf, 0, in_seconds(0.01)), -ETIMEDOUT);
    assert_false(raw_is_nonblocking(fds[0]));
    assert_true(raw_is_nonblocking(fds[1]));
    assert_false(raw_is_cloexec(fds[0]));
    assert_int_equal(ops()->detach(made[0], true), fds[0]);
    assert_int_equal(ops()->detach(made[1], true), fds[1]);
    assert_true(raw_is_nonblocking(fds[1]));
    close(fds[0]);
    close(fds[1]);
}

static void what_is_no_socket_is_not_adopted(void **state) {
    (void)state;
    if (!subject.descriptors)
        return;
    int fds[2];
    hawser__endpoint *made = NULL;
    assert_int_equal(pipe(fds), 0);
    assert_int_equal(ops()->adopt(subject.engine, fds[0], &made), subject.foreign ? -ENOTSOCK : -EOPNOTSUPP);
    close(fds[0]);
    assert_int_equal(ops()->adopt(subject.engine, fds[0], &made), subject.foreign ? -EBADF : -EOPNOTSUPP);
    close(fds[1]);
    assert_null(made);
}

static void a_detached_descriptor_blocks_when_asked_to(void **state) {
    (void)state;
    if (!subject.descriptors)
        return;
    for (int blocking = 0; blocking < 2; blocking++) {
        hawser__endpoint *endpoint = open_endpoint(AF_INET, SOCK_STREAM);
        int fd = ops()->detach(endpoint, blocking);
        assert_true(fd >= 0);
        assert_int_equal(raw_is_nonblocking(fd), !blocking);
        assert_true(raw_is_cloexec(fd));
        close(fd);
    }
}

static void a_free_port_is_given_and_a_taken_one_refused(void **state) {
    (void)state;
    hawser_addr addr;
    hawser__endpoint *first = open_listener(AF_INET, 1, &addr), *second = open_endpoint(AF_INET, SOCK_STREAM);
    assert_true(hawser_addr_port(&addr) > 0);
    assert_int_equal(ops()->bind(second, (struct sockaddr *)&addr.ss, addr.len), -EADDRINUSE);
    close_endpoint(first);
    assert_int_equal(ops()->bind(second, (struct sockaddr *)&addr.ss, addr.len), 0);
    assert_int_equal(ops()->bind(second, (struct sockaddr *)&addr.ss, addr.len), -EINVAL);
    close_endpoint(second);
}

static void an_address_of_another_machine_cannot_be_bound(void **state) {
    (void)state;
    hawser_addr addr;
    hawser__endpoint *endpoint = open_endpoint(AF_INET, SOCK_STREAM);
    assert_int_equal(hawser_addr_ip(&addr, "198.51.100.7", 0), 0);
    assert_int_equal(ops()->bind(endpoint, (struct sockaddr *)&addr.ss, addr.len), -EADDRNOTAVAIL);
    assert_int_equal(hawser_addr_ip(&addr, "::1", 0), 0);
    assert_int_equal(ops()->bind(endpoint, (struct sockaddr *)&addr.ss, addr.len), -EAFNOSUPPORT);
    close_endpoint(endpoint);
}

static void assert_name(int (*ask)(hawser__endpoint *, struct sockaddr *, socklen_t *), hawser__endpoint *endpoint,
                        const hawser_addr *expected) {
    hawser_addr got = {.len = sizeof got.ss};
    assert_int_equal(ask(endpoint, (struct sockaddr *)&got.ss, &got.len), 0);
    assert_true(hawser_addr_equal(&got, expected));
}

static void both_ends_of_a_connection_know_both_addresses(void **state) {
    (void)state;
    static const int families[] = {AF_INET, AF_INET6, AF_UNIX};
    for (size_t i = 0; i < sizeof families / sizeof *families; i++) {
        hawser_addr server, client = {.len = sizeof client.ss}, peer = {.len = sizeof peer.ss};
        hawser__endpoint *listener = open_listener(families[i], 1, &server), *near = open_endpoint(families[i], SOCK_STREAM),
                         *far;
        assert_int_equal(connect_endpoint(near, &server, in_seconds(WAIT_LIMIT)), 0);
        assert_int_equal(ops()->accept(&listener, 1, (struct sockaddr *)&peer.ss, &peer.len, HAWSER__NOW, &far), 0);
        assert_int_equal(ops()->getsockname(near, (struct sockaddr *)&client.ss, &client.len), 0);
        assert_true(hawser_addr_equal(&peer, &client));
        assert_name(ops()->getpeername, near, &server);
        assert_name(ops()->getpeername, far, &client);
        assert_name(ops()->getsockname, far, &server);
        hawser__endpoint *const all[] = {listener, near, far};
        for (int k = 0; k < 3; k++)
            close_endpoint(all[k]);
    }
}

static void an_unconnected_socket_has_no_peer(void **state) {
    (void)state;
    hawser__endpoint *endpoint = open_endpoint(AF_INET, SOCK_STREAM);
    struct sockaddr_storage ss;
    socklen_t len = sizeof ss;
    assert_int_equal(ops()->getpeername(endpoint, (struct sockaddr *)&ss, &len), -ENOTCONN);
    close_endpoint(endpoint);
}

static void nobody_listening_is_ECONNREFUSED(void **state) {
    (void)state;
    static const int families[] = {AF_INET, AF_INET6, AF_UNIX};
    for (size_t i = 0; i < sizeof families / sizeof *families; i++) {
        hawser_addr addr;
        close_endpoint(open_listener(families[i], 1, &addr));
        hawser__endpoint *endpoint = open_endpoint(families[i], SOCK_STREAM);
        assert_int_equal(connect_endpoint(endpoint, &addr, in_seconds(WAIT_LIMIT)), -ECONNREFUSED);
        close_endpoint(endpoint);
    }
}

static void connecting_twice_is_EISCONN(void **state) {
    (void)state;
    hawser_addr addr;
    hawser__endpoint *listener = open_listener(AF_INET, 1, &addr), *endpoint = open_endpoint(AF_INET, SOCK_STREAM);
    assert_int_equal(connect_endpoint(endpoint, &addr, in_seconds(WAIT_LIMIT)), 0);
    int again = connect_endpoint(endpoint, &addr, in_seconds(WAIT_LIMIT));
    assert_true(again == 0 || again == -EISCONN); /* Linux tells a non-blocking socket of its success once more */
    assert_int_equal(connect_endpoint(endpoint, &addr, in_seconds(WAIT_LIMIT)), -EISCONN);
    close_endpoint(endpoint);
    close_endpoint(listener);
}

static void only_listeners_accept(void **state) {
    (void)state;
    hawser__endpoint *endpoint = open_endpoint(AF_INET, SOCK_STREAM), *made = NULL;
    struct sockaddr_storage ss;
    socklen_t len = sizeof ss;
    assert_int_equal(ops()->accept(&endpoint, 1, (struct sockaddr *)&ss, &len, HAWSER__NEVER, &made), -EINVAL);
    close_endpoint(endpoint);
    endpoint = open_endpoint(AF_INET, SOCK_DGRAM);
    assert_int_equal(ops()->listen(endpoint, 1), -EOPNOTSUPP);
    close_endpoint(endpoint);
    assert_null(made);
}

/* The first of several to be answered is found, and the others may still be. */
static void of_several_connects_the_finished_one_is_told(void **state) {
    (void)state;
    hawser_addr full, open;
    hawser__endpoint *closed_queue = open_listener(AF_INET, 0, &full), *listener = open_listener(AF_INET, 5, &open);
    hawser__endpoint *filler = open_endpoint(AF_INET, SOCK_STREAM), *race[2];
    assert_int_equal(connect_endpoint(filler, &full, in_seconds(WAIT_LIMIT)), 0);
    race[0] = open_endpoint(AF_INET, SOCK_STREAM);
    race[1] = open_endpoint(AF_INET, SOCK_STREAM);
    assert_int_equal(ops()->connect_begin(race[0], (struct sockaddr *)&full.ss, full.len), -EINPROGRESS);
    int begun = ops()->connect_begin(race[1], (struct sockaddr *)&open.ss, open.len);
    assert_true(begun == 0 || begun == -EINPROGRESS);
    assert_int_equal(ops()->connect_wait(race, 2, in_seconds(WAIT_LIMIT)), 1);
    assert_int_equal(ops()->connect_result(race[1]), 0);
    assert_int_equal(ops()->connect_wait(race, 1, in_seconds(0.01)), -ETIMEDOUT);
    hawser__endpoint *const all[] = {closed_queue, listener, filler, race[0], race[1]};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        close_endpoint(all[i]);
}

static void one_listener_on_every_ipv6_address_serves_ipv4_unless_told_not_to(void **state) {
    (void)state;
    for (int only = 0; only < 2; only++) {
        hawser_addr any;
        hawser__endpoint *listener = open_endpoint(AF_INET6, SOCK_STREAM), *client = open_endpoint(AF_INET, SOCK_STREAM);
        assert_int_equal(hawser_addr_ip(&any, "::", 0), 0);
        assert_int_equal(ops()->setsockopt(listener, IPPROTO_IPV6, IPV6_V6ONLY, &only, sizeof only), 0);
        assert_int_equal(ops()->bind(listener, (struct sockaddr *)&any.ss, any.len), 0);
        assert_int_equal(ops()->listen(listener, 1), 0);
        any.len = sizeof any.ss;
        assert_int_equal(ops()->getsockname(listener, (struct sockaddr *)&any.ss, &any.len), 0);
        hawser_addr target;
        assert_int_equal(hawser_addr_ip(&target, "127.0.0.1", (int)hawser_addr_port(&any)), 0);
        assert_int_equal(connect_endpoint(client, &target, in_seconds(WAIT_LIMIT)), only ? -ECONNREFUSED : 0);
        close_endpoint(client);
        close_endpoint(listener);
    }
}

static int int_option(hawser__endpoint *endpoint, int level, int name) {
    int value = -1;
    socklen_t size = sizeof value;
    assert_int_equal(ops()->getsockopt(endpoint, level, name, &value, &size), 0);
    assert_int_equal(size, sizeof value);
    return value;
}

static void options_are_kept_and_unknown_ones_refused(void **state) {
    (void)state;
    hawser__endpoint *endpoint = open_endpoint(AF_INET, SOCK_STREAM);
    const int on = 1;
    int value;
    socklen_t size = sizeof value;
    assert_int_equal(int_option(endpoint, IPPROTO_TCP, TCP_NODELAY), 0);
    assert_int_equal(ops()->setsockopt(endpoint, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on), 0);
    assert_int_equal(int_option(endpoint, IPPROTO_TCP, TCP_NODELAY), 1);
    assert_int_equal(int_option(endpoint, SOL_SOCKET, SO_TYPE), SOCK_STREAM);
    assert_int_equal(int_option(endpoint, SOL_SOCKET, SO_DOMAIN), AF_INET);
    assert_int_equal(int_option(endpoint, SOL_SOCKET, SO_ACCEPTCONN), 0);
    assert_int_equal(ops()->getsockopt(endpoint, SOL_SOCKET, 9999, &value, &size), -ENOPROTOOPT);
    assert_int_equal(ops()->setsockopt(endpoint, SOL_SOCKET, 9999, &on, sizeof on), -ENOPROTOOPT);
    close_endpoint(endpoint);
}

static void a_second_endpoint_keeps_the_socket_alive(void **state) {
    (void)state;
    hawser__endpoint *pair[2], *copy;
    open_pair(SOCK_STREAM, pair);
    assert_int_equal(ops()->dup(pair[0], &copy), 0);
    ops()->evict(pair[0]); /* is about this endpoint only */
    close_endpoint(pair[0]);
    assert_int_equal(send_text(copy, "still"), 5);
    assert_receives(pair[1], "still");
    close_endpoint(copy);
    assert_receives(pair[1], "");
    close_endpoint(pair[1]);
}

static void bytes_are_counted_before_they_are_read(void **state) {
    (void)state;
    hawser__endpoint *pair[2];
    open_pair(SOCK_DGRAM, pair);
    assert_int_equal(ops()->unread(pair[1]), 0);
    send_text(pair[0], "first");
    send_text(pair[0], "second");
    assert_int_equal(ops()->unread(pair[1]), 5); /* of datagrams, the first */
    close_endpoint(pair[0]);
    close_endpoint(pair[1]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        engine_test(an_unknown_kind_is_refused),
        engine_test(without_descriptors_what_needs_one_is_EOPNOTSUPP),
        engine_test(descriptors_are_close_on_exec_from_birth),
        engine_test(an_adopted_descriptor_keeps_its_flags),
        engine_test(what_is_no_socket_is_not_adopted),
        engine_test(a_detached_descriptor_blocks_when_asked_to),
        engine_test(a_free_port_is_given_and_a_taken_one_refused),
        engine_test(an_address_of_another_machine_cannot_be_bound),
        engine_test(both_ends_of_a_connection_know_both_addresses),
        engine_test(an_unconnected_socket_has_no_peer),
        engine_test(nobody_listening_is_ECONNREFUSED),
        engine_test(connecting_twice_is_EISCONN),
        engine_test(only_listeners_accept),
        engine_test(of_several_connects_the_finished_one_is_told),
        engine_test(one_listener_on_every_ipv6_address_serves_ipv4_unless_told_not_to),
        engine_test(options_are_kept_and_unknown_ones_refused),
        engine_test(a_second_endpoint_keeps_the_socket_alive),
        engine_test(bytes_are_counted_before_they_are_read),
    };
    return run_for_each_engine(tests, sizeof tests / sizeof *tests);
}
