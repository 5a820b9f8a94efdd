/* SPDX-License-Identifier: MIT */
/*
 * server/proxy: what a PROXY header says. The headers here are written out by hand from HAProxy's description, none by code
 * that the library has. How they are read from a connection is in test_proxy_read.c.
 */
#include "support.h"

#include "server/proxy.h"
#include "tasks.h"

#include <sys/un.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define LONGEST (16 + 65535)
#define LONGEST_LINE 107
#define NONE 999 /* no length that an address has */

/* A text as bytes with their number. */
#define BYTES(text) (text), sizeof(text) - 1

#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"
/* 192.0.2.7:4000 to 192.0.2.1:80, and 2001:db8::7 to ::1 */
#define BLOCK_IP4 "\xc0\0\x02\x07\xc0\0\x02\x01\x0f\xa0\0\x50"
#define BLOCK_IP6 "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x07\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\x0f\xa0\0\x50"
#define ZEROS_12 "\0\0\0\0\0\0\0\0\0\0\0\0"
#define ZEROS_96 ZEROS_12 ZEROS_12 ZEROS_12 ZEROS_12 ZEROS_12 ZEROS_12 ZEROS_12 ZEROS_12
#define ZEROS_108 ZEROS_96 ZEROS_12
#define LETTERS_12 "/abcdefghijk"
#define LETTERS_108 LETTERS_12 LETTERS_12 LETTERS_12 LETTERS_12 LETTERS_12 LETTERS_12 LETTERS_12 LETTERS_12 LETTERS_12
/* Two TLVs: PP2_TYPE_ALPN "h2" and PP2_TYPE_NOOP. */
#define TLVS "\x01\0\x02h2\x04\0\x01\0"

#define IP6_39 "2001:0db8:ffff:ffff:ffff:ffff:ffff:fff7"

static const struct header {
    const char *bytes;
    size_t size;
    const char *peer; /* "": the proxy does not say */
} headers[] = {
    {BYTES("PROXY TCP4 192.0.2.7 192.0.2.1 4000 80\r\n"), "192.0.2.7:4000"},
    {BYTES("PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n"), "255.255.255.255:65535"},
    {BYTES("PROXY TCP4 0.0.0.0 0.0.0.0 0 0\r\n"), "0.0.0.0:0"},
    {BYTES("PROXY TCP6 2001:db8::7 ::1 4000 80\r\n"), "[2001:db8::7]:4000"},
    {BYTES("PROXY TCP6 2001:DB8:0:0:0:0:0:7 ::1 4000 80\r\n"), "[2001:db8::7]:4000"},
    {BYTES("PROXY TCP6 " IP6_39 " " IP6_39 " 65535 65535\r\n"), "[2001:db8:ffff:ffff:ffff:ffff:ffff:fff7]:65535"},
    {BYTES("PROXY TCP6 ::ffff:192.0.2.7 ::1 4000 80\r\n"), "192.0.2.7:4000"},
    {BYTES("PROXY UNKNOWN\r\n"), ""},
    {BYTES("PROXY UNKNOWN \r\n"), ""},
    {BYTES("PROXY UNKNOWN 192.0.2.7 192.0.2.1 4000 80\r\n"), ""},
    {BYTES("PROXY UNKNOWN any\0thing \r at all\r\n"), ""},
    {BYTES("PROXY UNKNOWN " IP6_39 " " IP6_39 " 65535 65535\r\n"), ""}, /* 107 bytes, as long as one may be */
    {BYTES(SIGNATURE "\x21\x11\0\x0c" BLOCK_IP4), "192.0.2.7:4000"},
    {BYTES(SIGNATURE "\x21\x12\0\x0c" BLOCK_IP4), "192.0.2.7:4000"},
    {BYTES(SIGNATURE "\x21\x10\0\x0c" BLOCK_IP4), "192.0.2.7:4000"},
    {BYTES(SIGNATURE "\x21\x11\0\x15" BLOCK_IP4 TLVS), "192.0.2.7:4000"},
    {BYTES(SIGNATURE "\x21\x11\0\x0d" BLOCK_IP4 "\n"), "192.0.2.7:4000"}, /* a TLV that is none is dropped as well */
    {BYTES(SIGNATURE "\x21\x21\0\x24" BLOCK_IP6), "[2001:db8::7]:4000"},
    {BYTES(SIGNATURE "\x21\x22\0\x2d" BLOCK_IP6 TLVS), "[2001:db8::7]:4000"},
    {BYTES(SIGNATURE "\x21\x31\0\xd8" LETTERS_108 ZEROS_108), NULL},
    {BYTES(SIGNATURE "\x21\x31\0\xd8" LETTERS_12 ZEROS_96 ZEROS_108), "unix:/abcdefghijk"},
    {BYTES(SIGNATURE "\x21\x32\0\xe1" LETTERS_12 ZEROS_96 ZEROS_108 TLVS), "unix:/abcdefghijk"},
    {BYTES(SIGNATURE "\x21\x31\0\xd8/x\0/rubbish-" ZEROS_96 ZEROS_108), "unix:/x"},
    {BYTES(SIGNATURE "\x21\x31\0\xd8\0abstract\0.." ZEROS_96 ZEROS_108), "unix:@abstract\\x00.."},
    {BYTES(SIGNATURE "\x21\x31\0\xd8" ZEROS_108 LETTERS_108), "unix:"},
    {BYTES(SIGNATURE "\x21\0\0\0"), ""},
    {BYTES(SIGNATURE "\x21\0\0\x0c" BLOCK_IP4), ""},
    {BYTES(SIGNATURE "\x21\x01\0\x09" TLVS), ""},
    {BYTES(SIGNATURE "\x20\0\0\0"), ""},
    {BYTES(SIGNATURE "\x20\x11\0\x0c" BLOCK_IP4), ""}, /* the proxy's own, to see whether we live */
    {BYTES(SIGNATURE "\x20\xff\0\x03xyz"), ""},
};

static const struct wrong {
    const char *bytes;
    size_t size;
} wrongs[] = {
    {BYTES("GET / HTTP/1.1\r\n")},
    {BYTES("x")},
    {BYTES("\n")},
    {BYTES("\0")},
    {BYTES("proxy TCP4 192.0.2.7 192.0.2.1 4000 80\r\n")},
    {BYTES("PROXY\r\n")},
    {BYTES("PROXY \r\n")},
    {BYTES("PROXY\tTCP4 192.0.2.7 192.0.2.1 4000 80\r\n")},
    {BYTES("PROXY  TCP4 192.0.2.7 192.0.2.1 4000 80\r\n")},
    {BYTES("PROXY TCP4  192.0.2.7 192.0.2.1 4000 80\r\n")},
    {BYTES("PROXY TCP4 192.0.2.7 192.0.2.1 4000  80\r\n")},
    {BYTES("PROXY TCP4 192.0.2.7 192.0.2.1 4000 80 \r\n")},
    {BYTES("PROXY TCP4 192.0.2.7 192.0.2.1 4000 80 81\r\n")},
    {BYTES("PROXY TCP4 192.0.2.7 192.0.2.1 4000\r\n")},
    {BYTES("PROXY TCP4 192.0.2.7 192.0.2.1 4000 \r\n")},
    {BYTES("PROXY TCP4\r\n")},
    {BYTES("PROXY TCP4 192.0.2.7 192.0.2.1 4000 80\n")},
    {BYTES("PROXY TCP4 192.0.2.7 192.0.2.1 4000 80\r\r\n")},
    {BYTES("PROXY TCP4 192.0.2.7 192.0.2.1 4000 80\rx\r\n")},
    {BYTES("PROXY TCP4 192.0.2.7 192.0.2.1 4000\n80\r\n")},
    {BYTES("PROXY TCP4 192.0.2.7 192.0.2.1 4000 80\0\r\n")},
    {BYTES("PROXY TCP4\0 192.0.2.7 192.0.2.1 4000 80\r\n")},
    {BYTES("PROXY TCP4 192.0.2.7 192.0.2.1 65536 80\r\n")},
    {BYTES("PROXY TCP4 192.0.2.7 192.0.2.1 4000 65536\r\n")},
    {BYTES("PROXY TCP4 192.0.2.7 192.0.2.1 4295 100000\r\n")},
    {BYTES("PROXY TCP4 192.0.2.7 192.0.2.1 18446744073709551617 80\r\n")},
    {BYTES("PROXY TCP4 192.0.2.7 192.0.2.1 04000 80\r\n")},
    {BYTES("PROXY TCP4 192.0.2.7 192.0.2.1 4000 00\r\n")},
    {BYTES("PROXY TCP4 192.0.2.7 192.0.2.1 +400 80\r\n")},
    {BYTES("PROXY TCP4 192.0.2.7 192.0.2.1 -1 80\r\n")},
    {BYTES("PROXY TCP4 192.0.2.7 192.0.2.1 0x50 80\r\n")},
    {BYTES("PROXY TCP4 192.0.2.256 192.0.2.1 4000 80\r\n")},
    {BYTES("PROXY TCP4 192.0.02.7 192.0.2.1 4000 80\r\n")},
    {BYTES("PROXY TCP4 192.0.2 192.0.2.1 4000 80\r\n")},
    {BYTES("PROXY TCP4 192.0.2.7 192.0.2 4000 80\r\n")},
    {BYTES("PROXY TCP4 localhost 192.0.2.1 4000 80\r\n")},
    {BYTES("PROXY TCP4 ::1 ::1 4000 80\r\n")},
    {BYTES("PROXY TCP6 192.0.2.7 192.0.2.1 4000 80\r\n")},
    {BYTES("PROXY TCP6 ::1 192.0.2.1 4000 80\r\n")},
    {BYTES("PROXY TCP6 [::1] ::1 4000 80\r\n")},
    {BYTES("PROXY TCP6 fe80::1%1 ::1 4000 80\r\n")},
    {BYTES("PROXY TCP6 1::2::3 ::1 4000 80\r\n")},
    {BYTES("PROXY UDP4 192.0.2.7 192.0.2.1 4000 80\r\n")},
    {BYTES("PROXY UDP6 ::1 ::1 4000 80\r\n")},
    {BYTES("PROXY TCP ::1 ::1 4000 80\r\n")},
    {BYTES("PROXY tcp6 ::1 ::1 4000 80\r\n")},
    {BYTES("PROXY TCP 192.0.2.7 192.0.2.1 4000 80\r\n")},
    {BYTES("PROXY TCP44 192.0.2.7 192.0.2.1 4000 80\r\n")},
    {BYTES("PROXY UNKNOWN\n")},
    {BYTES("PROXY UNKNOWN a\nb\r\n")},
    {BYTES("PROXY UNKNOWNS 192.0.2.7 192.0.2.1 4000 80\r\n")},
    {BYTES("PROXY UNKNOWN\0 192.0.2.7\r\n")},
    {BYTES("PROXY UNKNOW\r\n")},
    {BYTES("PROXY UNKNOWN " IP6_39 " " IP6_39 " 65535 655350\r\n")}, /* 108 bytes */
    {BYTES("PROXY UNKNOWN " IP6_39 " " IP6_39 " 65535 6553500")},    /* their end need not be seen */
    {BYTES("\r\n\r\n\0\r\nQUIX")},
    {BYTES(SIGNATURE "\x11")},
    {BYTES(SIGNATURE "\x31\x11\0\x0c" BLOCK_IP4)},
    {BYTES(SIGNATURE "\x01\x11\0\x0c" BLOCK_IP4)},
    {BYTES(SIGNATURE "\x22")},
    {BYTES(SIGNATURE "\x2f\x11\0\x0c" BLOCK_IP4)},
    {BYTES(SIGNATURE "\x21\x41")},
    {BYTES(SIGNATURE "\x21\xf1\0\x0c" BLOCK_IP4)},
    {BYTES(SIGNATURE "\x21\x13")},
    {BYTES(SIGNATURE "\x21\x1f\0\x0c" BLOCK_IP4)},
    {BYTES(SIGNATURE "\x21\x03\0\0")},
    {BYTES(SIGNATURE "\x21\x11\0\x0b")}, /* no room for the addresses: known before they come */
    {BYTES(SIGNATURE "\x21\x11\0\0")},
    {BYTES(SIGNATURE "\x21\x21\0\x23")},
    {BYTES(SIGNATURE "\x21\x31\0\xd7")},
};

/* Parsing. */

/* SIZE bytes in memory of just that size, so that sanitizers see who reads on. */
static ssize_t parse_copy(const char *bytes, size_t size, hawser_addr *peer) {
    char *copy = malloc(size ? size : 1);
    memcpy(copy, bytes, size);
    ssize_t result = hawser__proxy_parse(copy, size, peer);
    free(copy);
    return result;
}

/* The peer of HEADERS[i]; a path without its NUL has no short form. */
static void assert_peer(hawser_addr *peer, const struct header *header) {
    char expected[16 + 2 * 108] = "family:1:";
    for (size_t i = 0; !header->peer && i < 108; i++)
        snprintf(expected + strlen(expected), 3, "%02x", (unsigned char)header->bytes[16 + i]);
    assert_string_equal(hawser_addr_str(peer), header->peer ? header->peer : expected);
    if (header->peer && header->peer[0] == '\0')
        assert_int_equal(peer->len, 0);
}

static void headers_say_who_the_client_is_and_how_long_they_are(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT(headers); i++) {
        hawser_addr peer;
        memset(&peer, 0x77, sizeof peer);
        if (parse_copy(headers[i].bytes, headers[i].size, &peer) != (ssize_t)headers[i].size)
            fail_msg("header %zu has not been read", i);
        assert_string_equal(peer.text, "");
        assert_peer(&peer, &headers[i]);
    }
}

static void the_address_is_as_the_kernel_would_have_it(void **state) {
    (void)state;
    hawser_addr peer, same;
    assert_true(hawser__proxy_parse(BYTES(SIGNATURE "\x21\x11\0\x0c" BLOCK_IP4), &peer) > 0);
    assert_works(hawser_addr_ip(&same, "192.0.2.7", 4000));
    assert_int_equal(peer.len, same.len);
    assert_memory_equal(&peer.ss, &same.ss, sizeof peer.ss);
    assert_true(hawser__proxy_parse(BYTES("PROXY TCP6 ::ffff:192.0.2.7 ::1 4000 80\r\n"), &peer) > 0);
    assert_works(hawser_addr_ip(&same, "::ffff:192.0.2.7", 4000));
    assert_int_equal(peer.len, same.len);
    assert_memory_equal(&peer.ss, &same.ss, sizeof peer.ss);
    assert_true(hawser__proxy_parse(BYTES(SIGNATURE "\x21\x31\0\xd8" LETTERS_12 ZEROS_96 ZEROS_108), &peer) > 0);
    assert_works(hawser_addr_unix(&same, LETTERS_12, 12));
    assert_int_equal(peer.len, same.len);
    assert_memory_equal(&peer.ss, &same.ss, sizeof peer.ss);
    assert_true(hawser__proxy_parse(BYTES(SIGNATURE "\x21\x31\0\xd8/x\0/rubbish-" ZEROS_96 ZEROS_108), &peer) > 0);
    assert_works(hawser_addr_unix(&same, "/x", 2));
    assert_int_equal(peer.len, same.len);
    assert_memory_equal(&peer.ss, &same.ss, sizeof peer.ss);
    assert_true(hawser__proxy_parse(BYTES(SIGNATURE "\x21\x31\0\xd8" LETTERS_108 ZEROS_108), &peer) > 0);
    assert_int_equal(peer.len, offsetof(struct sockaddr_un, sun_path) + 108);
}

static void every_part_of_a_header_needs_more(void **state) {
    (void)state;
    assert_int_equal(hawser__proxy_parse(NULL, 0, NULL), 0);
    for (size_t i = 0; i < COUNT(headers); i++)
        for (size_t size = 0; size < headers[i].size; size++) {
            hawser_addr peer = {.len = NONE};
            if (parse_copy(headers[i].bytes, size, &peer) != 0)
                fail_msg("%zu bytes of header %zu should need more", size, i);
            assert_int_equal(peer.len, NONE);
        }
}

static void what_follows_a_header_is_not_of_it(void **state) {
    (void)state;
    static const char *const behind[] = {"GET / HTTP/1.1\r\n\r\n", "\r\n", "\n", "PROXY UNKNOWN\r\n", "x"};
    for (size_t i = 0; i < COUNT(headers); i++)
        for (size_t k = 0; k < COUNT(behind); k++) {
            char bytes[512];
            hawser_addr peer;
            memcpy(bytes, headers[i].bytes, headers[i].size);
            memcpy(bytes + headers[i].size, behind[k], strlen(behind[k]));
            assert_int_equal(parse_copy(bytes, headers[i].size + strlen(behind[k]), &peer), headers[i].size);
            assert_peer(&peer, &headers[i]);
        }
}

static void what_is_no_header_is_refused(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT(wrongs); i++) {
        hawser_addr peer = {.len = NONE};
        if (parse_copy(wrongs[i].bytes, wrongs[i].size, &peer) != -HAWSER_EADDRESS)
            fail_msg("number %zu is no header: %.60s", i, wrongs[i].bytes);
        assert_int_equal(peer.len, NONE);
    }
}

static void a_wrong_byte_at_the_beginning_is_refused_at_once(void **state) {
    (void)state;
    static const struct header *const ones[] = {&headers[0], &headers[12]};
    static const size_t sizes[] = {6, 12};
    hawser_addr peer;
    for (size_t i = 0; i < COUNT(ones); i++)
        for (size_t at = 0; at < sizes[i]; at++) {
            char bytes[12];
            memcpy(bytes, ones[i]->bytes, at + 1);
            bytes[at] ^= 1;
            assert_int_equal(parse_copy(bytes, at + 1, &peer), -HAWSER_EADDRESS);
        }
}

static void the_longest_header_is_read(void **state) {
    (void)state;
    hawser_addr peer;
    char *bytes = calloc(1, LONGEST + 1);
    memcpy(bytes, BYTES(SIGNATURE "\x21\x11\xff\xff" BLOCK_IP4));
    assert_int_equal(parse_copy(bytes, LONGEST - 1, &peer), 0);
    assert_int_equal(parse_copy(bytes, LONGEST, &peer), LONGEST);
    assert_int_equal(parse_copy(bytes, LONGEST + 1, &peer), LONGEST);
    free(bytes);
}

/* Many inputs that are nearly headers. */

#define INPUTS 200000
#define MOST_INPUT 400

struct input {
    unsigned char bytes[MOST_INPUT];
    size_t size;
};

static void put(struct input *input, const void *bytes, size_t size) {
    size_t room = sizeof input->bytes - input->size;
    memcpy(input->bytes + input->size, bytes, size < room ? size : room);
    input->size += size < room ? size : room;
}

static void insert_or_remove(struct input *input, unsigned *seed) {
    size_t at = next_number(seed) % input->size;
    if (next_number(seed) % 2 && input->size < sizeof input->bytes) {
        memmove(input->bytes + at + 1, input->bytes + at, input->size++ - at);
        input->bytes[at] = (unsigned char)next_number(seed);
    } else if (input->size > 1) {
        memmove(input->bytes + at, input->bytes + at + 1, --input->size - at);
    }
}

/* Bytes that mean something somewhere in a header. */
static void replace(struct input *input, unsigned *seed) {
    static const unsigned char telling[] = " \r\n\0.:0159aF\x10\x11\x20\x21\x31\x0c\x24\xd8\xff";
    size_t at = next_number(seed) % input->size;
    input->bytes[at] = next_number(seed) % 4 ? telling[next_number(seed) % sizeof telling] : (unsigned char)next_number(seed);
}

/* The front of one and the back of another. */
static void splice_with(struct input *input, const struct header *other, unsigned *seed) {
    size_t from = next_number(seed) % other->size;
    input->size = next_number(seed) % input->size + 1;
    put(input, other->bytes + from, other->size - from);
}

static void make_input(struct input *input, unsigned *seed) {
    const struct header *header = &headers[next_number(seed) % COUNT(headers)];
    unsigned changes = next_number(seed) % 4;
    input->size = 0;
    put(input, header->bytes, header->size);
    while (changes-- > 0) {
        unsigned kind = next_number(seed) % 8;
        if (kind == 0)
            insert_or_remove(input, seed);
        else if (kind == 1)
            splice_with(input, &headers[next_number(seed) % COUNT(headers)], seed);
        else if (kind == 2)
            input->size = next_number(seed) % input->size + 1;
        else
            replace(input, seed);
    }
}

/* What a header that says TCP4 has in it stands there in one form only. */
static bool says_the_same(const struct input *input, const hawser_addr *peer) {
    char begin[64], host[HAWSER_ADDR_TEXT], port[16], line[LONGEST_LINE + 1] = "";
    if (memcmp(input->bytes, "PROXY TCP4 ", 11) != 0)
        return true;
    hawser_addr_host(peer, host, sizeof host);
    int length = snprintf(begin, sizeof begin, "PROXY TCP4 %s ", host);
    snprintf(port, sizeof port, " %d ", (int)hawser_addr_port(peer));
    memcpy(line, input->bytes, input->size < LONGEST_LINE ? input->size : LONGEST_LINE);
    return strncmp(line, begin, (size_t)length) == 0 && strstr(line + length, port) == strchr(line + length, ' ');
}

/* RESULT is that of the whole input; of any part of it, only what is wrong already is wrong, and nothing is a header that the
 * whole is not. */
static bool part_agrees(const struct input *input, size_t size, ssize_t result) {
    hawser_addr peer = {.len = NONE};
    ssize_t part = parse_copy((const char *)input->bytes, size, &peer);
    if (part < 0)
        return part == -HAWSER_EADDRESS && result < 0 && peer.len == NONE;
    if (part > 0)
        return part == result && (size_t)part <= size;
    return peer.len == NONE && (result <= 0 || size < (size_t)result);
}

static bool input_agrees(const struct input *input, ssize_t result, bool all, unsigned *seed) {
    if (result > 0 && (!part_agrees(input, (size_t)result - 1, result) || !part_agrees(input, (size_t)result, result)))
        return false;
    if (!part_agrees(input, next_number(seed) % input->size, result))
        return false;
    for (size_t size = 0; all && size <= input->size; size++)
        if (!part_agrees(input, size, result))
            return false;
    return true;
}

static void no_input_is_read_past_its_end_or_in_two_ways(void **state) {
    (void)state;
    unsigned seed = 1, headers_seen = 0, wrong = 0, unfinished = 0;
    struct input input;
    for (unsigned i = 0; i < INPUTS; i++) {
        hawser_addr peer = {.len = NONE};
        make_input(&input, &seed);
        ssize_t result = parse_copy((const char *)input.bytes, input.size, &peer);
        headers_seen += result > 0;
        wrong += result < 0;
        unfinished += result == 0;
        bool sound = result <= (ssize_t)input.size && (result >= 0 || result == -HAWSER_EADDRESS);
        sound = sound && (result > 0 ? peer.len != NONE && says_the_same(&input, &peer) : peer.len == NONE);
        if (!sound || !input_agrees(&input, result, i % 8 == 0, &seed))
            fail_msg("input %u, which gives %zd", i, result);
    }
    assert_true(headers_seen > INPUTS / 10 && wrong > INPUTS / 10 && unfinished > INPUTS / 20); /* it has tried everything */
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(headers_say_who_the_client_is_and_how_long_they_are),
        cmocka_unit_test(the_address_is_as_the_kernel_would_have_it),
        cmocka_unit_test(every_part_of_a_header_needs_more),
        cmocka_unit_test(what_follows_a_header_is_not_of_it),
        cmocka_unit_test(what_is_no_header_is_refused),
        cmocka_unit_test(a_wrong_byte_at_the_beginning_is_refused_at_once),
        cmocka_unit_test(the_longest_header_is_read),
        cmocka_unit_test(no_input_is_read_past_its_end_or_in_two_ways),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
