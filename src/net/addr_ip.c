/* SPDX-License-Identifier: MIT */
/*
 * IPv4 and IPv6 addresses, and what they look like: 127.0.0.1:80, [fe80::1%eth0]:80.
 *
 * Only the full dotted form of IPv4 counts as numeric here; the old abbreviations (127.1, 0x7f000001) are left to name look-up,
 * where libc still takes them. Flow labels belong to packets rather than endpoints: they are neither shown nor compared.
 */
#include "net/addr_forms.h"
#include "net/iface.h"

#include "base/error.h"

#include <arpa/inet.h>
#include <string.h>

#define PORT_MAX 65535

/* struct sockaddr_in6 as RFC 2133 had it, without the zone: the kernel still takes it. */
#define IP6_LEN_SHORTEST offsetof(struct sockaddr_in6, sin6_scope_id)

/* Copied out and in rather than cast: the compiler may take two struct types for two different objects. */
static struct sockaddr_in ip4(const hawser_addr *addr) {
    struct sockaddr_in in;
    memcpy(&in, &addr->ss, sizeof in);
    return in;
}

static struct sockaddr_in6 ip6(const hawser_addr *addr) {
    struct sockaddr_in6 in6;
    memcpy(&in6, &addr->ss, sizeof in6);
    return in6;
}

static void make_ip4(hawser_addr *ret, struct in_addr ip, in_port_t port) {
    const struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr = ip, .sin_port = port};
    *ret = (hawser_addr){.len = sizeof in};
    memcpy(&ret->ss, &in, sizeof in);
}

static void make_ip6(hawser_addr *ret, struct in6_addr ip, in_port_t port, uint32_t zone) {
    const struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_addr = ip, .sin6_port = port, .sin6_scope_id = zone};
    *ret = (hawser_addr){.len = sizeof in6};
    memcpy(&ret->ss, &in6, sizeof in6);
}

int hawser__port_check(int port) {
    return port < 0 || port > PORT_MAX ? -ERANGE : 0;
}

void hawser__addr_here(hawser_addr *ret, int family, bool passive, int port) {
    if (family == AF_INET6)
        make_ip6(ret, passive ? in6addr_any : in6addr_loopback, htons((uint16_t)port), 0);
    else
        make_ip4(ret, (struct in_addr){htonl(passive ? INADDR_ANY : INADDR_LOOPBACK)}, htons((uint16_t)port));
}

void hawser__addr_set_port(hawser_addr *addr, int port) {
    const in_port_t in_order = htons((uint16_t)port);
    if (hawser_addr_family(addr) == AF_INET)
        make_ip4(addr, ip4(addr).sin_addr, in_order);
    else if (hawser_addr_family(addr) == AF_INET6)
        make_ip6(addr, ip6(addr).sin6_addr, in_order, ip6(addr).sin6_scope_id);
}

/* HOST with the zone cut off into *ZONE (0 without one). */
static int read_ip6(const char *host, struct in6_addr *ret, unsigned *zone) {
    char digits[INET6_ADDRSTRLEN];
    const char *percent = strchr(host, '%');
    size_t length = percent ? (size_t)(percent - host) : strlen(host);
    if (length >= sizeof digits)
        return -HAWSER_EADDRESS;
    memcpy(digits, host, length);
    digits[length] = '\0';
    if (inet_pton(AF_INET6, digits, ret) != 1)
        return -HAWSER_EADDRESS;
    *zone = 0;
    return percent ? hawser__iface_read(percent + 1, strlen(percent + 1), zone) : 0;
}

int hawser__addr_ip(hawser_addr *ret, const char *host, int port) {
    struct in_addr ip = {INADDR_ANY};
    struct in6_addr wide;
    unsigned zone;
    int code = hawser__port_check(port);
    if (code < 0)
        return code;
    if (host[0] == '\0' || inet_pton(AF_INET, host, &ip) == 1) {
        make_ip4(ret, ip, htons((uint16_t)port));
        return 0;
    }
    code = read_ip6(host, &wide, &zone);
    if (code == 0)
        make_ip6(ret, wide, htons((uint16_t)port), zone);
    return code;
}

int hawser_addr_ip(hawser_addr *ret, const char *host, int port) {
    host = host ? host : "";
    int code = hawser__addr_ip(ret, host, port);
    if (hawser__port_check(port) < 0)
        return hawser__fail_sentence(ERANGE, "make address of %s and %d: port must be 0 to 65535", host, port);
    return code < 0 ? hawser__fail(code, "make address of %s and %d", host, port) : 0;
}

static bool normal_ip4(hawser_addr *addr) {
    if (addr->len < sizeof(struct sockaddr_in))
        return false;
    make_ip4(addr, ip4(addr).sin_addr, ip4(addr).sin_port);
    return true;
}

static bool normal_ip6(hawser_addr *addr) {
    if (addr->len < IP6_LEN_SHORTEST)
        return false;
    const struct sockaddr_in6 in6 = ip6(addr);
    if (IN6_IS_ADDR_V4MAPPED(&in6.sin6_addr)) {
        struct in_addr ip;
        memcpy(&ip, in6.sin6_addr.s6_addr + 12, sizeof ip);
        make_ip4(addr, ip, in6.sin6_port);
    } else {
        make_ip6(addr, in6.sin6_addr, in6.sin6_port, in6.sin6_scope_id);
    }
    return true;
}

static void print_ip4_host(const hawser_addr *addr, struct hawser__writer *writer) {
    char digits[INET_ADDRSTRLEN];
    const struct sockaddr_in in = ip4(addr);
    hawser__write(writer, "%s", inet_ntop(AF_INET, &in.sin_addr, digits, sizeof digits));
}

static void print_ip4(const hawser_addr *addr, struct hawser__writer *writer) {
    print_ip4_host(addr, writer);
    hawser__write(writer, ":%u", ntohs(ip4(addr).sin_port));
}

static void print_ip6_host(const hawser_addr *addr, struct hawser__writer *writer) {
    char digits[INET6_ADDRSTRLEN], zone[HAWSER__IFACE_TEXT];
    const struct sockaddr_in6 in6 = ip6(addr);
    hawser__write(writer, "%s", inet_ntop(AF_INET6, &in6.sin6_addr, digits, sizeof digits));
    if (in6.sin6_scope_id != 0)
        hawser__write(writer, "%%%s", hawser__iface_text(in6.sin6_scope_id, zone));
}

static void print_ip6(const hawser_addr *addr, struct hawser__writer *writer) {
    hawser__write(writer, "[");
    print_ip6_host(addr, writer);
    hawser__write(writer, "]:%u", ntohs(ip6(addr).sin6_port));
}

/* Ports are decimal, unlike the numbers of other families: nobody writes 0x50. */
static int read_port(const char *text, int *ret) {
    uint64_t port;
    if (text[strspn(text, "0123456789")] != '\0')
        return -HAWSER_EADDRESS;
    int code = hawser__read_number(text, strlen(text), PORT_MAX, &port);
    if (code == 0)
        *ret = (int)port;
    return code;
}

/* Where the host of HOST:PORT or [HOST]:PORT lies in TEXT, and where the port. */
static bool split(const char *text, const char **host, size_t *length, const char **port) {
    bool brackets = text[0] == '[';
    const char *colon = strrchr(text, ':');
    *host = text + brackets;
    if (!colon || colon <= *host || (brackets && colon[-1] != ']'))
        return false;
    *length = (size_t)(colon - *host) - brackets;
    *port = colon + 1;
    return *length > 0 && brackets == (memchr(*host, ':', *length) != NULL);
}

static int read_ip(hawser_addr *ret, const char *text) {
    const char *start, *digits;
    char host[HAWSER_ADDR_TEXT];
    size_t length;
    int port = 0;
    if (!split(text, &start, &length, &digits) || length >= sizeof host)
        return -HAWSER_EADDRESS;
    memcpy(host, start, length);
    host[length] = '\0';
    int code = read_port(digits, &port);
    return code < 0 ? code : hawser__addr_ip(ret, host, port);
}

static int64_t port_ip4(const hawser_addr *addr) {
    return ntohs(ip4(addr).sin_port);
}

static int64_t port_ip6(const hawser_addr *addr) {
    return ntohs(ip6(addr).sin6_port);
}

static bool is_loopback_ip4(const hawser_addr *addr) {
    return ntohl(ip4(addr).sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
}

static bool is_loopback_ip6(const hawser_addr *addr) {
    const struct sockaddr_in6 in6 = ip6(addr);
    return IN6_IS_ADDR_LOOPBACK(&in6.sin6_addr);
}

const struct hawser__addr_form hawser__form_ip4 = {
    .family = AF_INET,
    .normal = normal_ip4,
    .print = print_ip4,
    .print_host = print_ip4_host,
    .port = port_ip4,
    .is_loopback = is_loopback_ip4,
    .read = read_ip,
};

const struct hawser__addr_form hawser__form_ip6 = {
    .family = AF_INET6,
    .normal = normal_ip6,
    .print = print_ip6,
    .print_host = print_ip6_host,
    .port = port_ip6,
    .is_loopback = is_loopback_ip6,
    .read = read_ip,
};

/* RDS sockets have IPv4 and IPv6 addresses; there is no other. */
const struct hawser__addr_form hawser__form_rds = {.prefix = "rds:", .read = read_ip};
