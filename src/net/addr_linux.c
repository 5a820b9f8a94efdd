/* SPDX-License-Identifier: MIT */
/*
 * The other families of Linux that have a text form: NETLINK, PACKET, VSOCK, CAN, ALG. Most are a few numbers between colons;
 * numbers missing at the end are 0 (packet:eth0:0x0003 is enough to bind). CAN identifiers are written in hexadecimal.
 *
 * CAN sockets of three kinds share one family and differ in how much of the address they use. The length tells, as it does from
 * the kernel: raw and broadcast-manager sockets have the interface only, isotp adds RX and TX, j1939 adds NAME, PGN and ADDR.
 */
#include "net/addr_forms.h"
#include "net/iface.h"

#include "base/error.h"

#include <inttypes.h>
#include <linux/can.h>
#include <linux/if_alg.h>
#include <linux/if_packet.h>
#include <linux/netlink.h>
#include <linux/vm_sockets.h>
#include <string.h>

/* Copied out and in rather than cast: the compiler may take two struct types for two different objects. */
static void load(const hawser_addr *addr, void *ret, size_t size) {
    memcpy(ret, &addr->ss, size);
}

static void store(hawser_addr *ret, const void *sa, size_t size) {
    *ret = (hawser_addr){.len = (socklen_t)size};
    memcpy(&ret->ss, sa, size);
}

static int read_interface(struct hawser__reader *reader, unsigned *ret) {
    const char *field;
    size_t len;
    return hawser__read_field(reader, &field, &len) ? hawser__iface_read(field, len, ret) : -HAWSER_EADDRESS;
}

/* netlink:PORTID:GROUPS */

static bool normal_netlink(hawser_addr *addr) {
    struct sockaddr_nl nl;
    load(addr, &nl, sizeof nl);
    nl.nl_pad = 0;
    if (addr->len < sizeof nl)
        return false;
    store(addr, &nl, sizeof nl);
    return true;
}

static void print_netlink(const hawser_addr *addr, struct hawser__writer *writer) {
    struct sockaddr_nl nl;
    load(addr, &nl, sizeof nl);
    hawser__write(writer, "%u:%u", nl.nl_pid, nl.nl_groups);
}

static int read_netlink(hawser_addr *ret, const char *text) {
    struct hawser__reader reader = {.at = text};
    uint64_t numbers[2];
    int code = hawser__read_last_numbers(&reader, 2, (const uint64_t[]){UINT32_MAX, UINT32_MAX}, numbers);
    if (code < 0)
        return code;
    const struct sockaddr_nl nl = {.nl_family = AF_NETLINK, .nl_pid = (uint32_t)numbers[0], .nl_groups = (uint32_t)numbers[1]};
    store(ret, &nl, sizeof nl);
    return 0;
}

/* packet:INTERFACE:PROTOCOL:PKTTYPE:HATYPE:BYTES. The kernel takes no less than a whole sockaddr_ll, and of long hardware
 * addresses (InfiniBand) more than that. */

#define LL_HEAD offsetof(struct sockaddr_ll, sll_addr)

static bool normal_packet(hawser_addr *addr) {
    struct sockaddr_ll ll;
    load(addr, &ll, sizeof ll);
    size_t used = LL_HEAD + ll.sll_halen;
    if (addr->len < LL_HEAD || addr->len < used)
        return false;
    memset((char *)&addr->ss + used, 0, sizeof addr->ss - used);
    addr->len = (socklen_t)(used > sizeof ll ? used : sizeof ll);
    return true;
}

static void print_packet(const hawser_addr *addr, struct hawser__writer *writer) {
    char name[HAWSER__IFACE_TEXT];
    struct sockaddr_ll ll;
    load(addr, &ll, sizeof ll);
    const unsigned char *bytes = (const unsigned char *)&addr->ss + LL_HEAD;
    hawser__write(writer, "%s:0x%04x:%u:%u", hawser__iface_text((unsigned)ll.sll_ifindex, name), ntohs(ll.sll_protocol),
                  ll.sll_pkttype, ll.sll_hatype);
    for (size_t i = 0; i < ll.sll_halen; i++)
        hawser__write(writer, ":%02x", bytes[i]);
}

/* The hardware address: two hexadecimal digits a field. The count of bytes. */
static int read_hardware(struct hawser__reader *reader, unsigned char *out, size_t size) {
    const char *field;
    size_t len, n = 0;
    uint64_t byte;
    char number[5] = "0x";
    while (hawser__read_field(reader, &field, &len)) {
        if (len != 2 || n == size)
            return -HAWSER_EADDRESS;
        memcpy(number + 2, field, 2);
        if (hawser__read_number(number, 4, UINT8_MAX, &byte) < 0)
            return -HAWSER_EADDRESS;
        out[n++] = (unsigned char)byte;
    }
    return (int)n;
}

static int read_packet(hawser_addr *ret, const char *text) {
    static const uint64_t max[] = {UINT16_MAX, UINT8_MAX, UINT16_MAX};
    struct hawser__reader reader = {.at = text};
    struct sockaddr_ll ll = {.sll_family = AF_PACKET};
    unsigned char hardware[sizeof ret->ss - LL_HEAD];
    uint64_t numbers[3];
    unsigned interface;
    int code = read_interface(&reader, &interface);
    if (code == 0)
        code = hawser__read_numbers(&reader, 3, max, numbers);
    int length = code < 0 ? code : read_hardware(&reader, hardware, sizeof hardware);
    if (length < 0)
        return length;
    ll.sll_ifindex = (int)interface;
    ll.sll_protocol = htons((uint16_t)numbers[0]);
    ll.sll_pkttype = (unsigned char)numbers[1];
    ll.sll_hatype = (unsigned short)numbers[2];
    ll.sll_halen = (unsigned char)length;
    store(ret, &ll, sizeof ll);
    memcpy((char *)&ret->ss + LL_HEAD, hardware, (size_t)length);
    if (LL_HEAD + (size_t)length > sizeof ll)
        ret->len = (socklen_t)(LL_HEAD + (size_t)length);
    return 0;
}

/* vsock:CID:PORT */

static const char any[] = "any";

static bool normal_vsock(hawser_addr *addr) {
    struct sockaddr_vm vm, plain = {.svm_family = AF_VSOCK};
    load(addr, &vm, sizeof vm);
    plain.svm_cid = vm.svm_cid;
    plain.svm_port = vm.svm_port;
    if (addr->len < sizeof vm || vm.svm_flags != 0)
        return false;
    store(addr, &plain, sizeof plain);
    return true;
}

static void print_vsock_host(const hawser_addr *addr, struct hawser__writer *writer) {
    struct sockaddr_vm vm;
    load(addr, &vm, sizeof vm);
    if (vm.svm_cid == VMADDR_CID_ANY)
        hawser__write(writer, "%s", any);
    else
        hawser__write(writer, "%u", vm.svm_cid);
}

static int64_t port_vsock(const hawser_addr *addr) {
    struct sockaddr_vm vm;
    load(addr, &vm, sizeof vm);
    return vm.svm_port;
}

static void print_vsock(const hawser_addr *addr, struct hawser__writer *writer) {
    print_vsock_host(addr, writer);
    hawser__write(writer, ":%" PRId64, port_vsock(addr));
}

static int read_vsock(hawser_addr *ret, const char *text) {
    struct hawser__reader reader = {.at = text};
    struct sockaddr_vm vm = {.svm_family = AF_VSOCK, .svm_cid = VMADDR_CID_ANY};
    const char *cid_text;
    size_t len;
    uint64_t cid = VMADDR_CID_ANY, port;
    hawser__read_field(&reader, &cid_text, &len);
    bool is_any = len == strlen(any) && memcmp(cid_text, any, len) == 0;
    int code = is_any ? 0 : hawser__read_number(cid_text, len, UINT32_MAX, &cid);
    if (code == 0 && !reader.at)
        code = -HAWSER_EADDRESS;
    if (code == 0)
        code = hawser__read_last_numbers(&reader, 1, (const uint64_t[]){UINT32_MAX}, &port);
    if (code < 0)
        return code;
    vm.svm_cid = (unsigned)cid;
    vm.svm_port = (unsigned)port;
    store(ret, &vm, sizeof vm);
    return 0;
}

/* can:INTERFACE, can:INTERFACE:RX:TX, can:INTERFACE:NAME:PGN:ADDR */

#define CAN_RAW_LEN offsetof(struct sockaddr_can, can_addr)
#define CAN_ISOTP_LEN (CAN_RAW_LEN + sizeof(((struct sockaddr_can *)NULL)->can_addr.tp))
#define CAN_J1939_LEN (CAN_RAW_LEN + sizeof(((struct sockaddr_can *)NULL)->can_addr.j1939))

static bool normal_can(hawser_addr *addr) {
    struct sockaddr_can from, can;
    size_t len = addr->len >= CAN_J1939_LEN ? CAN_J1939_LEN : addr->len >= CAN_ISOTP_LEN ? CAN_ISOTP_LEN : CAN_RAW_LEN;
    if (addr->len < CAN_RAW_LEN)
        return false;
    load(addr, &from, sizeof from);
    memset(&can, 0, sizeof can);
    can.can_family = AF_CAN;
    can.can_ifindex = from.can_ifindex;
    if (len == CAN_ISOTP_LEN) {
        can.can_addr.tp = from.can_addr.tp;
    } else if (len == CAN_J1939_LEN) {
        can.can_addr.j1939.name = from.can_addr.j1939.name;
        can.can_addr.j1939.pgn = from.can_addr.j1939.pgn;
        can.can_addr.j1939.addr = from.can_addr.j1939.addr;
    }
    store(addr, &can, len);
    return true;
}

static void print_can(const hawser_addr *addr, struct hawser__writer *writer) {
    char name[HAWSER__IFACE_TEXT];
    struct sockaddr_can can;
    load(addr, &can, sizeof can);
    hawser__write(writer, "%s", hawser__iface_text((unsigned)can.can_ifindex, name));
    if (addr->len == CAN_ISOTP_LEN)
        hawser__write(writer, ":0x%x:0x%x", can.can_addr.tp.rx_id, can.can_addr.tp.tx_id);
    else if (addr->len == CAN_J1939_LEN)
        hawser__write(writer, ":0x%" PRIx64 ":0x%x:0x%x", (uint64_t)can.can_addr.j1939.name, can.can_addr.j1939.pgn,
                      can.can_addr.j1939.addr);
}

static int read_isotp(struct hawser__reader *reader, struct sockaddr_can *can) {
    uint64_t ids[2];
    int code = hawser__read_last_numbers(reader, 2, (const uint64_t[]){UINT32_MAX, UINT32_MAX}, ids);
    if (code < 0)
        return code;
    can->can_addr.tp.rx_id = (canid_t)ids[0];
    can->can_addr.tp.tx_id = (canid_t)ids[1];
    return CAN_ISOTP_LEN;
}

static int read_j1939(struct hawser__reader *reader, struct sockaddr_can *can) {
    uint64_t numbers[3];
    int code = hawser__read_last_numbers(reader, 3, (const uint64_t[]){UINT64_MAX, UINT32_MAX, UINT8_MAX}, numbers);
    if (code < 0)
        return code;
    can->can_addr.j1939.name = numbers[0];
    can->can_addr.j1939.pgn = (uint32_t)numbers[1];
    can->can_addr.j1939.addr = (uint8_t)numbers[2];
    return CAN_J1939_LEN;
}

static size_t fields_left(const struct hawser__reader *reader) {
    size_t n = reader->at != NULL;
    for (const char *at = reader->at; at && (at = strchr(at, ':')); at++)
        n++;
    return n;
}

/* How many fields there are says which kind it is: its length, or a negative code. */
static int read_can_kind(struct hawser__reader *reader, struct sockaddr_can *can) {
    switch (fields_left(reader)) {
    case 0:
        return CAN_RAW_LEN;
    case 2:
        return read_isotp(reader, can);
    case 3:
        return read_j1939(reader, can);
    default:
        return -HAWSER_EADDRESS;
    }
}

static int read_can(hawser_addr *ret, const char *text) {
    struct hawser__reader reader = {.at = text};
    struct sockaddr_can can;
    unsigned interface;
    memset(&can, 0, sizeof can);
    can.can_family = AF_CAN;
    int len = read_interface(&reader, &interface);
    if (len == 0)
        len = read_can_kind(&reader, &can);
    if (len < 0)
        return len;
    can.can_ifindex = (int)interface;
    store(ret, &can, (size_t)len);
    return 0;
}

/* alg:TYPE:NAME. Feature and mask bits, and names longer than the classic struct has room for, are left to the general form. */

static bool normal_alg(hawser_addr *addr) {
    struct sockaddr_alg from, alg = {.salg_family = AF_ALG};
    load(addr, &from, sizeof from);
    size_t type = strnlen((const char *)from.salg_type, sizeof from.salg_type);
    size_t name = strnlen((const char *)from.salg_name, sizeof from.salg_name);
    if (addr->len != sizeof from || from.salg_feat != 0 || from.salg_mask != 0 || type == sizeof from.salg_type ||
        name == sizeof from.salg_name)
        return false;
    memcpy(alg.salg_type, from.salg_type, type);
    memcpy(alg.salg_name, from.salg_name, name);
    store(addr, &alg, sizeof alg);
    return true;
}

static void print_alg(const hawser_addr *addr, struct hawser__writer *writer) {
    struct sockaddr_alg alg;
    load(addr, &alg, sizeof alg);
    hawser__write_name(writer, alg.salg_type, strlen((const char *)alg.salg_type), ":");
    hawser__write(writer, ":");
    hawser__write_name(writer, alg.salg_name, strlen((const char *)alg.salg_name), NULL);
}

static int read_alg(hawser_addr *ret, const char *text) {
    struct sockaddr_alg alg = {.salg_family = AF_ALG};
    const char *colon = strchr(text, ':');
    if (!colon)
        return -HAWSER_EADDRESS;
    ssize_t type = hawser__read_name(text, (size_t)(colon - text), (char *)alg.salg_type, sizeof alg.salg_type - 1);
    ssize_t name = hawser__read_name(colon + 1, strlen(colon + 1), (char *)alg.salg_name, sizeof alg.salg_name - 1);
    if (type < 0 || name < 0)
        return (int)(type < 0 ? type : name);
    if (memchr(alg.salg_type, '\0', (size_t)type) || memchr(alg.salg_name, '\0', (size_t)name))
        return -HAWSER_EADDRESS;
    store(ret, &alg, sizeof alg);
    return 0;
}

const struct hawser__addr_form hawser__form_netlink = {
    .family = AF_NETLINK, .prefix = "netlink:", .normal = normal_netlink, .print = print_netlink, .read = read_netlink};
const struct hawser__addr_form hawser__form_packet = {
    .family = AF_PACKET, .prefix = "packet:", .normal = normal_packet, .print = print_packet, .read = read_packet};
const struct hawser__addr_form hawser__form_vsock = {
    .family = AF_VSOCK,
    .prefix = "vsock:",
    .normal = normal_vsock,
    .print = print_vsock,
    .print_host = print_vsock_host,
    .port = port_vsock,
    .read = read_vsock,
};
const struct hawser__addr_form hawser__form_can = {
    .family = AF_CAN, .prefix = "can:", .normal = normal_can, .print = print_can, .read = read_can};
const struct hawser__addr_form hawser__form_alg = {
    .family = AF_ALG, .prefix = "alg:", .normal = normal_alg, .print = print_alg, .read = read_alg};
