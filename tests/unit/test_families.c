/* SPDX-License-Identifier: MIT */
/*
 * Families beyond IP and Unix, for real where the kernel has them: NETLINK, PACKET and raw ICMP, as root of a network of our
 * own. Where the running kernel lacks a family the error has to say so.
 */
#include "own_world.h"
#include "support.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/icmp6.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* Asks the kernel for all interfaces and finds the loopback in the answer. */
static void netlink_lists_the_interfaces(void **state) {
    (void)state;
    skip_in_world("it has no such sockets");
    hawser_addr own, kernel, peer;
    hawser_sock *sock = hawser_socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
    assert_non_null(sock);
    hawser_settimeout(sock, WAIT_LIMIT);
    assert_works(hawser_bind(sock, "netlink:0:0", 0));
    assert_works(hawser_getsockname(sock, &own));
    assert_int_equal(strncmp(hawser_addr_str(&own), "netlink:", 8), 0);
    assert_string_not_equal(hawser_addr_str(&own), "netlink:0:0"); /* the kernel chose a port id */
    assert_int_equal(hawser_addr_parse(&kernel, "netlink:0:0"), 0);
    struct {
        struct nlmsghdr head;
        struct ifinfomsg body;
    } ask = {
        .head = {.nlmsg_len = sizeof ask, .nlmsg_type = RTM_GETLINK, .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP, .nlmsg_seq = 7},
        .body = {.ifi_family = AF_UNSPEC}};
    assert_int_equal(assert_works(hawser_sendto_addr(sock, &ask, sizeof ask, 0, &kernel)), sizeof ask);
    bool found = false;
    for (bool done = false; !done;) {
        _Alignas(struct nlmsghdr) static char answer[65536];
        int left = (int)assert_works(hawser_recvfrom(sock, answer, sizeof answer, &peer));
        assert_string_equal(hawser_addr_str(&peer), "netlink:0:0");
        for (struct nlmsghdr *head = (struct nlmsghdr *)answer; NLMSG_OK(head, (unsigned)left); head = NLMSG_NEXT(head, left)) {
            assert_int_equal(head->nlmsg_seq, 7);
            const struct ifinfomsg *link = NLMSG_DATA(head);
            done |= head->nlmsg_type == NLMSG_DONE;
            found |= head->nlmsg_type == RTM_NEWLINK && link->ifi_index == (int)if_nametoindex("lo");
        }
    }
    assert_true(found);
    hawser_close(sock);
}

/* Somebody gives lo another address, and those who joined the group hear of it. */
static void netlink_tells_of_changes_to_those_who_joined(void **state) {
    (void)state;
    skip_in_world("it has no such sockets");
    _Alignas(struct nlmsghdr) char news[4096];
    hawser_sock *sock = hawser_socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
    assert_works(hawser_bind(sock, "netlink:0:16", 0)); /* RTMGRP_IPV4_IFADDR */
    hawser_settimeout(sock, 0);
    assert_fails(hawser_recv(sock, news, sizeof news), EAGAIN);
    struct ifreq request = {.ifr_name = "lo:1"};
    struct sockaddr_in *address = (struct sockaddr_in *)&request.ifr_addr;
    *address = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f010203)};
    int plain = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_int_equal(ioctl(plain, SIOCSIFADDR, &request), 0);
    close(plain);
    hawser_settimeout(sock, WAIT_LIMIT);
    assert_true(assert_works(hawser_recv(sock, news, sizeof news)) >= (ssize_t)sizeof(struct nlmsghdr));
    assert_int_equal(((struct nlmsghdr *)news)->nlmsg_type, RTM_NEWADDR);
    hawser_close(sock);
}

/* A datagram over lo, seen as a frame with the address of its interface. */
static void a_packet_socket_sees_the_frames_of_an_interface(void **state) {
    (void)state;
    skip_in_world("it has no such sockets");
    hawser_addr from, own;
    int port, far = raw_datagrams(&port);
    hawser_sock *sock = hawser_socket(AF_PACKET, SOCK_DGRAM, htons(ETH_P_IP)), *sender = hawser_socket(AF_INET, SOCK_DGRAM, 0);
    assert_non_null(sock);
    hawser_settimeout(sock, WAIT_LIMIT);
    assert_works(hawser_bind(sock, "packet:lo:0x0800", 0));
    assert_works(hawser_getsockname(sock, &own));
    assert_int_equal(strncmp(hawser_addr_str(&own), "packet:lo:0x0800:", 17), 0);
    assert_int_equal(assert_works(hawser_sendto(sender, "needle in a frame", 17, "127.0.0.1", port)), 17);
    for (bool seen = false; !seen;) {
        char frame[2048];
        ssize_t n = assert_works(hawser_recvfrom(sock, frame, sizeof frame, &from));
        seen = n == 20 + 8 + 17 && memcmp(frame + 28, "needle in a frame", 17) == 0;
    }
    assert_int_equal(hawser_addr_family(&from), AF_PACKET);
    assert_int_equal(strncmp(hawser_addr_str(&from), "packet:lo:0x0800:", 17), 0);
    hawser_close(sender);
    hawser_close(sock);
    close(far);
}

static void auxiliary_data_of_a_packet_arrives(void **state) {
    (void)state;
    skip_in_world("it has no such sockets");
    int port, far = raw_datagrams(&port);
    char frame[2048], control[256];
    struct iovec part = {frame, sizeof frame};
    struct msghdr msg = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    hawser_sock *sock = hawser_socket(AF_PACKET, SOCK_DGRAM, htons(ETH_P_IP)), *sender = hawser_socket(AF_INET, SOCK_DGRAM, 0);
    hawser_settimeout(sock, WAIT_LIMIT);
    assert_works(hawser_bind(sock, "packet:lo:0x0800", 0));
    assert_works(hawser_setsockopt_int(sock, SOL_PACKET, PACKET_AUXDATA, 1));
    assert_int_equal(assert_works(hawser_sendto(sender, "x", 1, "127.0.0.1", port)), 1);
    assert_true(assert_works(hawser_recvmsg(sock, &msg, 0)) >= 29);
    struct cmsghdr *head = CMSG_FIRSTHDR(&msg);
    assert_non_null(head);
    assert_int_equal(head->cmsg_level, SOL_PACKET);
    assert_int_equal(head->cmsg_type, PACKET_AUXDATA);
    hawser_close(sender);
    hawser_close(sock);
    close(far);
}

static void a_frame_is_sent_through_a_packet_socket(void **state) {
    (void)state;
    skip_in_world("it has no such sockets");
    hawser_addr to, from;
    char frame[64] = {0}, got[128];
    hawser_sock *sender = hawser_socket(AF_PACKET, SOCK_DGRAM, 0),
                *receiver = hawser_socket(AF_PACKET, SOCK_DGRAM, htons(0x88b5));
    assert_works(hawser_bind(receiver, "packet:lo:0x88b5", 0)); /* the number for experiments */
    hawser_settimeout(receiver, WAIT_LIMIT);
    assert_int_equal(hawser_addr_parse(&to, "packet:lo:0x88b5:0:0:00:00:00:00:00:00"), 0);
    memcpy(frame, "own frame", 9);
    assert_int_equal(assert_works(hawser_sendto_addr(sender, frame, sizeof frame, 0, &to)), sizeof frame);
    assert_int_equal(assert_works(hawser_recvfrom(receiver, got, sizeof got, &from)), sizeof frame);
    assert_memory_equal(got, frame, sizeof frame);
    hawser_close(sender);
    hawser_close(receiver);
}

static uint16_t checksum(const void *data, size_t size) {
    uint32_t sum = 0;
    const unsigned char *at = data;
    for (size_t i = 0; i + 1 < size; i += 2)
        sum += (uint32_t)(at[i] << 8 | at[i + 1]);
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return htons((uint16_t)~sum);
}

static void a_raw_socket_pings_the_loopback(void **state) {
    (void)state;
    skip_in_world("it has no such sockets");
    hawser_addr from;
    hawser_sock *sock = hawser_socket(AF_INET, SOCK_RAW, IPPROTO_ICMP);
    assert_non_null(sock);
    hawser_settimeout(sock, WAIT_LIMIT);
    struct icmphdr ask = {.type = ICMP_ECHO, .un.echo = {.id = htons(77), .sequence = htons(1)}};
    ask.checksum = checksum(&ask, sizeof ask);
    assert_int_equal(assert_works(hawser_sendto(sock, &ask, sizeof ask, "127.0.0.1", 0)), sizeof ask);
    for (bool answered = false; !answered;) {
        unsigned char packet[256];
        ssize_t n = assert_works(hawser_recvfrom(sock, packet, sizeof packet, &from));
        const struct icmphdr *got = (const struct icmphdr *)(packet + 20);
        answered = n == 20 + sizeof ask && got->type == ICMP_ECHOREPLY && got->un.echo.id == htons(77);
    }
    assert_string_equal(hawser_addr_str(&from), "127.0.0.1:0");
    hawser_close(sock);
}

static void a_raw_socket_pings_the_ipv6_loopback(void **state) {
    (void)state;
    skip_in_world("it has no such sockets");
    hawser_addr from;
    hawser_sock *sock = hawser_socket(AF_INET6, SOCK_RAW, IPPROTO_ICMPV6);
    assert_non_null(sock);
    hawser_settimeout(sock, WAIT_LIMIT);
    struct icmp6_hdr ask = {.icmp6_type = ICMP6_ECHO_REQUEST}; /* the kernel fills in the checksum */
    ask.icmp6_id = htons(78);
    assert_int_equal(assert_works(hawser_sendto(sock, &ask, sizeof ask, "::1", 0)), sizeof ask);
    struct icmp6_hdr got = {0};
    while (got.icmp6_type != ICMP6_ECHO_REPLY)
        assert_int_equal(assert_works(hawser_recvfrom(sock, &got, sizeof got, &from)), sizeof got);
    assert_int_equal(got.icmp6_id, htons(78));
    assert_int_equal(strncmp(hawser_addr_str(&from), "[::1]:", 6), 0);
    hawser_close(sock);
}

/* Either the kernel has the family and makes the socket, or errno and the sentence say that it has not. */
static void a_family_is_there_or_clearly_absent(void **state) {
    (void)state;
    static const struct {
        int family, type, proto;
        const char *name;
    } rows[] = {
        {AF_CAN, SOCK_RAW, 1, "AF_CAN SOCK_RAW protocol 1"},  {AF_VSOCK, SOCK_STREAM, 0, "AF_VSOCK SOCK_STREAM"},
        {AF_ALG, SOCK_SEQPACKET, 0, "AF_ALG SOCK_SEQPACKET"}, {AF_RDS, SOCK_SEQPACKET, 0, "AF_RDS SOCK_SEQPACKET"},
        {AF_TIPC, SOCK_STREAM, 0, "AF_TIPC SOCK_STREAM"},     {AF_BLUETOOTH, SOCK_SEQPACKET, 0, "family 31 SOCK_SEQPACKET"},
        {AF_QIPCRTR, SOCK_DGRAM, 0, "family 42 SOCK_DGRAM"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char expected[128];
        forget_errors();
        hawser_sock *sock = hawser_socket(rows[i].family, rows[i].type, rows[i].proto);
        int code = errno;
        if (sock) {
            assert_int_equal(hawser_family(sock), rows[i].family);
            hawser_close(sock);
            continue;
        }
        assert_true(code == EAFNOSUPPORT || code == EPROTONOSUPPORT || code == ESOCKTNOSUPPORT || code == EPERM);
        snprintf(expected, sizeof expected, "create %s socket: %s", rows[i].name, hawser_strerror(code));
        assert_sentence(expected);
    }
}

/* Local VSOCK needs no machine around: where the family is there, an address in use and a refused connection are told. */
static void vsock_addresses_are_taken_by_bind(void **state) {
    (void)state;
    hawser_addr own;
    hawser_sock *sock = hawser_socket(AF_VSOCK, SOCK_STREAM, 0);
    if (!sock)
        return; /* the test above has looked at the error */
    if (hawser_bind(sock, "vsock:any:1055", 0) == 0) {
        assert_works(hawser_getsockname(sock, &own));
        assert_int_equal(hawser_addr_port(&own), 1055);
    } else {
        assert_sentence_has("bind to vsock:any:1055: ");
    }
    hawser_close(sock);
}

static void a_raw_socket_without_permission_is_EPERM(void **state) {
    (void)state;
    fault_syscall("socket", 1, EPERM, 1);
    assert_null_fails(hawser_socket(AF_INET, SOCK_RAW, IPPROTO_ICMP), EPERM);
    assert_true(fault_none());
    assert_sentence("create AF_INET SOCK_RAW protocol 1 socket: Operation not permitted");
}

int main(void) {
    enter_own_world(test_arguments, NULL);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(netlink_lists_the_interfaces),
        cmocka_unit_test(netlink_tells_of_changes_to_those_who_joined),
        cmocka_unit_test(a_packet_socket_sees_the_frames_of_an_interface),
        cmocka_unit_test(auxiliary_data_of_a_packet_arrives),
        cmocka_unit_test(a_frame_is_sent_through_a_packet_socket),
        cmocka_unit_test(a_raw_socket_pings_the_loopback),
        cmocka_unit_test(a_raw_socket_pings_the_ipv6_loopback),
        cmocka_unit_test(a_family_is_there_or_clearly_absent),
        cmocka_unit_test(vsock_addresses_are_taken_by_bind),
        cmocka_unit_test(a_raw_socket_without_permission_is_EPERM),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
