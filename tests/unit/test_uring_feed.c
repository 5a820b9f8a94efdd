/* SPDX-License-Identifier: MIT */
/* engine/uring_feed and uring_lend: lending reads are fed while a fiber waits, and no longer; what came ahead is lost to
 * nobody. */
#include "support.h"

#include "engine/uring.h"
#include "net/handle.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

static void run_in_ring(int workers, hawser_fn fn, void *arg) {
    const hawser_run_options options = {.workers = workers, .stack_size = TEST_STACK, .engine = "uring"};
    check_run(run_apart(fn, arg, &options), "run_in_ring", __FILE__, __LINE__);
}

static struct hawser__kernel_stash *stash_of(hawser_sock *sock) {
    return hawser__kernel_endpoint(sock->endpoints[0])->stash;
}

static bool is_fed(hawser_sock *sock) {
    struct hawser__kernel_stash *stash = stash_of(sock);
    return stash && atomic_load(&stash->fed);
}

/* Where the kernel has no DEFER_TASKRUN there are no feeds, and everything else holds. */
static bool can_feed(void) {
    struct hawser__kernel_port *port = hawser__kernel_port();
    return hawser__uring_ready(hawser__uring_port(port)) && (hawser__uring_port(port)->ring.flags & IORING_SETUP_DEFER_TASKRUN);
}

static int ask(void *arg) {
    EXPECT(raw_write(*(int *)arg, "question", 8));
    return 0;
}

/* Asked by another fiber while this one waits. */
static void expect_question(wire *w) {
    const void *data;
    EXPECT(hawser_go(ask, &w->far) == 0);
    EXPECT(hawser_recv_borrow(w->sock, &data) == 8 && memcmp(data, "question", 8) == 0);
}

static int answer(void *arg) {
    wire *w = arg;
    struct hawser__uring_feed *first = NULL;
    for (int i = 0; i < 100; i++) {
        expect_question(w);
        first = first ? first : (struct hawser__uring_feed *)stash_of(w->sock);
        EXPECT(is_fed(w->sock) == can_feed());
        EXPECT((struct hawser__uring_feed *)stash_of(w->sock) == first);
    }
    EXPECT(hawser_sleep(0.001) == 0);   /* it is left, and the worker looks into its port */
    EXPECT(!is_fed(w->sock));
    EXPECT(raw_write(w->far, "kept", 4));
    EXPECT(hawser_sleep(0.001) == 0);
    EXPECT(!hawser__stash_has(stash_of(w->sock)));
    char got[8];
    EXPECT(hawser_recv(w->sock, got, sizeof got) == 4 && memcmp(got, "kept", 4) == 0);
    expect_question(w);
    return 0;
}

static void a_reader_is_fed_while_he_comes_again_and_nobody_else(void **state) {
    (void)state;
    wire w = tcp_wire(false);
    assert_works(hawser_settimeout(w.sock, WAIT_LIMIT));
    run_in_ring(1, answer, &w);
    cut(w);
}

static int ask_and_close(void *arg) {
    wire *w = arg;
    char byte;
    expect_question(w);
    hawser_close(w->sock);
    w->sock = NULL;
    EXPECT(recv(w->far, &byte, 1, 0) == 0);   /* this holds the worker up: it has not looked since */
    return 0;
}

static void closing_a_fed_socket_tells_the_peer_at_once(void **state) {
    (void)state;
    wire w = tcp_wire(false);
    assert_works(hawser_settimeout(w.sock, WAIT_LIMIT));
    run_in_ring(1, ask_and_close, &w);
    cut(w);
}

static int run_out_of_time(void *arg) {
    wire *w = arg;
    const void *data;
    expect_question(w);
    for (int i = 0; i < 3; i++) {
        hawser_settimeout(w->sock, 0.002);
        EXPECT_FAILURE(hawser_recv_borrow(w->sock, &data), ETIMEDOUT);
        EXPECT(!is_fed(w->sock));
    }
    hawser_settimeout(w->sock, WAIT_LIMIT);
    expect_question(w);
    EXPECT(shutdown(w->far, SHUT_WR) == 0);
    for (int i = 0; i < 2; i++)
        EXPECT(hawser_recv_borrow(w->sock, &data) == 0);
    return 0;
}

static void at_its_deadline_a_feed_is_over_and_the_end_comes_and_stays(void **state) {
    (void)state;
    wire w = tcp_wire(false);
    assert_works(hawser_settimeout(w.sock, WAIT_LIMIT));
    run_in_ring(1, run_out_of_time, &w);
    cut(w);
}

static int reset_later(void *arg) {
    raw_reset(*(int *)arg);
    return 0;
}

static int be_reset(void *arg) {
    wire *w = arg;
    const void *data;
    expect_question(w);
    EXPECT(hawser_go(reset_later, &w->far) == 0);
    EXPECT_FAILURE(hawser_recv_borrow(w->sock, &data), ECONNRESET);
    EXPECT(hawser_recv_borrow(w->sock, &data) == 0);
    return 0;
}

static void a_reset_is_told_once(void **state) {
    (void)state;
    wire w = tcp_wire(false);
    assert_works(hawser_settimeout(w.sock, WAIT_LIMIT));
    run_in_ring(1, be_reset, &w);
    hawser_close(w.sock);
}

/* Much, through every kind of read, on two workers in turn. */

#define MUCH ((size_t)6 << 20)
#define TURNS_PER_WORKER 7

struct bulk {
    wire w;
    size_t got;
    hawser_channel *turns[2];
};

static unsigned char byte_at(size_t i) {
    return (unsigned char)(i * 31 + (i >> 11));
}

static long write_bulk(void *arg) {
    static unsigned char data[MUCH];
    for (size_t i = 0; i < MUCH; i++)
        data[i] = byte_at(i);
    return raw_write(*(int *)arg, data, MUCH) && shutdown(*(int *)arg, SHUT_WR) == 0 ? 0 : -1;
}

static bool is_next(struct bulk *bulk, const unsigned char *data, ssize_t n, bool stays) {
    for (ssize_t i = 0; i < n; i++)
        if (data[i] != byte_at(bulk->got + (size_t)i))
            return false;
    bulk->got += stays || n < 0 ? 0 : (size_t)n;
    return true;
}

static ssize_t read_some(struct bulk *bulk, unsigned way) {
    unsigned char small[3000];
    const void *lent;
    hawser_sock *sock = bulk->w.sock;
    ssize_t n;
    if (way % 4 == 1) {
        n = hawser_recv_flags(sock, small, sizeof small, MSG_PEEK);
        EXPECT(n >= 0 && is_next(bulk, small, n, true));
    }
    if (way % 4 < 2) {
        n = hawser_recv_borrow(sock, &lent);
        EXPECT(n >= 0 && is_next(bulk, lent, n, false));
        struct hawser__kernel_stash *stash = stash_of(sock);
        EXPECT(!stash || atomic_load(&stash->size) <= (HAWSER__LOAN_SLOTS + 1) * HAWSER__LOAN);
        return n;
    }
    n = way % 4 == 2 ? hawser_recv(sock, small, sizeof small) : hawser_recvfrom(sock, small, sizeof small, NULL);
    EXPECT(n >= 0 && is_next(bulk, small, n, false));
    return n;
}

static void read_in_turns(struct bulk *bulk, int own) {
    unsigned way = 0;
    bool more = true;
    while (more && hawser_channel_recv(bulk->turns[own], &more) == 1) {
        for (int i = 0; more && i < TURNS_PER_WORKER; i++)
            more = read_some(bulk, way++) > 0;
        (void)hawser_channel_send(bulk->turns[!own], &more);
    }
}

static int read_second(void *arg) {
    read_in_turns(arg, 1);
    return 0;
}

static int read_bulk(void *arg) {
    struct bulk *bulk = arg;
    bool more = true;
    for (int i = 0; i < 2; i++)
        bulk->turns[i] = hawser_channel_new(sizeof(bool), 2);
    EXPECT(hawser_go_on(hawser_workers(), read_second, bulk) == 0);
    EXPECT(hawser_channel_send(bulk->turns[0], &more) == 0);
    read_in_turns(bulk, 0);
    return 0;
}

static void much_arrives_whole_whoever_reads_it_and_how(void **state) {
    (void)state;
    for (int workers = 1; workers <= 2; workers++) {
        struct bulk bulk = {.w = tcp_wire(false)};
        runner writer;
        assert_works(hawser_settimeout(bulk.w.sock, WAIT_LIMIT));
        start_thread(&writer, write_bulk, &bulk.w.far);
        run_in_ring(workers, read_bulk, &bulk);
        assert_int_equal(finish(&writer), 0);
        assert_int_equal(bulk.got, MUCH);
        for (int i = 0; i < 2; i++)
            hawser_channel_free(bulk.turns[i]);
        cut(bulk.w);
    }
}

/* Many more than there are slots wait at once, and all are served in one look. */

#define MANY 100

struct crowd {
    wire wires[MANY];
    int next, served;
};

static int be_served(void *arg) {
    struct crowd *crowd = arg;
    wire *w = &crowd->wires[crowd->next++];
    const void *data;
    for (int i = 0; i < 3; i++)
        EXPECT(hawser_recv_borrow(w->sock, &data) == 8 && memcmp(data, "question", 8) == 0);
    crowd->served++;
    return 0;
}

static int serve_crowd(void *arg) {
    struct crowd *crowd = arg;
    for (int i = 0; i < MANY; i++)
        EXPECT(hawser_go(be_served, crowd) == 0);
    for (int i = 0; i < 3; i++) {
        rest_a_moment();   /* they wait */
        for (int k = 0; k < MANY; k++)
            (void)ask(&crowd->wires[k].far);
    }
    return 0;
}

static void more_readers_than_slots_are_all_served(void **state) {
    (void)state;
    static struct crowd crowd;
    crowd = (struct crowd){.next = 0};
    for (int i = 0; i < MANY; i++) {
        crowd.wires[i] = tcp_wire(false);
        assert_works(hawser_settimeout(crowd.wires[i].sock, WAIT_LIMIT));
    }
    run_in_ring(1, serve_crowd, &crowd);
    assert_int_equal(crowd.served, MANY);
    for (int i = 0; i < MANY; i++)
        cut(crowd.wires[i]);
}

static int leave_it_fed(void *arg) {
    expect_question(arg);
    return 0;
}

/* With the run its rings end, but not its sockets. */
static void after_the_run_the_socket_goes_on_elsewhere(void **state) {
    (void)state;
    wire w = tcp_wire(false);
    char got[8];
    assert_works(hawser_settimeout(w.sock, WAIT_LIMIT));
    for (int i = 0; i < 3; i++) {
        run_in_ring(2, leave_it_fed, &w);
        assert_false(is_fed(w.sock));
        assert_true(raw_write(w.far, "later", 5));
        assert_int_equal(assert_works(hawser_recv(w.sock, got, sizeof got)), 5);
    }
    cut(w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_reader_is_fed_while_he_comes_again_and_nobody_else),
        cmocka_unit_test(closing_a_fed_socket_tells_the_peer_at_once),
        cmocka_unit_test(at_its_deadline_a_feed_is_over_and_the_end_comes_and_stays),
        cmocka_unit_test(a_reset_is_told_once),
        cmocka_unit_test(much_arrives_whole_whoever_reads_it_and_how),
        cmocka_unit_test(more_readers_than_slots_are_all_served),
        cmocka_unit_test(after_the_run_the_socket_goes_on_elsewhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
