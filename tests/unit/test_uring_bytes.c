/* SPDX-License-Identifier: MIT */
/* engine/uring_bytes: whoever reads, and how, has every byte once and in its order; nothing is taken from a socket that nobody
 * has asked for; and who has a lent buffer does not wait with it for others. */
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

static int ask(void *arg) {
    EXPECT(raw_write(*(int *)arg, "question", 8));
    return 0;
}

/* One read, which may lend. */
static ssize_t read_once(hawser_sock *sock, void *buf, size_t size, bool lends) {
    const void *lent;
    ssize_t n = lends ? hawser_recv_borrow(sock, &lent) : hawser_recv(sock, buf, size);
    if (lends && n > 0 && (size_t)n <= size)
        memcpy(buf, lent, (size_t)n);
    return n;
}

/* Asked by another fiber while this one waits. */
static void expect_question(wire *w, bool lends) {
    char got[16];
    EXPECT(hawser_go(ask, &w->far) == 0);
    EXPECT(read_once(w->sock, got, sizeof got, lends) == 8 && memcmp(got, "question", 8) == 0);
}

static int answer(void *arg) {
    wire *w = arg;
    char got[8];
    for (int i = 0; i < 20; i++) {
        expect_question(w, i % 2);
        EXPECT(raw_write(w->far, "kept", 4));
        EXPECT(hawser_sleep(0.001) == 0);
        EXPECT(recv(hawser_fileno(w->sock), got, sizeof got, MSG_PEEK | MSG_DONTWAIT) == 4);
        hawser_sock *copy = hawser_dup(w->sock);
        EXPECT(copy && hawser_recv(copy, got, sizeof got) == 4 && memcmp(got, "kept", 4) == 0);
        hawser_close(copy);
    }
    return 0;
}

static void what_nobody_has_asked_for_stays_in_the_socket(void **state) {
    (void)state;
    wire w = tcp_wire(false);
    assert_works(hawser_settimeout(w.sock, WAIT_LIMIT));
    run_in_ring(1, answer, &w);
    cut(w);
}

static int ask_and_close(void *arg) {
    wire *wires = arg;
    char byte;
    for (int i = 0; i < 2; i++) {
        expect_question(&wires[i], i);
        hawser_close(wires[i].sock);
        wires[i].sock = NULL;
        EXPECT(recv(wires[i].far, &byte, 1, 0) == 0);   /* this holds the worker up: it has not looked since */
    }
    return 0;
}

static void closing_what_was_just_read_tells_the_peer_at_once(void **state) {
    (void)state;
    wire wires[2] = {tcp_wire(false), tcp_wire(false)};
    for (int i = 0; i < 2; i++)
        assert_works(hawser_settimeout(wires[i].sock, WAIT_LIMIT));
    run_in_ring(1, ask_and_close, wires);
    for (int i = 0; i < 2; i++)
        cut(wires[i]);
}

static int reset_later(void *arg) {
    raw_reset(*(int *)arg);
    return 0;
}

static int be_reset(void *arg) {
    wire *wires = arg;
    char got[8];
    for (int i = 0; i < 2; i++) {
        expect_question(&wires[i], i);
        EXPECT(hawser_go(reset_later, &wires[i].far) == 0);
        EXPECT_FAILURE(read_once(wires[i].sock, got, sizeof got, i), ECONNRESET);
        EXPECT(read_once(wires[i].sock, got, sizeof got, i) == 0);
    }
    return 0;
}

static void a_reset_is_told_once(void **state) {
    (void)state;
    wire wires[2] = {tcp_wire(false), tcp_wire(false)};
    for (int i = 0; i < 2; i++)
        assert_works(hawser_settimeout(wires[i].sock, WAIT_LIMIT));
    run_in_ring(1, be_reset, wires);
    for (int i = 0; i < 2; i++)
        hawser_close(wires[i].sock);
}

/* Sending. */

static int note(void *arg) {
    *(bool *)arg = true;
    return 0;
}

/* Whether others run while it sends. */
static bool lets_others_run(wire *w) {
    bool others_ran = false;
    EXPECT(hawser_go(note, &others_ran) == 0);
    EXPECT(hawser_sendall(w->sock, "answer", 6) == 0);
    bool let = others_ran;
    hawser_yield();
    EXPECT(others_ran);
    return let;
}

static int send_with_and_without(void *arg) {
    wire *w = arg;
    char got[8];
    const void *lent;
    for (int i = 0; i < 3; i++) {
        EXPECT(raw_write(w->far, "abc", 3));
        EXPECT(hawser_recv(w->sock, got, sizeof got) == 3);
        EXPECT(lets_others_run(w));   /* it goes with theirs */
        EXPECT(raw_write(w->far, "abc", 3));
        EXPECT(hawser_recv_borrow(w->sock, &lent) == 3);
        EXPECT(!lets_others_run(w));
        EXPECT(memcmp(lent, "abc", 3) == 0);
        EXPECT(hawser_sleep(0.001) == 0);
        EXPECT_FAILURE(hawser_recv_flags(w->sock, got, sizeof got, MSG_DONTWAIT), EAGAIN);
        hawser__kernel_give_back(w->sock->endpoints[0], NULL);
    }
    return 0;
}

static void with_a_lent_buffer_nobody_waits_to_send_with_others(void **state) {
    (void)state;
    wire w = tcp_wire(false);
    assert_works(hawser_settimeout(w.sock, WAIT_LIMIT));
    run_in_ring(1, send_with_and_without, &w);
    cut(w);
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

/* Many wait at once, and all are served in one look. */

#define MANY 200

struct crowd {
    wire wires[MANY];
    int next, served;
};

static int be_served(void *arg) {
    struct crowd *crowd = arg;
    int own = crowd->next++;
    char got[16];
    for (int i = 0; i < 4; i++)
        EXPECT(read_once(crowd->wires[own].sock, got, sizeof got, (own + i) % 3 == 0) == 8 && memcmp(got, "question", 8) == 0);
    crowd->served++;
    return 0;
}

static int serve_crowd(void *arg) {
    struct crowd *crowd = arg;
    for (int i = 0; i < MANY; i++)
        EXPECT(hawser_go(be_served, crowd) == 0);
    for (int i = 0; i < 4; i++) {
        rest_a_moment();   /* they wait */
        for (int k = 0; k < MANY; k++)
            (void)ask(&crowd->wires[k].far);
    }
    return 0;
}

static void many_readers_are_all_served(void **state) {
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

static int read_both_ways(void *arg) {
    for (int i = 0; i < 2; i++)
        expect_question(arg, i);
    return 0;
}

/* With the run its rings end, but not its sockets. */
static void after_the_run_the_socket_goes_on_elsewhere(void **state) {
    (void)state;
    wire w = tcp_wire(false);
    char got[8];
    assert_works(hawser_settimeout(w.sock, WAIT_LIMIT));
    for (int i = 0; i < 3; i++) {
        run_in_ring(2, read_both_ways, &w);
        assert_true(raw_write(w.far, "later", 5));
        assert_int_equal(assert_works(hawser_recv(w.sock, got, sizeof got)), 5);
    }
    cut(w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_nobody_has_asked_for_stays_in_the_socket),
        cmocka_unit_test(closing_what_was_just_read_tells_the_peer_at_once),
        cmocka_unit_test(a_reset_is_told_once),
        cmocka_unit_test(with_a_lent_buffer_nobody_waits_to_send_with_others),
        cmocka_unit_test(much_arrives_whole_whoever_reads_it_and_how),
        cmocka_unit_test(many_readers_are_all_served),
        cmocka_unit_test(after_the_run_the_socket_goes_on_elsewhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
