/* SPDX-License-Identifier: MIT */
/* hawser_sendfile from what has no position: pipes. What was read from one is gone from it, and others may read it, too. */
#include "support.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "tubes.h"

struct sending {
    hawser_sock *sock;
    int fd;
    size_t count;
};

static long send_file(void *argument) {
    struct sending *sending = argument;
    return hawser_sendfile(sending->sock, sending->fd, -1, sending->count);
}

static void close_wakes_a_sendfile_that_waits_for_a_pipe(void **state) {
    (void)state;
    skip_in_world("foreign descriptors are not waited for");
    wire w = tcp_wire(false);
    struct tube silent = new_pipe();
    struct sending sending = {w.sock, silent.in, 0};
    runner run;
    int fd = hawser_fileno(w.sock);
    hawser_ref(w.sock);
    start(&run, send_file, &sending);
    assert_true(blocked(&run));
    hawser_close(w.sock);
    assert_int_equal(finish(&run), -1);
    assert_int_equal(run.code, EBADF);
    hawser_unref(w.sock);
    assert_int_equal(fcntl(fd, F_GETFD), -1);
    close(w.far);
    close_tube(silent);
}

/* A program that gets EAGAIN tries again later, and the stream must have no hole. */
static void what_a_full_socket_does_not_take_stays_in_the_pipe(void **state) {
    (void)state;
    skip_in_world("foreign descriptors are not waited for");
    static char much[60000];
    static const double timeouts[] = {0, 0.05};
    for (size_t i = 0; i < sizeof timeouts / sizeof *timeouts; i++) {
        wire w = unix_wire(SOCK_STREAM);
        struct tube pipe = new_pipe();
        stuff(w.sock);
        assert_int_equal(write(pipe.out, much, sizeof much), sizeof much);
        hawser_settimeout(w.sock, timeouts[i]);
        assert_fails(hawser_sendfile(w.sock, pipe.in, -1, 0), timeouts[i] == 0 ? EAGAIN : ETIMEDOUT);
        assert_int_equal(hawser_moved(), 0);
        assert_int_equal(unread(pipe.in), sizeof much);
        close_tube(pipe);
        cut(w);
    }
}

/* Until the socket is full: what has not arrived is in the pipe still. */
static void assert_nothing_is_lost(wire w) {
    static char much[60000];
    struct tube pipe = new_pipe();
    size_t sent = 0;
    hawser_settimeout(w.sock, 0);
    for (bool full = false; !full;) {
        assert_int_equal(write(pipe.out, much, sizeof much), sizeof much);
        full = hawser_sendfile(w.sock, pipe.in, -1, sizeof much) < 0;
        assert_true(!full || errno == EAGAIN);
        sent += full ? hawser_moved() : sizeof much;
    }
    size_t left = (size_t)unread(pipe.in);
    assert_int_equal((sent + left) % sizeof much, 0);
    assert_true(left > 0);
    hawser_close(w.sock);
    assert_int_equal(raw_drain(w.far), sent);
    close(w.far);
    close_tube(pipe);
}

static void what_has_left_the_pipe_has_been_sent(void **state) {
    (void)state;
    skip_in_world("foreign descriptors are not waited for");
    assert_nothing_is_lost(unix_wire(SOCK_STREAM));
    assert_nothing_is_lost(tcp_wire(false));
    assert_nothing_is_lost(tcp_wire(true));
}

/* CALL is what takes the byte from the pipe. */
static void assert_waited_for_again(wire w, const char *call) {
    char buf[3];
    struct tube pipe = new_pipe();
    fcntl(pipe.in, F_SETFL, O_NONBLOCK);
    type(pipe.out, "abc");
    fault_syscall(call, 1, EAGAIN, 1);
    assert_int_equal(assert_works(hawser_sendfile(w.sock, pipe.in, -1, 3)), 3);
    assert_true(fault_none());
    assert_true(raw_read(w.far, buf, 3));
    type(pipe.out, "abc");
    hawser_settimeout(w.sock, 0);
    fault_syscall(call, 1, EAGAIN, 1);
    assert_fails(hawser_sendfile(w.sock, pipe.in, -1, 3), EAGAIN);
    assert_true(fault_none());
    assert_int_equal(unread(pipe.in), 3);
    close_tube(pipe);
    cut(w);
}

static void a_byte_that_another_reader_took_is_waited_for_again(void **state) {
    (void)state;
    assert_waited_for_again(tcp_wire(false), "splice");
    wire adopted = unix_wire(SOCK_STREAM); /* blocking: read and sent here */
    hawser_settimeout(adopted.sock, WAIT_LIMIT);
    assert_waited_for_again(adopted, "read");
}

static void an_offset_below_minus_one_is_refused(void **state) {
    (void)state;
    wire w = tcp_wire(false);
    int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    assert_int_equal(lseek(fd, 100, SEEK_SET), 100);
    assert_fails(hawser_sendfile(w.sock, fd, -2, 10), EINVAL);
    assert_fails(hawser_sendfile(w.sock, fd, INT64_MIN, 10), EINVAL);
    assert_int_equal(lseek(fd, 0, SEEK_CUR), 100);
    assert_int_equal(unread(w.far), 0);
    close(fd);
    cut(w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(close_wakes_a_sendfile_that_waits_for_a_pipe),
        cmocka_unit_test(what_a_full_socket_does_not_take_stays_in_the_pipe),
        cmocka_unit_test(what_has_left_the_pipe_has_been_sent),
        cmocka_unit_test(a_byte_that_another_reader_took_is_waited_for_again),
        cmocka_unit_test(an_offset_below_minus_one_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
