/* SPDX-License-Identifier: MIT */
/*
 * Networks, and whether an address lies in one. An address is looked at as the network of its own that has all bits, in the
 * same form as those of the list: IPv4 that is mapped into IPv6 has become IPv4 on both sides. So "::/0" is every IPv6 peer and
 * no IPv4 one, however the listener shows them. Zones ("%eth0") are no part of a network.
 */
#include "server/networks.h"

#include "base/mem.h"

#include <arpa/inet.h>
#include <hawser/error.h>
#include <stdlib.h>
#include <string.h>

#define IP4_BITS 32u
#define IP6_BITS 128u
#define MAPPED_BITS (IP6_BITS - IP4_BITS)

static const char unix_text[] = "unix";

/* The bits behind the prefix are 0, so one that looks mapped has all of the bits that tell. */
static void unmap(struct hawser__network *network) {
    static const unsigned char mapped[MAPPED_BITS / 8] = {[10] = 0xff, [11] = 0xff};
    if (network->family != AF_INET6 || memcmp(network->prefix, mapped, sizeof mapped) != 0)
        return;
    struct hawser__network ip4 = {.family = AF_INET, .bits = network->bits - MAPPED_BITS};
    memcpy(ip4.prefix, network->prefix + sizeof mapped, IP4_BITS / 8);
    *network = ip4;
}

/* The bits of octet INDEX that count in a prefix of BITS. */
static unsigned char mask(unsigned bits, size_t index) {
    size_t before = index * 8;
    return bits >= before + 8 ? 0xff : bits <= before ? 0 : (unsigned char)(0xff << (before + 8 - bits));
}

static void clear_rest(struct hawser__network *network) {
    for (size_t i = 0; i < sizeof network->prefix; i++)
        network->prefix[i] &= mask(network->bits, i);
}

/* The length of a prefix, decimal. As in the octets of an address no 0 leads: "010" may be meant to be eight. */
static int read_bits(const char *text, unsigned most, unsigned *ret) {
    size_t digits = strspn(text, "0123456789");
    if (digits == 0 || text[digits] != '\0' || (digits > 1 && text[0] == '0'))
        return -HAWSER_EADDRESS;
    unsigned long bits = strtoul(text, NULL, 10);
    if (bits > most)
        return -ERANGE;
    *ret = (unsigned)bits;
    return 0;
}

/* HOST is the text before SLASH; NULL: there is none, and all bits count. */
static int read_ip(struct hawser__network *ret, const char *host, const char *slash) {
    ret->family = strchr(host, ':') ? AF_INET6 : AF_INET;
    ret->bits = ret->family == AF_INET6 ? IP6_BITS : IP4_BITS;
    if (inet_pton(ret->family, host, ret->prefix) != 1)
        return -HAWSER_EADDRESS;
    return slash ? read_bits(slash + 1, ret->bits, &ret->bits) : 0;
}

int hawser__network_parse(struct hawser__network *ret, const char *text) {
    char host[INET6_ADDRSTRLEN];
    const char *slash = strchr(text, '/');
    size_t length = slash ? (size_t)(slash - text) : strlen(text);
    struct hawser__network network = {.family = AF_UNIX};
    if (length >= sizeof host)
        return -HAWSER_EADDRESS;
    memcpy(host, text, length);
    host[length] = '\0';
    int code = strcmp(text, unix_text) == 0 ? 0 : read_ip(&network, host, slash);
    if (code < 0)
        return code;
    clear_rest(&network);
    unmap(&network);
    *ret = network;
    return 0;
}

static size_t count_of(const char *const *texts) {
    size_t count = 0;
    while (texts && texts[count])
        count++;
    return count;
}

int hawser__networks_init(struct hawser__networks *networks, const char *const *texts, const char **bad) {
    size_t count = count_of(texts);
    *networks = (struct hawser__networks){.count = 0};
    if (count == 0)
        return 0;
    networks->list = hawser__alloc(count * sizeof *networks->list);
    if (!networks->list)
        return -ENOMEM;
    for (; networks->count < count; networks->count++) {
        int code = hawser__network_parse(&networks->list[networks->count], texts[networks->count]);
        if (code == 0)
            continue;
        *bad = texts[networks->count];
        hawser__networks_done(networks);
        return code;
    }
    return 0;
}

void hawser__networks_done(struct hawser__networks *networks) {
    hawser__free(networks->list);
    *networks = (struct hawser__networks){.count = 0};
}

/* ADDR as a network of its own; false: of a family that has none, or cut. The length asked for is that of struct sockaddr_in6
 * without its zone, which the kernel takes too. */
static bool network_of(const hawser_addr *addr, struct hawser__network *ret) {
    static const struct {
        int family;
        unsigned bits;
        size_t offset;
    } kinds[] = {
        {AF_INET, IP4_BITS, offsetof(struct sockaddr_in, sin_addr)},
        {AF_INET6, IP6_BITS, offsetof(struct sockaddr_in6, sin6_addr)},
        {AF_UNIX, 0, sizeof(sa_family_t)},
    };
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (hawser_addr_family(addr) != kinds[i].family || addr->len < kinds[i].offset + kinds[i].bits / 8)
            continue;
        *ret = (struct hawser__network){.family = kinds[i].family, .bits = kinds[i].bits};
        memcpy(ret->prefix, (const char *)&addr->ss + kinds[i].offset, kinds[i].bits / 8);
        unmap(ret);
        return true;
    }
    return false;
}

static bool contains(const struct hawser__network *network, const struct hawser__network *one) {
    if (network->family != one->family)
        return false;
    for (size_t i = 0; i < sizeof network->prefix; i++)
        if ((one->prefix[i] & mask(network->bits, i)) != network->prefix[i])
            return false;
    return true;
}

bool hawser__networks_contain(const struct hawser__networks *networks, const hawser_addr *addr) {
    struct hawser__network one;
    if (networks->count == 0 || !network_of(addr, &one))
        return false;
    for (size_t i = 0; i < networks->count; i++)
        if (contains(&networks->list[i], &one))
            return true;
    return false;
}
