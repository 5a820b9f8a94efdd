/* SPDX-License-Identifier: MIT */
/* The life of a socket among threads (trap 15): references, closing under a call, one reader and one writer, detaching. */
#include "support.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "net/handle.h"

static void closing_nothing_is_fine_and_closing_leaves_the_error_alone(void **state) {
    (void)state;
    hawser_sock *sock = hawser_socket(AF_INET, SOCK_STREAM, 0);
    mark_errors();
    hawser_close(NULL);
    hawser_unref(NULL);
    hawser_close(sock);
    assert_int_equal(check_success(0, "hawser_close", __FILE__, __LINE__), 0);
}

static void closing_closes_the_descriptor(void **state) {
    (void)state;
    hawser_sock *sock = hawser_socket(AF_INET, SOCK_STREAM, 0);
    int fd = hawser_fileno(sock);
    assert_true(fcntl(fd, F_GETFD) >= 0);
    hawser_close(sock);
    assert_int_equal(fcntl(fd, F_GETFD), -1);
}

/* Every call on a closed socket that somebody still holds. */
static void a_closed_socket_is_EBADF_for_every_call(void **state) {
    (void)state;
    char buf[8];
    int value;
    socklen_t size = sizeof value;
    hawser_addr addr;
    struct iovec part = {buf, sizeof buf};
    struct msghdr msg = {.msg_iov = &part, .msg_iovlen = 1};
    hawser_addr_ip(&addr, "127.0.0.1", 1);
    hawser_sock *sock = hawser_ref(hawser_socket(AF_INET, SOCK_STREAM, 0));
    hawser_close(sock);
    assert_fails(hawser_recv(sock, buf, sizeof buf), EBADF);
    assert_fails(hawser_recvfrom(sock, buf, sizeof buf, NULL), EBADF);
    assert_fails(hawser_recv_exactly(sock, buf, sizeof buf), EBADF);
    assert_fails(hawser_recvmsg(sock, &msg, 0), EBADF);
    assert_fails(hawser_send(sock, buf, 1), EBADF);
    assert_fails(hawser_sendall(sock, buf, 1), EBADF);
    assert_fails(hawser_sendto_addr(sock, buf, 1, 0, &addr), EBADF);
    assert_fails(hawser_sendmsg(sock, &msg, 0), EBADF);
    assert_fails(hawser_sendfile(sock, 0, -1, 1), EBADF);
    assert_fails(hawser_bind_addr(sock, &addr), EBADF);
    assert_fails(hawser_listen(sock, 1), EBADF);
    assert_null_fails(hawser_accept(sock, NULL), EBADF);
    assert_fails(hawser_connect_addr(sock, &addr), EBADF);
    assert_int_equal(hawser_connect_ex_addr(sock, &addr), EBADF);
    assert_fails(hawser_shutdown(sock, SHUT_WR), EBADF);
    assert_null_fails(hawser_dup(sock), EBADF);
    assert_fails(hawser_getsockname(sock, &addr), EBADF);
    assert_fails(hawser_getpeername(sock, &addr), EBADF);
    assert_fails(hawser_getsocknames(sock, &addr, 1), EBADF);
    assert_fails(hawser_getsockopt(sock, SOL_SOCKET, SO_TYPE, &value, &size), EBADF);
    assert_fails(hawser_setsockopt_int(sock, SOL_SOCKET, SO_KEEPALIVE, 1), EBADF);
    assert_fails(hawser_set_inheritable(sock, true), EBADF);
    assert_fails(hawser_get_inheritable(sock), EBADF);
    assert_null_fails(hawser_makefile(sock, "r"), EBADF);
    assert_int_equal(hawser_fileno(sock), -1);
    assert_int_equal(hawser_family(sock), AF_INET);
    hawser_unref(sock);
}

static void asking_for_no_address_of_a_closed_socket_is_EBADF_too(void **state) {
    (void)state;
    hawser_sock *sock = hawser_ref(hawser_socket(AF_INET, SOCK_STREAM, 0));
    hawser_close(sock);
    assert_fails(hawser_getsocknames(sock, NULL, 0), EBADF);
    hawser_unref(sock);
}

static void detaching_a_closed_socket_is_EBADF(void **state) {
    (void)state;
    hawser_sock *sock = hawser_ref(hawser_socket(AF_INET, SOCK_STREAM, 0));
    hawser_close(sock);
    assert_fails(hawser_detach(sock), EBADF);
    hawser_unref(sock);
}

static void the_last_reference_ends_a_socket_that_nobody_closed(void **state) {
    (void)state;
    char byte;
    wire w = tcp_wire(false);
    hawser_sock *second = hawser_ref(w.sock);
    assert_ptr_equal(second, w.sock);
    hawser_unref(w.sock);
    assert_works(hawser_sendall(second, "x", 1));
    hawser_unref(second);
    assert_true(raw_read(w.far, &byte, 1));
    assert_int_equal(raw_drain(w.far), 0); /* the end was sent */
    close(w.far);
}

static long receive(void *argument) {
    char buf[8];
    return hawser_recv(argument, buf, sizeof buf);
}

static long send_much(void *argument) {
    static const char much[1 << 20];
    return hawser_sendall(argument, much, sizeof much);
}

static void a_second_reader_is_EBUSY_and_a_writer_is_not(void **state) {
    (void)state;
    char buf[8];
    hawser_addr peer;
    wire w = tcp_wire(false);
    runner run;
    start(&run, receive, w.sock);
    assert_true(blocked(&run));
    assert_fails(hawser_recv(w.sock, buf, sizeof buf), EBUSY);
    assert_fails(hawser_recvfrom(w.sock, buf, sizeof buf, &peer), EBUSY);
    assert_fails(hawser_recv_exactly(w.sock, buf, 1), EBUSY);
    assert_fails(hawser_detach(w.sock), EBUSY);
    assert_works(hawser_sendall(w.sock, "to and fro", 10));
    assert_works(hawser_getpeername(w.sock, &peer));
    assert_true(raw_write(w.far, "x", 1));
    assert_int_equal(finish(&run), 1);
    hawser_settimeout(w.sock, 0);
    assert_fails(hawser_recv(w.sock, buf, sizeof buf), EAGAIN); /* the side is free again */
    cut(w);
}

static void a_second_writer_is_EBUSY_and_a_reader_is_not(void **state) {
    (void)state;
    char buf[8];
    wire w = tcp_wire(true);
    runner run;
    start(&run, send_much, w.sock);
    assert_true(blocked(&run));
    assert_fails(hawser_send(w.sock, buf, 1), EBUSY);
    assert_fails(hawser_sendall(w.sock, buf, 1), EBUSY);
    assert_fails(hawser_sendfile(w.sock, 0, 0, 1), EBUSY);
    assert_true(raw_write(w.far, "x", 1));
    assert_result(hawser_recv(w.sock, buf, sizeof buf), 1);
    static char taken[1 << 20];
    assert_true(raw_read(w.far, taken, sizeof taken));
    assert_int_equal(finish(&run), 0);
    cut(w);
}

static long accept_one(void *argument) {
    hawser_sock *accepted = hawser_accept(argument, NULL);
    hawser_close(accepted);
    return accepted ? 0 : -1;
}

static void close_wakes_a_thread_in_accept_with_EBADF(void **state) {
    (void)state;
    hawser_sock *server = hawser_create_server("localhost", 0, NULL), *reference = hawser_ref(server);
    runner run;
    start(&run, accept_one, server);
    assert_true(blocked(&run));
    assert_null_fails(hawser_accept(server, NULL), EBUSY);
    hawser_close(server);
    assert_int_equal(finish(&run), -1);
    assert_int_equal(run.code, EBADF);
    hawser_unref(reference);
}

/* A reader and a writer inside at once: both wake, and the last one out closes. */
static void close_wakes_reader_and_writer_at_once(void **state) {
    (void)state;
    census before = take_census();
    wire w = tcp_wire(true);
    runner reader, writer;
    hawser_ref(w.sock);
    start(&reader, receive, w.sock);
    start(&writer, send_much, w.sock);
    assert_true(blocked(&reader) && blocked(&writer));
    hawser_close(w.sock);
    assert_int_equal(finish(&reader), -1);
    assert_int_equal(finish(&writer), -1);
    assert_int_equal(reader.code, EBADF);
    assert_int_equal(writer.code, EBADF);
    hawser_unref(w.sock);
    close(w.far);
    assert_null(compare_census(before));
}

/* Trap 15, 16: the number must not be reused while somebody is inside with it. */
static void the_descriptor_stays_until_the_last_call_has_left(void **state) {
    (void)state;
    hawser_sock *pair[2];
    assert_works(hawser_socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
    int fd = hawser_fileno(pair[0]);
    hawser_ref(pair[0]);
    assert_int_equal(hawser__enter(pair[0], HAWSER__RECEIVER), 0); /* as if another thread were inside */
    hawser_close(pair[0]);
    assert_true(fcntl(fd, F_GETFD) >= 0);
    assert_int_equal(hawser__enter(pair[0], HAWSER__SENDER), -EBADF);
    hawser__leave(pair[0], HAWSER__RECEIVER);
    assert_int_equal(fcntl(fd, F_GETFD), -1);
    hawser_unref(pair[0]);
    hawser_close(pair[1]);
}

/* sock.makefile's rule: the connection ends with the socket and the last file. */
static void a_file_keeps_the_connection_after_the_socket_is_closed(void **state) {
    (void)state;
    char buf[8];
    wire w = tcp_wire(false);
    hawser_file *reader = hawser_makefile(w.sock, "r"), *writer = hawser_makefile(w.sock, "w");
    hawser_ref(w.sock);
    hawser_close(w.sock);
    assert_fails(hawser_recv(w.sock, buf, sizeof buf), EBADF);
    assert_true(raw_write(w.far, "in\n", 3));
    assert_int_equal(hawser_readline(reader, buf, sizeof buf), 3);
    assert_int_equal(hawser_puts(writer, "out"), 3);
    assert_int_equal(hawser_file_close(writer), 0);
    assert_true(raw_read(w.far, buf, 3));
    assert_memory_equal(buf, "out", 3);
    assert_int_equal(hawser_file_close(reader), 0);
    assert_int_equal(raw_drain(w.far), 0);
    hawser_unref(w.sock);
    close(w.far);
}

static void detaching_gives_the_descriptor_away(void **state) {
    (void)state;
    census before = take_census();
    wire w = tcp_wire(false);
    int fd = hawser_fileno(w.sock);
    assert_int_equal(hawser_detach(w.sock), fd);
    assert_true(raw_write(fd, "mine", 4));
    assert_false(raw_is_nonblocking(fd)); /* a socket without timeout becomes a plain one */
    assert_true(raw_is_cloexec(fd));
    close(fd);
    close(w.far);
    assert_null(compare_census(before));
}

static void a_descriptor_detached_with_a_timeout_stays_nonblocking(void **state) {
    (void)state;
    hawser_sock *sock = hawser_socket(AF_INET, SOCK_STREAM, 0);
    hawser_settimeout(sock, 5);
    int fd = hawser_detach(sock);
    assert_true(raw_is_nonblocking(fd));
    close(fd);
}

static void what_cannot_be_detached_stays_open(void **state) {
    (void)state;
    hawser_addr own;
    hawser_sock *server = hawser_create_server("localhost", 0, NULL);
    assert_fails(hawser_detach(server), EOPNOTSUPP);
    assert_works(hawser_getsockname(server, &own));
    hawser_close(server);
    wire w = tcp_wire(false);
    hawser_file *file = hawser_makefile(w.sock, "r");
    assert_fails(hawser_detach(w.sock), EBUSY);
    assert_works(hawser_getsockname(w.sock, &own));
    hawser_file_close(file);
    cut(w);
}

/* Trap 26 in small: whoever is inside a call stays with the parent. The child's only thread is alone with its copy. */
static void calls_of_other_threads_do_not_follow_into_a_forked_child(void **state) {
    (void)state;
    skip_in_world("its hosts do not fork");
    char buf[8];
    wire w = tcp_wire(false);
    runner run;
    start(&run, receive, w.sock);
    assert_true(blocked(&run));
    int fd = hawser_fileno(w.sock);
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        hawser_settimeout(w.sock, 0);
        bool free_to_receive = hawser_recv(w.sock, buf, sizeof buf) < 0 && errno == EAGAIN;
        bool sends = hawser_sendall(w.sock, "child", 5) == 0;
        hawser_close(w.sock);
        _exit(free_to_receive && sends && fcntl(fd, F_GETFD) == -1 ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_true(raw_read(w.far, buf, 5));
    assert_fails(hawser_recv(w.sock, buf, sizeof buf), EBUSY); /* here the thread is still inside */
    assert_true(raw_write(w.far, "x", 1));
    assert_int_equal(finish(&run), 1);
    cut(w);
}

/* Threads close and use one socket at once, again and again: no crash, no leak, no hang, and only the codes that sock.h names.
 */
struct crowd {
    hawser_sock *sock;
    atomic_bool go;
};

static long use_until_closed(void *argument) {
    struct crowd *crowd = argument;
    char buf[4];
    while (!atomic_load(&crowd->go))
        ;
    for (double end = seconds_now() + WAIT_LIMIT / 2; seconds_now() < end;) {
        int code = hawser_recv(crowd->sock, buf, sizeof buf) < 0 ? errno : 0;
        if (code != 0 && code != EBUSY)
            return code;
        if (hawser_send(crowd->sock, "y", 1) < 0 && errno != EBUSY)
            return errno;
    }
    return 0;
}

static void closing_under_a_crowd_of_threads_is_safe(void **state) {
    (void)state;
    census before = take_census();
    for (int round = 0; round < 30; round++) {
        struct crowd crowd = {.go = false};
        runner runs[3];
        wire w = tcp_wire(false);
        crowd.sock = w.sock;
        for (int i = 0; i < 3; i++) {
            hawser_ref(w.sock);
            start(&runs[i], use_until_closed, &crowd);
        }
        atomic_store(&crowd.go, true);
        assert_true(raw_write(w.far, "0123456789", 10));
        hawser_close(w.sock);
        for (int i = 0; i < 3; i++)
            assert_int_equal(finish(&runs[i]), EBADF);
        for (int i = 0; i < 3; i++)
            hawser_unref(w.sock);
        close(w.far);
    }
    assert_null(compare_census(before));
}

static void a_socket_without_a_name_is_called_so(void **state) {
    (void)state;
    hawser_sock *pair[2];
    hawser_addr addr;
    assert_works(hawser_socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
    assert_string_equal(hawser__peer_text(pair[0], &addr), "socket");
    hawser_close(pair[0]);
    assert_string_equal(hawser__own_text(pair[1], &addr), "socket");
    hawser_close(pair[1]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(closing_nothing_is_fine_and_closing_leaves_the_error_alone),
        cmocka_unit_test(closing_closes_the_descriptor),
        cmocka_unit_test(a_closed_socket_is_EBADF_for_every_call),
        cmocka_unit_test(asking_for_no_address_of_a_closed_socket_is_EBADF_too),
        cmocka_unit_test(detaching_a_closed_socket_is_EBADF),
        cmocka_unit_test(the_last_reference_ends_a_socket_that_nobody_closed),
        cmocka_unit_test(a_second_reader_is_EBUSY_and_a_writer_is_not),
        cmocka_unit_test(a_second_writer_is_EBUSY_and_a_reader_is_not),
        cmocka_unit_test(close_wakes_a_thread_in_accept_with_EBADF),
        cmocka_unit_test(close_wakes_reader_and_writer_at_once),
        cmocka_unit_test(the_descriptor_stays_until_the_last_call_has_left),
        cmocka_unit_test(a_file_keeps_the_connection_after_the_socket_is_closed),
        cmocka_unit_test(detaching_gives_the_descriptor_away),
        cmocka_unit_test(a_descriptor_detached_with_a_timeout_stays_nonblocking),
        cmocka_unit_test(what_cannot_be_detached_stays_open),
        cmocka_unit_test(calls_of_other_threads_do_not_follow_into_a_forked_child),
        cmocka_unit_test(a_socket_without_a_name_is_called_so),
        cmocka_unit_test(closing_under_a_crowd_of_threads_is_safe),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
