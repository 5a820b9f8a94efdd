/* SPDX-License-Identifier: MIT */
/* Names in a simulated world: those of its hosts, "localhost", and numbers. Nobody else is asked. */
#include "base/error.h"
#include "base/libc.h"
#include "base/sys_names.h"
#include "sched/park.h"
#include "sim/endpoint.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Somebody who has a name: a host, or this one as "localhost". */
struct known {
    const char *name;
    struct in_addr four;
    struct in6_addr six;
};

static struct known host_known(const hawser__host *host) {
    return (struct known){.name = host->name,
                          .four = ((const struct sockaddr_in *)&host->four.ss)->sin_addr,
                          .six = ((const struct sockaddr_in6 *)&host->six.ss)->sin6_addr};
}

static const struct known localhost = {"localhost", .four.s_addr = 0x7f000001, .six = IN6ADDR_LOOPBACK_INIT};

static struct known localhost_known(void) {
    struct known known = localhost;
    known.four.s_addr = htonl(localhost.four.s_addr);
    return known;
}

static bool find_named(const char *name, struct known *ret) {
    const hawser__host *host = hawser__host_named(hawser__world_here, name);
    if (!host && strcmp(name, localhost.name) != 0)
        return false;
    *ret = host ? host_known(host) : localhost_known();
    return true;
}

static bool has_address(const struct known *known, const hawser_addr *addr) {
    if (addr->ss.ss_family == AF_INET6)
        return memcmp(&((const struct sockaddr_in6 *)&addr->ss)->sin6_addr, &known->six, sizeof known->six) == 0;
    return ((const struct sockaddr_in *)&addr->ss)->sin_addr.s_addr == known->four.s_addr;
}

static bool find_at(const hawser_addr *addr, struct known *ret) {
    *ret = localhost_known();
    for (const hawser__host *host = hawser__world_here->hosts; host && !has_address(ret, addr); host = host->next)
        *ret = host_known(host);
    return has_address(ret, addr);
}

struct found {
    char text[2][INET6_ADDRSTRLEN];
    int count;
};

static void add(struct found *found, int family, int wanted, const void *address) {
    if (wanted == AF_UNSPEC || wanted == family)
        inet_ntop(family, address, found->text[found->count++], INET6_ADDRSTRLEN);
}

/* libc makes the entries; it is only given numbers, so it asks nobody. */
static int append(hawser__lookup *lookup, const char *address) {
    struct addrinfo hints = lookup->hints, **end = &lookup->list;
    hints.ai_flags |= AI_NUMERICHOST;
    while (*end)
        end = &(*end)->ai_next;
    return -hawser__sys_getaddrinfo(address, lookup->service, &hints, end);
}

static int answer_found(hawser__lookup *lookup, const struct found *found) {
    int code = found->count > 0 ? 0 : HAWSER_ENOADDRESS;
    for (int i = 0; i < found->count && code == 0; i++) {
        code = append(lookup, found->text[i]);
        lookup->hints.ai_flags &= ~AI_CANONNAME;   /* for the first entry only */
        if (i == 0 && code == 0 && lookup->list->ai_canonname)
            code = -hawser__libc_set_canonname(lookup->list, lookup->host);   /* libc took the number for the name */
    }
    return code;
}

static bool is_number(const char *host) {
    struct in6_addr six;
    struct in_addr four;
    return inet_aton(host, &four) || inet_pton(AF_INET6, host, &six) == 1 || strchr(host, '%');
}

/* IPv6 first, as most systems do. */
static int answer_addresses(hawser__lookup *lookup) {
    struct found found = {.count = 0};
    struct known known;
    const char *name = lookup->host;
    int family = lookup->hints.ai_family;
    if (!name || !*name || is_number(name) || (lookup->hints.ai_flags & AI_NUMERICHOST))
        return -hawser__sys_getaddrinfo(name, lookup->service, &lookup->hints, &lookup->list);
    if (!find_named(name, &known))
        return HAWSER_ENONAME;
    add(&found, AF_INET6, family, &known.six);
    add(&found, AF_INET, family, &known.four);
    return answer_found(lookup, &found);
}

/* The number first, with what else was asked for; then the name in its place. */
static int answer_names(hawser__lookup *lookup) {
    struct known known;
    bool named = find_at(&lookup->addr, &known);
    int wanted = lookup->flags;
    if (!named && (wanted & NI_NAMEREQD))
        return HAWSER_ENONAME;
    lookup->flags = (wanted | NI_NUMERICHOST) & ~NI_NAMEREQD;
    hawser__lookup_run(lookup);
    if (lookup->error == 0 && named && !(wanted & NI_NUMERICHOST))
        snprintf(lookup->host_out, sizeof lookup->host_out, "%s", known.name);
    return lookup->error;
}

static int make_entry(hawser__lookup *lookup, struct known *known, int family) {
    char name[HAWSER__HOST_NAME], *aliases[1] = {NULL}, *addresses[2] = {NULL, NULL};
    addresses[0] = family == AF_INET ? (char *)&known->four : (char *)&known->six;
    snprintf(name, sizeof name, "%s", known->name);
    struct hostent entry = {.h_name = name, .h_aliases = aliases, .h_addrtype = family,
                            .h_length = family == AF_INET ? sizeof known->four : sizeof known->six, .h_addr_list = addresses};
    (void)hawser__simulation_inside(false);   /* the entry becomes the program's */
    int result = hawser__hostent_new(&entry, &lookup->entry);
    (void)hawser__simulation_inside(true);
    return -result;
}

static int answer(hawser__lookup *lookup) {
    struct known known;
    switch (lookup->kind) {
    case HAWSER__LOOKUP_ADDRINFO:
        return answer_addresses(lookup);
    case HAWSER__LOOKUP_NAMEINFO:
        return answer_names(lookup);
    case HAWSER__LOOKUP_HOSTBYNAME:
        return find_named(lookup->host, &known) ? make_entry(lookup, &known, AF_INET) : HAWSER_ENONAME;
    case HAWSER__LOOKUP_HOSTBYADDR:
        return find_at(&lookup->addr, &known) ? make_entry(lookup, &known, lookup->addr.ss.ss_family) : HAWSER_ENONAME;
    default:   /* services and protocols are tables of the system, the same for all */
        hawser__lookup_run(lookup);
        return lookup->error;
    }
}

/* Every name takes its time, and may not be had just now; numbers ask nobody. */
static int take_time(hawser__engine *engine, const hawser__lookup *lookup, hawser__deadline deadline) {
    const struct hawser__limits *limits = &hawser__world_here->limits;
    if (!lookup->host || !*lookup->host || is_number(lookup->host) || limits->lookup_time == 0)
        return 0;
    int64_t end = hawser__clock_monotonic() + hawser__chance_wait(hawser__world_chance(), limits->lookup_time);
    int result = engine->ops->sleep(engine, end < deadline ? end : deadline);
    return result == 0 && end > deadline ? -hawser__deadline_code(deadline) : result;
}

int hawser__sim_resolve(hawser__engine *engine, hawser__lookup *lookup, hawser__deadline deadline) {
    int result = deadline == HAWSER__NOW ? -EAGAIN : take_time(engine, lookup, deadline);   /* as where threads are asked */
    if (result < 0)
        return result;
    bool named = lookup->kind == HAWSER__LOOKUP_ADDRINFO && lookup->host && !is_number(lookup->host);
    bool inside = hawser__simulation_inside(true);
    if (named && hawser__chance_hits(hawser__world_chance(), hawser__world_here->limits.lookup_fails))
        lookup->error = HAWSER_ETRYAGAIN;
    else
        lookup->error = answer(lookup);
    hawser__simulation_inside(inside);
    return 0;
}
