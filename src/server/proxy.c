/* SPDX-License-Identifier: MIT */
/*
 * The PROXY header. It is read by looking first: what has arrived is peeked at, and then taken up to the end of the header. As
 * long as the end is not in sight all of it belongs to the header and is taken at once, so that the next look waits for more
 * instead of finding the same bytes again. A header that came in one piece costs two system calls, and no byte behind it is
 * touched.
 *
 * Strict where a sender has no choice: whoever is wrong about a header is not to say who the client is. Once some bytes are no
 * header more of them never make one.
 */
#include "server/proxy.h"

#include "base/error.h"
#include "net/handle.h"

#include <arpa/inet.h>
#include <hawser/deadline.h>
#include <hawser/io.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

/* Version 1: a line, "PROXY TCP4 192.0.2.1 192.0.2.2 4000 80\r\n". */
#define LINE_LONGEST 107
enum { WORD, PROTOCOL, SOURCE, DESTINATION, SOURCE_PORT, DESTINATION_PORT, FIELDS };

static const unsigned char line_begin[] = {'P', 'R', 'O', 'X', 'Y', ' '};
static const char unknown[] = "PROXY UNKNOWN";

/* Version 2: signature, version and command, family and transport, the length of what follows: addresses and TLVs. */
static const unsigned char signature[] = {'\r', '\n', '\r', '\n', '\0', '\r', '\n', 'Q', 'U', 'I', 'T', '\n'};
enum { VERSION = sizeof signature, FAMILY, LENGTH, BLOCK = LENGTH + 2 };
enum { LOCAL, PROXIED };
#define UNIX_PATH 108u

/* By the number of the family: the bytes of one address, and of the addresses and ports together. */
static const struct {
    int family;
    size_t address, block;
} families[] = {{AF_UNSPEC, 0, 0}, {AF_INET, 4, 12}, {AF_INET6, 16, 36}, {AF_UNIX, UNIX_PATH, 2 * UNIX_PATH}};
#define FAMILIES (sizeof families / sizeof *families)
#define TRANSPORTS 3   /* unspecified, stream, datagram */

static bool begins(const unsigned char *data, size_t size, const unsigned char *with, size_t length) {
    return memcmp(data, with, size < length ? size : length) == 0;
}

static ssize_t measure_line(const unsigned char *data, size_t size) {
    const unsigned char *end = memchr(data, '\n', size < LINE_LONGEST ? size : LINE_LONGEST);
    if (!end)
        return size < LINE_LONGEST ? 0 : -HAWSER_EADDRESS;
    return end[-1] == '\r' ? end + 1 - data : -HAWSER_EADDRESS;
}

static ssize_t measure_block(const unsigned char *data, size_t size) {
    if (size > VERSION && (data[VERSION] >> 4 != 2 || (data[VERSION] & 0xf) > PROXIED))
        return -HAWSER_EADDRESS;
    bool proxied = size > VERSION && (data[VERSION] & 0xf) == PROXIED;   /* of a local one the family says nothing */
    if (size > FAMILY && proxied && (data[FAMILY] >> 4 >= FAMILIES || (data[FAMILY] & 0xf) >= TRANSPORTS))
        return -HAWSER_EADDRESS;
    if (size < BLOCK)
        return 0;
    size_t length = (size_t)data[LENGTH] << 8 | data[LENGTH + 1];
    return proxied && length < families[data[FAMILY] >> 4].block ? -HAWSER_EADDRESS : (ssize_t)(BLOCK + length);
}

/* The size of the header that the SIZE bytes of DATA begin with, which may be more than SIZE; 0: not to be told yet. */
static ssize_t measure(const unsigned char *data, size_t size) {
    if (size == 0)
        return 0;
    if (begins(data, size, signature, sizeof signature))
        return measure_block(data, size);
    return begins(data, size, line_begin, sizeof line_begin) ? measure_line(data, size) : -HAWSER_EADDRESS;
}

static void make_ip(hawser_addr *ret, int family, const void *ip, in_port_t port) {
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = port};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = port};
    bool wide = family == AF_INET6;
    *ret = (hawser_addr){.len = wide ? sizeof in6 : sizeof in};
    memcpy(wide ? (void *)&in6.sin6_addr : (void *)&in.sin_addr, ip, wide ? sizeof in6.sin6_addr : sizeof in.sin_addr);
    memcpy(&ret->ss, wide ? (const void *)&in6 : (const void *)&in, ret->len);
}

/* NAME is UNIX_PATH bytes: a path, an abstract name (it ends where the padding begins, nothing else says where), or nothing. */
static void make_unix(hawser_addr *ret, const unsigned char *name) {
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    size_t length = UNIX_PATH;
    while (length > 0 && name[length - 1] == '\0')
        length--;
    if (length > 0 && name[0] != '\0')
        length = strnlen((const char *)name, UNIX_PATH);
    memcpy(un.sun_path, name, length);
    bool nul = length > 0 && length < UNIX_PATH && name[0] != '\0';
    *ret = (hawser_addr){.len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length + nul)};
    memcpy(&ret->ss, &un, ret->len);
}

static void decode_block(const unsigned char *data, hawser_addr *ret) {
    unsigned number = (data[VERSION] & 0xf) == LOCAL ? 0 : data[FAMILY] >> 4;
    const unsigned char *source = data + BLOCK;
    in_port_t port;
    *ret = (hawser_addr){.len = 0};
    if (families[number].family == AF_UNIX) {
        make_unix(ret, source);
    } else if (families[number].family != AF_UNSPEC) {
        memcpy(&port, source + 2 * families[number].address, sizeof port);
        make_ip(ret, families[number].family, source, port);
    }
}

static bool read_port(const char *text, in_port_t *ret) {
    size_t digits = strspn(text, "0123456789");
    if (digits == 0 || text[digits] != '\0' || (digits > 1 && text[0] == '0'))
        return false;
    unsigned long port = strtoul(text, NULL, 10);
    *ret = htons((uint16_t)port);
    return port <= UINT16_MAX;
}

/* LINE at its spaces. The number of fields; more than FIELDS count as none. */
static size_t split(char *line, const char *ret[static FIELDS]) {
    size_t n = 0;
    for (char *next = line; next; n++) {
        if (n == FIELDS)
            return 0;
        ret[n] = next;
        next = strchr(next, ' ');
        if (next)
            *next++ = '\0';
    }
    return n;
}

static int decode_fields(const char *const *fields, hawser_addr *ret) {
    int family = strcmp(fields[PROTOCOL], "TCP4") == 0 ? AF_INET : AF_INET6;
    unsigned char source[16], destination[16];
    in_port_t port, destination_port;
    if (family == AF_INET6 && strcmp(fields[PROTOCOL], "TCP6") != 0)
        return -HAWSER_EADDRESS;
    if (inet_pton(family, fields[SOURCE], source) != 1 || inet_pton(family, fields[DESTINATION], destination) != 1)
        return -HAWSER_EADDRESS;
    if (!read_port(fields[SOURCE_PORT], &port) || !read_port(fields[DESTINATION_PORT], &destination_port))
        return -HAWSER_EADDRESS;
    make_ip(ret, family, source, port);
    return 0;
}

/* SIZE counts the end of the line. */
static int decode_line(const unsigned char *data, size_t size, hawser_addr *ret) {
    char line[LINE_LONGEST];
    const char *fields[FIELDS];
    size_t length = size - 2, word = sizeof unknown - 1;
    memcpy(line, data, length);
    line[length] = '\0';
    *ret = (hawser_addr){.len = 0};
    if (strncmp(line, unknown, word) == 0 && (length == word || line[word] == ' '))
        return 0;
    return strlen(line) == length && split(line, fields) == FIELDS ? decode_fields(fields, ret) : -HAWSER_EADDRESS;
}

/* A whole header of SIZE bytes; of version 2 the TLVs may be missing. */
static int decode(const unsigned char *data, size_t size, hawser_addr *ret) {
    if (data[0] != signature[0])
        return decode_line(data, size, ret);
    decode_block(data, ret);
    return 0;
}

ssize_t hawser__proxy_parse(const void *data, size_t size, hawser_addr *peer) {
    hawser_addr found;
    ssize_t total = measure(data, size);
    if (total <= 0 || (size_t)total > size)
        return total < 0 ? total : 0;
    int code = decode(data, (size_t)total, &found);
    if (code < 0)
        return code;
    *peer = found;
    return total;
}

/* A header being read. Its front holds more than any header is long without its TLVs, and most TLVs that there are. */
struct reading {
    hawser_sock *sock;
    size_t taken;
    unsigned char front[1024];
};

/* Takes SIZE bytes, all of them, to TO. */
static int take(struct reading *reading, void *to, size_t size) {
    ssize_t n = hawser_recv_exactly(reading->sock, to, size);
    int code = n > 0 ? 0 : n == 0 ? -HAWSER_EEOF : -errno;
    reading->taken += code == 0 ? size : n < 0 ? (size_t)hawser_moved() : 0;
    return code;
}

/* Takes the header, or as much of it as the front has room for. Its size, or a code. */
static ssize_t take_front(struct reading *reading) {
    for (;;) {
        unsigned char *at = reading->front + reading->taken;
        ssize_t n = hawser_recv_flags(reading->sock, at, sizeof reading->front - reading->taken, MSG_PEEK);
        if (n <= 0)
            return n < 0 ? -errno : -HAWSER_EEOF;
        size_t seen = reading->taken + (size_t)n;
        ssize_t total = measure(reading->front, seen);
        if (total < 0)
            return total;
        bool all = total > 0 && (size_t)total <= seen;
        int code = take(reading, at, (all ? (size_t)total : seen) - reading->taken);
        if (code < 0 || all || seen == sizeof reading->front)
            return code < 0 ? code : total;
    }
}

/* The front has been decoded and is room for what comes behind it. */
static int drop(struct reading *reading, size_t total) {
    int code = 0;
    while (code == 0 && reading->taken < total) {
        size_t rest = total - reading->taken;
        code = take(reading, reading->front, rest < sizeof reading->front ? rest : sizeof reading->front);
    }
    return code;
}

static int read_header(struct reading *reading, hawser_addr *peer) {
    hawser_addr found;
    ssize_t total = take_front(reading);
    int code = total < 0 ? (int)total : decode(reading->front, (size_t)total, &found);
    if (code == 0)
        code = drop(reading, (size_t)total);
    if (code == 0)
        *peer = found;
    return code;
}

HAWSER__COLD static int fail(const struct reading *reading, int code) {
    hawser_addr addr;
    const char *from = hawser__peer_text(reading->sock, &addr);
    if (code == -HAWSER_EADDRESS)
        return hawser__fail_sentence(HAWSER_EADDRESS, "read PROXY header from %s: it sent none, or a malformed one", from);
    return hawser__fail_moved(code, reading->taken, "read PROXY header from %s", from);
}

int hawser__proxy_read(hawser_sock *sock, double seconds, hawser_addr *peer) {
    struct reading reading = {.sock = sock};
    int64_t outer = hawser_deadline_push(seconds);
    if (outer < 0)
        return -1;
    int code = read_header(&reading, peer);
    hawser_deadline_pop(outer);
    return code < 0 ? fail(&reading, code) : 0;
}
