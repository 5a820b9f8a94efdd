/* SPDX-License-Identifier: MIT */
#include "support.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static void a_family_that_the_kernel_lacks_is_a_clear_error(void **state) {
    (void)state;
    assert_null_fails(hawser_socket(AF_ROSE, SOCK_SEQPACKET, 0), EAFNOSUPPORT);
    assert_sentence("create family 11 SOCK_SEQPACKET socket: Address family not supported by protocol");
    assert_null_fails(hawser_socket(AF_INET, SOCK_SEQPACKET, 0), ESOCKTNOSUPPORT);
    assert_sentence("create AF_INET SOCK_SEQPACKET socket: Socket type not supported");
    assert_null_fails(hawser_socket(AF_INET, SOCK_STREAM, IPPROTO_UDP), EPROTONOSUPPORT);
    assert_sentence("create AF_INET SOCK_STREAM protocol 17 socket: Protocol not supported");
    assert_null_fails(hawser_socket(-1, SOCK_STREAM, 0), EAFNOSUPPORT);
}

static void without_a_free_descriptor_there_is_no_socket(void **state) {
    (void)state;
    fault_syscall("socket", 1, EMFILE, 1);
    assert_null_fails(hawser_socket(AF_INET, SOCK_STREAM, 0), EMFILE);
    assert_true(fault_none());
}

static void a_pair_is_connected_both_ways(void **state) {
    (void)state;
    char buf[8];
    hawser_sock *pair[2];
    assert_works(hawser_socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
    for (int i = 0; i < 2; i++) {
        assert_works(hawser_sendall(pair[i], "hello", 5));
        assert_int_equal(assert_works(hawser_recv(pair[!i], buf, sizeof buf)), 5);
        assert_memory_equal(buf, "hello", 5);
        assert_true(raw_is_cloexec(hawser_fileno(pair[i])) && raw_is_nonblocking(hawser_fileno(pair[i])));
    }
    hawser_close(pair[0]);
    assert_int_equal(assert_works(hawser_recv(pair[1], buf, sizeof buf)), 0);
    hawser_close(pair[1]);
    assert_fails(hawser_socketpair(AF_INET, SOCK_STREAM, 0, pair), EOPNOTSUPP);
    assert_sentence("create a pair of AF_INET SOCK_STREAM sockets: Operation not supported");
}

/* Trap 24, and "a descriptor we did not create never gets O_NONBLOCK". */
static void an_adopted_descriptor_belongs_to_the_socket_and_keeps_its_flags(void **state) {
    (void)state;
    int fds[2];
    char buf[8];
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fds), 0);
    hawser_sock *sock = hawser_sock_from_fd(fds[0]);
    assert_int_equal(hawser_fileno(sock), fds[0]);
    assert_int_equal(hawser_family(sock), AF_UNIX);
    assert_int_equal(hawser_type(sock), SOCK_SEQPACKET);
    assert_int_equal(hawser_proto(sock), 0);
    assert_works(hawser_settimeout(sock, 0.01));
    assert_fails(hawser_recv(sock, buf, sizeof buf), ETIMEDOUT);
    assert_false(raw_is_nonblocking(fds[0]));
    assert_false(raw_is_cloexec(fds[0]));
    hawser_close(sock);
    assert_int_equal(fcntl(fds[0], F_GETFD), -1);
    close(fds[1]);
}

static void a_descriptor_that_is_no_socket_stays_the_callers(void **state) {
    (void)state;
    skip_in_world("descriptors that are no sockets are not its own");
    int fds[2];
    long before = open_descriptors();
    assert_int_equal(pipe(fds), 0);
    assert_null_fails(hawser_sock_from_fd(fds[0]), ENOTSOCK);
    assert_null_fails(hawser_fromfd(fds[0]), ENOTSOCK);
    assert_int_equal(open_descriptors(), before + 2);
    close(fds[0]);
    close(fds[1]);
    assert_null_fails(hawser_sock_from_fd(fds[0]), EBADF);
    assert_null_fails(hawser_fromfd(-1), EBADF);
    assert_sentence("duplicate descriptor -1: Bad file descriptor");
}

static void no_memory_leaves_an_adopted_descriptor_with_the_caller(void **state) {
    (void)state;
    skip_in_world("what it has for itself is not refused");
    int fds[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    for (unsigned nth = 1;; nth++) {
        fault_alloc(nth);
        hawser_sock *sock = hawser_sock_from_fd(fds[0]);
        if (!fault_none()) {
            assert_int_equal(nth, 3); /* endpoint and handle */
            hawser_close(sock);
            break;
        }
        assert_null(sock);
        assert_int_equal(errno, ENOMEM);
        assert_true(fcntl(fds[0], F_GETFD) >= 0);
    }
    close(fds[1]);
}

static void fromfd_duplicates_and_leaves_the_descriptor_alone(void **state) {
    (void)state;
    wire w = unix_wire(SOCK_STREAM);
    hawser_sock *copy = hawser_fromfd(w.far);
    char buf[8];
    assert_int_not_equal(hawser_fileno(copy), w.far);
    assert_true(raw_is_cloexec(hawser_fileno(copy)));
    assert_works(hawser_sendall(w.sock, "x", 1));
    assert_int_equal(assert_works(hawser_recv(copy, buf, sizeof buf)), 1);
    hawser_close(copy);
    assert_true(raw_write(w.far, "still", 5));
    cut(w);
}

static void a_duplicate_shares_the_connection_and_the_timeout(void **state) {
    (void)state;
    char buf[8];
    wire w = tcp_wire(false);
    hawser_settimeout(w.sock, 4.5);
    hawser_sock *copy = hawser_dup(w.sock);
    assert_int_not_equal(hawser_fileno(copy), hawser_fileno(w.sock));
    assert_true(raw_is_cloexec(hawser_fileno(copy)));
    assert_true(hawser_gettimeout(copy) == 4.5);
    assert_int_equal(hawser_family(copy), AF_INET);
    hawser_close(w.sock);
    assert_works(hawser_sendall(copy, "still", 5));
    assert_true(raw_read(w.far, buf, 5));
    hawser_close(copy);
    assert_int_equal(raw_drain(w.far), 0);
    close(w.far);
}

/* Bad input gets a clear error before any system call. */
static void a_port_out_of_range_is_ERANGE_before_any_system_call(void **state) {
    (void)state;
    static const int ports[] = {-1, 65536, 70000, INT32_MIN, INT32_MAX};
    hawser_sock *sock = hawser_socket(AF_INET, SOCK_DGRAM, 0);
    for (size_t i = 0; i < sizeof ports / sizeof *ports; i++) {
        char text[32];
        snprintf(text, sizeof text, "127.0.0.1:%d: ", ports[i]);
        syscalls_made();
        assert_fails(hawser_bind(sock, "127.0.0.1", ports[i]), ERANGE);
        assert_sentence_has(text);
        assert_fails(hawser_connect(sock, "127.0.0.1", ports[i]), ERANGE);
        assert_sentence_has(text);
        assert_int_equal(hawser_connect_ex(sock, "127.0.0.1", ports[i]), ERANGE);
        assert_fails(hawser_sendto(sock, "x", 1, "127.0.0.1", ports[i]), ERANGE);
        assert_sentence_has(text);
        assert_null_fails(hawser_create_connection("127.0.0.1", ports[i], NULL), ERANGE);
        assert_sentence_has(text);
        assert_null_fails(hawser_create_server("127.0.0.1", ports[i], NULL), ERANGE);
        assert_sentence_has(text);
        assert_int_equal(syscalls_made(), 0);
    }
    hawser_close(sock);
}

static void an_address_in_use_is_named(void **state) {
    (void)state;
    int port;
    char expected[96];
    int taken = raw_listener(AF_INET, 1, &port);
    hawser_sock *sock = hawser_socket(AF_INET, SOCK_STREAM, 0);
    assert_fails(hawser_bind(sock, "127.0.0.1", port), EADDRINUSE);
    snprintf(expected, sizeof expected, "bind to 127.0.0.1:%d: Address already in use", port);
    assert_sentence(expected);
    assert_fails(hawser_bind(sock, "198.51.100.1", 0), EADDRNOTAVAIL);
    assert_sentence("bind to 198.51.100.1:0: Cannot assign requested address");
    assert_works(hawser_bind(sock, "", 0)); /* every address */
    hawser_addr own;
    hawser_getsockname(sock, &own);
    assert_non_null(strstr(hawser_addr_str(&own), "0.0.0.0:"));
    assert_fails(hawser_bind(sock, "127.0.0.1", 0), EINVAL);
    hawser_close(sock);
    close(taken);
}

static void broadcast_has_a_name(void **state) {
    (void)state;
    hawser_addr own;
    hawser_sock *sock = hawser_socket(AF_INET, SOCK_DGRAM, 0);
    assert_works(hawser_bind(sock, "<broadcast>", 0));
    hawser_getsockname(sock, &own);
    assert_non_null(strstr(hawser_addr_str(&own), "255.255.255.255:"));
    hawser_close(sock);
}

/* Trap 18: 107 bytes fit, 108 do not; never cut. */
static void a_unix_path_of_108_bytes_is_too_long_and_of_107_is_not(void **state) {
    (void)state;
    char path[200];
    const char *folder = own_path("");
    memset(path, 'x', sizeof path);
    memcpy(path, folder, strlen(folder));
    hawser_sock *sock = hawser_socket(AF_UNIX, SOCK_STREAM, 0);
    path[108] = '\0';
    assert_fails(hawser_bind(sock, path, 0), ENAMETOOLONG);
    assert_sentence_has("File name too long");
    assert_fails(hawser_connect(sock, path, 0), ENAMETOOLONG);
    assert_null_fails(
        hawser_create_connection("unix:/xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
                                 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
                                 0, NULL),
        ENAMETOOLONG);
    path[107] = '\0';
    assert_works(hawser_bind(sock, path, 0));
    assert_int_equal(access(path, F_OK), 0);
    assert_works(hawser_listen(sock, 1));
    hawser_sock *client = hawser_socket(AF_UNIX, SOCK_STREAM, 0);
    assert_works(hawser_connect(client, path, 0));
    hawser_close(client);
    hawser_close(sock);
    unlink(path);
}

/* Trap 19. */
static void abstract_names_count_every_byte(void **state) {
    (void)state;
    hawser_addr name, prefix, own;
    hawser_sock *sock = hawser_socket(AF_UNIX, SOCK_DGRAM, 0), *other = hawser_socket(AF_UNIX, SOCK_DGRAM, 0);
    char bytes[32];
    int length = 1 + snprintf(bytes + 1, sizeof bytes - 1, "hawser-%d", (int)getpid());
    bytes[0] = '\0';
    bytes[length] = '\0'; /* an embedded NUL is part of a name */
    bytes[length + 1] = 'z';
    assert_int_equal(hawser_addr_unix(&name, bytes, (size_t)length + 2), 0);
    assert_int_equal(hawser_addr_unix(&prefix, bytes, (size_t)length), 0);
    assert_works(hawser_bind_addr(sock, &name));
    assert_works(hawser_bind_addr(other, &prefix)); /* another name */
    assert_works(hawser_getsockname(sock, &own));
    assert_true(hawser_addr_equal(&own, &name) && !hawser_addr_equal(&own, &prefix));
    assert_int_equal(own.len, name.len);
    hawser_close(sock);
    hawser_close(other);
}

static void an_empty_unix_name_makes_the_kernel_choose_one(void **state) {
    (void)state;
    hawser_addr own;
    hawser_sock *sock = hawser_socket(AF_UNIX, SOCK_STREAM, 0);
    assert_works(hawser_bind(sock, "", 0));
    assert_works(hawser_getsockname(sock, &own));
    assert_int_equal(own.len, sizeof(sa_family_t) + 6); /* a NUL and five hexadecimal digits */
    assert_int_equal(strlen(hawser_addr_str(&own)), strlen("unix:@00000"));
    hawser_close(sock);
}

static void a_unix_file_in_the_way_is_EADDRINUSE(void **state) {
    (void)state;
    const char *path = own_path("in-the-way");
    hawser_sock *first = hawser_socket(AF_UNIX, SOCK_STREAM, 0), *second = hawser_socket(AF_UNIX, SOCK_STREAM, 0);
    assert_works(hawser_bind(first, path, 0));
    hawser_close(first); /* a plain bind neither removes nor replaces */
    assert_fails(hawser_bind(second, path, 0), EADDRINUSE);
    hawser_close(second);
}

/* Trap 14, the calls. */
static void half_closed_still_receives(void **state) {
    (void)state;
    char buf[8];
    wire w = tcp_wire(false);
    assert_works(hawser_sendall(w.sock, "request", 7));
    assert_works(hawser_shutdown(w.sock, SHUT_WR));
    assert_int_equal(raw_drain(w.far), 7);
    assert_true(raw_write(w.far, "reply", 5));
    assert_int_equal(assert_works(hawser_recv(w.sock, buf, sizeof buf)), 5);
    assert_fails(hawser_send(w.sock, "x", 1), EPIPE);
    cut(w);
}

static void shutting_down_what_is_not_connected_is_ENOTCONN(void **state) {
    (void)state;
    hawser_sock *sock = hawser_socket(AF_INET, SOCK_STREAM, 0);
    assert_fails(hawser_shutdown(sock, SHUT_RDWR), ENOTCONN);
    assert_sentence_has("shut down connection with ");
    hawser_close(sock);
    wire w = tcp_wire(false);
    assert_fails(hawser_shutdown(w.sock, 99), EINVAL);
    cut(w);
}

static long receive(void *argument) {
    char buf[8];
    return hawser_recv(argument, buf, sizeof buf);
}

static void shutting_down_ends_our_own_waiting_receiver(void **state) {
    (void)state;
    wire w = tcp_wire(false);
    runner run;
    start(&run, receive, w.sock);
    assert_true(blocked(&run));
    assert_works(hawser_shutdown(w.sock, SHUT_RD));
    assert_int_equal(finish(&run), 0);
    cut(w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_family_that_the_kernel_lacks_is_a_clear_error),
        cmocka_unit_test(without_a_free_descriptor_there_is_no_socket),
        cmocka_unit_test(a_pair_is_connected_both_ways),
        cmocka_unit_test(an_adopted_descriptor_belongs_to_the_socket_and_keeps_its_flags),
        cmocka_unit_test(a_descriptor_that_is_no_socket_stays_the_callers),
        cmocka_unit_test(no_memory_leaves_an_adopted_descriptor_with_the_caller),
        cmocka_unit_test(fromfd_duplicates_and_leaves_the_descriptor_alone),
        cmocka_unit_test(a_duplicate_shares_the_connection_and_the_timeout),
        cmocka_unit_test(a_port_out_of_range_is_ERANGE_before_any_system_call),
        cmocka_unit_test(an_address_in_use_is_named),
        cmocka_unit_test(broadcast_has_a_name),
        cmocka_unit_test(a_unix_path_of_108_bytes_is_too_long_and_of_107_is_not),
        cmocka_unit_test(abstract_names_count_every_byte),
        cmocka_unit_test(an_empty_unix_name_makes_the_kernel_choose_one),
        cmocka_unit_test(a_unix_file_in_the_way_is_EADDRINUSE),
        cmocka_unit_test(half_closed_still_receives),
        cmocka_unit_test(shutting_down_what_is_not_connected_is_ENOTCONN),
        cmocka_unit_test(shutting_down_ends_our_own_waiting_receiver),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
