/* SPDX-License-Identifier: MIT */
/* engine/uring_op and uring_bytes: an operation that is given up is over when the call returns, and what it has done counts. */
#include "support.h"

#include "engine/uring.h"
#include "net/handle.h"

#include <errno.h>
#include <unistd.h>

static void run_in_ring(int workers, hawser_fn fn, void *arg) {
    const hawser_run_options options = {.workers = workers, .stack_size = TEST_STACK, .engine = "uring"};
    check_run(run_apart(fn, arg, &options), "run_in_ring", __FILE__, __LINE__);
}

struct reading {
    wire w;
    char buf[8];
    int code;
    hawser_group *group;
};

static int read_once(void *arg) {
    struct reading *reading = arg;
    reading->code = hawser_recv(reading->w.sock, reading->buf, sizeof reading->buf) >= 0 ? 0 : errno;
    return 0;
}

static int nothing(void *arg) {
    (void)arg;
    return 0;
}

/* What comes later does not go where nobody waits for it any more, but to who asks next. */
static void expect_untouched(struct reading *reading, int code) {
    char got[8];
    EXPECT(reading->code == code);
    EXPECT(raw_write(reading->w.far, "late", 4));
    EXPECT(hawser_sleep(0.001) == 0);
    EXPECT(memcmp(reading->buf, "\0\0\0\0", 4) == 0);
    hawser_settimeout(reading->w.sock, WAIT_LIMIT);
    EXPECT(hawser_recv(reading->w.sock, got, sizeof got) == 4 && memcmp(got, "late", 4) == 0);
}

static int run_out_of_time(void *arg) {
    struct reading *reading = arg;
    hawser_settimeout(reading->w.sock, 0.002);
    read_once(reading);
    expect_untouched(reading, ETIMEDOUT);
    return 0;
}

static int be_cancelled(void *arg) {
    struct reading *reading = arg;
    hawser_group *group = hawser_group_open(NULL);
    EXPECT(hawser_group_go(group, read_once, reading) == 0);
    rest_a_moment();
    hawser_group_cancel(group);
    hawser_group_close(group);
    expect_untouched(reading, ECANCELED);
    return 0;
}

/* Queued, and given up before the ring has seen it. */
static int be_cancelled_at_once(void *arg) {
    struct reading *reading = arg;
    hawser_group *group = hawser_group_open(NULL);
    EXPECT(hawser_group_go(group, read_once, reading) == 0);
    hawser_yield();
    hawser_group_cancel(group);
    hawser_group_close(group);
    expect_untouched(reading, ECANCELED);
    return 0;
}

static void what_was_given_up_does_not_touch_its_buffer(void **state) {
    (void)state;
    static const hawser_fn ways[] = {run_out_of_time, be_cancelled, be_cancelled_at_once};
    for (size_t i = 0; i < 2 * sizeof ways / sizeof *ways; i++) {
        struct reading reading = {.w = i % 2 ? tcp_wire(false) : unix_wire(SOCK_STREAM)};
        run_in_ring(1, ways[i / 2], &reading);
        cut(reading.w);
    }
}

/* Several send in the same turn; the far ends take only a part before the deadline. */

#define SENDERS 4

struct sending {
    wire w;
    uint64_t moved;
    int code;
};

static int send_too_much(void *arg) {
    static const char data[8 << 20];
    struct sending *sending = arg;
    sending->code = hawser_sendall(sending->w.sock, data, sizeof data) == 0 ? 0 : errno;
    sending->moved = hawser_moved();
    return 0;
}

static int send_all_too_much(void *arg) {
    struct sending *all = arg;
    for (int i = 0; i < SENDERS; i++)
        EXPECT(hawser_go(send_too_much, &all[i]) == 0);
    return 0;
}

static void what_was_sent_before_the_deadline_counts(void **state) {
    (void)state;
    struct sending all[SENDERS];
    for (int i = 0; i < SENDERS; i++) {
        all[i] = (struct sending){.w = i % 2 ? tcp_wire(true) : unix_wire(SOCK_STREAM)};
        assert_works(hawser_settimeout(all[i].w.sock, 0.02));
    }
    run_in_ring(1, send_all_too_much, all);
    for (int i = 0; i < SENDERS; i++) {
        hawser_close(all[i].w.sock);
        assert_int_equal(all[i].code, ETIMEDOUT);
        assert_true(all[i].moved > 0);
        assert_int_equal(raw_drain(all[i].w.far), all[i].moved);
        close(all[i].w.far);
    }
}

static int close_it(void *arg) {
    struct reading *reading = arg;
    rest_a_moment();
    hawser_close(reading->w.sock);
    return 0;
}

static int be_closed(void *arg) {
    struct reading *reading = arg;
    EXPECT(hawser_go_on(2, close_it, reading) == 0);
    read_once(reading);
    EXPECT(reading->code == EBADF);
    return 0;
}

static void a_close_on_another_worker_ends_it_and_the_peer_is_told(void **state) {
    (void)state;
    struct reading reading = {.w = tcp_wire(false)};
    char byte;
    run_in_ring(2, be_closed, &reading);
    assert_int_equal(recv(reading.w.far, &byte, 1, 0), 0);
    close(reading.w.far);
}

static int read_with_faults(void *arg) {
    struct reading *reading = arg;
    static const int codes[] = {EINTR, EAGAIN, EIO, EINVAL, EOPNOTSUPP};   /* the last two: the ring's own */
    char got[8];
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        EXPECT(raw_write(reading->w.far, "abc", 3));
        EXPECT(hawser_recv(reading->w.sock, got, sizeof got) == 3);   /* short: the next one goes straight to the ring */
        EXPECT(raw_write(reading->w.far, "def", 3));
        fault_syscall("recv", 1, codes[i], 1);
        if (codes[i] == EIO)
            EXPECT_FAILURE(hawser_recv(reading->w.sock, got, sizeof got), EIO);
        else
            EXPECT(hawser_recv(reading->w.sock, got, sizeof got) == 3 && memcmp(got, "def", 3) == 0);
        EXPECT(fault_none());
        if (codes[i] == EIO)
            EXPECT(hawser_recv(reading->w.sock, got, sizeof got) == 3 && memcmp(got, "def", 3) == 0);
    }
    EXPECT(hawser_go(nothing, NULL) == 0);
    fault_syscall("io_uring_enter", 1, EINTR, 3);
    EXPECT(hawser_sleep(0.001) == 0);
    fault_none();
    return 0;
}

static void faults_on_the_way_into_the_ring_lose_nothing(void **state) {
    (void)state;
    struct reading reading = {.w = tcp_wire(false)};
    assert_works(hawser_settimeout(reading.w.sock, WAIT_LIMIT));
    run_in_ring(1, read_with_faults, &reading);
    cut(reading.w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_given_up_does_not_touch_its_buffer),
        cmocka_unit_test(what_was_sent_before_the_deadline_counts),
        cmocka_unit_test(a_close_on_another_worker_ends_it_and_the_peer_is_told),
        cmocka_unit_test(faults_on_the_way_into_the_ring_lose_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
