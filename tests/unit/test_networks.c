/* SPDX-License-Identifier: MIT */
/* server/networks: reading networks, and what lies in them. */
#include "support.h"

#include "server/networks.h"

#include <arpa/inet.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* NETWORK as text, "family address/bits". Static. */
static const char *text_of(const struct hawser__network *network) {
    static char text[96];
    char ip[INET6_ADDRSTRLEN] = "";
    if (network->family != AF_UNIX)
        inet_ntop(network->family, network->prefix, ip, sizeof ip);
    snprintf(text, sizeof text, "%s%s/%u", network->family == AF_UNIX ? "unix" : "", ip, network->bits);
    return text;
}

static hawser_addr addr_of(const char *host) {
    hawser_addr addr;
    if (strncmp(host, "unix:", 5) == 0)
        assert_works(hawser_addr_parse(&addr, host));
    else
        assert_works(hawser_addr_ip(&addr, host, 4000));
    return addr;
}

/* Whether HOST lies in the one network TEXT. */
static bool lies_in(const char *host, const char *text) {
    struct hawser__networks networks;
    const char *bad = NULL;
    hawser_addr addr = addr_of(host);
    assert_int_equal(hawser__networks_init(&networks, (const char *[]){text, NULL}, &bad), 0);
    bool result = hawser__networks_contain(&networks, &addr);
    hawser__networks_done(&networks);
    return result;
}

static void networks_are_read_with_the_bits_behind_the_prefix_cleared(void **state) {
    (void)state;
    static const struct {
        const char *text, *expected;
    } cases[] = {
        {"10.0.0.0/8", "10.0.0.0/8"},
        {"10.1.2.3/8", "10.0.0.0/8"},
        {"10.255.255.255/9", "10.128.0.0/9"},
        {"192.0.2.255/31", "192.0.2.254/31"},
        {"192.0.2.7/32", "192.0.2.7/32"},
        {"192.0.2.7", "192.0.2.7/32"},
        {"255.255.255.255/0", "0.0.0.0/0"},
        {"::1", "::1/128"},
        {"2001:DB8:ffff::/33", "2001:db8:8000::/33"},
        {"2001:db8::1/32", "2001:db8::/32"},
        {"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/127", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe/127"},
        {"::/0", "::/0"},
        {"unix", "unix/0"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct hawser__network network;
        assert_result(hawser__network_parse(&network, cases[i].text), 0);
        assert_string_equal(text_of(&network), cases[i].expected);
    }
}

static void networks_of_mapped_addresses_become_ipv4(void **state) {
    (void)state;
    static const struct {
        const char *text, *expected;
    } cases[] = {
        {"::ffff:10.1.2.3", "10.1.2.3/32"},
        {"::ffff:10.1.2.3/104", "10.0.0.0/8"},
        {"::ffff:0:0/96", "0.0.0.0/0"},
        {"0:0:0:0:0:FFFF:0a01:0203/128", "10.1.2.3/32"},
        {"::ffff:10.1.2.3/95", "::fffe:0:0/95"}, /* lies around that range, not in it */
        {"::ffff:10.1.2.3/64", "::/64"},
        {"::fffe:10.1.2.3/128", "::fffe:a01:203/128"},
        {"1::ffff:10.1.2.3/128", "1::ffff:a01:203/128"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct hawser__network network;
        assert_result(hawser__network_parse(&network, cases[i].text), 0);
        assert_string_equal(text_of(&network), cases[i].expected);
        for (size_t k = network.family == AF_INET ? 4 : 16; k < sizeof network.prefix; k++)
            assert_int_equal(network.prefix[k], 0);
    }
}

static void what_is_no_network_is_refused(void **state) {
    (void)state;
    static const struct {
        const char *text;
        int code;
    } cases[] = {
        {"", HAWSER_EADDRESS},
        {"/", HAWSER_EADDRESS},
        {"/8", HAWSER_EADDRESS},
        {"localhost", HAWSER_EADDRESS},
        {"10", HAWSER_EADDRESS},
        {"10.0.0/8", HAWSER_EADDRESS},
        {"10.0.0.0.0/8", HAWSER_EADDRESS},
        {"010.0.0.0/8", HAWSER_EADDRESS},
        {"10.0.0.256/8", HAWSER_EADDRESS},
        {"10.0.0.0/", HAWSER_EADDRESS},
        {"10.0.0.0/ 8", HAWSER_EADDRESS},
        {"10.0.0.0/8 ", HAWSER_EADDRESS},
        {" 10.0.0.0/8", HAWSER_EADDRESS},
        {"10.0.0.0 /8", HAWSER_EADDRESS},
        {"10.0.0.0/+8", HAWSER_EADDRESS},
        {"10.0.0.0/-8", HAWSER_EADDRESS},
        {"10.0.0.0/08", HAWSER_EADDRESS},
        {"10.0.0.0/0x8", HAWSER_EADDRESS},
        {"10.0.0.0/8/8", HAWSER_EADDRESS},
        {"10.0.0.0/255.0.0.0", HAWSER_EADDRESS},
        {"10.0.0.0:80", HAWSER_EADDRESS},
        {"[::1]", HAWSER_EADDRESS},
        {"[::1]/128", HAWSER_EADDRESS},
        {":", HAWSER_EADDRESS},
        {"1::2::3/8", HAWSER_EADDRESS},
        {"fe80::1%lo", HAWSER_EADDRESS},
        {"fe80::1%1/64", HAWSER_EADDRESS},
        {"::/1a", HAWSER_EADDRESS},
        {"unix/0", HAWSER_EADDRESS},
        {"unix:", HAWSER_EADDRESS},
        {"Unix", HAWSER_EADDRESS},
        {"0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0001/8", HAWSER_EADDRESS},
        {"10.0.0.0/33", ERANGE},
        {"10.0.0.0/128", ERANGE},
        {"10.0.0.0/264", ERANGE},
        {"10.0.0.0/4294967304", ERANGE},
        {"10.0.0.0/18446744073709551624", ERANGE}, /* these three are 8 to those who do not look */
        {"::/129", ERANGE},
        {"::ffff:10.0.0.0/129", ERANGE},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct hawser__network network = {.family = 77, .bits = 78};
        if (hawser__network_parse(&network, cases[i].text) != -cases[i].code)
            fail_msg("\"%s\" should have been refused with %s", cases[i].text, hawser_strerror(cases[i].code));
        assert_int_equal(network.family, 77);
        assert_int_equal(network.bits, 78);
    }
}

static void an_address_lies_in_a_network_when_the_prefix_is_its_own(void **state) {
    (void)state;
    static const struct {
        const char *host, *network;
        bool expected;
    } cases[] = {
        {"10.0.0.0", "10.0.0.0/8", true},
        {"10.255.255.255", "10.0.0.0/8", true},
        {"11.0.0.0", "10.0.0.0/8", false},
        {"9.255.255.255", "10.0.0.0/8", false},
        {"10.127.255.255", "10.128.0.0/9", false},
        {"10.128.0.0", "10.128.0.0/9", true},
        {"192.0.2.6", "192.0.2.6/31", true},
        {"192.0.2.7", "192.0.2.6/31", true},
        {"192.0.2.8", "192.0.2.6/31", false},
        {"192.0.2.7", "192.0.2.7", true},
        {"192.0.2.6", "192.0.2.7", false},
        {"192.0.2.7", "0.0.0.0/0", true},
        {"128.0.0.1", "128.0.0.0/1", true},
        {"127.0.0.1", "128.0.0.0/1", false},
        {"::1", "::1", true},
        {"::2", "::1", false},
        {"2001:db8:7fff::1", "2001:db8::/33", true},
        {"2001:db8:8000::1", "2001:db8::/33", false},
        {"2001:db9::", "2001:db8::/32", false},
        {"2001:db8::", "::/0", true},
        {"fe80::1%4294967295", "fe80::/10", true},
        {"febf::1", "fe80::/10", true},
        {"fec0::1", "fe80::/10", false},
        {"0.0.0.1", "::1", false},
        {"::1", "0.0.0.0/0", false},
        {"127.0.0.1", "unix", false},
        {"::", "unix", false},
        {"unix:/run/x.sock", "unix", true},
        {"unix:@name", "unix", true},
        {"unix:", "unix", true},
        {"unix:/run/x.sock", "0.0.0.0/0", false},
        {"unix:", "::/0", false},
    };
    for (size_t i = 0; i < COUNT(cases); i++)
        if (lies_in(cases[i].host, cases[i].network) != cases[i].expected)
            fail_msg("%s in %s should be %d", cases[i].host, cases[i].network, cases[i].expected);
}

static void every_length_of_a_prefix_divides_at_its_own_bit(void **state) {
    (void)state;
    for (unsigned bits = 1; bits <= 128; bits++) {
        unsigned char ip[16] = {0x20, 0x01, 0x0d, 0xb8, 0x5a, 0xa5, 0x5a, 0xa5, 0x5a, 0xa5, 0x5a, 0xa5, 0x5a, 0xa5, 0x5a, 0xa5};
        char host[INET6_ADDRSTRLEN], text[64];
        inet_ntop(AF_INET6, ip, host, sizeof host);
        snprintf(text, sizeof text, "%s/%u", host, bits);
        assert_true(lies_in(host, text));
        for (unsigned bit = 0; bit < 128; bit++) {
            ip[bit / 8] ^= (unsigned char)(0x80 >> bit % 8);
            inet_ntop(AF_INET6, ip, host, sizeof host);
            assert_int_equal(lies_in(host, text), bit >= bits);
            ip[bit / 8] ^= (unsigned char)(0x80 >> bit % 8);
        }
    }
}

/* A listener on "::" shows its IPv4 peers mapped, one on "0.0.0.0" plain: a list means the same on both. */
static void a_mapped_address_counts_as_ipv4(void **state) {
    (void)state;
    assert_true(lies_in("::ffff:10.1.2.3", "10.0.0.0/8"));
    assert_false(lies_in("::ffff:11.1.2.3", "10.0.0.0/8"));
    assert_true(lies_in("::ffff:10.1.2.3", "::ffff:10.0.0.0/104"));
    assert_true(lies_in("10.1.2.3", "::ffff:10.0.0.0/104"));
    assert_true(lies_in("10.1.2.3", "::ffff:0:0/96"));
    assert_false(lies_in("::ffff:10.1.2.3", "::/0"));
    assert_false(lies_in("::ffff:10.1.2.3", "::ffff:10.1.2.3/95"));
    assert_true(lies_in("::10.1.2.3", "::/96"));
}

static void any_network_of_a_list_will_do(void **state) {
    (void)state;
    static const char *const texts[] = {"192.0.2.0/24", "10.0.0.0/8", "::1", "unix", NULL};
    static const char *const inside[] = {"192.0.2.9", "10.9.9.9", "::1", "unix:/x"};
    static const char *const outside[] = {"192.0.3.9", "::2", "127.0.0.1"};
    struct hawser__networks networks;
    const char *bad = "untouched";
    assert_result(hawser__networks_init(&networks, texts, &bad), 0);
    assert_int_equal(networks.count, 4);
    assert_string_equal(bad, "untouched");
    for (size_t i = 0; i < COUNT(inside); i++) {
        const hawser_addr addr = addr_of(inside[i]);
        assert_true(hawser__networks_contain(&networks, &addr));
    }
    for (size_t i = 0; i < COUNT(outside); i++) {
        const hawser_addr addr = addr_of(outside[i]);
        assert_false(hawser__networks_contain(&networks, &addr));
    }
    hawser__networks_done(&networks);
}

static void no_list_and_an_empty_one_contain_nobody(void **state) {
    (void)state;
    const hawser_addr addr = addr_of("127.0.0.1"), local = addr_of("unix:/x");
    const char *const *lists[] = {NULL, (const char *const[]){NULL}};
    for (size_t i = 0; i < COUNT(lists); i++) {
        struct hawser__networks networks = {.count = 77};
        const char *bad = NULL;
        assert_result(hawser__networks_init(&networks, lists[i], &bad), 0);
        assert_null(networks.list);
        assert_int_equal(networks.count, 0);
        assert_false(hawser__networks_contain(&networks, &addr));
        assert_false(hawser__networks_contain(&networks, &local));
        hawser__networks_done(&networks);
    }
}

static void addresses_that_are_cut_or_of_other_families_lie_nowhere(void **state) {
    (void)state;
    static const char *const texts[] = {"0.0.0.0/0", "::/0", "unix", NULL};
    struct hawser__networks networks;
    const char *bad;
    hawser_addr addr = {.len = 0};
    assert_result(hawser__networks_init(&networks, texts, &bad), 0);
    assert_false(hawser__networks_contain(&networks, &addr));
    addr.ss.ss_family = AF_UNIX; /* still of no length */
    assert_false(hawser__networks_contain(&networks, &addr));
    addr.len = sizeof(sa_family_t);
    assert_true(hawser__networks_contain(&networks, &addr));
    addr = addr_of("127.0.0.1");
    addr.len = 7;
    assert_false(hawser__networks_contain(&networks, &addr));
    addr = addr_of("::1");
    addr.len = 23;
    assert_false(hawser__networks_contain(&networks, &addr));
    addr.len = 24; /* as before there were zones */
    assert_true(hawser__networks_contain(&networks, &addr));
    assert_works(hawser_addr_parse(&addr, "family:77:00000000000000000000000000000000"));
    assert_false(hawser__networks_contain(&networks, &addr));
    hawser__networks_done(&networks);
}

static void the_text_that_is_no_network_is_named(void **state) {
    (void)state;
    const char *const texts[] = {"10.0.0.0/8", "::/200", "nonsense", NULL}, *const others[] = {"unix", "nonsense", NULL};
    struct hawser__networks networks;
    const char *bad = NULL;
    census before = take_census();
    assert_int_equal(hawser__networks_init(&networks, texts, &bad), -ERANGE);
    assert_ptr_equal(bad, texts[1]);
    assert_null(networks.list);
    assert_int_equal(networks.count, 0);
    assert_int_equal(hawser__networks_init(&networks, others, &bad), -HAWSER_EADDRESS);
    assert_ptr_equal(bad, others[1]);
    hawser__networks_done(&networks); /* as after a success */
    assert_null(compare_census(before));
}

static void without_memory_there_is_no_list(void **state) {
    (void)state;
    struct hawser__networks networks = {.count = 77};
    const char *bad = NULL;
    fault_alloc(1);
    assert_int_equal(hawser__networks_init(&networks, (const char *[]){"unix", NULL}, &bad), -ENOMEM);
    assert_true(fault_none());
    assert_null(bad);
    assert_null(networks.list);
    assert_int_equal(networks.count, 0);
    hawser__networks_done(&networks);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(networks_are_read_with_the_bits_behind_the_prefix_cleared),
        cmocka_unit_test(networks_of_mapped_addresses_become_ipv4),
        cmocka_unit_test(what_is_no_network_is_refused),
        cmocka_unit_test(an_address_lies_in_a_network_when_the_prefix_is_its_own),
        cmocka_unit_test(every_length_of_a_prefix_divides_at_its_own_bit),
        cmocka_unit_test(a_mapped_address_counts_as_ipv4),
        cmocka_unit_test(any_network_of_a_list_will_do),
        cmocka_unit_test(no_list_and_an_empty_one_contain_nobody),
        cmocka_unit_test(addresses_that_are_cut_or_of_other_families_lie_nowhere),
        cmocka_unit_test(the_text_that_is_no_network_is_named),
        cmocka_unit_test(without_memory_there_is_no_list),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
