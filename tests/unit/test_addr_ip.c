/* SPDX-License-Identifier: MIT */
/* net/addr_ip: IPv4 and IPv6 addresses, zones, ports, and their text. */
#include "support.h"

#include "net/addr.h"

#include <net/if.h>

static const char *text_of(hawser_addr addr) {
    static char text[HAWSER_ADDR_TEXT];
    return strcpy(text, hawser_addr_str(&addr));
}

static struct sockaddr_in6 in6_of(const hawser_addr *addr) {
    struct sockaddr_in6 in6;
    memcpy(&in6, &addr->ss, sizeof in6);
    return in6;
}

static void numeric_hosts_become_addresses_without_a_system_call(void **state) {
    (void)state;
    static const struct {
        const char *host;
        int port;
        const char *text;
    } cases[] = {
        {"127.0.0.1", 80, "127.0.0.1:80"},
        {"", 80, "0.0.0.0:80"},
        {"255.255.255.255", 65535, "255.255.255.255:65535"},
        {"::", 0, "[::]:0"},
        {"::1", 80, "[::1]:80"},
        {"2001:DB8::a", 443, "[2001:db8::a]:443"},
        {"fe80::1%7", 9, "[fe80::1%7]:9"},
        {"::ffff:1.2.3.4", 5, "1.2.3.4:5"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        hawser_addr addr;
        syscalls_made();
        assert_works(hawser_addr_ip(&addr, cases[i].host, cases[i].port));
        assert_int_equal(syscalls_made(), 0);
        if (strchr(cases[i].host, '%'))
            fault_syscall("if_indextoname", 1, ENXIO, 1); /* whatever this machine calls its interfaces */
        assert_string_equal(text_of(addr), cases[i].text);
        fault_none();
    }
}

static void hosts_that_are_no_numeric_address_are_refused(void **state) {
    (void)state;
    static const char *const hosts[] = {
        "localhost",
        "127.1",
        "0x7f000001",
        "2130706433",
        "127.0.0.1.",
        " 127.0.0.1",
        "127.0.0.1 ",
        "127.0.0.256",
        "127.0.0.01.1",
        ":",
        ":::",
        "1::2::3",
        "::1%",
        "127.0.0.1%lo",
        "[::1]",
        "::1/64",
        "12345::",
        "fe80:%1",
        "0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0001",
    };
    for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++) {
        hawser_addr addr = {.len = 77};
        assert_fails(hawser_addr_ip(&addr, hosts[i], 80), HAWSER_EADDRESS);
        assert_sentence_has(hosts[i]);
        assert_int_equal(addr.len, 77);
    }
}

static void ports_outside_0_to_65535_are_refused_before_anything_else(void **state) {
    (void)state;
    const int ports[] = {-1, 65536, INT32_MIN, INT32_MAX};
    for (size_t i = 0; i < 4; i++) {
        hawser_addr addr;
        syscalls_made();
        assert_fails(hawser_addr_ip(&addr, "fe80::1%lo", ports[i]), ERANGE);
        assert_sentence_has(": port must be 0 to 65535");
        assert_int_equal(syscalls_made(), 0);
        assert_fails(hawser_addr_ip(&addr, "no address at all", ports[i]), ERANGE);
    }
}

static void trap_21_a_zone_is_kept_by_name_and_by_number(void **state) {
    (void)state;
    hawser_addr by_name, by_number;
    unsigned lo = if_nametoindex("lo");
    char numeric[64];
    assert_true(lo > 0);
    snprintf(numeric, sizeof numeric, "fe80::1%%%u", lo);
    assert_works(hawser_addr_ip(&by_name, "fe80::1%lo", 80));
    assert_works(hawser_addr_ip(&by_number, numeric, 80));
    assert_int_equal(in6_of(&by_name).sin6_scope_id, lo);
    assert_true(hawser_addr_equal(&by_name, &by_number));
    assert_string_equal(text_of(by_number), "[fe80::1%lo]:80");
}

static void trap_21_a_zone_without_a_name_is_shown_as_its_number_and_read_back(void **state) {
    (void)state;
    hawser_addr addr, again;
    assert_works(hawser_addr_ip(&addr, "fe80::1%4294967295", 80));
    assert_string_equal(text_of(addr), "[fe80::1%4294967295]:80");
    assert_works(hawser_addr_parse(&again, text_of(addr)));
    assert_true(hawser_addr_equal(&addr, &again));
    assert_fails(hawser_addr_ip(&addr, "fe80::1%4294967296", 80), ERANGE);
}

static void trap_21_a_zone_that_is_no_interface_is_its_own_error(void **state) {
    (void)state;
    hawser_addr addr;
    assert_fails(hawser_addr_ip(&addr, "fe80::1%nosuch0", 80), ENODEV);
    assert_sentence_has("fe80::1%nosuch0");
    assert_fails(hawser_addr_ip(&addr, "fe80::1%a-name-of-16-byt", 80), ENODEV);
    assert_fails(hawser_addr_parse(&addr, "[fe80::1%nosuch0]:80"), ENODEV);
    fault_syscall("if_nametoindex", 1, EMFILE, 1);
    assert_fails(hawser_addr_ip(&addr, "fe80::1%lo", 80), EMFILE);
    assert_true(fault_none());
}

static void trap_21_an_address_mapped_into_ipv6_is_shown_as_ipv4(void **state) {
    (void)state;
    hawser_addr mapped, plain;
    char host[HAWSER_ADDR_TEXT];
    assert_works(hawser_addr_ip(&mapped, "::ffff:192.0.2.7", 80));
    assert_works(hawser_addr_ip(&plain, "192.0.2.7", 80));
    assert_int_equal(hawser_addr_family(&mapped), AF_INET6);
    assert_string_equal(text_of(mapped), "192.0.2.7:80");
    assert_int_equal(hawser_addr_host(&mapped, host, sizeof host), 9);
    assert_string_equal(host, "192.0.2.7");
    assert_int_equal(hawser_addr_port(&mapped), 80);
    assert_true(hawser_addr_equal(&mapped, &plain));
}

static void trap_21_brackets_tell_a_port_from_an_ipv6_address(void **state) {
    (void)state;
    static const struct {
        const char *text, *printed;
    } good[] = {
        {"127.0.0.1:80", "127.0.0.1:80"},     {"[::1]:80", "[::1]:80"},
        {"[0:0::0:1]:00080", "[::1]:80"},     {"[::ffff:1.2.3.4]:1", "1.2.3.4:1"},
        {"rds:127.0.0.1:80", "127.0.0.1:80"}, {"rds:[::1]:80", "[::1]:80"},
    };
    static const char *const bad[] = {
        "",
        ":",
        ":80",
        "127.0.0.1",
        "127.0.0.1:",
        "[::1]",
        "[::1]:",
        "::1:80",
        "::1",
        "[]:80",
        "[127.0.0.1]:80",
        "[::1:80",
        "::1]:80",
        "[::1]80",
        "[[::1]]:80",
        "127.0.0.1:80:81",
        "127.0.0.1:http",
        "127.0.0.1:+80",
        "127.0.0.1: 80",
        "127.0.0.1:80 ",
        "127.0.0.1:-1",
        "127.0.0.1:0x50",
        "localhost:80",
        "rds:",
        "rds:unix:/x",
        "[:80",
        "[",
        "]:80",
    };
    hawser_addr addr;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_works(hawser_addr_parse(&addr, good[i].text));
        assert_string_equal(text_of(addr), good[i].printed);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_fails(hawser_addr_parse(&addr, bad[i]), HAWSER_EADDRESS);
}

static void a_port_in_a_text_is_at_most_65535(void **state) {
    (void)state;
    hawser_addr addr;
    assert_works(hawser_addr_parse(&addr, "127.0.0.1:65535"));
    assert_fails(hawser_addr_parse(&addr, "127.0.0.1:65536"), ERANGE);
    assert_sentence("read address 127.0.0.1:65536: a number is too large");
    assert_fails(hawser_addr_parse(&addr, "[::1]:99999999999999999999999999999999"), ERANGE);
    assert_fails(hawser_addr_parse(&addr, "[::1]:18446744073709551617"), ERANGE);
}

static void an_address_too_short_for_its_family_is_shown_as_bytes(void **state) {
    (void)state;
    hawser_addr addr;
    assert_works(hawser_addr_ip(&addr, "127.0.0.1", 80));
    addr.len = 15;
    assert_string_equal(text_of(addr), "family:2:00507f00000100000000000000");
    assert_works(hawser_addr_ip(&addr, "::1", 80));
    addr.len = 23;
    assert_string_equal(text_of(addr), "family:10:0050000000000000000000000000000000000000"
                                       "00");
    addr.len = 24; /* as before there were zones */
    assert_string_equal(text_of(addr), "[::1]:80");
}

static void this_machine_is_its_loopback_or_all_of_it(void **state) {
    (void)state;
    hawser_addr addr;
    hawser__addr_here(&addr, AF_INET, false, 80);
    assert_string_equal(text_of(addr), "127.0.0.1:80");
    hawser__addr_here(&addr, AF_INET, true, 80);
    assert_string_equal(text_of(addr), "0.0.0.0:80");
    hawser__addr_here(&addr, AF_INET6, false, 80);
    assert_string_equal(text_of(addr), "[::1]:80");
    hawser__addr_here(&addr, AF_INET6, true, 80);
    assert_string_equal(text_of(addr), "[::]:80");
}

static void setting_the_port_leaves_the_rest_alone(void **state) {
    (void)state;
    hawser_addr addr;
    assert_works(hawser_addr_ip(&addr, "192.0.2.7", 1));
    hawser__addr_set_port(&addr, 65535);
    assert_string_equal(text_of(addr), "192.0.2.7:65535");
    assert_works(hawser_addr_ip(&addr, "fe80::1%4294967295", 1));
    hawser__addr_set_port(&addr, 2);
    assert_string_equal(text_of(addr), "[fe80::1%4294967295]:2");
    assert_works(hawser_addr_parse(&addr, "unix:/x"));
    hawser__addr_set_port(&addr, 3);
    assert_string_equal(text_of(addr), "unix:/x");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numeric_hosts_become_addresses_without_a_system_call),
        cmocka_unit_test(hosts_that_are_no_numeric_address_are_refused),
        cmocka_unit_test(ports_outside_0_to_65535_are_refused_before_anything_else),
        cmocka_unit_test(trap_21_a_zone_is_kept_by_name_and_by_number),
        cmocka_unit_test(trap_21_a_zone_without_a_name_is_shown_as_its_number_and_read_back),
        cmocka_unit_test(trap_21_a_zone_that_is_no_interface_is_its_own_error),
        cmocka_unit_test(trap_21_an_address_mapped_into_ipv6_is_shown_as_ipv4),
        cmocka_unit_test(trap_21_brackets_tell_a_port_from_an_ipv6_address),
        cmocka_unit_test(a_port_in_a_text_is_at_most_65535),
        cmocka_unit_test(an_address_too_short_for_its_family_is_shown_as_bytes),
        cmocka_unit_test(this_machine_is_its_loopback_or_all_of_it),
        cmocka_unit_test(setting_the_port_leaves_the_rest_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
