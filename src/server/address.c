/* SPDX-License-Identifier: MIT */
/*
 * Addresses of servers: a table of schemes, each with the reader of what follows. A slip that would open something else than
 * was meant is refused: the path of a URL, "udp:53" (a host called udp), a bare number as a host (12345 is 0.0.48.57), IPv6
 * without brackets, "unix:" and "unix:@" with nothing behind.
 */
#include "server/address.h"

#include "net/addr.h"
#include "net/addr_forms.h"
#include "net/names.h"
#include "net/timeout.h"

#include <hawser/error.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#define PORT_MAX 65535
#define NAME_OF_DESCRIPTOR_MAX 255   /* systemd's own limit */

static bool begins_with(const char *text, const char *prefix) {
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* Too many digits, and a sign, still are a number: one out of range. */
static bool is_number(const char *text) {
    const char *digits = text + (*text == '-');
    return *digits && digits[strspn(digits, "0123456789")] == '\0';
}

static int read_number(const char *text, int max, int *ret) {
    uint64_t number;
    if (!is_number(text))
        return -HAWSER_EADDRESS;
    int code = *text == '-' ? -ERANGE : hawser__read_number(text, strlen(text), (uint64_t)max, &number);
    if (code == 0)
        *ret = (int)number;
    return code;
}

/* One part of HOST:PORT: neither can have these bytes in it. */
static bool is_word(const char *text) {
    for (; *text; text++)
        if ((unsigned char)*text <= ' ' || *text == 127 || *text == ':' || *text == '/')
            return false;
    return true;
}

static int find_service(const char *name, const char *proto, int *ret) {
    hawser__lookup *lookup;
    int code = hawser__look_up(HAWSER__LOOKUP_SERVBYNAME, proto, name, hawser__default_deadline(), &lookup);
    if (code < 0)
        return code;
    *ret = lookup->number;
    hawser__lookup_unref(lookup);
    return 0;
}

static int read_port(struct hawser__address *ret, const char *text) {
    if (is_number(text))
        return read_number(text, PORT_MAX, &ret->port);
    if (*text == '\0' || !is_word(text))
        return -HAWSER_EADDRESS;
    return find_service(text, ret->scheme == HAWSER__UDP ? "udp" : "tcp", &ret->port);
}

/* An interface that is not there now is no fault of the text. */
static bool is_ip6(const char *host) {
    hawser_addr addr;
    return strchr(host, ':') && hawser__addr_ip(&addr, host, 0) != -HAWSER_EADDRESS;
}

static int read_host(struct hawser__address *ret, const char *text, size_t length, bool bracketed) {
    if (length >= sizeof ret->host)
        return -ENAMETOOLONG;
    memcpy(ret->host, text, length);
    ret->host[length] = '\0';
    if (bracketed)
        return is_ip6(ret->host) ? 0 : -HAWSER_EADDRESS;
    if (strcmp(ret->host, "*") == 0)
        ret->host[0] = '\0';
    return is_word(ret->host) && !is_number(ret->host) ? 0 : -HAWSER_EADDRESS;
}

static int read_ip(struct hawser__address *ret, const char *text) {
    bool bracketed = *text == '[';
    text += bracketed;
    const char *end = strchr(text, bracketed ? ']' : ':');
    if (!end || end[bracketed] != ':')
        return -HAWSER_EADDRESS;
    int code = read_host(ret, text, (size_t)(end - text), bracketed);
    return code < 0 ? code : read_port(ret, end + bracketed + 1);
}

static int read_bare(struct hawser__address *ret, const char *text) {
    bool slashes_forgotten = begins_with(text, "tcp:") || begins_with(text, "udp:");
    return slashes_forgotten ? -HAWSER_EADDRESS : read_ip(ret, text);
}

/* With two slashes as in a URL the path must be an absolute one: in "unix://run/x.sock" nobody knows which was meant. */
static int read_unix(struct hawser__address *ret, const char *text) {
    hawser_addr addr;
    bool is_url = begins_with(text, "//");
    text += is_url ? 2 : 0;
    if (*text == '\0' || strcmp(text, "@") == 0 || (is_url && *text != '/'))
        return -HAWSER_EADDRESS;
    int length = snprintf(ret->host, sizeof ret->host, "unix:%s", text);
    return (size_t)length < sizeof ret->host ? hawser__addr_parse(&addr, ret->host) : -ENAMETOOLONG;
}

/* Names are what systemd allows in FileDescriptorName=. */
static int read_name(struct hawser__address *ret, const char *text) {
    size_t length = strlen(text);
    for (size_t i = 0; i < length; i++)
        if (text[i] < ' ' || text[i] > '~' || text[i] == ':')
            return -HAWSER_EADDRESS;
    if (length > NAME_OF_DESCRIPTOR_MAX)
        return -ENAMETOOLONG;
    memcpy(ret->host, text, length + 1);
    return 0;
}

static int read_descriptor(struct hawser__address *ret, const char *text) {
    return read_number(text, INT_MAX, &ret->port);
}

static const struct {
    const char *prefix;
    enum hawser__scheme scheme;
    int (*read)(struct hawser__address *ret, const char *text);   /* TEXT is behind the prefix; RET zeroed but for the scheme */
} forms[] = {
    {"tcp://", HAWSER__TCP, read_ip},
    {"udp://", HAWSER__UDP, read_ip},
    {"unix:", HAWSER__UNIX, read_unix},
    {"unix-datagram:", HAWSER__UNIX_DATAGRAM, read_unix},
    {"systemd:", HAWSER__SYSTEMD, read_name},
    {"fd:", HAWSER__FD, read_descriptor},
    {"", HAWSER__TCP, read_bare},   /* fits all, so it comes last */
};

int hawser__address_parse(struct hawser__address *ret, const char *text) {
    size_t i = 0;
    if (!text)
        return -HAWSER_EADDRESS;
    while (!begins_with(text, forms[i].prefix))
        i++;
    struct hawser__address address = {.scheme = forms[i].scheme};
    int code = forms[i].read(&address, text + strlen(forms[i].prefix));
    if (code == 0)
        *ret = address;
    return code;
}
