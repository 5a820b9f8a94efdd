/* SPDX-License-Identifier: MIT */
/* net/addr_text: every address prints, and what it prints reads back as the same address; the form of all other families. */
#include "support.h"

#include "net/addr_forms.h"

static uint64_t chance = 20260101;

/* xorshift: the same bytes in every run. */
static uint32_t random_number(void) {
    chance ^= chance << 13;
    chance ^= chance >> 7;
    chance ^= chance << 17;
    return (uint32_t)(chance >> 16);
}

static hawser_addr random_address(int family, socklen_t len) {
    hawser_addr addr = {.len = len};
    unsigned char *bytes = (unsigned char *)&addr.ss;
    for (size_t i = 0; i < sizeof addr.ss; i++)
        bytes[i] = random_number() % 4 == 0 ? 0 : (unsigned char)random_number();
    addr.ss.ss_family = (sa_family_t)family;
    return addr;
}

/* Prints ADDR, reads it, and prints that: the same address, the same text. */
static void assert_round_trip(hawser_addr addr) {
    hawser_addr again;
    const char *text = hawser_addr_str(&addr);
    if (strlen(text) >= HAWSER_ADDR_TEXT - 1)
        fail_msg("no room to spare: %s", text);
    for (const char *at = text; *at; at++)
        if (*at < ' ' || *at > '~')
            fail_msg("byte %d in %s", *at, text);
    if (hawser_addr_parse(&again, text) < 0)
        fail_msg("%s: %s", text, hawser_error());
    if (!hawser_addr_equal(&addr, &again))
        fail_msg("%s reads back as another address", text);
    assert_string_equal(hawser_addr_str(&again), text);
}

static const int families[] = {AF_UNIX, AF_INET, AF_INET6, AF_NETLINK, AF_PACKET, AF_VSOCK,
                               AF_CAN,  AF_ALG,  AF_RDS,   AF_UNSPEC,  255};
#define FAMILIES (sizeof families / sizeof *families)

static void any_bytes_of_any_family_and_length_print_and_read_back(void **state) {
    (void)state;
    for (size_t i = 0; i < FAMILIES; i++)
        for (socklen_t len = sizeof(sa_family_t); len <= sizeof(struct sockaddr_storage); len++)
            for (int turn = 0; turn < 12; turn++)
                assert_round_trip(random_address(families[i], len));
    for (int turn = 0; turn < 2000; turn++)
        assert_round_trip(random_address((int)(random_number() & 0xffff), 2 + random_number() % 127));
}

static void addresses_with_few_odd_bytes_print_and_read_back(void **state) {
    (void)state;
    static const char odd[] = ":@\\x/%[]\0\n -0aZ~\x7f\xff";
    for (int turn = 0; turn < 3000; turn++) {
        hawser_addr addr = {.len = 3 + random_number() % 108, .ss.ss_family = AF_UNIX};
        for (socklen_t i = 2; i < addr.len; i++)
            ((char *)&addr.ss)[i] = odd[random_number() % sizeof odd];
        assert_round_trip(addr);
    }
}

static void random_texts_are_read_or_refused_and_never_anything_else(void **state) {
    (void)state;
    static const char *const pieces[] = {
        "unix:", "family:",   "netlink:", "packet:", "vsock:", "can:", "alg:",  "rds:", "[", "]",     ":",
        "::1",   "127.0.0.1", "%",        "lo",      "0x",     "\\x",  "\\x41", "@",    "1", "65536", "99999999999999999999",
        "ff",    "any",       ""};
    for (int turn = 0; turn < 20000; turn++) {
        char text[200] = "";
        hawser_addr addr;
        for (uint32_t n = random_number() % 7; n > 0; n--)
            strcat(text, pieces[random_number() % (sizeof pieces / sizeof *pieces)]);
        if (hawser_addr_parse(&addr, text) == 0)
            assert_round_trip(addr);
        else if (errno != HAWSER_EADDRESS && errno != ERANGE && errno != ENODEV && errno != ENAMETOOLONG)
            fail_msg("%s: %s", text, hawser_error());
    }
}

static void other_families_are_written_as_number_and_bytes(void **state) {
    (void)state;
    static const struct {
        const char *text, *printed;
    } cases[] = {
        {"family:99:", "family:99:"},
        {"family:99:00fF10", "family:99:00ff10"},
        {"family:65535:01", "family:65535:01"},
        {"family:0:", "family:0:"},
        {"family:0x1d:00", "family:29:00"},
        {"family:2:0050", "family:2:0050"},
        {"family:2:00507f0000010000000000000000", "127.0.0.1:80"},
        {"family:1:2f78", "unix:/x"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        hawser_addr addr;
        assert_works(hawser_addr_parse(&addr, cases[i].text));
        assert_string_equal(hawser_addr_str(&addr), cases[i].printed);
    }
}

static void malformed_bytes_are_refused(void **state) {
    (void)state;
    static const char *const bad[] = {"family:",      "family:9",       "family::00",   "family:9:0",   "family:9:0g",
                                      "family:9:g0",  "family:9:00:00", "family:9:00:", "family:-1:00", "family:x:00",
                                      "family:9: 00", "Family:9:00",    "family"};
    char text[300] = "family:9:";
    hawser_addr addr;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_fails(hawser_addr_parse(&addr, bad[i]), HAWSER_EADDRESS);
    assert_fails(hawser_addr_parse(&addr, "family:65536:00"), ERANGE);
    memset(text + 9, '0', 126 * 2);
    assert_works(hawser_addr_parse(&addr, text));
    assert_int_equal(addr.len, sizeof addr.ss);
    memset(text + 9, '0', 127 * 2);
    assert_fails(hawser_addr_parse(&addr, text), ENAMETOOLONG);
}

static void no_address_has_no_text(void **state) {
    (void)state;
    hawser_addr none = {.len = 0, .text = "old"}, one = {.len = 1, .text = "old"};
    assert_string_equal(hawser_addr_str(&none), "");
    assert_string_equal(hawser_addr_str(&one), "");
    assert_fails(hawser_addr_parse(&none, ""), HAWSER_EADDRESS);
    assert_fails(hawser_addr_parse(&none, NULL), HAWSER_EADDRESS);
}

static void any_number_of_texts_live_side_by_side(void **state) {
    (void)state;
    hawser_addr a, b;
    char both[100];
    assert_works(hawser_addr_ip(&a, "127.0.0.1", 1));
    assert_works(hawser_addr_ip(&b, "127.0.0.2", 2));
    snprintf(both, sizeof both, "%s %s", hawser_addr_str(&a), hawser_addr_str(&b));
    assert_string_equal(both, "127.0.0.1:1 127.0.0.2:2");
    assert_ptr_equal(hawser_addr_str(&a), a.text);
}

static void the_host_part_fits_or_is_refused_whole(void **state) {
    (void)state;
    hawser_addr addr;
    char out[20];
    assert_works(hawser_addr_ip(&addr, "127.0.0.1", 80));
    for (size_t size = 0; size < sizeof out; size++) {
        memset(out, '#', sizeof out);
        if (size < 10) {
            assert_fails(hawser_addr_host(&addr, out, size), HAWSER_EOVERFLOW);
            assert_sentence("write host of 127.0.0.1:80: The buffer is too small for the result");
            assert_int_equal(out[0], '#');
        } else {
            assert_int_equal(assert_works(hawser_addr_host(&addr, out, size)), 9);
            assert_string_equal(out, "127.0.0.1");
        }
    }
}

static void the_host_part_of_ipv6_has_its_zone_and_no_brackets(void **state) {
    (void)state;
    hawser_addr addr;
    char out[HAWSER_ADDR_TEXT];
    assert_works(hawser_addr_ip(&addr, "fe80::1%4294967295", 80));
    assert_int_equal(assert_works(hawser_addr_host(&addr, out, sizeof out)), 18);
    assert_string_equal(out, "fe80::1%4294967295");
}

static void families_without_a_host_part_say_so(void **state) {
    (void)state;
    static const char *const texts[] = {"netlink:1:2", "packet:1", "can:1", "alg:hash:sha1", "family:99:00", "family:2:00"};
    hawser_addr addr = {.len = 0};
    char out[HAWSER_ADDR_TEXT];
    assert_fails(hawser_addr_host(&addr, out, sizeof out), EAFNOSUPPORT);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        assert_works(hawser_addr_parse(&addr, texts[i]));
        assert_fails(hawser_addr_host(&addr, out, sizeof out), EAFNOSUPPORT);
    }
}

static void numbers_are_read_to_their_limit_and_no_further(void **state) {
    (void)state;
    static const struct {
        const char *text;
        uint64_t max;
        int code;
        uint64_t number;
    } cases[] = {
        {"0", 255, 0, 0},
        {"255", 255, 0, 255},
        {"256", 255, -ERANGE, 0},
        {"0xff", 255, 0, 255},
        {"0x100", 255, -ERANGE, 0},
        {"18446744073709551615", UINT64_MAX, 0, UINT64_MAX},
        {"18446744073709551616", UINT64_MAX, -ERANGE, 0},
        {"0xffffffffffffffff", UINT64_MAX, 0, UINT64_MAX},
        {"36893488147419103232", UINT64_MAX, -ERANGE, 0},
        {"", 255, -HAWSER_EADDRESS, 0},
        {"0x", 255, -HAWSER_EADDRESS, 0},
        {"ff", 255, -HAWSER_EADDRESS, 0},
        {"1 ", 255, -HAWSER_EADDRESS, 0},
        {"999x", 255, -HAWSER_EADDRESS, 0},
        {"0X1", 255, -HAWSER_EADDRESS, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint64_t number = 0;
        assert_int_equal(hawser__read_number(cases[i].text, strlen(cases[i].text), cases[i].max, &number), cases[i].code);
        assert_true(number == cases[i].number);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_bytes_of_any_family_and_length_print_and_read_back),
        cmocka_unit_test(addresses_with_few_odd_bytes_print_and_read_back),
        cmocka_unit_test(random_texts_are_read_or_refused_and_never_anything_else),
        cmocka_unit_test(other_families_are_written_as_number_and_bytes),
        cmocka_unit_test(malformed_bytes_are_refused),
        cmocka_unit_test(no_address_has_no_text),
        cmocka_unit_test(any_number_of_texts_live_side_by_side),
        cmocka_unit_test(the_host_part_fits_or_is_refused_whole),
        cmocka_unit_test(the_host_part_of_ipv6_has_its_zone_and_no_brackets),
        cmocka_unit_test(families_without_a_host_part_say_so),
        cmocka_unit_test(numbers_are_read_to_their_limit_and_no_further),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
