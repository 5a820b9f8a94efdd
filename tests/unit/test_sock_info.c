/* SPDX-License-Identifier: MIT */
#include "support.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

static void a_socket_says_what_it_was_made_with(void **state) {
    (void)state;
    static const int kinds[][3] = {{AF_INET, SOCK_STREAM, 0},
                                   {AF_INET, SOCK_STREAM, IPPROTO_TCP},
                                   {AF_INET6, SOCK_DGRAM, 0},
                                   {AF_UNIX, SOCK_SEQPACKET, 0}};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        hawser_sock *sock = hawser_socket(kinds[i][0], kinds[i][1], kinds[i][2]);
        assert_int_equal(hawser_family(sock), kinds[i][0]);
        assert_int_equal(hawser_type(sock), kinds[i][1]);
        assert_int_equal(hawser_proto(sock), kinds[i][2]);
        hawser_close(sock);
    }
}

/* Python: the flag bits are stripped from sock.type. */
static void flag_bits_are_no_part_of_the_type(void **state) {
    (void)state;
    hawser_sock *sock = hawser_socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), *pair[2];
    assert_int_equal(hawser_type(sock), SOCK_STREAM);
    assert_works(hawser_socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, pair));
    assert_int_equal(hawser_type(pair[0]), SOCK_DGRAM);
    assert_int_equal(hawser_type(pair[1]), SOCK_DGRAM);
    hawser_close(sock);
    hawser_close(pair[0]);
    hawser_close(pair[1]);
}

static void both_addresses_of_a_connection(void **state) {
    (void)state;
    hawser_addr own, peer;
    wire w = tcp_wire(false);
    assert_works(hawser_getsockname(w.sock, &own));
    assert_works(hawser_getpeername(w.sock, &peer));
    assert_int_equal(hawser_addr_port(&peer), raw_port(w.far));
    assert_int_equal(hawser_addr_port(&own), raw_port(hawser_fileno(w.sock)));
    assert_non_null(strstr(hawser_addr_str(&own), "127.0.0.1:"));
    cut(w);
}

static void a_socket_without_peer_is_ENOTCONN(void **state) {
    (void)state;
    hawser_addr peer;
    hawser_sock *sock = hawser_socket(AF_INET, SOCK_STREAM, 0);
    assert_fails(hawser_getpeername(sock, &peer), ENOTCONN);
    hawser_close(sock);
}

/* Python's test: closing a descriptor behind the object yields EBADF. */
static void a_descriptor_closed_behind_the_socket_is_EBADF(void **state) {
    (void)state;
    skip_in_world("that ends the run, and says who did it");
    char buf[4];
    hawser_addr own;
    hawser_sock *sock = hawser_socket(AF_INET, SOCK_DGRAM, 0);
    int fd = hawser_fileno(sock);
    close(fd);
    assert_fails(hawser_recv(sock, buf, sizeof buf), EBADF);
    assert_fails(hawser_getsockname(sock, &own), EBADF);
    assert_int_equal(open("/dev/null", O_RDONLY | O_CLOEXEC), fd); /* for the socket to close */
    hawser_close(sock);
}

static void a_line_for_logs_names_kind_and_addresses(void **state) {
    (void)state;
    char line[1024], expected[256];
    hawser_addr own, peer;
    wire w = tcp_wire(false);
    hawser_getsockname(w.sock, &own);
    hawser_getpeername(w.sock, &peer);
    snprintf(expected, sizeof expected, "<hawser_sock fd=%d AF_INET SOCK_STREAM laddr=%s raddr=%s>", hawser_fileno(w.sock),
             hawser_addr_str(&own), hawser_addr_str(&peer));
    assert_int_equal(hawser_repr(w.sock, line, sizeof line), strlen(expected));
    assert_string_equal(line, expected);
    assert_int_equal(hawser_repr(w.sock, line, 10), 9); /* cut */
    assert_string_equal(line, "<hawser_s");
    line[0] = '!';
    assert_int_equal(hawser_repr(w.sock, line, 0), 0);
    assert_int_equal(line[0], '!');
    cut(w);
}

static void a_closed_socket_has_a_line_too_and_it_is_no_error(void **state) {
    (void)state;
    char line[256];
    hawser_sock *sock = hawser_ref(hawser_socket(AF_INET6, SOCK_DGRAM, 0));
    hawser_close(sock);
    mark_errors();
    hawser_repr(sock, line, sizeof line);
    assert_int_equal(hawser_fileno(sock), -1);
    check_success(0, "hawser_repr and hawser_fileno", __FILE__, __LINE__);
    assert_string_equal(line, "<hawser_sock closed AF_INET6 SOCK_DGRAM>");
    hawser_unref(sock);
}

/* Runs a shell that tells whether it has FD. */
static bool inherited(int fd) {
    char command[64];
    snprintf(command, sizeof command, "[ -e /proc/self/fd/%d ]", fd);
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        execl("/bin/sh", "sh", "-c", command, (char *)NULL);
        _exit(2);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) < 2);
    return WEXITSTATUS(status) == 0;
}

/* Trap 23. Default, duplicate, pair, accepted, dialled, received: none is inherited. */
static void no_descriptor_is_inherited_across_exec(void **state) {
    (void)state;
    skip_in_world("its hosts do not fork");
    hawser_sock *server = hawser_create_server("127.0.0.1", 0, NULL), *pair[2];
    hawser_sock *client = hawser_create_connection("127.0.0.1", raw_port(hawser_fileno(server)), NULL);
    assert_works(hawser_socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
    hawser_sock *const all[] = {server,
                                client,
                                hawser_accept(server, NULL),
                                pair[0],
                                pair[1],
                                hawser_dup(client),
                                hawser_fromfd(hawser_fileno(client)),
                                hawser_socket(AF_INET, SOCK_DGRAM, 0)};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        assert_non_null(all[i]);
        assert_int_equal(assert_works(hawser_get_inheritable(all[i])), 0);
        assert_false(inherited(hawser_fileno(all[i])));
    }
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        hawser_close(all[i]);
}

static void inheritance_can_be_asked_for_and_taken_back(void **state) {
    (void)state;
    skip_in_world("its hosts do not fork");
    hawser_sock *sock = hawser_socket(AF_INET, SOCK_STREAM, 0);
    assert_works(hawser_set_inheritable(sock, true));
    assert_int_equal(assert_works(hawser_get_inheritable(sock)), 1);
    assert_true(inherited(hawser_fileno(sock)));
    assert_works(hawser_set_inheritable(sock, false));
    assert_int_equal(hawser_get_inheritable(sock), 0);
    assert_false(inherited(hawser_fileno(sock)));
    hawser_close(sock);
}

static void a_listener_on_two_addresses_names_both_and_inherits_both(void **state) {
    (void)state;
    hawser_addr own[3];
    hawser_sock *server = hawser_create_server("localhost", 0, NULL);
    assert_int_equal(assert_works(hawser_getsocknames(server, own, 3)), 2);
    assert_int_equal(hawser_addr_port(&own[0]), hawser_addr_port(&own[1]));
    assert_non_null(strstr(hawser_addr_str(&own[0]), "127.0.0.1:"));
    assert_non_null(strstr(hawser_addr_str(&own[1]), "[::1]:"));
    assert_int_equal(assert_works(hawser_getsocknames(server, own, 1)), 2);
    assert_int_equal(assert_works(hawser_getsocknames(server, NULL, 0)), 2);
    long before = open_descriptors();
    assert_works(hawser_set_inheritable(server, true));
    assert_int_equal(open_descriptors(), before);
    hawser_close(server);
    assert_int_equal(open_descriptors(), before - 2);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_socket_says_what_it_was_made_with),
        cmocka_unit_test(flag_bits_are_no_part_of_the_type),
        cmocka_unit_test(both_addresses_of_a_connection),
        cmocka_unit_test(a_socket_without_peer_is_ENOTCONN),
        cmocka_unit_test(a_descriptor_closed_behind_the_socket_is_EBADF),
        cmocka_unit_test(a_line_for_logs_names_kind_and_addresses),
        cmocka_unit_test(a_closed_socket_has_a_line_too_and_it_is_no_error),
        cmocka_unit_test(no_descriptor_is_inherited_across_exec),
        cmocka_unit_test(inheritance_can_be_asked_for_and_taken_back),
        cmocka_unit_test(a_listener_on_two_addresses_names_both_and_inherits_both),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
