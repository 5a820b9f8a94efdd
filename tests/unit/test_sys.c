/* SPDX-License-Identifier: MIT */
/* The system calls as the library makes them: their faults, their errno, their descriptors (trap 23), no SIGPIPE (trap 11). */
#include "support.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/sys.h"

static int pair[2];

static int open_pair(void **state) {
    (void)state;
    signal(SIGPIPE, SIG_DFL);
    return socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair);
}

static int close_pair(void **state) {
    (void)state;
    close(pair[0]);
    close(pair[1]);
    return 0;
}

static void every_descriptor_is_close_on_exec_and_sockets_do_not_block(void **state) {
    (void)state;
    int port, plain = raw_listener(AF_INET, 1, &port), client = raw_connect(AF_INET, port), made[2];
    struct sockaddr_storage ss;
    socklen_t len = sizeof ss;
    assert_int_equal(hawser__sys_socketpair(AF_UNIX, SOCK_STREAM, 0, made), 0);
    const struct {
        int fd;
        bool nonblocking;
    } born[] = {{hawser__sys_socket(AF_INET, SOCK_STREAM, 0), true},
                {hawser__sys_accept(plain, (struct sockaddr *)&ss, &len), true},
                {made[0], true},
                {made[1], true},
                {hawser__sys_eventfd(), true},
                {hawser__sys_dup(0), false},
                {hawser__sys_open("/dev/null", O_RDONLY, 0), false}};
    for (size_t i = 0; i < sizeof born / sizeof *born; i++) {
        assert_true(born[i].fd > 2);
        assert_true(raw_is_cloexec(born[i].fd));
        if (born[i].nonblocking)
            assert_true(raw_is_nonblocking(born[i].fd));
        hawser__sys_close(born[i].fd);
        assert_int_equal(fcntl(born[i].fd, F_GETFD), -1);
    }
    close(client);
    close(plain);
}

static void failures_are_negative_codes_and_errno_stays(void **state) {
    (void)state;
    char buf[4];
    errno = 4242;
    assert_int_equal(hawser__sys_recv(pair[0], buf, sizeof buf, 0), -EAGAIN);
    assert_int_equal(hawser__sys_read(-1, buf, sizeof buf), -EBADF);
    assert_int_equal(hawser__sys_open("/no/such/file", O_RDONLY, 0), -ENOENT);
    assert_int_equal(hawser__sys_lseek(pair[0], 0, SEEK_CUR), -ESPIPE);
    assert_int_equal(hawser__sys_unlink("/no/such/file"), -ENOENT);
    assert_int_equal(hawser__sys_send(pair[0], "x", 1, 0), 1);
    assert_int_equal(hawser__sys_unread(pair[1]), 1);
    hawser__sys_close(-1);
    hawser__sys_close(1 << 20);
    assert_int_equal(errno, 4242);
}

static void a_fault_is_asked_for_by_the_name_of_the_call(void **state) {
    (void)state;
    char buf[4];
    fault_syscall("send", 2, EIO, 2);
    assert_int_equal(hawser__sys_send(pair[0], "a", 1, 0), 1);
    assert_int_equal(hawser__sys_send(pair[0], "b", 1, 0), -EIO);
    assert_int_equal(hawser__sys_recv(pair[1], buf, sizeof buf, 0), 1); /* another name */
    assert_int_equal(hawser__sys_send(pair[0], "c", 1, 0), -EIO);
    assert_int_equal(hawser__sys_send(pair[0], "d", 1, 0), 1);
    assert_true(fault_none());
    assert_int_equal(hawser__sys_recv(pair[1], buf, sizeof buf, 0), 1); /* what failed was not done */
    assert_int_equal(buf[0], 'd');
}

static void nothing_that_writes_raises_SIGPIPE(void **state) {
    (void)state;
    struct iovec part = {(char[]){'x'}, 1};
    const struct msghdr msg = {.msg_iov = &part, .msg_iovlen = 1};
    int64_t offset = 0;
    int pipes[2], file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    assert_int_equal(pipe(pipes), 0);
    close(pair[1]);
    assert_int_equal(hawser__sys_send(pair[0], "x", 1, 0), -EPIPE);
    assert_int_equal(hawser__sys_sendmsg(pair[0], &msg, 0), -EPIPE);
    assert_int_equal(hawser__sys_sendfile(pair[0], file, &offset, 10), -EPIPE);
    close(pipes[0]);
    assert_int_equal(hawser__sys_write_nosigpipe(pipes[1], "x", 1), -EPIPE);
    sigset_t pending, mask;
    sigpending(&pending);
    pthread_sigmask(SIG_SETMASK, NULL, &mask);
    assert_false(sigismember(&pending, SIGPIPE) || sigismember(&mask, SIGPIPE));
    close(pipes[1]);
    close(file);
}

static void random_bytes_go_on_after_an_interruption(void **state) {
    (void)state;
    char bytes[1000];
    fault_syscall("getrandom", 2, EINTR, 1);
    assert_int_equal(hawser__sys_random(bytes, sizeof bytes), 0);
    assert_true(fault_none());
    fault_syscall("getrandom", 2, EIO, 1);
    assert_int_equal(hawser__sys_random(bytes, sizeof bytes), -EIO);
    assert_true(fault_none());
}

static void a_lock_that_is_taken_is_EWOULDBLOCK(void **state) {
    (void)state;
    const char *path = own_path("lock");
    int first = hawser__sys_open(path, O_RDWR | O_CREAT, 0600), second = hawser__sys_open(path, O_RDWR, 0);
    assert_int_equal(hawser__sys_flock(first), 0);
    assert_int_equal(hawser__sys_flock(second), -EWOULDBLOCK);
    hawser__sys_close(first);
    assert_int_equal(hawser__sys_flock(second), 0);
    hawser__sys_close(second);
}

#define with_pair(function) cmocka_unit_test_setup_teardown(function, open_pair, close_pair)

int main(void) {
    const struct CMUnitTest tests[] = {
        with_pair(every_descriptor_is_close_on_exec_and_sockets_do_not_block),
        with_pair(failures_are_negative_codes_and_errno_stays),
        with_pair(a_fault_is_asked_for_by_the_name_of_the_call),
        with_pair(nothing_that_writes_raises_SIGPIPE),
        with_pair(random_bytes_go_on_after_an_interruption),
        with_pair(a_lock_that_is_taken_is_EWOULDBLOCK),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
