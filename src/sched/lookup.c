/* SPDX-License-Identifier: MIT */
/*
 * A look-up, from question to answer. The questions that fill an entry want a buffer of unknown size: it grows, from a size
 * that nearly always suffices to one that no honest answer needs.
 *
 * What asks runs on a helper thread (offload.h), so nothing here sets errno or a sentence.
 */
#include "sched/lookup.h"

#include "base/mem.h"
#include "base/sys_names.h"

#include <arpa/inet.h>
#include <hawser/error.h>
#include <stdio.h>
#include <string.h>

#define BUFFER_FIRST 1024
#define BUFFER_MAX (1024 * 1024)

hawser__lookup *hawser__lookup_new(enum hawser__lookup_kind kind, const char *host, const char *service) {
    hawser__lookup *lookup = hawser__zalloc(sizeof *lookup);
    if (!lookup)
        return NULL;
    lookup->refs = 1;
    lookup->kind = kind;
    lookup->host = hawser__strdup(host);
    lookup->service = hawser__strdup(service);
    if ((host && !lookup->host) || (service && !lookup->service)) {
        hawser__lookup_unref(lookup);
        return NULL;
    }
    return lookup;
}

hawser__lookup *hawser__lookup_ref(hawser__lookup *lookup) {
    atomic_fetch_add_explicit(&lookup->refs, 1, memory_order_relaxed);
    return lookup;
}

void hawser__lookup_unref(hawser__lookup *lookup) {
    if (!lookup || atomic_fetch_sub_explicit(&lookup->refs, 1, memory_order_acq_rel) > 1)
        return;
    hawser__sys_freeaddrinfo(lookup->list);
    hawser__free(lookup->entry);
    hawser__free(lookup->host);
    hawser__free(lookup->service);
    hawser__free(lookup);
}

static size_t count(char *const *list) {
    size_t n = 0;
    while (list && list[n])
        n++;
    return n;
}

/* Copies TEXT to *AT and moves *AT behind it. */
static char *place(char **at, const char *text) {
    char *copy = *at;
    size_t size = strlen(text) + 1;
    memcpy(copy, text, size);
    *at += size;
    return copy;
}

int hawser__hostent_new(const struct hostent *from, hawser_hostent **ret) {
    size_t aliases = count(from->h_aliases), addresses = count(from->h_addr_list);
    size_t size = sizeof(hawser_hostent) + (aliases + addresses + 2) * sizeof(char *);
    size += strlen(from->h_name) + 1 + addresses * INET6_ADDRSTRLEN;
    for (size_t i = 0; i < aliases; i++)
        size += strlen(from->h_aliases[i]) + 1;
    hawser_hostent *entry = hawser__zalloc(size);
    if (!entry)
        return -ENOMEM;
    entry->aliases = (char **)(entry + 1);
    entry->addresses = entry->aliases + aliases + 1;
    char *at = (char *)(entry->addresses + addresses + 1);
    entry->name = place(&at, from->h_name);
    for (size_t i = 0; i < aliases; i++)
        entry->aliases[i] = place(&at, from->h_aliases[i]);
    for (size_t i = 0; i < addresses; i++) {
        char text[INET6_ADDRSTRLEN] = "";
        inet_ntop(from->h_addrtype, from->h_addr_list[i], text, sizeof text);
        entry->addresses[i] = place(&at, text);
    }
    *ret = entry;
    return 0;
}

static int ask_host_by_name(hawser__lookup *lookup, char *buf, size_t size) {
    struct hostent entry;
    int code = hawser__sys_gethostbyname(lookup->host, AF_INET, &entry, buf, size);
    return code < 0 ? code : hawser__hostent_new(&entry, &lookup->entry);
}

static int ask_host_by_address(hawser__lookup *lookup, char *buf, size_t size) {
    const struct sockaddr_in *in = (const struct sockaddr_in *)&lookup->addr.ss;
    const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)&lookup->addr.ss;
    bool four = lookup->addr.ss.ss_family == AF_INET;
    struct hostent entry;
    int code = four ? hawser__sys_gethostbyaddr(&in->sin_addr, sizeof in->sin_addr, AF_INET, &entry, buf, size)
                    : hawser__sys_gethostbyaddr(&in6->sin6_addr, sizeof in6->sin6_addr, AF_INET6, &entry, buf, size);
    return code < 0 ? code : hawser__hostent_new(&entry, &lookup->entry);
}

static int ask_service_by_name(hawser__lookup *lookup, char *buf, size_t size) {
    struct servent entry;
    int code = hawser__sys_getservbyname(lookup->service, lookup->host, &entry, buf, size);
    if (code == 0)
        lookup->number = ntohs((uint16_t)entry.s_port);
    return code;
}

static int ask_service_by_port(hawser__lookup *lookup, char *buf, size_t size) {
    struct servent entry;
    int code = hawser__sys_getservbyport(htons((uint16_t)lookup->number), lookup->host, &entry, buf, size);
    if (code < 0)
        return code;
    int length = snprintf(lookup->service_out, sizeof lookup->service_out, "%s", entry.s_name);
    return (size_t)length < sizeof lookup->service_out ? 0 : -HAWSER_EOVERFLOW;
}

static int ask_protocol(hawser__lookup *lookup, char *buf, size_t size) {
    struct protoent entry;
    int code = hawser__sys_getprotobyname(lookup->host, &entry, buf, size);
    if (code == 0)
        lookup->number = entry.p_proto;
    return code;
}

static int ask_addresses(hawser__lookup *lookup, char *buf, size_t size) {
    (void)buf, (void)size;
    return hawser__sys_getaddrinfo(lookup->host, lookup->service, &lookup->hints, &lookup->list);
}

static int ask_names(hawser__lookup *lookup, char *buf, size_t size) {
    (void)buf, (void)size;
    return hawser__sys_getnameinfo((const struct sockaddr *)&lookup->addr.ss, lookup->addr.len, lookup->host_out,
                                   sizeof lookup->host_out, lookup->service_out, sizeof lookup->service_out, lookup->flags);
}

/* What a kind asks, and whether its answer wants a buffer. -ERANGE from one that does means: a larger one. */
static const struct {
    int (*ask)(hawser__lookup *lookup, char *buf, size_t size);
    bool buffered;
} kinds[] = {
    [HAWSER__LOOKUP_ADDRINFO] = {ask_addresses, false},
    [HAWSER__LOOKUP_NAMEINFO] = {ask_names, false},
    [HAWSER__LOOKUP_HOSTBYNAME] = {ask_host_by_name, true},
    [HAWSER__LOOKUP_HOSTBYADDR] = {ask_host_by_address, true},
    [HAWSER__LOOKUP_SERVBYNAME] = {ask_service_by_name, true},
    [HAWSER__LOOKUP_SERVBYPORT] = {ask_service_by_port, true},
    [HAWSER__LOOKUP_PROTOBYNAME] = {ask_protocol, true},
};

static int ask_with_buffer(hawser__lookup *lookup) {
    for (size_t size = BUFFER_FIRST; size <= BUFFER_MAX; size *= 2) {
        char *buf = hawser__alloc(size);
        if (!buf)
            return -ENOMEM;
        int code = kinds[lookup->kind].ask(lookup, buf, size);
        hawser__free(buf);
        if (code != -ERANGE)
            return code;
    }
    return -HAWSER_EOVERFLOW;
}

void hawser__lookup_run(hawser__lookup *lookup) {
    int code = kinds[lookup->kind].buffered ? ask_with_buffer(lookup) : kinds[lookup->kind].ask(lookup, NULL, 0);
    lookup->error = -code;
}

static void run_job(hawser__job *job) {
    hawser__lookup_run((hawser__lookup *)job);
}

static void release_job(hawser__job *job) {
    hawser__lookup_unref((hawser__lookup *)job);
}

int hawser__lookup_on_thread(hawser__lookup *lookup, hawser__deadline deadline) {
    hawser__lookup_ref(lookup);
    lookup->job = (hawser__job){.work = HAWSER__WORK_LOOKUP, .run = run_job, .release = release_job};
    return hawser__offload(&lookup->job, "look-up", -1, deadline);
}
