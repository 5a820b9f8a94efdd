/* SPDX-License-Identifier: MIT */
/* net/addr: addresses as values: copies of system addresses, family, port, equality, loopback. */
#include "support.h"

#include <linux/vm_sockets.h>
#include <sys/un.h>

static hawser_addr read_from(const char *text) {
    hawser_addr addr;
    assert_result(hawser_addr_parse(&addr, text), 0);
    return addr;
}

static void a_system_address_of_any_length_that_fits_is_copied_as_it_is(void **state) {
    (void)state;
    struct sockaddr_storage ss;
    memset(&ss, 0x5a, sizeof ss);
    for (socklen_t len = sizeof(sa_family_t); len <= sizeof ss; len++) {
        hawser_addr addr;
        memset(&addr, 0xff, sizeof addr);
        assert_works(hawser_addr_from_sockaddr(&addr, (const struct sockaddr *)&ss, len));
        assert_int_equal(addr.len, len);
        assert_memory_equal(&addr.ss, &ss, len);
        assert_string_equal(addr.text, "");
    }
}

static void a_system_address_that_is_too_short_or_too_long_is_refused(void **state) {
    (void)state;
    struct {
        struct sockaddr_storage ss;
        char more;
    } given = {.ss.ss_family = AF_INET};
    const socklen_t lengths[] = {0, 1, sizeof given.ss + 1, UINT32_MAX};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        hawser_addr addr = {.len = 77};
        assert_fails(hawser_addr_from_sockaddr(&addr, (const struct sockaddr *)&given.ss, lengths[i]), EINVAL);
        assert_int_equal(addr.len, 77);
    }
}

static void an_address_is_handed_to_libc_with_its_length(void **state) {
    (void)state;
    hawser_addr addr = read_from("127.0.0.1:80");
    socklen_t len = 0;
    assert_ptr_equal(hawser_addr_sockaddr(&addr, &len), &addr.ss);
    assert_int_equal(len, sizeof(struct sockaddr_in));
    assert_ptr_equal(hawser_addr_sockaddr(&addr, NULL), &addr.ss);
}

static void the_family_is_that_of_the_address_and_unspecified_without_one(void **state) {
    (void)state;
    hawser_addr none = {.len = 0}, one_byte = {.len = 1, .ss.ss_family = AF_INET};
    hawser_addr four = read_from("127.0.0.1:80"), six = read_from("[::1]:80"), path = read_from("unix:/x");
    assert_int_equal(hawser_addr_family(&none), AF_UNSPEC);
    assert_int_equal(hawser_addr_family(&one_byte), AF_UNSPEC);
    assert_int_equal(hawser_addr_family(&four), AF_INET);
    assert_int_equal(hawser_addr_family(&six), AF_INET6);
    assert_int_equal(hawser_addr_family(&path), AF_UNIX);
}

static void ip_and_vsock_addresses_have_a_port_and_no_others(void **state) {
    (void)state;
    static const struct {
        const char *text;
        int64_t port;
    } cases[] = {
        {"0.0.0.0:0", 0},       {"127.0.0.1:65535", 65535},
        {"[::1]:443", 443},     {"[::ffff:1.2.3.4]:8", 8},
        {"vsock:2:1024", 1024}, {"vsock:any:4294967295", 4294967295},
        {"unix:/x", -1},        {"unix:", -1},
        {"netlink:1:2", -1},    {"family:2:0050", -1},
        {"family:10:0050", -1}, {"family:40:0000", -1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        hawser_addr addr = read_from(cases[i].text);
        assert_int_equal(hawser_addr_port(&addr), cases[i].port);
    }
    hawser_addr none = {.len = 0};
    assert_int_equal(hawser_addr_port(&none), -1);
}

static void addresses_are_equal_when_they_name_the_same_endpoint(void **state) {
    (void)state;
    static const char *const same[][2] = {
        {"127.0.0.1:80", "127.0.0.1:80"},
        {"127.0.0.1:80", "[::ffff:127.0.0.1]:80"},
        {"[0:0:0:0:0:0:0:1]:80", "[::1]:80"},
        {"127.0.0.1:80", "family:2:00507f0000010102030405060708"},
        {"[::1]:80", "family:10:0050deadbeef0000000000000000000000000000000100000000"},
        {"[::1]:80", "family:10:00500000000000000000000000000000000000000001"},
        {"unix:/x", "unix:\\x2fx"},
        {"unix:/x", "family:1:2f78"},
        {"unix:/x", "family:1:2f7800ffff"},
        {"unix:@a\\x00b", "family:1:00610062"},
        {"unix:", "family:1:"},
        {"netlink:7:1", "family:16:ffff0700000001000000"},
        {"rds:127.0.0.1:80", "127.0.0.1:80"},
    };
    for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
        hawser_addr a = read_from(same[i][0]), b = read_from(same[i][1]);
        if (!hawser_addr_equal(&a, &b) || !hawser_addr_equal(&b, &a))
            fail_msg("%s should equal %s", same[i][0], same[i][1]);
    }
    hawser_addr none = {.len = 0}, other_none = {.len = 0, .ss.ss_family = AF_INET};
    assert_true(hawser_addr_equal(&none, &other_none));
}

static void addresses_differ_when_anything_that_matters_does(void **state) {
    (void)state;
    static const char *const texts[] = {
        "127.0.0.1:80",
        "127.0.0.1:81",
        "127.0.0.2:80",
        "[::1]:80",
        "[::1%1]:80",
        "[::2]:80",
        "unix:",
        "unix:/x",
        "unix:/X",
        "unix:/x/",
        "unix:@",
        "unix:@/x",
        "unix:@\\x00",
        "unix:@\\x00\\x00",
        "netlink:1:0",
        "netlink:0:1",
        "vsock:1:2",
        "vsock:2:2",
        "can:1",
        "can:1:0:0",
        "can:1:0:0:0",
        "packet:1:3:0:0",
        "packet:1:3:0:0:00",
        "packet:1:3:0:0:00:00",
        "alg:hash:sha1",
        "alg:hash:sha256",
        "family:0:",
        "family:99:00",
        "family:99:0000",
        "family:99:",
    };
    const size_t n = sizeof texts / sizeof *texts;
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < n; k++) {
            hawser_addr a = read_from(texts[i]), b = read_from(texts[k]);
            if (hawser_addr_equal(&a, &b) != (i == k))
                fail_msg("%s and %s are compared wrongly", texts[i], texts[k]);
        }
    }
}

static void trap_18_what_lies_behind_the_end_of_a_unix_path_does_not_count(void **state) {
    (void)state;
    struct sockaddr_un first = {.sun_family = AF_UNIX, .sun_path = "/run/x"}, second = first;
    memset(second.sun_path + 7, 'j', sizeof second.sun_path - 7);
    hawser_addr a, b;
    assert_works(hawser_addr_from_sockaddr(&a, (const struct sockaddr *)&first, 2 + 6));
    assert_works(hawser_addr_from_sockaddr(&b, (const struct sockaddr *)&second, sizeof second));
    assert_true(hawser_addr_equal(&a, &b));
}

static void only_addresses_that_no_other_machine_reaches_are_loopback(void **state) {
    (void)state;
    static const struct {
        const char *text;
        bool loopback;
    } cases[] = {
        {"127.0.0.0:1", true},
        {"127.255.255.255:1", true},
        {"126.255.255.255:1", false},
        {"128.0.0.0:1", false},
        {"0.0.0.0:1", false},
        {"[::1]:1", true},
        {"[::]:1", false},
        {"[::2]:1", false},
        {"[fe80::1%1]:1", false},
        {"[::ffff:127.1.2.3]:1", true},
        {"[::ffff:128.0.0.1]:1", false},
        {"unix:/x", true},
        {"unix:@x", true},
        {"unix:", true},
        {"netlink:0:0", false},
        {"vsock:1:1", false},
        {"packet:1", false},
        {"family:2:0050", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        hawser_addr addr = read_from(cases[i].text);
        if (hawser_addr_is_loopback(&addr) != cases[i].loopback)
            fail_msg("%s", cases[i].text);
    }
    hawser_addr none = {.len = 0};
    assert_false(hawser_addr_is_loopback(&none));
}

static void a_length_beyond_the_storage_is_no_licence_to_read_there(void **state) {
    (void)state;
    hawser_addr addr = read_from("127.0.0.1:80"), copy = addr;
    addr.len = 4000;
    assert_int_equal(hawser_addr_port(&addr), 80);
    assert_true(hawser_addr_equal(&addr, &copy));
    assert_string_equal(hawser_addr_str(&addr), "127.0.0.1:80");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_system_address_of_any_length_that_fits_is_copied_as_it_is),
        cmocka_unit_test(a_system_address_that_is_too_short_or_too_long_is_refused),
        cmocka_unit_test(an_address_is_handed_to_libc_with_its_length),
        cmocka_unit_test(the_family_is_that_of_the_address_and_unspecified_without_one),
        cmocka_unit_test(ip_and_vsock_addresses_have_a_port_and_no_others),
        cmocka_unit_test(addresses_are_equal_when_they_name_the_same_endpoint),
        cmocka_unit_test(addresses_differ_when_anything_that_matters_does),
        cmocka_unit_test(trap_18_what_lies_behind_the_end_of_a_unix_path_does_not_count),
        cmocka_unit_test(only_addresses_that_no_other_machine_reaches_are_loopback),
        cmocka_unit_test(a_length_beyond_the_storage_is_no_licence_to_read_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
