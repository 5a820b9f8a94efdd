/* SPDX-License-Identifier: MIT */
/* Listening (traps 12, 18 to 21), in a network of its own. Unix socket files in detail: test_unix_file.c. */
#include "own_world.h"
#include "support.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/engines.h"
#include "engine_memory.h"

static int port_of(hawser_sock *server) {
    return raw_port(hawser_fileno(server));
}

static int option(hawser_sock *sock, int level, int name) {
    int value = -1;
    assert_works(hawser_getsockopt_int(sock, level, name, &value));
    return value;
}

/* Accepts what a plain client of FAMILY sends, and returns who it was. */
static const char *serve_one(hawser_sock *server, int family) {
    static hawser_addr peer;
    char byte;
    int client = raw_connect(family, port_of(server));
    hawser_sock *accepted = hawser_accept(server, &peer);
    assert_non_null(accepted);
    assert_true(raw_write(client, "x", 1));
    assert_int_equal(assert_works(hawser_recv(accepted, &byte, 1)), 1);
    assert_int_equal(hawser_addr_port(&peer), raw_port(client));
    hawser_close(accepted);
    close(client);
    return hawser_addr_str(&peer);
}

/* Trap 21. */
static void an_empty_host_serves_both_families_and_shows_ipv4_as_ipv4(void **state) {
    (void)state;
    hawser_addr own;
    hawser_sock *server = hawser_create_server("", 0, NULL);
    assert_non_null(server);
    assert_int_equal(assert_works(hawser_getsocknames(server, &own, 1)), 1);
    assert_non_null(strstr(hawser_addr_str(&own), "[::]:"));
    assert_int_equal(hawser_family(server), AF_INET6);
    assert_int_equal(option(server, IPPROTO_IPV6, IPV6_V6ONLY), 0);
    assert_int_equal(strncmp(serve_one(server, AF_INET6), "[::1]:", 6), 0);
    assert_int_equal(strncmp(serve_one(server, AF_INET), "127.0.0.1:", 10), 0);
    hawser_close(server);
}

static void localhost_is_both_loopbacks_with_one_port(void **state) {
    (void)state;
    hawser_addr own[2];
    hawser_sock *server = hawser_create_server("localhost", 0, NULL);
    assert_int_equal(assert_works(hawser_getsocknames(server, own, 2)), 2);
    assert_int_equal(hawser_addr_port(&own[0]), hawser_addr_port(&own[1]));
    for (int i = 0; i < 3; i++) {
        assert_int_equal(strncmp(serve_one(server, AF_INET), "127.0.0.1:", 10), 0);
        assert_int_equal(strncmp(serve_one(server, AF_INET6), "[::1]:", 6), 0);
    }
    hawser_close(server);
}

/* A port that is free on one loopback only is not taken for both. */
static void localhost_with_a_port_taken_on_one_side_is_EADDRINUSE(void **state) {
    (void)state;
    static const int families[] = {AF_INET, AF_INET6};
    for (int i = 0; i < 2; i++) {
        int port, taken = raw_listener(families[i], 1, &port);
        long before = open_descriptors();
        char expected[96];
        snprintf(expected, sizeof expected, "listen on %s:%d: Address already in use", i == 0 ? "127.0.0.1" : "[::1]", port);
        assert_null_fails(hawser_create_server("localhost", port, NULL), EADDRINUSE);
        assert_sentence(expected);
        assert_int_equal(open_descriptors(), before);
        close(taken);
    }
}

/* The kernel chooses the port on 127.0.0.1; when ::1 has it taken, another is drawn. */
static void localhost_draws_another_port_when_the_second_loopback_has_the_first(void **state) {
    (void)state;
    fault_syscall("bind", 2, EADDRINUSE, 1);
    hawser_sock *server = hawser_create_server("localhost", 0, NULL);
    assert_true(fault_none());
    assert_non_null(server);
    assert_int_equal(hawser_getsocknames(server, NULL, 0), 2);
    hawser_close(server);
}

static void without_ipv6_ipv4_alone_is_served(void **state) {
    (void)state;
    static const char *const forms[] = {"", "localhost"};
    for (int i = 0; i < 2; i++) {
        hawser_addr own;
        fault_syscall("socket", i == 0 ? 1 : 2, EAFNOSUPPORT, 1); /* the IPv6 one */
        hawser_sock *server = hawser_create_server(forms[i], 0, NULL);
        assert_true(fault_none());
        assert_non_null(server);
        assert_int_equal(assert_works(hawser_getsocknames(server, &own, 1)), 1);
        assert_non_null(strstr(hawser_addr_str(&own), i == 0 ? "0.0.0.0:" : "127.0.0.1:"));
        serve_one(server, AF_INET);
        hawser_close(server);
    }
}

static void one_family_can_be_asked_for(void **state) {
    (void)state;
    static const struct {
        const char *host;
        int family;
        const char *own;
    } rows[] = {{"", AF_INET, "0.0.0.0:"},         {"", AF_INET6, "[::]:"},        {"localhost", AF_INET, "127.0.0.1:"},
                {"localhost", AF_INET6, "[::1]:"}, {"127.0.0.1", 0, "127.0.0.1:"}, {"::1", 0, "[::1]:"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        hawser_addr own;
        const hawser_listen_options options = {.family = rows[i].family};
        hawser_sock *server = hawser_create_server(rows[i].host, 0, &options);
        if (!server)
            fail_msg("%s: %s", rows[i].host, hawser_error());
        assert_int_equal(assert_works(hawser_getsocknames(server, &own, 1)), 1);
        assert_non_null(strstr(hawser_addr_str(&own), rows[i].own));
        if (hawser_family(server) == AF_INET6)
            assert_int_equal(option(server, IPPROTO_IPV6, IPV6_V6ONLY), 1);
        hawser_close(server);
    }
}

static void a_failure_names_the_address_and_leaves_nothing_open(void **state) {
    (void)state;
    int port, taken = raw_listener(AF_INET, 1, &port);
    long before = open_descriptors();
    char expected[96];
    snprintf(expected, sizeof expected, "listen on 127.0.0.1:%d: Address already in use", port);
    for (int i = 0; i < 50; i++) {
        assert_null_fails(hawser_create_server("127.0.0.1", port, NULL), EADDRINUSE);
        assert_sentence(expected);
    }
    snprintf(expected, sizeof expected, "listen on [::]:%d: Address already in use", port);
    assert_null_fails(hawser_create_server("", port, NULL), EADDRINUSE);
    assert_sentence(expected);
    assert_null_fails(hawser_create_server("198.51.100.1", 0, NULL), EADDRNOTAVAIL);
    assert_int_equal(open_descriptors(), before);
    close(taken);
}

/* Traps 12 and 24. */
static void options_are_those_that_the_header_promises(void **state) {
    (void)state;
    hawser_sock *server = hawser_create_server("127.0.0.1", 0, NULL);
    assert_int_equal(option(server, SOL_SOCKET, SO_REUSEADDR), 1);
    assert_int_equal(option(server, SOL_SOCKET, SO_REUSEPORT), 0); /* never on by itself */
    int client = raw_connect(AF_INET, port_of(server));
    hawser_sock *accepted = hawser_accept(server, NULL);
    assert_int_equal(option(accepted, IPPROTO_TCP, TCP_NODELAY), 1);
    assert_int_equal(option(accepted, SOL_SOCKET, SO_KEEPALIVE), 1);
    assert_int_equal(option(accepted, IPPROTO_TCP, TCP_KEEPIDLE), 15);
    close(client);
    hawser_close(accepted);
    hawser_close(server);
}

/* Trap 12: the port of a server that was just stopped is free again, though its connections linger. */
static void a_port_in_TIME_WAIT_can_be_listened_on(void **state) {
    (void)state;
    hawser_sock *server = hawser_create_server("127.0.0.1", 0, NULL);
    int port = port_of(server), client = raw_connect(AF_INET, port);
    hawser_sock *accepted = hawser_accept(server, NULL);
    hawser_close(accepted); /* first to close: its side lingers */
    hawser_close(server);
    assert_int_equal(raw_drain(client), 0);
    close(client);
    server = hawser_create_server("127.0.0.1", port, NULL);
    assert_non_null(server);
    hawser_close(server);
}

static void a_port_is_shared_only_when_both_ask(void **state) {
    (void)state;
    const hawser_listen_options share = {.reuse_port = true};
    hawser_sock *first = hawser_create_server("127.0.0.1", 0, &share);
    int port = port_of(first);
    hawser_sock *second = hawser_create_server("127.0.0.1", port, &share);
    assert_non_null(second);
    assert_null_fails(hawser_create_server("127.0.0.1", port, NULL), EADDRINUSE);
    hawser_close(first);
    hawser_close(second);
}

static void the_backlog_is_the_one_asked_for(void **state) {
    (void)state;
    static const struct { int backlog, allowed; } rows[] = {{-1, 1}, {3, 4}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const hawser_listen_options options = {.backlog = rows[i].backlog};
        hawser_sock *server = hawser_create_server("127.0.0.1", 0, &options), *clients[5];
        for (int k = 0; k <= rows[i].allowed; k++) {
            clients[k] = hawser_socket(AF_INET, SOCK_STREAM, 0);
            hawser_settimeout(clients[k], k < rows[i].allowed ? WAIT_LIMIT : 0.05);
            assert_int_equal(hawser_connect_ex(clients[k], "127.0.0.1", port_of(server)), k < rows[i].allowed ? 0 : ETIMEDOUT);
        }
        for (int k = 0; k <= rows[i].allowed; k++)
            hawser_close(clients[k]);
        hawser_close(server);
    }
}

static void datagrams_are_received_by_a_server_too(void **state) {
    (void)state;
    static const char *const hosts[] = {"127.0.0.1", ""};
    const hawser_listen_options options = {.type = SOCK_DGRAM};
    for (int i = 0; i < 2; i++) {
        char buf[8];
        hawser_addr peer;
        int port, far = raw_datagrams(&port);
        hawser_sock *server = hawser_create_server(hosts[i], 0, &options), *client = hawser_sock_from_fd(dup(far));
        assert_int_equal(hawser_type(server), SOCK_DGRAM);
        assert_int_equal(assert_works(hawser_sendto(client, "hi", 2, "127.0.0.1", port_of(server))), 2);
        assert_int_equal(assert_works(hawser_recvfrom(server, buf, sizeof buf, &peer)), 2);
        assert_int_equal(strncmp(hawser_addr_str(&peer), "127.0.0.1:", 10), 0);
        assert_int_equal(hawser_addr_port(&peer), port);
        assert_int_equal(assert_works(hawser_sendto_addr(server, "ho", 2, 0, &peer)), 2); /* the answer finds its way */
        assert_int_equal(assert_works(hawser_recv(client, buf, sizeof buf)), 2);
        hawser_close(client);
        hawser_close(server);
        close(far);
    }
}

/* With datagrams SO_REUSEADDR would let two servers share the port without a word. */
static void two_datagram_servers_do_not_share_a_port(void **state) {
    (void)state;
    const hawser_listen_options options = {.type = SOCK_DGRAM};
    hawser_sock *first = hawser_create_server("127.0.0.1", 0, &options);
    assert_null_fails(hawser_create_server("127.0.0.1", port_of(first), &options), EADDRINUSE);
    hawser_close(first);
}

static void abstract_names_are_served_in_every_type(void **state) {
    (void)state;
    static const int types[] = {SOCK_STREAM, SOCK_SEQPACKET, SOCK_DGRAM};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        const hawser_listen_options options = {.type = types[i]};
        hawser_addr own;
        hawser_sock *server = hawser_create_server("unix:@hawser-served", 0, &options);
        assert_non_null(server);
        assert_works(hawser_getsockname(server, &own));
        assert_string_equal(hawser_addr_str(&own), "unix:@hawser-served");
        assert_null_fails(hawser_create_server("unix:@hawser-served", 0, &options), EADDRINUSE);
        assert_sentence("listen on unix:@hawser-served: Address already in use");
        hawser_sock *client = hawser_socket(AF_UNIX, types[i], 0);
        assert_works(hawser_connect(client, "unix:@hawser-served", 0));
        hawser_close(client);
        hawser_close(server);
    }
}

static void what_the_system_can_is_told(void **state) {
    (void)state;
    assert_true(hawser_has_ipv6());
    assert_true(hawser_has_dualstack_ipv6());
    fault_syscall("socket", 1, EAFNOSUPPORT, 1);
    assert_false(hawser_has_ipv6());
    fault_syscall("socket", 1, EAFNOSUPPORT, 1);
    assert_false(hawser_has_dualstack_ipv6());
    fault_syscall("setsockopt", 1, ENOPROTOOPT, 1);
    assert_false(hawser_has_dualstack_ipv6());
    fault_none();
}

/* Nothing above the seam needs a kernel. */
static void servers_run_on_any_engine(void **state) {
    (void)state;
    skip_in_world("its hosts have one engine");
    static const char *const hosts[] = {"127.0.0.1", "localhost", "", "unix:/run/x.sock", "unix:@name"};
    hawser__engine_use(&memory_engine);
    for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++) {
        char buf[8];
        hawser_addr own, peer;
        hawser_sock *server = hawser_create_server(hosts[i], 0, NULL);
        if (!server)
            fail_msg("%s: %s", hosts[i], hawser_error());
        assert_works(hawser_getsockname(server, &own));
        hawser_sock *client = hawser_create_connection(hosts[i], i < 3 ? (int)hawser_addr_port(&own) : 0, NULL);
        if (!client)
            fail_msg("%s: %s", hosts[i], hawser_error());
        hawser_sock *accepted = hawser_accept(server, &peer);
        assert_non_null(accepted);
        assert_works(hawser_sendall(client, "hello", 5));
        hawser_shutdown(client, SHUT_WR);
        assert_int_equal(assert_works(hawser_recv_exactly(accepted, buf, 5)), 5);
        assert_int_equal(assert_works(hawser_recv(accepted, buf, 5)), 0);
        assert_null_fails(hawser_create_server(hosts[i], i < 3 ? (int)hawser_addr_port(&own) : 0, NULL), EADDRINUSE);
        hawser_close(client);
        hawser_close(accepted);
        hawser_close(server);
        assert_int_equal(memory_engine_sockets(), 0);
    }
    assert_false(memory_engine_has_file("/run/x.sock"));
    hawser__engine_use(NULL);
}

int main(void) {
    enter_own_world(test_arguments, "127.0.0.1 localhost\n::1 localhost\n");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_host_serves_both_families_and_shows_ipv4_as_ipv4),
        cmocka_unit_test(localhost_is_both_loopbacks_with_one_port),
        cmocka_unit_test(localhost_with_a_port_taken_on_one_side_is_EADDRINUSE),
        cmocka_unit_test(localhost_draws_another_port_when_the_second_loopback_has_the_first),
        cmocka_unit_test(without_ipv6_ipv4_alone_is_served),
        cmocka_unit_test(one_family_can_be_asked_for),
        cmocka_unit_test(a_failure_names_the_address_and_leaves_nothing_open),
        cmocka_unit_test(options_are_those_that_the_header_promises),
        cmocka_unit_test(a_port_in_TIME_WAIT_can_be_listened_on),
        cmocka_unit_test(a_port_is_shared_only_when_both_ask),
        cmocka_unit_test(the_backlog_is_the_one_asked_for),
        cmocka_unit_test(datagrams_are_received_by_a_server_too),
        cmocka_unit_test(two_datagram_servers_do_not_share_a_port),
        cmocka_unit_test(abstract_names_are_served_in_every_type),
        cmocka_unit_test(what_the_system_can_is_told),
        cmocka_unit_test(servers_run_on_any_engine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
