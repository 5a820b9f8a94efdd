/* SPDX-License-Identifier: MIT */
#include "support.h"

#include <errno.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static int option(hawser_sock *sock, int level, int name) {
    int value = -1;
    assert_works(hawser_getsockopt_int(sock, level, name, &value));
    return value;
}

static void options_read_back_as_they_were_set(void **state) {
    (void)state;
    hawser_sock *sock = hawser_socket(AF_INET, SOCK_STREAM, 0);
    const struct linger set = {.l_onoff = 1, .l_linger = 5};
    struct linger got;
    socklen_t size = sizeof got;
    assert_works(hawser_setsockopt(sock, SOL_SOCKET, SO_LINGER, &set, sizeof set));
    assert_works(hawser_getsockopt(sock, SOL_SOCKET, SO_LINGER, &got, &size));
    assert_int_equal(size, sizeof got);
    assert_memory_equal(&got, &set, sizeof got);
    assert_works(hawser_setsockopt_int(sock, SOL_SOCKET, SO_OOBINLINE, 1));
    assert_int_equal(option(sock, SOL_SOCKET, SO_OOBINLINE), 1);
    assert_int_equal(option(sock, SOL_SOCKET, SO_TYPE), SOCK_STREAM);
    hawser_close(sock);
}

static void what_is_filled_is_told(void **state) {
    (void)state;
    skip_in_world("none of its options is a text");
    char text[32];
    socklen_t size = sizeof text;
    hawser_sock *sock = hawser_socket(AF_INET, SOCK_STREAM, 0);
    assert_works(hawser_getsockopt(sock, IPPROTO_TCP, TCP_CONGESTION, text, &size));
    assert_in_range(size, 1, sizeof text);
    hawser_close(sock);
}

static void an_unknown_option_is_ENOPROTOOPT_with_its_number(void **state) {
    (void)state;
    int value;
    socklen_t size = sizeof value;
    hawser_sock *sock = hawser_socket(AF_INET, SOCK_STREAM, 0);
    assert_fails(hawser_setsockopt_int(sock, SOL_SOCKET, 9999, 1), ENOPROTOOPT);
    assert_sentence("set socket option 9999 of level 1: Protocol not available");
    assert_fails(hawser_getsockopt(sock, SOL_SOCKET, 9999, &value, &size), ENOPROTOOPT);
    assert_sentence("get socket option 9999 of level 1: Protocol not available");
    value = 77;
    assert_fails(hawser_getsockopt_int(sock, 4321, 1, &value), EOPNOTSUPP);
    assert_int_equal(value, 77);
    assert_fails(hawser_setsockopt(sock, SOL_SOCKET, SO_KEEPALIVE, &value, 1), EINVAL);
    hawser_close(sock);
}

/* Trap 24: the kernel's defaults for a plain socket. */
static void a_plain_socket_has_the_kernels_defaults(void **state) {
    (void)state;
    hawser_sock *sock = hawser_socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(option(sock, IPPROTO_TCP, TCP_NODELAY), 0);
    assert_int_equal(option(sock, SOL_SOCKET, SO_KEEPALIVE), 0);
    assert_int_equal(option(sock, SOL_SOCKET, SO_REUSEADDR), 0);
    assert_int_equal(option(sock, SOL_SOCKET, SO_REUSEPORT), 0);
    hawser_close(sock);
}

static void typed_helpers_set_what_they_name(void **state) {
    (void)state;
    hawser_sock *sock = hawser_socket(AF_INET, SOCK_STREAM, 0), *udp = hawser_socket(AF_INET, SOCK_DGRAM, 0);
    for (int on = 1; on >= 0; on--) {
        assert_works(hawser_set_nodelay(sock, on));
        assert_int_equal(option(sock, IPPROTO_TCP, TCP_NODELAY), on);
        assert_works(hawser_set_reuseaddr(sock, on));
        assert_int_equal(option(sock, SOL_SOCKET, SO_REUSEADDR), on);
        assert_works(hawser_set_reuseport(sock, on));
        assert_int_equal(option(sock, SOL_SOCKET, SO_REUSEPORT), on);
        assert_works(hawser_set_broadcast(udp, on));
        assert_int_equal(option(udp, SOL_SOCKET, SO_BROADCAST), on);
    }
    assert_works(hawser_set_rcvbuf(sock, 20000));
    assert_int_equal(option(sock, SOL_SOCKET, SO_RCVBUF), 40000); /* Linux doubles */
    assert_works(hawser_set_sndbuf(sock, 20000));
    assert_int_equal(option(sock, SOL_SOCKET, SO_SNDBUF), 40000);
    hawser_close(sock);
    hawser_close(udp);
}

static void keep_alive_is_seconds_and_zero_is_off(void **state) {
    (void)state;
    hawser_sock *sock = hawser_socket(AF_INET, SOCK_STREAM, 0);
    assert_works(hawser_set_keepalive(sock, 30));
    assert_int_equal(option(sock, SOL_SOCKET, SO_KEEPALIVE), 1);
    assert_int_equal(option(sock, IPPROTO_TCP, TCP_KEEPIDLE), 30);
    assert_int_equal(option(sock, IPPROTO_TCP, TCP_KEEPINTVL), 30);
    assert_works(hawser_set_keepalive(sock, 0));
    assert_int_equal(option(sock, SOL_SOCKET, SO_KEEPALIVE), 0);
    assert_fails(hawser_set_keepalive(sock, -1), EINVAL);
    hawser_close(sock);
}

/* Trap 21. */
static void v6only_is_said_before_bind(void **state) {
    (void)state;
    hawser_sock *sock = hawser_socket(AF_INET6, SOCK_STREAM, 0), *v4 = hawser_socket(AF_INET, SOCK_STREAM, 0);
    for (int on = 1; on >= 0; on--) {
        assert_works(hawser_set_v6only(sock, on));
        assert_int_equal(option(sock, IPPROTO_IPV6, IPV6_V6ONLY), on);
    }
    assert_works(hawser_bind(sock, "::1", 0));
    assert_fails(hawser_set_v6only(sock, true), EINVAL);
    assert_sentence("set IPV6_V6ONLY to 1: Invalid argument");
    assert_fails(hawser_set_v6only(v4, true), ENOPROTOOPT);
    hawser_close(sock);
    hawser_close(v4);
}

static void helpers_name_the_option_that_failed(void **state) {
    (void)state;
    hawser_sock *pair[2];
    assert_works(hawser_socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
    assert_fails(hawser_set_nodelay(pair[0], true), EOPNOTSUPP);
    assert_sentence("set TCP_NODELAY to 1: Operation not supported");
    hawser_close(pair[0]);
    hawser_close(pair[1]);
}

static void a_listener_on_two_addresses_sets_both(void **state) {
    (void)state;
    hawser_sock *server = hawser_create_server("localhost", 0, NULL);
    hawser_addr own[2];
    assert_works(hawser_set_rcvbuf(server, 9000));
    assert_int_equal(hawser_getsocknames(server, own, 2), 2);
    for (int i = 0; i < 2; i++) {
        hawser_sock *client = hawser_socket(hawser_addr_family(&own[i]), SOCK_STREAM, 0);
        assert_works(hawser_connect_addr(client, &own[i]));
        hawser_sock *accepted = hawser_accept(server, NULL);
        assert_int_equal(option(accepted, SOL_SOCKET, SO_RCVBUF), 18000); /* inherited from its listener */
        hawser_close(accepted);
        hawser_close(client);
    }
    hawser_close(server);
}

/* Trap 19: who is at the other end, as the kernel saw it. */
static void the_credentials_are_those_of_the_process_at_the_other_end(void **state) {
    (void)state;
    const char *path = own_path("credentials");
    int listener = raw_unix_listener(path, 5);
    hawser_sock *server = hawser_sock_from_fd(listener);
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        struct sockaddr_un sa = {.sun_family = AF_UNIX};
        snprintf(sa.sun_path, sizeof sa.sun_path, "%s", path);
        int fd = socket(AF_UNIX, SOCK_STREAM, 0);
        char byte;
        _exit(connect(fd, (struct sockaddr *)&sa, sizeof sa) || read(fd, &byte, 1) != 0); /* stays until we close */
    }
    hawser_sock *accepted = hawser_accept(server, NULL);
    pid_t pid;
    uid_t uid;
    gid_t gid;
    assert_works(hawser_getpeercred(accepted, &pid, &uid, &gid));
    assert_int_equal(pid, child);
    assert_int_equal(uid, getuid());
    assert_int_equal(gid, getgid());
    assert_works(hawser_getpeercred(accepted, NULL, NULL, NULL));
    hawser_close(accepted);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    hawser_close(server);
}

static void only_unix_connections_have_credentials(void **state) {
    (void)state;
    pid_t pid;
    wire w = tcp_wire(false);
    assert_fails(hawser_getpeercred(w.sock, &pid, NULL, NULL), EOPNOTSUPP);
    assert_sentence("get peer credentials: Operation not supported");
    cut(w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_read_back_as_they_were_set),
        cmocka_unit_test(what_is_filled_is_told),
        cmocka_unit_test(an_unknown_option_is_ENOPROTOOPT_with_its_number),
        cmocka_unit_test(a_plain_socket_has_the_kernels_defaults),
        cmocka_unit_test(typed_helpers_set_what_they_name),
        cmocka_unit_test(keep_alive_is_seconds_and_zero_is_off),
        cmocka_unit_test(v6only_is_said_before_bind),
        cmocka_unit_test(helpers_name_the_option_that_failed),
        cmocka_unit_test(a_listener_on_two_addresses_sets_both),
        cmocka_unit_test(the_credentials_are_those_of_the_process_at_the_other_end),
        cmocka_unit_test(only_unix_connections_have_credentials),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
