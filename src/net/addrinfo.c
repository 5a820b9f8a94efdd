/* SPDX-License-Identifier: MIT */
/*
 * Addresses for a host and a service.
 *
 * Questions that need nobody to answer them are answered here, without a thread or a system call (a zone's name costs one):
 * numeric hosts, and no host at all, with a numeric service or none. They get what libc would give, with two differences that
 * are meant: "" counts as no host, and of this machine's addresses IPv6 comes first, so that a server that takes the first one
 * that binds serves both families. Anything unusual in flags, type or protocol goes to libc.
 */
#include "net/names.h"

#include "base/error.h"
#include "base/mem.h"
#include "engine/engines.h"
#include "net/addr.h"
#include "net/timeout.h"

#include <string.h>

#define FLAGS_ANSWERED_HERE (AI_PASSIVE | AI_CANONNAME | AI_NUMERICHOST | AI_NUMERICSERV)

/* What is asked. */
struct question {
    const char *host;      /* NULL: no host, which is this machine */
    const char *service;
    int family, type, proto, flags;
};

/* What libc offers where the type is left open; a type given picks from it. */
static const struct kind {
    int type, proto;
} kinds[] = {{SOCK_STREAM, IPPROTO_TCP}, {SOCK_DGRAM, IPPROTO_UDP}, {SOCK_RAW, 0}};
#define KINDS (sizeof kinds / sizeof *kinds)

int hawser__resolve(hawser__lookup *lookup, hawser__deadline deadline) {
    hawser__engine *engine = hawser__engine_current();
    int code = engine->ops->resolve(engine, lookup, deadline);
    return code < 0 ? code : -lookup->error;
}

void hawser_freeaddrinfo(hawser_addrinfo *list) {
    while (list) {
        hawser_addrinfo *next = list->next;
        hawser__free(list);
        list = next;
    }
}

/* An entry and its canonical name are one block. */
static hawser_addrinfo *entry_new(const hawser_addr *addr, struct kind kind, const char *canonname) {
    size_t size = canonname ? strlen(canonname) + 1 : 0;
    hawser_addrinfo *entry = hawser__zalloc(sizeof *entry + size);
    if (!entry)
        return NULL;
    entry->family = hawser_addr_family(addr);
    entry->type = kind.type;
    entry->proto = kind.proto;
    entry->addr = *addr;
    if (canonname)
        entry->canonname = memcpy(entry + 1, canonname, size);
    return entry;
}

/* The number that SERVICE is: 0 for none, -1 when it is a name, -ERANGE when no port has it. */
static int service_number(const char *service) {
    if (!service)
        return 0;
    const char *digits = service + (service[0] == '-' || service[0] == '+');
    size_t length = strlen(digits);
    if (length == 0 || digits[strspn(digits, "0123456789")] != '\0')
        return -1;
    int number = 0;
    for (size_t i = 0; i < length && number <= 65535; i++)
        number = number * 10 + (digits[i] - '0');
    return service[0] == '-' || number > 65535 ? -ERANGE : number;
}

static bool matches(const struct question *question, const struct kind *kind) {
    return (question->type == 0 || question->type == kind->type) &&
           (question->proto == 0 || question->proto == kind->proto || (question->type == SOCK_RAW && kind->type == SOCK_RAW));
}

static bool matches_any(const struct question *question) {
    for (size_t i = 0; i < KINDS; i++)
        if (matches(question, &kinds[i]))
            return true;
    return false;
}

/* The addresses that QUESTION names without a look-up: their count, 0 = ask libc, or a negative code. */
static int addresses_here(const struct question *question, int port, hawser_addr ret[static 2]) {
    bool passive = question->flags & AI_PASSIVE;
    if (question->host) {
        int code = hawser__addr_ip(&ret[0], question->host, port);
        if (code == -HAWSER_EADDRESS)
            return question->flags & AI_NUMERICHOST ? -HAWSER_ENONAME : 0;
        if (code < 0)
            return code;
        return question->family == AF_UNSPEC || question->family == hawser_addr_family(&ret[0]) ? 1 : -HAWSER_ENOADDRESS;
    }
    int n = 0;
    if (question->family != AF_INET)
        hawser__addr_here(&ret[n++], AF_INET6, passive, port);
    if (question->family != AF_INET6)
        hawser__addr_here(&ret[n++], AF_INET, passive, port);
    return n;
}

/* Each of the N addresses once for each kind that is wanted. */
static int list_here(const struct question *question, const hawser_addr *addrs, int n, hawser_addrinfo **ret) {
    hawser_addrinfo *list = NULL, **end = &list;
    for (int i = 0; i < n; i++) {
        for (size_t k = 0; k < KINDS; k++) {
            struct kind kind = kinds[k];
            if (!matches(question, &kind))
                continue;
            if (kind.type == SOCK_RAW)
                kind.proto = question->proto;
            const char *canonname = !list && (question->flags & AI_CANONNAME) ? question->host : NULL;
            *end = entry_new(&addrs[i], kind, canonname);
            if (!*end) {
                hawser_freeaddrinfo(list);
                return -ENOMEM;
            }
            end = &(*end)->next;
        }
    }
    *ret = list;
    return 0;
}

/* Types that Internet addresses can be looked up for, and "any". */
static bool is_type(int type) {
    static const int types[] = {0, SOCK_STREAM, SOCK_DGRAM, SOCK_RAW, SOCK_SEQPACKET, SOCK_DCCP};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (types[i] == type)
            return true;
    return false;
}

/* What is wrong with QUESTION before anybody is asked; most libcs say the same, but may look at files first. */
static int check(const struct question *question, int port) {
    if (port == -ERANGE)
        return -ERANGE;
    if (!is_type(question->type))
        return -HAWSER_ESOCKTYPE;
    if (!question->host && !question->service)
        return -HAWSER_ENONAME;
    if (!question->host && (question->flags & AI_CANONNAME))
        return -HAWSER_EFLAGS;
    return question->service && question->type == SOCK_RAW ? -HAWSER_ENOSERVICE : 0;
}

/* Answers QUESTION here if that can be: 1 when done, 0 when libc has to, or a negative code. */
static int answer_here(const struct question *question, hawser_addrinfo **ret) {
    hawser_addr addrs[2];
    bool ip = question->family == AF_UNSPEC || question->family == AF_INET || question->family == AF_INET6;
    int port = service_number(question->service);
    int code = check(question, port);
    if (code < 0)
        return code;
    if (port < 0 || !ip || (question->flags & ~FLAGS_ANSWERED_HERE) || !matches_any(question))
        return 0;
    int n = addresses_here(question, port, addrs);
    if (n <= 0)
        return n;
    code = list_here(question, addrs, n, ret);
    return code < 0 ? code : 1;
}

/* libc's list as ours. The canonical name is with the first entry and when asked for; musl gives it always, to each. */
static int copy_list(const struct addrinfo *from, int flags, hawser_addrinfo **ret) {
    hawser_addrinfo *list = NULL, **end = &list;
    for (; from; from = from->ai_next) {
        hawser_addr addr = {.len = from->ai_addrlen};
        if (from->ai_addrlen > sizeof addr.ss)
            continue;
        memcpy(&addr.ss, from->ai_addr, from->ai_addrlen);
        const char *canonname = !list && (flags & AI_CANONNAME) ? from->ai_canonname : NULL;
        *end = entry_new(&addr, (struct kind){from->ai_socktype, from->ai_protocol}, canonname);
        if (!*end) {
            hawser_freeaddrinfo(list);
            return -ENOMEM;
        }
        end = &(*end)->next;
    }
    *ret = list;
    return list ? 0 : -HAWSER_ENOADDRESS;
}

static int ask(const struct question *question, hawser__deadline deadline, hawser_addrinfo **ret) {
    hawser__lookup *lookup = hawser__lookup_new(HAWSER__LOOKUP_ADDRINFO, question->host, question->service);
    if (!lookup)
        return -ENOMEM;
    lookup->hints.ai_family = question->family;
    lookup->hints.ai_socktype = question->type;
    lookup->hints.ai_protocol = question->proto;
    lookup->hints.ai_flags = question->flags;
    int code = hawser__resolve(lookup, deadline);
    if (code == 0)
        code = copy_list(lookup->list, question->flags, ret);
    hawser__lookup_unref(lookup);
    return code;
}

static int answer(const struct question *question, hawser__deadline deadline, hawser_addrinfo **ret) {
    int code = answer_here(question, ret);
    return code == 0 ? ask(question, deadline, ret) : code < 0 ? code : 0;
}

/* RFC 6761, section 6.3: localhost is this machine, also where no table says so (a fresh container has none). */
static bool is_unknown_localhost(const struct question *question, int code) {
    bool unknown = code == -HAWSER_ENONAME || code == -HAWSER_ETRYAGAIN;
    return unknown && question->host && !(question->flags & AI_NUMERICHOST) && strcmp(question->host, "localhost") == 0;
}

int hawser__getaddrinfo(const char *host, const char *service, int family, int type, int proto, int flags,
                        hawser__deadline deadline, hawser_addrinfo **ret) {
    struct question question = {
        .host = host && host[0] ? host : NULL,
        .service = service && service[0] ? service : NULL,
        .family = family,
        .type = type,
        .proto = proto,
        .flags = flags,
    };
    int code = answer(&question, deadline, ret);
    if (!is_unknown_localhost(&question, code))
        return code;
    question.host = NULL;
    question.service = question.service ? question.service : "0";
    question.flags &= ~(AI_PASSIVE | AI_CANONNAME);
    return answer(&question, deadline, ret);
}

int hawser_getaddrinfo(const char *host, const char *service, int family, int type, int proto, int flags,
                       hawser_addrinfo **ret) {
    int code = hawser__getaddrinfo(host, service, family, type, proto, flags, hawser__default_deadline(), ret);
    if (code == 0)
        return 0;
    host = host && host[0] ? host : "*";
    if (code == -ERANGE && service_number(service) == -ERANGE)
        return hawser__fail_sentence(ERANGE, "look up %s, service %s: port must be 0 to 65535", host, service);
    if (service && code == -HAWSER_ENOSERVICE)
        return hawser__fail(code, "look up %s, service %s", host, service);
    return hawser__fail(code, "look up %s", host);
}

int hawser__first_address(const char *host, int family, bool passive, hawser__deadline deadline, hawser_addr *ret) {
    hawser_addrinfo *list;
    if (host[0] == '\0') {
        hawser__addr_here(ret, family == AF_INET6 ? AF_INET6 : AF_INET, passive, 0);
        return 0;
    }
    if (strcmp(host, "<broadcast>") == 0)
        return family == AF_INET6 ? -EAFNOSUPPORT : hawser__addr_ip(ret, "255.255.255.255", 0);
    int code = hawser__getaddrinfo(host, NULL, family, SOCK_STREAM, 0, 0, deadline, &list);
    if (code < 0)
        return code;
    *ret = list->addr;
    hawser_freeaddrinfo(list);
    return 0;
}
