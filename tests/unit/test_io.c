/* SPDX-License-Identifier: MIT */
#include "support.h"

#include <errno.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

static unsigned char pattern(size_t i) {
    return (unsigned char)(i * 31 + (i >> 12));
}

static char *make_pattern(size_t size) {
    char *data = malloc(size);
    for (size_t i = 0; i < size; i++)
        data[i] = (char)pattern(i);
    return data;
}

/* Trap 9: 0 bytes asked is not the end, and the kernel is not even asked. */
static void asking_for_nothing_is_zero_at_once_without_a_system_call(void **state) {
    (void)state;
    wire w = tcp_wire(false);
    syscalls_made();
    assert_int_equal(assert_works(hawser_recv(w.sock, NULL, 0)), 0);
    assert_int_equal(assert_works(hawser_recv_exactly(w.sock, NULL, 0)), 0);
    assert_int_equal(syscalls_made(), 0);
    cut(w);
}

static void the_end_is_zero_every_time(void **state) {
    (void)state;
    char buf[8];
    wire w = tcp_wire(false);
    assert_true(raw_write(w.far, "end", 3));
    close(w.far);
    assert_int_equal(assert_works(hawser_recv(w.sock, buf, sizeof buf)), 3);
    assert_int_equal(assert_works(hawser_recv(w.sock, buf, sizeof buf)), 0);
    assert_int_equal(assert_works(hawser_recv(w.sock, buf, sizeof buf)), 0);
    assert_int_equal(assert_works(hawser_recv_exactly(w.sock, buf, 2)), 0);
    hawser_close(w.sock);
}

static void flags_are_passed_on(void **state) {
    (void)state;
    char buf[8];
    wire w = tcp_wire(false);
    assert_true(raw_write(w.far, "abc", 3));
    assert_int_equal(assert_works(hawser_recv_flags(w.sock, buf, sizeof buf, MSG_PEEK)), 3);
    assert_int_equal(assert_works(hawser_recv(w.sock, buf, 2)), 2);
    assert_int_equal(assert_works(hawser_recv(w.sock, buf, sizeof buf)), 1);
    assert_fails(hawser_recv_flags(w.sock, buf, sizeof buf, MSG_DONTWAIT), EAGAIN); /* the caller's own wish */
    assert_int_equal(assert_works(hawser_send_flags(w.sock, "ab", 2, MSG_MORE)), 2);
    assert_int_equal(assert_works(hawser_send(w.sock, "c", 1)), 1);
    assert_true(raw_read(w.far, buf, 3));
    assert_memory_equal(buf, "abc", 3);
    cut(w);
}

static void out_of_band_data_is_one_byte_beside_the_stream(void **state) {
    (void)state;
    skip_in_world("it has no urgent data");
    char buf[8];
    wire w = tcp_wire(false);
    assert_fails(hawser_recv_flags(w.sock, buf, 1, MSG_OOB), EINVAL); /* none there: at once, whatever the timeout */
    assert_int_equal(send(w.far, "!", 1, MSG_OOB), 1);
    for (double end = seconds_now() + WAIT_LIMIT; hawser_recv_flags(w.sock, buf, 1, MSG_OOB) < 0;)
        assert_true(seconds_now() < end);
    assert_int_equal(buf[0], '!');
    assert_int_equal(assert_works(hawser_sendall_flags(w.sock, "?", 1, MSG_OOB)), 0);
    cut(w);
}

static long send_in_two(void *argument) {
    int fd = *(int *)argument;
    return raw_write(fd, "later", 5);
}

static void all_is_waited_for_when_asked(void **state) {
    (void)state;
    char buf[16];
    wire w = tcp_wire(false);
    runner run;
    assert_true(raw_write(w.far, "first ", 6));
    start(&run, send_in_two, &w.far);
    assert_int_equal(assert_works(hawser_recv_flags(w.sock, buf, 11, MSG_WAITALL)), 11);
    assert_memory_equal(buf, "first later", 11);
    assert_true(finish(&run));
    assert_true(raw_write(w.far, "cut", 3));
    close(w.far);
    assert_int_equal(assert_works(hawser_recv_flags(w.sock, buf, 11, MSG_WAITALL)), 3); /* the end comes first */
    hawser_close(w.sock);
}

/* What came before a failure is the result; the failure is the next call's. */
static void waiting_for_all_gives_what_came_when_time_is_up(void **state) {
    (void)state;
    char buf[16];
    wire w = tcp_wire(false);
    hawser_settimeout(w.sock, 0.02);
    assert_true(raw_write(w.far, "part", 4));
    assert_int_equal(assert_works(hawser_recv_flags(w.sock, buf, sizeof buf, MSG_WAITALL)), 4);
    assert_fails(hawser_recv_flags(w.sock, buf, sizeof buf, MSG_WAITALL), ETIMEDOUT);
    cut(w);
}

static void exactly_means_all_or_an_error_with_the_count(void **state) {
    (void)state;
    char buf[16];
    wire w = tcp_wire(false);
    assert_true(raw_write(w.far, "0123456789", 10));
    assert_int_equal(assert_works(hawser_recv_exactly(w.sock, buf, 4)), 4);
    hawser_settimeout(w.sock, 0.02);
    assert_fails(hawser_recv_exactly(w.sock, buf, 16), ETIMEDOUT);
    assert_int_equal(hawser_moved(), 6);
    assert_memory_equal(buf, "456789", 6);
    assert_sentence_has(" after 6 bytes: Timed out");
    assert_true(raw_write(w.far, "abc", 3));
    close(w.far);
    assert_fails(hawser_recv_exactly(w.sock, buf, 16), HAWSER_EEOF);
    assert_int_equal(hawser_moved(), 3);
    assert_memory_equal(buf, "abc", 3);
    hawser_close(w.sock);
}

/* One budget for the whole call: bytes that trickle in must not extend it. */
static long trickle(void *argument) {
    int fd = *(int *)argument;
    for (int i = 0; i < 1000 && raw_write(fd, "x", 1); i++) {
        const struct timespec pause = {0, 10000000};
        nanosleep(&pause, NULL);
    }
    return 0;
}

static void a_trickle_does_not_extend_the_time_of_recv_exactly(void **state) {
    (void)state;
    static char buf[100000];
    wire w = tcp_wire(false);
    runner run;
    hawser_settimeout(w.sock, 0.1);
    assert_true(raw_write(w.far, "x", 1)); /* however late the thread starts */
    start(&run, trickle, &w.far);
    double began = seconds_now();
    assert_fails(hawser_recv_exactly(w.sock, buf, sizeof buf), ETIMEDOUT);
    assert_true(hawser_moved() > 0 && hawser_moved() < sizeof buf);
    assert_true(seconds_now() - began < WAIT_LIMIT / 6);
    hawser_close(w.sock);
    finish(&run);
    close(w.far);
}

static long read_slowly(void *argument) {
    char buf[1000];
    int fd = *(int *)argument;
    while (raw_some(fd, buf, sizeof buf) > 0) {
        const struct timespec pause = {0, 10000000};
        nanosleep(&pause, NULL);
    }
    return 0;
}

static void a_slow_reader_does_not_extend_the_time_of_sendall(void **state) {
    (void)state;
    static char much[4 << 20];
    wire w = tcp_wire(true);
    runner run;
    hawser_settimeout(w.sock, 0.1);
    start(&run, read_slowly, &w.far);
    double began = seconds_now();
    assert_fails(hawser_sendall(w.sock, much, sizeof much), ETIMEDOUT);
    assert_true(hawser_moved() > 0 && hawser_moved() < sizeof much);
    assert_true(seconds_now() - began < WAIT_LIMIT / 6);
    raw_reset(hawser_detach(w.sock));
    finish(&run);
    close(w.far);
}

/* Trap 7. */
struct drained {
    int fd;
    size_t size;
    bool same;
};

static long read_pattern(void *argument) {
    struct drained *drained = argument;
    unsigned char buf[65536];
    drained->same = true;
    for (ssize_t n; (n = raw_some(drained->fd, buf, sizeof buf)) > 0; drained->size += (size_t)n)
        for (ssize_t i = 0; i < n; i++)
            drained->same &= buf[i] == pattern(drained->size + (size_t)i);
    return 0;
}

static void sendall_sends_all_of_much(void **state) {
    (void)state;
    size_t size = 20 << 20;
    char *data = make_pattern(size);
    wire w = tcp_wire(true);
    struct drained drained = {.fd = w.far};
    runner run;
    hawser_settimeout(w.sock, WAIT_LIMIT);
    start(&run, read_pattern, &drained);
    assert_works(hawser_sendall(w.sock, data, size));
    hawser_close(w.sock);
    finish(&run);
    assert_int_equal(drained.size, size);
    assert_true(drained.same);
    close(w.far);
    free(data);
}

/* More than fits a signed int, and more than the kernel moves at once. */
static void more_than_four_gibibytes_may_be_offered(void **state) {
    (void)state;
    size_t size = (size_t)5 << 30;
    char *data = mmap(NULL, size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    wire w = unix_wire(SOCK_STREAM);
    assert_ptr_not_equal(data, MAP_FAILED);
    hawser_settimeout(w.sock, 0);
    ssize_t sent = assert_works(hawser_send(w.sock, data, size));
    assert_true(sent > 0);
    assert_fails(hawser_sendall(w.sock, data, size), EAGAIN);
    assert_true(hawser_moved() < size - (size_t)sent);
    cut(w);
    munmap(data, size);
}

/* Python's test: never short after a signal. */
struct sending {
    hawser_sock *sock;
    const char *data;
    size_t size;
};

static long send_all(void *argument) {
    struct sending *sending = argument;
    return hawser_sendall(sending->sock, sending->data, sending->size);
}

static void sendall_under_signals_is_not_short(void **state) {
    (void)state;
    count_signals();
    size_t size = 4 << 20;
    char *data = make_pattern(size);
    wire w = tcp_wire(true);
    struct sending sending = {w.sock, data, size};
    struct drained drained = {.fd = w.far};
    runner run, reader;
    hawser_settimeout(w.sock, WAIT_LIMIT);
    start(&run, send_all, &sending);
    assert_int_equal(pester(&run, 10), 10);
    start(&reader, read_pattern, &drained);
    pester(&run, 1000000);
    assert_int_equal(finish(&run), 0);
    hawser_close(w.sock);
    finish(&reader);
    assert_int_equal(drained.size, size);
    assert_true(drained.same);
    close(w.far);
    free(data);
}

/* A peer that resets in the middle of sendall: how much went out is reported. */
static void a_reset_in_the_middle_of_sendall_tells_how_much_went_out(void **state) {
    (void)state;
    size_t size = 8 << 20;
    char *data = make_pattern(size);
    wire w = tcp_wire(true);
    struct sending sending = {w.sock, data, size};
    runner run;
    start(&run, send_all, &sending);
    assert_true(blocked(&run));
    raw_reset(w.far);
    assert_int_equal(finish(&run), -1);
    assert_true(run.code == ECONNRESET || run.code == EPIPE);
    assert_true(run.moved > 0 && run.moved < size);
    char expected[96];
    snprintf(expected, sizeof expected, " after %llu bytes: ", (unsigned long long)run.moved);
    assert_non_null(strstr(run.sentence, "send to "));
    assert_non_null(strstr(run.sentence, expected));
    hawser_close(w.sock);
    free(data);
}

static void with_a_timeout_of_zero_sendall_tells_how_much_fitted(void **state) {
    (void)state;
    size_t size = 8 << 20;
    char *data = make_pattern(size);
    wire w = tcp_wire(true);
    struct drained drained = {.fd = w.far};
    runner run;
    hawser_settimeout(w.sock, 0);
    assert_fails(hawser_sendall(w.sock, data, size), EAGAIN);
    uint64_t moved = hawser_moved();
    assert_true(moved > 0 && moved < size);
    hawser_close(w.sock);
    start(&run, read_pattern, &drained);
    finish(&run);
    assert_int_equal(drained.size, moved); /* neither more nor less */
    assert_true(drained.same);
    close(w.far);
    free(data);
}

static void a_reset_is_ECONNRESET_with_the_peer_named(void **state) {
    (void)state;
    char buf[8], expected[64];
    wire w = tcp_wire(false);
    snprintf(expected, sizeof expected, "receive from 127.0.0.1:");
    raw_reset(w.far);
    assert_fails(hawser_recv(w.sock, buf, sizeof buf), ECONNRESET);
    assert_sentence_has(expected);
    hawser_close(w.sock);
}

/* Trap 11. The action is the default one: a signal would end the program. */
static void nobody_reading_is_EPIPE_and_never_SIGPIPE(void **state) {
    (void)state;
    signal(SIGPIPE, SIG_DFL);
    wire w = unix_wire(SOCK_STREAM);
    struct iovec part = {(char[]){'x'}, 1};
    const struct msghdr msg = {.msg_iov = &part, .msg_iovlen = 1};
    close(w.far);
    assert_fails(hawser_send(w.sock, "x", 1), EPIPE);
    assert_fails(hawser_sendall(w.sock, "x", 1), EPIPE);
    assert_int_equal(hawser_moved(), 0);
    assert_fails(hawser_sendmsg(w.sock, &msg, 0), EPIPE);
    if (!in_world())
        assert_fails(hawser_send_fds(w.sock, "x", 1, (int[]){0}, 1, 0), EPIPE);
    hawser_close(w.sock);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(asking_for_nothing_is_zero_at_once_without_a_system_call),
        cmocka_unit_test(the_end_is_zero_every_time),
        cmocka_unit_test(flags_are_passed_on),
        cmocka_unit_test(out_of_band_data_is_one_byte_beside_the_stream),
        cmocka_unit_test(all_is_waited_for_when_asked),
        cmocka_unit_test(waiting_for_all_gives_what_came_when_time_is_up),
        cmocka_unit_test(exactly_means_all_or_an_error_with_the_count),
        cmocka_unit_test(a_trickle_does_not_extend_the_time_of_recv_exactly),
        cmocka_unit_test(a_slow_reader_does_not_extend_the_time_of_sendall),
        cmocka_unit_test(sendall_sends_all_of_much),
        cmocka_unit_test(more_than_four_gibibytes_may_be_offered),
        cmocka_unit_test(sendall_under_signals_is_not_short),
        cmocka_unit_test(a_reset_in_the_middle_of_sendall_tells_how_much_went_out),
        cmocka_unit_test(with_a_timeout_of_zero_sendall_tells_how_much_fitted),
        cmocka_unit_test(a_reset_is_ECONNRESET_with_the_peer_named),
        cmocka_unit_test(nobody_reading_is_EPIPE_and_never_SIGPIPE),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
