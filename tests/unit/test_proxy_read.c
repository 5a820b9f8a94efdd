/* SPDX-License-Identifier: MIT */
/* server/proxy: reading a PROXY header from a connection, all of it and nothing else. What headers say is in test_proxy.c. */
#include "support.h"

#include "server/proxy.h"

#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define LONGEST (16 + 65535)
#define NONE 999 /* no length that an address has */

/* A text as bytes with their number. */
#define BYTES(text) (text), sizeof(text) - 1

#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"
#define BLOCK_IP4 "\xc0\0\x02\x07\xc0\0\x02\x01\x0f\xa0\0\x50" /* 192.0.2.7:4000 to 192.0.2.1:80 */
#define IP6_39 "2001:0db8:ffff:ffff:ffff:ffff:ffff:fff7"

static const struct header {
    const char *bytes;
    size_t size;
    const char *peer; /* "": the proxy does not say */
} headers[] = {
    {BYTES("PROXY TCP4 192.0.2.7 192.0.2.1 4000 80\r\n"), "192.0.2.7:4000"},
    {BYTES(SIGNATURE "\x21\x11\0\x0c" BLOCK_IP4), "192.0.2.7:4000"},
    {BYTES("PROXY TCP6 2001:db8::7 ::1 4000 80\r\n"), "[2001:db8::7]:4000"},
    {BYTES("PROXY UNKNOWN\r\n"), ""},
    {BYTES("PROXY UNKNOWN " IP6_39 " " IP6_39 " 65535 65535\r\n"), ""}, /* 107 bytes, as long as one may be */
    {BYTES(SIGNATURE "\x21\x11\0\x15" BLOCK_IP4 "\x01\0\x02h2\x04\0\x01\0"), "192.0.2.7:4000"},
    {BYTES(SIGNATURE "\x20\0\0\0"), ""}, /* 16 bytes, as short as one of version 2 may be */
};

/* Refused by what is there already, and none of it ends before that. */
static const char *const wrongs[] = {
    "x",
    "SSH-2.0-client\r\n",
    "GET / HTTP/1.1\r\n\r\n",
    "PROXY TCP4 192.0.2.7 192.0.2.1 4000 80\n",
    "PROXY TCP4 192.0.2.7 192.0.2.1 4000 800000\r\nGET / HTTP/1.1\r\n",
    "PROXY UNKNOWN " IP6_39 " " IP6_39 " 65535 655350\r",
    "\r\nGET / HTTP/1.1",
};

static void assert_peer(hawser_addr *peer, const struct header *header) {
    assert_string_equal(hawser_addr_str(peer), header->peer);
}

static bool deadline_is_gone(void) {
    return hawser_deadline_left() == HAWSER_NO_TIMEOUT;
}

static wire any_wire(int kind) {
    return kind ? tcp_wire(false) : unix_wire(SOCK_STREAM);
}

static bool all_has_come(void *argument) {
    const size_t *asked = argument;
    int there = 0;
    return ioctl((int)asked[0], FIONREAD, &there) == 0 && (size_t)there == asked[1];
}

/* Waits until SIZE bytes lie there for SOCK. */
static bool lies_there(hawser_sock *sock, size_t size) {
    return wait_until(all_has_come, (size_t[]){(size_t)hawser_fileno(sock), size});
}

static void the_next_read_finds_the_first_byte_behind_the_header(void **state) {
    (void)state;
    for (size_t i = 0; i < 2 * COUNT(headers); i++) {
        const struct header *header = &headers[i / 2];
        char buf[64];
        hawser_addr peer;
        wire w = any_wire(i % 2);
        assert_true(raw_write(w.far, header->bytes, header->size) && raw_write(w.far, "\r\nnext\r\n", 8));
        assert_result(assert_works(hawser__proxy_read(w.sock, 10, &peer)), 0);
        assert_peer(&peer, header);
        assert_result(hawser_recv_exactly(w.sock, buf, 8), 8);
        assert_memory_equal(buf, "\r\nnext\r\n", 8);
        assert_true(deadline_is_gone());
        cut(w);
    }
}

static void a_header_that_is_there_costs_two_system_calls(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT(headers); i++) {
        hawser_addr peer;
        wire w = unix_wire(SOCK_STREAM);
        assert_true(raw_write(w.far, headers[i].bytes, headers[i].size) && raw_write(w.far, "next", 4));
        assert_true(lies_there(w.sock, headers[i].size + 4));
        syscalls_made();
        assert_result(hawser__proxy_read(w.sock, 10, &peer), 0);
        assert_int_equal(syscalls_made(), in_world() ? 0 : 2);
        cut(w);
    }
}

static void of_two_headers_one_is_read_at_a_time(void **state) {
    (void)state;
    hawser_addr peer;
    wire w = unix_wire(SOCK_STREAM);
    for (size_t i = 0; i < COUNT(headers); i++)
        assert_true(raw_write(w.far, headers[i].bytes, headers[i].size));
    for (size_t i = 0; i < COUNT(headers); i++) {
        assert_result(hawser__proxy_read(w.sock, 10, &peer), 0);
        assert_peer(&peer, &headers[i]);
    }
    cut(w);
}

/* Bytes come one by one: each only when those before have been taken, which the reader of a header must have done. */
struct dripping {
    int far, near;
    const char *bytes;
    size_t size;
};

static long drip(void *argument) {
    const struct dripping *dripping = argument;
    for (size_t i = 0; i < dripping->size; i++) {
        if (!wait_until(all_has_come, (size_t[]){(size_t)dripping->near, 0}))
            return -1;
        if (!raw_write(dripping->far, dripping->bytes + i, 1))
            return (long)i;
    }
    return raw_write(dripping->far, "next", 4);
}

static void bytes_that_come_one_by_one_are_a_header_all_the_same(void **state) {
    (void)state;
    for (size_t i = 0; i < 2 * COUNT(headers); i++) {
        const struct header *header = &headers[i / 2];
        char buf[8];
        hawser_addr peer;
        wire w = any_wire(i % 2);
        struct dripping dripping = {w.far, hawser_fileno(w.sock), header->bytes, header->size};
        runner run;
        start(&run, drip, &dripping);
        syscalls_made();
        assert_result(hawser__proxy_read(w.sock, WAIT_LIMIT, &peer), 0);
        assert_true(syscalls_made() < 12 * header->size); /* it slept in between */
        assert_peer(&peer, header);
        assert_result(hawser_recv_exactly(w.sock, buf, 4), 4);
        assert_memory_equal(buf, "next", 4);
        assert_int_equal(finish(&run), 1);
        cut(w);
    }
}

static long pour(void *argument) {
    const struct dripping *dripping = argument;
    return raw_write(dripping->far, dripping->bytes, dripping->size) && raw_write(dripping->far, "next", 4);
}

static void what_a_long_header_says_besides_is_dropped(void **state) {
    (void)state;
    static const unsigned lengths[] = {12, 1007, 1008, 1009, 2031, 2032, 2033, 30000, 65535};
    for (size_t i = 0; i < 2 * COUNT(lengths); i++) {
        unsigned length = lengths[i / 2];
        char buf[8], *bytes = malloc(LONGEST);
        hawser_addr peer;
        wire w = any_wire(i % 2);
        struct dripping pouring = {.far = w.far, .bytes = bytes, .size = 16 + length};
        runner run;
        memset(bytes, '\n', LONGEST);
        memcpy(bytes, BYTES(SIGNATURE "\x21\x11\0\0" BLOCK_IP4));
        bytes[14] = (char)(length >> 8);
        bytes[15] = (char)length;
        start(&run, pour, &pouring);
        assert_result(hawser__proxy_read(w.sock, WAIT_LIMIT, &peer), 0);
        assert_string_equal(hawser_addr_str(&peer), "192.0.2.7:4000");
        assert_result(hawser_recv_exactly(w.sock, buf, 4), 4);
        assert_memory_equal(buf, "next", 4);
        assert_int_equal(finish(&run), 1);
        cut(w);
        free(bytes);
    }
}

static void what_is_no_header_fails_without_waiting_for_more(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT(wrongs); i++) {
        hawser_addr peer = {.len = NONE};
        wire w = unix_wire(SOCK_STREAM);
        assert_true(raw_write(w.far, wrongs[i], strlen(wrongs[i])));
        assert_fails(hawser__proxy_read(w.sock, WAIT_LIMIT, &peer), HAWSER_EADDRESS);
        assert_int_equal(peer.len, NONE);
        assert_true(deadline_is_gone());
        cut(w);
    }
}

static void failures_say_from_whom(void **state) {
    (void)state;
    hawser_addr peer, own;
    char expected[160];
    wire w = tcp_wire(false);
    assert_works(hawser_getpeername(w.sock, &own));
    assert_fails(hawser__proxy_read(w.sock, 0.01, &peer), ETIMEDOUT);
    snprintf(expected, sizeof expected, "read PROXY header from %s: Timed out", hawser_addr_str(&own));
    assert_sentence(expected);
    assert_true(raw_write(w.far, "SSH-2.0-client\r\n", 16));
    assert_fails(hawser__proxy_read(w.sock, 10, &peer), HAWSER_EADDRESS);
    snprintf(expected, sizeof expected, "read PROXY header from %s: it sent none, or a malformed one", hawser_addr_str(&own));
    assert_sentence(expected);
    cut(w);
}

static void an_end_before_that_of_the_header_is_EEOF_with_the_count(void **state) {
    (void)state;
    static const size_t sizes[] = {0, 1, 12, 15, 16, 27};
    for (size_t i = 0; i < 2 * COUNT(sizes); i++) {
        hawser_addr peer = {.len = NONE};
        wire w = unix_wire(SOCK_STREAM);
        assert_true(raw_write(w.far, headers[i % 2].bytes, sizes[i / 2]));
        close(w.far);
        assert_fails(hawser__proxy_read(w.sock, WAIT_LIMIT, &peer), HAWSER_EEOF);
        assert_int_equal(hawser_moved(), sizes[i / 2]);
        assert_int_equal(peer.len, NONE);
        hawser_close(w.sock);
    }
}

static void an_end_among_what_is_dropped_is_EEOF_too(void **state) {
    (void)state;
    static const size_t sizes[] = {1023, 1024, 1025, 2048, 3000};
    for (size_t i = 0; i < COUNT(sizes); i++) {
        char bytes[3000] = SIGNATURE "\x21\x11\xff\xff" BLOCK_IP4;
        hawser_addr peer = {.len = NONE};
        wire w = unix_wire(SOCK_STREAM);
        assert_true(raw_write(w.far, bytes, sizes[i]));
        close(w.far);
        assert_fails(hawser__proxy_read(w.sock, WAIT_LIMIT, &peer), HAWSER_EEOF);
        assert_int_equal(hawser_moved(), sizes[i]);
        assert_int_equal(peer.len, NONE);
        hawser_close(w.sock);
    }
}

static void the_rest_of_a_header_is_waited_for_no_longer_than_allowed(void **state) {
    (void)state;
    static const size_t sizes[] = {0, 1, 14, 15, 16, 27};
    for (size_t i = 0; i < 2 * COUNT(sizes); i++) {
        hawser_addr peer;
        wire w = any_wire(i % 2);
        assert_true(raw_write(w.far, headers[i % 2].bytes, sizes[i / 2]));
        assert_true(lies_there(w.sock, sizes[i / 2]));
        assert_fails(hawser__proxy_read(w.sock, 0.01, &peer), ETIMEDOUT);
        assert_int_equal(hawser_moved(), sizes[i / 2]);
        assert_true(deadline_is_gone());
        cut(w);
    }
}

static void without_time_a_header_that_is_there_is_read_still(void **state) {
    (void)state;
    hawser_addr peer;
    wire w = unix_wire(SOCK_STREAM);
    assert_fails(hawser__proxy_read(w.sock, 0, &peer), EAGAIN);
    assert_true(raw_write(w.far, headers[0].bytes, headers[0].size));
    assert_result(hawser__proxy_read(w.sock, 0, &peer), 0);
    assert_true(deadline_is_gone());
    assert_fails(hawser__proxy_read(w.sock, -3, &peer), EINVAL);
    assert_fails(hawser__proxy_read(w.sock, 2e9, &peer), ERANGE);
    assert_true(raw_write(w.far, headers[0].bytes, headers[0].size));
    assert_result(hawser__proxy_read(w.sock, HAWSER_NO_TIMEOUT, &peer), 0);
    cut(w);
}

static void a_trickle_does_not_extend_the_time(void **state) {
    (void)state;
    char *bytes = calloc(1, LONGEST);
    hawser_addr peer;
    wire w = unix_wire(SOCK_STREAM);
    struct dripping dripping = {w.far, hawser_fileno(w.sock), bytes, LONGEST};
    runner run;
    memcpy(bytes, BYTES(SIGNATURE "\x20\0\xff\xff"));
    start(&run, drip, &dripping);
    assert_fails(hawser__proxy_read(w.sock, 0.05, &peer), ETIMEDOUT);
    assert_true(hawser_moved() < LONGEST);
    shutdown(w.far, SHUT_WR); /* what drips on fails */
    raw_drain(hawser_fileno(w.sock));
    assert_true(finish(&run) != 1);
    cut(w);
    free(bytes);
}

static void an_enclosing_deadline_counts_and_stays(void **state) {
    (void)state;
    hawser_addr peer;
    wire w = unix_wire(SOCK_STREAM);
    int64_t outer = hawser_deadline_push(0.02);
    assert_fails(hawser__proxy_read(w.sock, WAIT_LIMIT, &peer), ETIMEDOUT);
    hawser_deadline_pop(outer);
    outer = hawser_deadline_push(100);
    assert_fails(hawser__proxy_read(w.sock, 0.01, &peer), ETIMEDOUT);
    assert_true(hawser_deadline_left() > 50);
    hawser_deadline_pop(outer);
    cut(w);
}

static long read_one(void *argument) {
    hawser_addr peer;
    return hawser__proxy_read(argument, HAWSER_NO_TIMEOUT, &peer);
}

static void closing_the_socket_ends_the_reading(void **state) {
    (void)state;
    runner run;
    wire w = unix_wire(SOCK_STREAM);
    hawser_sock *shared = hawser_ref(w.sock);
    hawser_addr peer;
    assert_true(raw_write(w.far, "PROXY ", 6));
    start(&run, read_one, shared);
    assert_true(blocked(&run));
    assert_fails(hawser__proxy_read(shared, 1, &peer), EBUSY);
    hawser_close(w.sock);
    assert_int_equal(finish(&run), -1);
    assert_int_equal(run.code, EBADF);
    assert_int_equal(run.moved, 6);
    assert_string_equal(run.sentence, "read PROXY header from a closed socket: Bad file descriptor");
    hawser_unref(shared);
    close(w.far);
}

/* From a second header, which a client may well send, nothing is taken when the proxy's own is wanted once. */
static int read_twice(void *argument) {
    const int *far = argument;
    int result = -1;
    char buf[4];
    hawser_addr peer = {.len = 0};
    hawser_sock *sock = NULL;
    TRY_NEW(sock, hawser_fromfd(far[0]));
    ALWAYS(raw_write(far[1], headers[2].bytes, headers[2].size) && raw_write(far[1], "next", 4));
    TRY(hawser__proxy_read(sock, 10, &peer));
    ALWAYS(strcmp(hawser_addr_str(&peer), headers[2].peer) == 0);
    TRY(hawser_recv_exactly(sock, buf, 4));
    ALWAYS(memcmp(buf, "next", 4) == 0);
    result = 0;
out:
    hawser_close(sock);
    while (recv(far[0], buf, sizeof buf, MSG_DONTWAIT) > 0)
        ;
    return result;
}

static void any_system_call_may_fail_or_be_interrupted(void **state) {
    (void)state;
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    assert_true(sweep_syscalls(read_twice, pair, EIO, NULL) >= 4);
    assert_true(sweep_interruptions(read_twice, pair, NULL) >= 3);
    close(pair[0]);
    close(pair[1]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_next_read_finds_the_first_byte_behind_the_header),
        cmocka_unit_test(a_header_that_is_there_costs_two_system_calls),
        cmocka_unit_test(of_two_headers_one_is_read_at_a_time),
        cmocka_unit_test(bytes_that_come_one_by_one_are_a_header_all_the_same),
        cmocka_unit_test(what_a_long_header_says_besides_is_dropped),
        cmocka_unit_test(what_is_no_header_fails_without_waiting_for_more),
        cmocka_unit_test(failures_say_from_whom),
        cmocka_unit_test(an_end_before_that_of_the_header_is_EEOF_with_the_count),
        cmocka_unit_test(an_end_among_what_is_dropped_is_EEOF_too),
        cmocka_unit_test(the_rest_of_a_header_is_waited_for_no_longer_than_allowed),
        cmocka_unit_test(without_time_a_header_that_is_there_is_read_still),
        cmocka_unit_test(a_trickle_does_not_extend_the_time),
        cmocka_unit_test(an_enclosing_deadline_counts_and_stays),
        cmocka_unit_test(closing_the_socket_ends_the_reading),
        cmocka_unit_test(any_system_call_may_fail_or_be_interrupted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
