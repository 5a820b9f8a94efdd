/* SPDX-License-Identifier: MIT */
/*
 * Names of services and protocols: tables that libc keeps in files (/etc/services, /etc/protocols) or asks a server for, and so
 * look-ups like those of hosts.
 */
#include "net/names.h"

#include "base/error.h"
#include "net/addr.h"
#include "net/timeout.h"

#include <stdio.h>

/* For sentences: "80/tcp", "http". */
static const char *service_text(const char *name, const char *proto, char *out, size_t size) {
    snprintf(out, size, "%s%s%s", name, proto ? "/" : "", proto ? proto : "");
    return out;
}

int hawser_getservbyname(const char *name, const char *proto) {
    hawser__lookup *lookup;
    char text[128];
    int code = hawser__look_up(HAWSER__LOOKUP_SERVBYNAME, proto, name, hawser__default_deadline(), &lookup);
    if (code < 0)
        return hawser__fail(code, "look up service %s", service_text(name, proto, text, sizeof text));
    int port = lookup->number;
    hawser__lookup_unref(lookup);
    return port;
}

static int service_at(int port, const char *proto, char *out, size_t size) {
    hawser__lookup *lookup = hawser__lookup_new(HAWSER__LOOKUP_SERVBYPORT, proto, NULL);
    if (!lookup)
        return -ENOMEM;
    lookup->number = port;
    int code = hawser__resolve(lookup, hawser__default_deadline());
    if (code == 0)
        code = hawser__name_out(lookup->service_out, out, size);
    hawser__lookup_unref(lookup);
    return code;
}

int hawser_getservbyport(int port, const char *proto, char *out, size_t size) {
    char number[16], text[128];
    snprintf(number, sizeof number, "%d", port);
    service_text(number, proto, text, sizeof text);
    if (hawser__port_check(port) < 0)
        return hawser__fail_sentence(ERANGE, "look up service at port %s: port must be 0 to 65535", text);
    int code = service_at(port, proto, out, size);
    return code < 0 ? hawser__fail(code, "look up service at port %s", text) : 0;
}

int hawser_getprotobyname(const char *name) {
    hawser__lookup *lookup;
    int code = hawser__look_up(HAWSER__LOOKUP_PROTOBYNAME, name, NULL, hawser__default_deadline(), &lookup);
    if (code < 0)
        return hawser__fail(code, "look up protocol %s", name);
    int number = lookup->number;
    hawser__lookup_unref(lookup);
    return number;
}
