/* SPDX-License-Identifier: MIT */
#include "fibers.h"
#include "gate.h"
#include "support.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#define SIZE 300000

static unsigned char pattern(size_t i) {
    return (unsigned char)(i * 13 + (i >> 9));
}

/* A regular file of SIZE bytes that stands at its start. */
static int regular_file(void) {
    static unsigned char data[SIZE];
    for (size_t i = 0; i < SIZE; i++)
        data[i] = pattern(i);
    int fd = open(own_path("data"), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_int_equal(write(fd, data, SIZE), SIZE);
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    return fd;
}

struct sending {
    hawser_sock *sock;
    int fd;
    off_t offset;
    size_t count;
};

static long send_file(void *argument) {
    struct sending *sending = argument;
    return hawser_sendfile(sending->sock, sending->fd, sending->offset, sending->count);
}

/* Reads COUNT bytes from FD, which have to be those of the file from AT on. */
static void assert_arrives(int fd, size_t at, size_t count) {
    static unsigned char got[SIZE];
    assert_true(raw_read(fd, got, count));
    for (size_t i = 0; i < count; i++)
        if (got[i] != pattern(at + i))
            fail_msg("byte %zu is not that of the file", at + i);
}

static void assert_sends(wire w, int fd, off_t offset, size_t count, size_t at, size_t expected) {
    struct sending sending = {w.sock, fd, offset, count};
    runner run;
    start(&run, send_file, &sending);
    assert_arrives(w.far, at, expected);
    assert_int_equal(finish(&run), expected);
    assert_int_equal(lseek(fd, 0, SEEK_CUR), at + expected); /* the file stands behind the last byte sent */
}

static void a_file_is_sent_whole_in_part_and_from_where_it_stands(void **state) {
    (void)state;
    wire w = tcp_wire(false);
    int fd = regular_file();
    assert_sends(w, fd, 0, 0, 0, SIZE);
    assert_sends(w, fd, 1000, 5000, 1000, 5000);
    assert_sends(w, fd, -1, 10, 6000, 10);
    assert_sends(w, fd, -1, 0, 6010, SIZE - 6010);
    assert_sends(w, fd, SIZE - 5, 100, SIZE - 5, 5); /* more asked than there is */
    assert_int_equal(assert_works(hawser_sendfile(w.sock, fd, -1, 0)), 0);
    assert_int_equal(assert_works(hawser_sendfile(w.sock, fd, SIZE + 1000, 1)), 0);
    close(fd);
    cut(w);
}

static void an_adopted_blocking_socket_and_a_unix_socket_send_files_too(void **state) {
    (void)state;
    int fd = regular_file();
    wire w = unix_wire(SOCK_STREAM); /* blocking: no sendfile(2), which has no MSG_DONTWAIT */
    hawser_settimeout(w.sock, WAIT_LIMIT);
    assert_sends(w, fd, 7, 200000, 7, 200000);
    if (!in_world())
        assert_false(raw_is_nonblocking(hawser_fileno(w.sock)));
    cut(w);
    hawser_sock *pair[2];
    assert_works(hawser_socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
    w = (wire){pair[0], hawser_detach(pair[1])};
    assert_sends(w, fd, 0, 0, 0, SIZE);
    cut(w);
    close(fd);
}

static void pipes_and_devices_are_read_and_sent(void **state) {
    (void)state;
    char buf[16];
    int fds[2];
    wire w = tcp_wire(false);
    assert_int_equal(pipe(fds), 0);
    assert_int_equal(write(fds[1], "through a pipe", 14), 14);
    assert_int_equal(assert_works(hawser_sendfile(w.sock, fds[0], -1, 7)), 7); /* takes no more from it than it sends */
    close(fds[1]);
    assert_int_equal(assert_works(hawser_sendfile(w.sock, fds[0], -1, 0)), 7);
    assert_true(raw_read(w.far, buf, 14));
    assert_memory_equal(buf, "through a pipe", 14);
    assert_fails(hawser_sendfile(w.sock, fds[0], 0, 7), ESPIPE);
    close(fds[0]);
    int zero = open("/dev/zero", O_RDONLY | O_CLOEXEC);
    assert_int_equal(assert_works(hawser_sendfile(w.sock, zero, -1, 100000)), 100000);
    assert_int_equal(assert_works(hawser_shutdown(w.sock, SHUT_WR)), 0);
    assert_int_equal(raw_drain(w.far), 100000);
    close(zero);
    cut(w);
}

static void a_file_of_the_proc_file_system_says_size_zero_and_has_bytes(void **state) {
    (void)state;
    wire w = tcp_wire(false);
    int fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
    ssize_t sent = assert_works(hawser_sendfile(w.sock, fd, 0, 0));
    assert_true(sent > 100);
    assert_works(hawser_shutdown(w.sock, SHUT_WR));
    assert_int_equal(raw_drain(w.far), sent);
    close(fd);
    cut(w);
}

static void only_streams_send_files(void **state) {
    (void)state;
    int fd = regular_file();
    hawser_sock *sock = hawser_socket(AF_INET, SOCK_DGRAM, 0);
    assert_fails(hawser_sendfile(sock, fd, 0, 10), EINVAL);
    assert_sentence_has("send file to ");
    hawser_close(sock);
    close(fd);
}

static void what_is_no_open_file_is_EBADF(void **state) {
    (void)state;
    wire w = tcp_wire(false);
    assert_fails(hawser_sendfile(w.sock, -1, 0, 10), EBADF);
    int fd = open(own_path("write-only"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_fails(hawser_sendfile(w.sock, fd, 0, 10), EBADF);
    close(fd);
    fd = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(hawser_sendfile(w.sock, fd, -1, 10), -1);
    assert_true(errno == EISDIR || errno == EINVAL);
    close(fd);
    cut(w);
}

/* Python keeps the position right even on error. */
static void a_failure_midway_tells_the_count_and_leaves_the_file_behind_the_last_byte_sent(void **state) {
    (void)state;
    wire w = tcp_wire(true);
    int fd = regular_file();
    hawser_settimeout(w.sock, 0.05);
    assert_fails(hawser_sendfile(w.sock, fd, 100, 0), ETIMEDOUT);
    uint64_t moved = hawser_moved();
    assert_true(moved > 0 && moved < SIZE);
    assert_int_equal(lseek(fd, 0, SEEK_CUR), 100 + (off_t)moved);
    hawser_close(w.sock);
    assert_arrives(w.far, 100, moved);
    assert_int_equal(raw_drain(w.far), 0);
    close(w.far);
    close(fd);
}

static void with_a_timeout_of_zero_nothing_is_waited_for(void **state) {
    (void)state;
    int fd = regular_file();
    hawser_sock *pair[2];
    assert_works(hawser_socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
    hawser_settimeout(pair[0], 0);
    while (hawser_sendfile(pair[0], fd, 0, 0) >= 0)
        ;
    assert_int_equal(errno, EAGAIN);
    assert_fails(hawser_sendfile(pair[0], fd, 5, 10), EAGAIN);
    assert_int_equal(hawser_moved(), 0);
    assert_int_equal(lseek(fd, 0, SEEK_CUR), 5);
    hawser_close(pair[0]);
    hawser_close(pair[1]);
    close(fd);
}

/* Bytes taken from a pipe and not sent would be lost; how many were sent is told. */
static void a_peer_that_resets_midway_is_told_with_the_count(void **state) {
    (void)state;
    wire w = tcp_wire(true);
    int fd = regular_file();
    struct sending sending = {w.sock, fd, 0, 0};
    runner run;
    start(&run, send_file, &sending);
    assert_true(blocked(&run));
    raw_reset(w.far);
    assert_int_equal(finish(&run), -1);
    assert_true(run.code == ECONNRESET || run.code == EPIPE);
    assert_true(run.moved > 0 && run.moved < SIZE);
    assert_int_equal(lseek(fd, 0, SEEK_CUR), (off_t)run.moved);
    hawser_close(w.sock);
    close(fd);
}

/* Trap 11: sendfile(2) knows no MSG_NOSIGNAL. */
static void nobody_reading_is_EPIPE_and_never_SIGPIPE(void **state) {
    (void)state;
    skip_in_world("nothing of it raises SIGPIPE");
    sigset_t pipe_only, before, pending;
    signal(SIGPIPE, SIG_DFL);
    hawser_sock *pair[2];
    int fd = regular_file();
    assert_works(hawser_socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
    hawser_close(pair[1]);
    assert_fails(hawser_sendfile(pair[0], fd, 0, 10), EPIPE);
    sigpending(&pending);
    assert_false(sigismember(&pending, SIGPIPE));
    sigemptyset(&pipe_only); /* one that was pending before is the program's own, and stays */
    sigaddset(&pipe_only, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe_only, &before);
    raise(SIGPIPE);
    assert_fails(hawser_sendfile(pair[0], fd, 0, 10), EPIPE);
    sigpending(&pending);
    assert_true(sigismember(&pending, SIGPIPE));
    signal(SIGPIPE, SIG_IGN); /* drops it */
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    signal(SIGPIPE, SIG_DFL);
    hawser_close(pair[0]);
    close(fd);
}

/* The time starts anew with each step: a long file may take longer than the timeout while it moves. */
static long read_slowly(void *argument) {
    static char buf[20000];
    long total = 0;
    for (ssize_t n; (n = raw_some(*(int *)argument, buf, sizeof buf)) > 0; total += n) {
        const struct timespec pause = {0, 10000000};
        nanosleep(&pause, NULL);
    }
    return total;
}

/* How long it took; 0 when a single step ran out of time. */
static double send_to_a_slow_reader(int fd, long size) {
    hawser_sock *pair[2];
    assert_works(hawser_socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
    hawser_settimeout(pair[0], 0.3);
    int far = hawser_detach(pair[1]);
    runner run;
    start(&run, read_slowly, &far);
    double began = seconds_now();
    mark_errors();
    ssize_t sent = hawser_sendfile(pair[0], fd, 0, 0);
    bool late = sent < 0 && errno == ETIMEDOUT;
    if (!late)
        assert_int_equal(check_success(sent, "hawser_sendfile", __FILE__, __LINE__), size);
    double took = seconds_now() - began;
    hawser_close(pair[0]);
    long got = finish(&run);
    close(far);
    assert_true(late || got == size);
    return late ? 0 : took;
}

static void a_file_that_moves_may_take_longer_than_the_timeout(void **state) {
    (void)state;
    static const char more[1500000];
    double took = 0;
    int fd = regular_file();
    assert_int_equal(pwrite(fd, more, sizeof more, SIZE), sizeof more);
    for (int tries = 0; took == 0 && tries < 5; tries++) /* on a busy machine the reader may pause for longer than a step has */
        took = send_to_a_slow_reader(fd, SIZE + sizeof more);
    assert_true(took > 0.3); /* else this has shown nothing */
    close(fd);
}

/* In a fiber. */

struct fiber_sending {
    struct sending what;
    bool cold;     /* none of the file is in memory */
    bool opened;   /* another fiber of the worker came to open the gate */
    ssize_t sent;
};

static int send_file_in_fiber(void *argument) {
    struct fiber_sending *sending = argument;
    if (sending->cold)
        fault_syscall("read", 1, EAGAIN, 1000000);
    sending->sent = hawser_sendfile(sending->what.sock, sending->what.fd, sending->what.offset, sending->what.count);
    fault_none();
    return 0;
}

static int open_gate_when_reached(void *argument) {
    struct fiber_sending *sending = argument;
    sending->opened = wait_inside(1);
    open_gate();
    return 0;
}

static int send_beside_another(void *argument) {
    if (hawser_go(send_file_in_fiber, argument) < 0)
        return -1;
    return hawser_go(open_gate_when_reached, argument);
}

static long drain_pattern(void *argument) {
    int fd = *(int *)argument;
    static unsigned char got[SIZE];
    if (!raw_read(fd, got, SIZE))
        return -1;
    for (size_t i = 0; i < SIZE; i++)
        if (got[i] != pattern(i))
            return (long)i;
    return SIZE;
}

static void assert_sent_in_fiber(wire w, struct fiber_sending *sending, hawser_fn body) {
    runner run;
    start_thread(&run, drain_pattern, &w.far);
    assert_int_equal(run_on_workers(1, body, sending), 0);
    assert_int_equal(sending->sent, SIZE);
    assert_int_equal(finish(&run), SIZE);
    assert_int_equal(lseek(sending->what.fd, 0, SEEK_CUR), SIZE);
    cut(w);
}

static void a_fiber_sends_files_that_are_in_memory_and_files_that_are_not(void **state) {
    (void)state;
    int fd = regular_file();
    for (int i = 0; i < 4; i++) {
        wire w = i < 2 ? tcp_wire(i % 2) : unix_wire(SOCK_STREAM); /* the Unix one is adopted: read and sent by hand */
        hawser_settimeout(w.sock, WAIT_LIMIT);
        struct fiber_sending sending = {.what = {w.sock, fd, 0, 0}, .cold = i % 2};
        assert_sent_in_fiber(w, &sending, send_file_in_fiber);
    }
    close(fd);
}

static void other_fibers_of_the_worker_run_while_a_file_comes_from_the_disk(void **state) {
    (void)state;
    int fd = regular_file();
    wire w = tcp_wire(false);
    struct fiber_sending sending = {.what = {w.sock, fd, 0, 0}, .cold = true};
    shut_gate();
    assert_sent_in_fiber(w, &sending, send_beside_another);
    assert_true(sending.opened);
    close(fd);
}

static int send_cold_without_waiting(void *argument) {
    struct fiber_sending *sending = argument;
    fault_syscall("read", 1, EAGAIN, 1000000);
    while ((sending->sent = hawser_sendfile(sending->what.sock, sending->what.fd, 0, 0)) >= 0)
        ;
    return fault_none() ? errno : -1;
}

static void a_fiber_without_time_waits_for_the_disk_but_not_for_the_peer(void **state) {
    (void)state;
    skip_in_world("what the disk has to bring is as good as there");
    skip_in_world("what is in memory is no matter there");
    int fd = regular_file();
    wire w = tcp_wire(true);
    hawser_settimeout(w.sock, 0);
    struct fiber_sending sending = {.what = {w.sock, fd, 0, 0}};
    assert_int_equal(run_on_workers(1, send_cold_without_waiting, &sending), EAGAIN);
    assert_int_equal(sending.sent, -1);
    cut(w);
    close(fd);
}

int main(void) {
    build_gate();
    move_gate("sendfile");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_is_sent_whole_in_part_and_from_where_it_stands),
        cmocka_unit_test(an_adopted_blocking_socket_and_a_unix_socket_send_files_too),
        cmocka_unit_test(pipes_and_devices_are_read_and_sent),
        cmocka_unit_test(a_file_of_the_proc_file_system_says_size_zero_and_has_bytes),
        cmocka_unit_test(only_streams_send_files),
        cmocka_unit_test(what_is_no_open_file_is_EBADF),
        cmocka_unit_test(a_failure_midway_tells_the_count_and_leaves_the_file_behind_the_last_byte_sent),
        cmocka_unit_test(with_a_timeout_of_zero_nothing_is_waited_for),
        cmocka_unit_test(a_peer_that_resets_midway_is_told_with_the_count),
        cmocka_unit_test(nobody_reading_is_EPIPE_and_never_SIGPIPE),
        cmocka_unit_test(a_file_that_moves_may_take_longer_than_the_timeout),
        cmocka_unit_test(a_fiber_sends_files_that_are_in_memory_and_files_that_are_not),
        cmocka_unit_test(other_fibers_of_the_worker_run_while_a_file_comes_from_the_disk),
        cmocka_unit_test(a_fiber_without_time_waits_for_the_disk_but_not_for_the_peer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
