/* SPDX-License-Identifier: MIT */
/*
 * Names of hosts, and of this one. Every call checks what can be checked, answers numeric questions by itself, and hands the
 * rest to the engine as one or two look-ups under one deadline. Outputs are written only on success.
 */
#include "net/names.h"

#include "base/error.h"
#include "base/mem.h"
#include "base/sys_names.h"
#include "net/addr.h"
#include "net/addr_forms.h"
#include "net/timeout.h"

#include <stdio.h>
#include <string.h>

/* Room for this machine's name: Linux has 64 bytes, others up to 255. */
#define OWN_NAME 256

#define NAMEINFO_FLAGS (NI_NUMERICHOST | NI_NUMERICSERV | NI_NOFQDN | NI_NAMEREQD | NI_DGRAM | NI_IDN)

int hawser__name_out(const char *text, char *out, size_t size) {
    size_t needed = strlen(text) + 1;
    if (needed > size)
        return -HAWSER_EOVERFLOW;
    memcpy(out, text, needed);
    return 0;
}

int hawser__look_up(enum hawser__lookup_kind kind, const char *host, const char *service, hawser__deadline deadline,
                    hawser__lookup **ret) {
    hawser__lookup *lookup = hawser__lookup_new(kind, host, service);
    if (!lookup)
        return -ENOMEM;
    int code = hawser__resolve(lookup, deadline);
    if (code < 0)
        hawser__lookup_unref(lookup);
    else
        *ret = lookup;
    return code;
}

static hawser_hostent *take_entry(hawser__lookup *lookup) {
    hawser_hostent *entry = lookup->entry;
    lookup->entry = NULL;
    hawser__lookup_unref(lookup);
    return entry;
}

void hawser_freehostent(hawser_hostent *entry) {
    hawser__free(entry);
}

/* What is left to ask of libc goes into *LOOKUP; it stays NULL when nothing is. */
static int ask_nameinfo(const hawser_addr *addr, int flags, bool host, bool service, hawser__lookup **lookup) {
    if ((!host || (flags & NI_NUMERICHOST)) && (!service || (flags & NI_NUMERICSERV)))
        return host && (flags & NI_NAMEREQD) ? -HAWSER_ENONAME : 0;
    hawser__lookup *asked = hawser__lookup_new(HAWSER__LOOKUP_NAMEINFO, NULL, NULL);
    if (!asked)
        return -ENOMEM;
    asked->addr = *addr;
    asked->flags = flags | (host ? 0 : NI_NUMERICHOST) | (service ? 0 : NI_NUMERICSERV);
    int code = hawser__resolve(asked, hawser__default_deadline());
    if (code < 0)
        hawser__lookup_unref(asked);
    else
        *lookup = asked;
    return code;
}

static int nameinfo(const hawser_addr *addr, int flags, char *host, size_t host_size, char *service, size_t service_size) {
    char numeric_host[HAWSER_ADDR_TEXT] = "", numeric_service[8];
    struct hawser__writer writer = {.out = numeric_host, .size = sizeof numeric_host};
    hawser__lookup *lookup = NULL;
    hawser_addr normal;
    const struct hawser__addr_form *form = hawser__addr_form(addr, &normal);
    if (form != &hawser__form_ip4 && form != &hawser__form_ip6)
        return -EAFNOSUPPORT;
    if (flags & ~NAMEINFO_FLAGS)
        return -HAWSER_EFLAGS;
    if (!host && !service)
        return -HAWSER_ENONAME;
    int code = ask_nameinfo(&normal, flags, host, service, &lookup);
    if (code < 0)
        return code;
    form->print_host(&normal, &writer);
    snprintf(numeric_service, sizeof numeric_service, "%d", (int)form->port(&normal));
    const char *host_name = lookup && !(flags & NI_NUMERICHOST) ? lookup->host_out : numeric_host;
    const char *service_name = lookup && !(flags & NI_NUMERICSERV) ? lookup->service_out : numeric_service;
    if (host)
        code = hawser__name_out(host_name, host, host_size);
    if (service && code == 0)
        code = hawser__name_out(service_name, service, service_size);
    hawser__lookup_unref(lookup);
    return code;
}

int hawser_getnameinfo(const hawser_addr *addr, int flags, char *host, size_t host_size, char *service, size_t service_size) {
    int code = nameinfo(addr, flags, host, host_size, service, service_size);
    hawser_addr copy = *addr;
    return code < 0 ? hawser__fail(code, "look up names of %s", hawser_addr_str(&copy)) : 0;
}

int hawser_gethostbyname(const char *host, char *ip, size_t size) {
    hawser_addr addr;
    char text[HAWSER_ADDR_TEXT] = "";
    struct hawser__writer writer = {.out = text, .size = sizeof text};
    host = host ? host : "";
    int code = hawser__first_address(host, AF_INET, true, hawser__default_deadline(), &addr);
    if (code == 0) {
        hawser__form_ip4.print_host(&addr, &writer);
        code = hawser__name_out(text, ip, size);
    }
    return code < 0 ? hawser__fail(code, "look up %s", host) : 0;
}

/* A numeric host has only itself. */
static int numeric_entry(const char *host, const hawser_addr *addr, hawser_hostent **ret) {
    struct sockaddr_in in;
    memcpy(&in, &addr->ss, sizeof in);
    char *addresses[] = {(char *)&in.sin_addr, NULL};
    const struct hostent entry = {
        .h_name = (char *)host, .h_addrtype = AF_INET, .h_length = sizeof in.sin_addr, .h_addr_list = addresses};
    return hawser_addr_family(addr) == AF_INET ? hawser__hostent_new(&entry, ret) : -HAWSER_ENOADDRESS;
}

static int host_by_name(const char *host, hawser_hostent **ret) {
    hawser__lookup *lookup;
    hawser_addr addr;
    int code = hawser__addr_ip(&addr, host, 0);
    if (code != -HAWSER_EADDRESS)
        return code < 0 ? code : numeric_entry(host, &addr, ret);
    code = hawser__look_up(HAWSER__LOOKUP_HOSTBYNAME, host, NULL, hawser__default_deadline(), &lookup);
    if (code == 0)
        *ret = take_entry(lookup);
    return code;
}

int hawser_gethostbyname_ex(const char *host, hawser_hostent **ret) {
    host = host && host[0] ? host : "0.0.0.0";
    int code = host_by_name(host, ret);
    return code < 0 ? hawser__fail(code, "look up %s", host) : 0;
}

/* The entry found from the address of HOST, both look-ups under DEADLINE. */
static int host_by_address(const char *host, hawser__deadline deadline, hawser_hostent **ret) {
    hawser_addr addr;
    int code = hawser__first_address(host, AF_UNSPEC, true, deadline, &addr);
    if (code < 0)
        return code;
    hawser__lookup *lookup = hawser__lookup_new(HAWSER__LOOKUP_HOSTBYADDR, NULL, NULL);
    if (!lookup)
        return -ENOMEM;
    hawser__addr_form(&addr, &lookup->addr);
    code = hawser__resolve(lookup, deadline);
    if (code < 0)
        hawser__lookup_unref(lookup);
    else
        *ret = take_entry(lookup);
    return code;
}

int hawser_gethostbyaddr(const char *ip, hawser_hostent **ret) {
    ip = ip ? ip : "";
    int code = host_by_address(ip, hawser__default_deadline(), ret);
    return code < 0 ? hawser__fail(code, "look up %s", ip) : 0;
}

/* The official name and the aliases in turn: the first with a dot, else the official name. */
static const char *qualified(const hawser_hostent *entry) {
    if (strchr(entry->name, '.'))
        return entry->name;
    for (char **alias = entry->aliases; *alias; alias++)
        if (strchr(*alias, '.'))
            return *alias;
    return entry->name;
}

static bool means_this_machine(const char *host) {
    return !host || !host[0] || strcmp(host, "0.0.0.0") == 0 || strcmp(host, "::") == 0;
}

int hawser_getfqdn(const char *host, char *out, size_t size) {
    char own[OWN_NAME];
    hawser_hostent *entry = NULL;
    if (means_this_machine(host)) {
        int code = hawser__sys_gethostname(own, sizeof own);
        if (code < 0)
            return hawser__fail(code, "get host name");
        host = own;
    }
    host_by_address(host, hawser__default_deadline(), &entry);   /* without an answer the name stays what it is */
    int code = hawser__name_out(entry ? qualified(entry) : host, out, size);
    hawser_freehostent(entry);
    return code < 0 ? hawser__fail(code, "look up full name of %s", host) : 0;
}

int hawser_gethostname(char *out, size_t size) {
    char name[OWN_NAME];
    int code = hawser__sys_gethostname(name, sizeof name);
    if (code == 0)
        code = hawser__name_out(name, out, size);
    return code < 0 ? hawser__fail(code, "get host name") : 0;
}

int hawser_sethostname(const char *name) {
    int code = hawser__sys_sethostname(name, strlen(name));
    return code < 0 ? hawser__fail(code, "set host name to %s", name) : 0;
}
