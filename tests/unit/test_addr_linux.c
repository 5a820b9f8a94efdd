/* SPDX-License-Identifier: MIT */
/* net/addr_linux: the text of NETLINK, PACKET, VSOCK, CAN and ALG addresses. None of these needs the family in the kernel. */
#include "support.h"

#include <arpa/inet.h>
#include <linux/can.h>
#include <linux/if_alg.h>
#include <linux/if_packet.h>
#include <linux/netlink.h>
#include <linux/vm_sockets.h>
#include <net/if.h>

static hawser_addr from(const void *sa, size_t len) {
    hawser_addr addr;
    assert_works(hawser_addr_from_sockaddr(&addr, sa, (socklen_t)len));
    return addr;
}

/* ADDR prints as TEXT, and TEXT reads as ADDR, byte for byte. */
static void assert_text(hawser_addr addr, const char *text) {
    hawser_addr again;
    assert_string_equal(hawser_addr_str(&addr), text);
    assert_works(hawser_addr_parse(&again, text));
    assert_int_equal(again.len, addr.len);
    assert_memory_equal(&again.ss, &addr.ss, addr.len);
    assert_true(hawser_addr_equal(&addr, &again));
}

/* TEXT is another spelling of PRINTED. */
static void assert_spelling(const char *text, const char *printed) {
    hawser_addr addr;
    assert_works(hawser_addr_parse(&addr, text));
    assert_string_equal(hawser_addr_str(&addr), printed);
}

static void netlink_addresses_are_port_id_and_groups(void **state) {
    (void)state;
    struct sockaddr_nl nl = {.nl_family = AF_NETLINK, .nl_pid = 4294967295, .nl_groups = 17};
    assert_text(from(&nl, sizeof nl), "netlink:4294967295:17");
    assert_spelling("netlink:7", "netlink:7:0");
    assert_spelling("netlink:0x10:0x1", "netlink:16:1");
}

static void packet_addresses_have_interface_protocol_kind_and_hardware_address(void **state) {
    (void)state;
    struct sockaddr_ll ll = {.sll_family = AF_PACKET,
                             .sll_protocol = htons(0x0800),
                             .sll_ifindex = (int)if_nametoindex("lo"),
                             .sll_hatype = 772,
                             .sll_pkttype = 4,
                             .sll_halen = 6,
                             .sll_addr = {2, 0xfc, 0, 0, 0, 1}};
    assert_text(from(&ll, sizeof ll), "packet:lo:0x0800:4:772:02:fc:00:00:00:01");
    ll.sll_ifindex = 2147483646;
    assert_text(from(&ll, sizeof ll), "packet:2147483646:0x0800:4:772:02:fc:00:00:00:01");
    ll.sll_halen = 0;
    memset(ll.sll_addr, 0, sizeof ll.sll_addr);
    assert_text(from(&ll, sizeof ll), "packet:2147483646:0x0800:4:772");
    assert_spelling("packet:lo", "packet:lo:0x0000:0:0");
    assert_spelling("packet:lo:3", "packet:lo:0x0003:0:0");
}

static void packet_addresses_as_short_as_the_kernel_returns_them_are_the_same(void **state) {
    (void)state;
    struct sockaddr_ll ll = {.sll_family = AF_PACKET, .sll_halen = 6, .sll_addr = {1, 2, 3, 4, 5, 6}};
    hawser_addr whole = from(&ll, sizeof ll), cut = from(&ll, 18);
    assert_string_equal(hawser_addr_str(&cut), "packet:0:0x0000:0:0:01:02:03:04:05:06");
    assert_true(hawser_addr_equal(&whole, &cut));
    ll.sll_addr[7] = 9; /* beyond the hardware address */
    whole = from(&ll, sizeof ll);
    assert_true(hawser_addr_equal(&whole, &cut));
    cut.len = 17; /* says six bytes and has five */
    assert_memory_equal(hawser_addr_str(&cut), "family:17:", 10);
}

static void packet_addresses_hold_long_hardware_addresses(void **state) {
    (void)state;
    struct {
        struct sockaddr_ll ll;
        unsigned char more[12];
    } infiniband = {.ll = {.sll_family = AF_PACKET, .sll_hatype = 32, .sll_halen = 20, .sll_addr = {1, 2}}, .more[11] = 0xee};
    assert_text(from(&infiniband, 32), "packet:0:0x0000:0:32:01:02:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:ee");
}

static void vsock_addresses_are_context_and_port(void **state) {
    (void)state;
    struct sockaddr_vm vm = {.svm_family = AF_VSOCK, .svm_cid = 3, .svm_port = 1234};
    char host[20];
    assert_text(from(&vm, sizeof vm), "vsock:3:1234");
    vm.svm_cid = VMADDR_CID_ANY;
    vm.svm_port = VMADDR_PORT_ANY;
    hawser_addr addr = from(&vm, sizeof vm);
    assert_text(addr, "vsock:any:4294967295");
    assert_spelling("vsock:4294967295:1", "vsock:any:1");
    assert_int_equal(hawser_addr_host(&addr, host, sizeof host), 3);
    assert_string_equal(host, "any");
    vm.svm_flags = 1; /* has no place in the text */
    assert_text(from(&vm, sizeof vm), "family:40:0000ffffffffffffffff01000000");
}

static void the_length_of_a_can_address_says_which_kind_it_is(void **state) {
    (void)state;
    struct sockaddr_can can = {.can_family = AF_CAN, .can_ifindex = (int)if_nametoindex("lo")};
    assert_text(from(&can, 8), "can:lo");
    can.can_addr.tp.rx_id = 0x98da00f1;
    can.can_addr.tp.tx_id = 0x123;
    assert_text(from(&can, 16), "can:lo:0x98da00f1:0x123");
    memset(&can.can_addr, 0, sizeof can.can_addr);
    can.can_ifindex = 0;
    can.can_addr.j1939.name = 0x8000000000000001;
    can.can_addr.j1939.pgn = 0x40000;
    can.can_addr.j1939.addr = 0xff;
    assert_text(from(&can, 24), "can:0:0x8000000000000001:0x40000:0xff");
    assert_spelling("can:0:18446744073709551615:0:255", "can:0:0xffffffffffffffff:0x0:0xff");
}

static void bytes_of_a_can_address_beyond_its_kind_do_not_count(void **state) {
    (void)state;
    unsigned char bytes[24];
    memset(bytes, 0x77, sizeof bytes);
    *(sa_family_t *)(void *)bytes = AF_CAN;
    const size_t lengths[][2] = {{8, 15}, {16, 23}};
    for (size_t i = 0; i < 2; i++) {
        hawser_addr a = from(bytes, lengths[i][0]), b = from(bytes, lengths[i][1]);
        assert_true(hawser_addr_equal(&a, &b));
    }
    hawser_addr short_one = from(bytes, 7);
    assert_memory_equal(hawser_addr_str(&short_one), "family:29:", 10);
}

static void alg_addresses_are_type_and_name(void **state) {
    (void)state;
    struct sockaddr_alg alg = {.salg_family = AF_ALG, .salg_type = "aead", .salg_name = "rfc4106(gcm(aes)):x"};
    assert_text(from(&alg, sizeof alg), "alg:aead:rfc4106(gcm(aes)):x");
    memcpy(alg.salg_type, "a:b\\\n", 6);
    assert_text(from(&alg, sizeof alg), "alg:a\\x3ab\\x5c\\x0a:rfc4106(gcm(aes)):x");
    memset(alg.salg_type, 't', 13);
    memset(alg.salg_name, 0xff, 63);
    char text[400] = "alg:ttttttttttttt:";
    for (int i = 0; i < 63; i++)
        strcat(text, "\\xff");
    assert_text(from(&alg, sizeof alg), text);
    alg.salg_type[13] = 't'; /* no longer text */
    hawser_addr addr = from(&alg, sizeof alg);
    assert_memory_equal(hawser_addr_str(&addr), "family:38:", 10);
}

static void alg_addresses_with_feature_or_mask_bits_are_shown_as_bytes(void **state) {
    (void)state;
    struct sockaddr_alg alg = {.salg_family = AF_ALG, .salg_type = "hash", .salg_name = "sha1", .salg_mask = 1};
    hawser_addr addr = from(&alg, sizeof alg), again;
    assert_memory_equal(hawser_addr_str(&addr), "family:38:", 10);
    assert_works(hawser_addr_parse(&again, addr.text));
    assert_true(hawser_addr_equal(&addr, &again));
}

static void texts_that_say_too_much_or_too_little_are_refused(void **state) {
    (void)state;
    static const char *const texts[] = {
        "netlink:",
        "netlink::",
        "netlink:1:2:3",
        "netlink:x",
        "netlink:1:",
        "netlink:-1:0",
        "netlink:0x:0",
        "packet:",
        "packet::3",
        "packet:lo:",
        "packet:lo:0x",
        "packet:lo:3:0:1:0",
        "packet:lo:3:0:1:000",
        "packet:lo:3:0:1:0g",
        "packet:lo:3:0:1:00:",
        "vsock:",
        "vsock:1",
        "vsock::1",
        "vsock:1:",
        "vsock:1:2:3",
        "vsock:Any:1",
        "vsock:any",
        "vsock:1:any",
        "can:",
        "can:0:1",
        "can:0:1:2:3:4",
        "can:0:",
        "can:0::",
        "can:0:x:y",
        "alg:",
        "alg:hash",
        "alg:\\x:sha1",
        "alg:hash:\\x4",
        "alg:a\\x00b:c",
        "alg:hash:a\\x00",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        hawser_addr addr = {.len = 77};
        assert_fails(hawser_addr_parse(&addr, texts[i]), HAWSER_EADDRESS);
        assert_sentence_has(texts[i]);
        assert_int_equal(addr.len, 77);
    }
}

static void numbers_too_large_for_their_place_are_refused(void **state) {
    (void)state;
    static const char *const texts[] = {
        "netlink:4294967296:0",
        "netlink:0:4294967296",
        "packet:lo:65536",
        "packet:lo:0:256",
        "packet:lo:0:0:65536",
        "packet:4294967296",
        "vsock:4294967296:0",
        "vsock:0:4294967296",
        "can:0:4294967296:0",
        "can:0:0:4294967296",
        "can:0:18446744073709551616:0:0",
        "can:0:0:4294967296:0",
        "can:0:0:0:256",
        "can:0:0x10000000000000000:0:0",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        hawser_addr addr;
        assert_fails(hawser_addr_parse(&addr, texts[i]), ERANGE);
    }
}

static void interfaces_that_do_not_exist_are_their_own_error(void **state) {
    (void)state;
    hawser_addr addr;
    assert_fails(hawser_addr_parse(&addr, "can:nosuch0"), ENODEV);
    assert_fails(hawser_addr_parse(&addr, "packet:nosuch0:3"), ENODEV);
}

static void names_too_long_for_the_kernel_are_refused(void **state) {
    (void)state;
    hawser_addr addr;
    char text[200] = "alg:hash:";
    assert_fails(hawser_addr_parse(&addr, "alg:abcdefghijklmn:x"), ENAMETOOLONG);
    assert_works(hawser_addr_parse(&addr, "alg:abcdefghijklm:x"));
    memset(text + 9, 'n', 64);
    assert_fails(hawser_addr_parse(&addr, text), ENAMETOOLONG);
    text[9 + 63] = '\0';
    assert_works(hawser_addr_parse(&addr, text));
}

static void the_kernel_gives_netlink_addresses_that_read_back(void **state) {
    (void)state;
    skip_in_world("it has no such sockets");
    hawser_addr own, again;
    hawser_sock *sock = hawser_socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
    assert_non_null(sock);
    assert_result(hawser_addr_parse(&own, "netlink:0:0"), 0);
    assert_result(hawser_bind_addr(sock, &own), 0);
    assert_result(hawser_getsockname(sock, &own), 0);
    assert_memory_equal(hawser_addr_str(&own), "netlink:", 8);
    assert_works(hawser_addr_parse(&again, own.text));
    assert_true(hawser_addr_equal(&own, &again));
    hawser_close(sock);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(netlink_addresses_are_port_id_and_groups),
        cmocka_unit_test(packet_addresses_have_interface_protocol_kind_and_hardware_address),
        cmocka_unit_test(packet_addresses_as_short_as_the_kernel_returns_them_are_the_same),
        cmocka_unit_test(packet_addresses_hold_long_hardware_addresses),
        cmocka_unit_test(vsock_addresses_are_context_and_port),
        cmocka_unit_test(the_length_of_a_can_address_says_which_kind_it_is),
        cmocka_unit_test(bytes_of_a_can_address_beyond_its_kind_do_not_count),
        cmocka_unit_test(alg_addresses_are_type_and_name),
        cmocka_unit_test(alg_addresses_with_feature_or_mask_bits_are_shown_as_bytes),
        cmocka_unit_test(texts_that_say_too_much_or_too_little_are_refused),
        cmocka_unit_test(numbers_too_large_for_their_place_are_refused),
        cmocka_unit_test(interfaces_that_do_not_exist_are_their_own_error),
        cmocka_unit_test(names_too_long_for_the_kernel_are_refused),
        cmocka_unit_test(the_kernel_gives_netlink_addresses_that_read_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
