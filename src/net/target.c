/* SPDX-License-Identifier: MIT */
/*
 * From (host, port) to addresses. The family decides what a host is: a table of readers, IP by default for none.
 */
#include "net/target.h"

#include "base/error.h"
#include "base/mem.h"
#include "net/addr.h"
#include "net/names.h"
#include "net/timeout.h"

#include <stdio.h>
#include <string.h>

static const char unix_prefix[] = "unix:";

static bool is_ip(int family) {
    return family == AF_UNSPEC || family == AF_INET || family == AF_INET6 || family == AF_RDS;
}

static bool has_unix_prefix(const char *host) {
    return strncmp(host, unix_prefix, strlen(unix_prefix)) == 0;
}

const char *hawser__target_text(const char *host, int port, int family, char *out, size_t size) {
    if (!host)
        host = "";
    if (family == AF_UNIX && !has_unix_prefix(host))
        snprintf(out, size, "%s%s", unix_prefix, host);
    else if (!is_ip(family) || has_unix_prefix(host))
        snprintf(out, size, "%s", host);
    else if (strchr(host, ':'))
        snprintf(out, size, "[%s]:%d", host, port);
    else
        snprintf(out, size, "%s:%d", host[0] ? host : "*", port);
    return out;
}

/* CODE as errno and sentence. */
static int fail(int code, const char *verb, const char *host, int port, int family) {
    char object[HAWSER_ADDR_TEXT];
    bool bad_port = hawser__port_check(port) < 0;
    hawser__target_text(host, port, bad_port ? AF_INET : family, object, sizeof object);
    if (bad_port)
        return hawser__fail_sentence(ERANGE, "%s %s: port must be 0 to 65535", verb, object);
    if (code == -EINVAL && port != 0)
        return hawser__fail_sentence(EINVAL, "%s %s: port must be 0, there are none here", verb, object);
    if (code == -EAFNOSUPPORT && strcmp(host, "<broadcast>") == 0)
        return hawser__fail_sentence(EAFNOSUPPORT, "%s %s: IPv6 has no broadcast", verb, object);
    return hawser__fail(code, "%s %s", verb, object);
}

/* With a timeout of 0 a name is looked up all the same. */
static hawser__deadline lookup_deadline(hawser__deadline deadline) {
    return deadline == HAWSER__NOW ? hawser__default_deadline() : deadline;
}

/* A path, "@name", "unix:..." or "". */
static int read_unix(const char *host, hawser_addr *ret) {
    char name[128] = "";
    if (has_unix_prefix(host))
        return hawser__addr_parse(ret, host);
    if (host[0] != '@')
        return hawser__addr_unix(ret, host, strlen(host));
    size_t length = strlen(host);
    if (length > sizeof name)
        return -ENAMETOOLONG;
    memcpy(name + 1, host + 1, length - 1);
    return hawser__addr_unix(ret, name, length);
}

/* The address in its text form, which must be of the socket's family. */
static int read_other(const char *host, int family, hawser_addr *ret) {
    int code = hawser__addr_parse(ret, host);
    return code == 0 && hawser_addr_family(ret) != family ? -EAFNOSUPPORT : code;
}

static int read_ip(const char *host, int port, int family, bool passive, hawser__deadline deadline, hawser_addr *ret) {
    if (has_unix_prefix(host))
        return -EAFNOSUPPORT;
    int code = hawser__first_address(host, family == AF_RDS ? AF_INET : family, passive, lookup_deadline(deadline), ret);
    if (code == 0)
        hawser__addr_set_port(ret, port);
    return code;
}

static int read_target(const char *host, int port, int family, bool passive, hawser__deadline deadline, hawser_addr *ret) {
    int code = hawser__port_check(port);
    if (code < 0)
        return code;
    if (is_ip(family))
        return read_ip(host, port, family, passive, deadline, ret);
    if (port != 0)
        return -EINVAL;
    return family == AF_UNIX ? read_unix(host, ret) : read_other(host, family, ret);
}

int hawser__target(const char *verb, const char *host, int port, int family, bool passive, hawser__deadline deadline,
                   hawser_addr *ret) {
    hawser_addr addr;
    host = host ? host : "";
    int code = read_target(host, port, family, passive, deadline, &addr);
    if (code < 0)
        return fail(code, verb, host, port, family);
    *ret = addr;
    return 0;
}

/* A list of one. */
static int list_of(const hawser_addr *addr, hawser_addrinfo **ret) {
    hawser_addrinfo *entry = hawser__zalloc(sizeof *entry);
    if (!entry)
        return -ENOMEM;
    entry->family = hawser_addr_family(addr);
    entry->addr = *addr;
    *ret = entry;
    return 0;
}

/* A hosts file that gives a name the same address twice must not make us try, or bind, it twice. */
static void drop_doubles(hawser_addrinfo *list) {
    for (; list; list = list->next) {
        hawser_addrinfo **at = &list->next;
        while (*at) {
            hawser_addrinfo *entry = *at;
            if (!hawser_addr_equal(&entry->addr, &list->addr)) {
                at = &entry->next;
                continue;
            }
            *at = entry->next;
            entry->next = NULL;
            hawser_freeaddrinfo(entry);
        }
    }
}

/* Look-ups know streams and datagrams; what else a caller wants of the same addresses is its own business. */
static int read_targets(const char *host, int port, int family, int type, bool passive, hawser__deadline deadline,
                        hawser_addrinfo **ret) {
    hawser_addr addr;
    bool looked_up = is_ip(family) && !has_unix_prefix(host) && strcmp(host, "<broadcast>") != 0;
    int asked = type == SOCK_DGRAM ? SOCK_DGRAM : SOCK_STREAM;
    int code = hawser__port_check(port);
    if (code < 0)
        return code;
    if (!looked_up) {
        int meant = family == AF_UNSPEC && has_unix_prefix(host) ? AF_UNIX : family;
        code = read_target(host, port, meant, passive, deadline, &addr);
        return code < 0 ? code : list_of(&addr, ret);
    }
    code = hawser__getaddrinfo(host, "0", family == AF_RDS ? AF_INET : family, asked, 0, passive ? AI_PASSIVE : 0,
                               lookup_deadline(deadline), ret);
    for (hawser_addrinfo *at = code == 0 ? *ret : NULL; at; at = at->next)
        hawser__addr_set_port(&at->addr, port);
    if (code == 0)
        drop_doubles(*ret);
    return code;
}

int hawser__targets(const char *verb, const char *host, int port, int family, int type, bool passive, hawser__deadline deadline,
                    hawser_addrinfo **ret) {
    hawser_addrinfo *list = NULL;
    host = host ? host : "";
    int code = read_targets(host, port, family, type, passive, deadline, &list);
    if (code < 0)
        return fail(code, verb, host, port, family);
    for (hawser_addrinfo *at = list; at; at = at->next) {
        at->proto = at->type == type ? at->proto : 0;
        at->type = type;
    }
    *ret = list;
    return 0;
}
