/* SPDX-License-Identifier: MIT */
#include "cli/serve_open.h"

#include "cli/holder.h"
#include "cli/report.h"
#include "cli/serve_log.h"

#include <ifaddrs.h>
#include <stdio.h>
#include <string.h>

#define PORT_TRIES 16   /* for a free port that is free on both loopbacks */
#define BACKLOG 4096    /* a crowd that comes at once does not wait for the second SYN; the kernel may allow less */

static bool wants_both_loopbacks(const struct place *place) {
    return !place->everywhere && (!place->address.host || strcmp(place->address.host, "localhost") == 0);
}

/* The loopback of one family is a number: no hosts file needs to know it. */
static const char *host_of(const struct place *place) {
    if (place->everywhere)
        return "";
    if (!wants_both_loopbacks(place))
        return place->address.host;
    return place->family == AF_INET ? "127.0.0.1" : place->family == AF_INET6 ? "::1" : "localhost";
}

static hawser_sock *bind_datagrams(const struct place *place, const char *host, int port) {
    hawser_listen_options options = {.type = SOCK_DGRAM, .family = place->family};
    return hawser_create_server(host, port, &options);
}

static int bound_port(hawser_sock *sock) {
    hawser_addr own;
    return hawser_getsockname(sock, &own) < 0 ? 0 : (int)hawser_addr_port(&own);
}

static bool is_missing(int code) {
    return code == EADDRNOTAVAIL || code == EAFNOSUPPORT;
}

/* One socket on each loopback that the machine has and the user wants, with the same port. 0 or -1. */
static int bind_loopbacks(struct place *place) {
    static const struct {
        const char *host;
        int family;
    } loopbacks[] = {{"127.0.0.1", AF_INET}, {"::1", AF_INET6}};
    int port = place->address.port;
    for (size_t i = 0; i < 2; i++) {
        if (place->family != AF_UNSPEC && place->family != loopbacks[i].family)
            continue;
        hawser_sock *sock = bind_datagrams(place, loopbacks[i].host, port);
        if (!sock && is_missing(errno) && (i == 0 || place->count > 0))
            continue;
        if (!sock)
            return -1;
        place->sock[place->count++] = sock;
        port = bound_port(sock);
    }
    return place->count > 0 ? 0 : -1;
}

static int open_loopbacks(struct place *place) {
    for (int tries = 0; tries < PORT_TRIES; tries++) {
        if (bind_loopbacks(place) == 0)
            return 0;
        for (size_t i = 0; i < place->count; i++)
            hawser_close(place->sock[i]);
        place->count = 0;
        if (place->address.port != 0 || errno != EADDRINUSE)
            break;
    }
    return -1;
}

static int open_one(struct place *place) {
    hawser_listen_options options = {.type = place->udp ? SOCK_DGRAM : SOCK_STREAM, .family = place->family,
                                     .backlog = BACKLOG};
    place->sock[0] = hawser_create_server(host_of(place), place->address.port, &options);
    place->count = place->sock[0] != NULL;
    return place->sock[0] ? 0 : -1;
}

/* Which address it was, from the library's sentence "listen on 127.0.0.1:80: Permission denied"; a name may have several. */
static void failing_address(const struct place *place, const char *sentence, int code, char *out, size_t size) {
    static const char start[] = "listen on ";
    const char *reason = hawser_strerror(code);
    size_t length = strlen(sentence), tail = strlen(reason) + 2, head = sizeof start - 1;
    bool starts = strncmp(sentence, start, head) == 0;
    if (starts && length > head + tail && strcmp(sentence + length - tail + 2, reason) == 0)
        snprintf(out, size, "%.*s", (int)(length - head - tail), sentence + head);
    else if (place->address.is_unix)
        snprintf(out, size, "%s", place->address.host);
    else
        snprintf(out, size, "%s port %d", *host_of(place) ? host_of(place) : "every address", place->address.port);
}

static void hint_holder(const struct place *place) {
    const char *path = place->address.is_unix ? place->address.host : NULL;
    const char *advice = path ? "another path" : "another port, or 0 for any free one";
    struct holder holder;
    if (holder_find(&holder, path, place->address.port, place->udp))
        report_hint("held by process %d (%s); %s", holder.pid, holder.name, advice);
    else
        report_hint("try %s", advice);
}

static int explain(const struct place *place, int code) {
    char sentence[512], where[480];
    snprintf(sentence, sizeof sentence, "%s", hawser_error());
    failing_address(place, sentence, code, where, sizeof where);
    if (report_is_lookup(code))
        return report_lookup_failed(code, host_of(place), hawser_getdefaulttimeout());
    int status = code == ENOMEM ? STATUS_LOCAL : code == ETIMEDOUT ? STATUS_TIMEOUT : STATUS_CONNECT;
    report_error(status, "cannot listen on %s: %s", where, report_reason(code));
    if (code == EADDRINUSE)
        hint_holder(place);
    else if (code == EACCES && !place->address.is_unix)
        report_hint("ports below 1024 need privileges; another port, or 0 for any free one");
    else if (code == ENAMETOOLONG)
        report_hint("a Unix path has at most 107 bytes");
    else if (code == ENOTSOCK && place->address.is_unix)
        report_hint("there is a file that is no socket; it is left alone");
    return status;
}

int serve_open(struct place *place) {
    bool both = place->udp && !place->address.is_unix && wants_both_loopbacks(place);
    int result = both ? open_loopbacks(place) : open_one(place);
    return result < 0 ? explain(place, errno) : 0;
}

struct list {
    char text[1024];
    size_t count, used;
};

static void add(struct list *list, const char *between, const char *item) {
    int length = snprintf(list->text + list->used, sizeof list->text - list->used, "%s%s", list->count ? between : "", item);
    if (length > 0 && list->used + (size_t)length < sizeof list->text)
        list->used += (size_t)length;
    list->text[list->used] = '\0';
    list->count++;
}

static bool is_any(const hawser_addr *address) {
    char host[HAWSER_ADDR_TEXT];
    return hawser_addr_host(address, host, sizeof host) > 0 && (strcmp(host, "::") == 0 || strcmp(host, "0.0.0.0") == 0);
}

/* What of this machine others can reach, for a socket on every address. */
static void add_interfaces(struct list *list, int family, int port) {
    struct ifaddrs *all = NULL;
    hawser_addr address;
    if (getifaddrs(&all) < 0)
        return;
    for (struct ifaddrs *one = all; one; one = one->ifa_next) {
        int kind = one->ifa_addr ? one->ifa_addr->sa_family : AF_UNSPEC;
        if ((kind != AF_INET && kind != AF_INET6) || (family != AF_UNSPEC && kind != family))
            continue;
        socklen_t length = kind == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);
        if (hawser_addr_from_sockaddr(&address, one->ifa_addr, length) < 0 || hawser_addr_is_loopback(&address))
            continue;
        char host[HAWSER_ADDR_TEXT];
        if (hawser_addr_host(&address, host, sizeof host) > 0 && hawser_addr_ip(&address, host, port) == 0)
            add(list, ", ", hawser_addr_str(&address));
    }
    freeifaddrs(all);
}

static bool takes_ipv4_too(hawser_sock *sock, const hawser_addr *address) {
    int only = 1;
    return hawser_addr_family(address) == AF_INET6 && is_any(address) &&
           hawser_getsockopt_int(sock, IPPROTO_IPV6, IPV6_V6ONLY, &only) == 0 && only == 0;
}

static void describe_socket(hawser_sock *sock, struct list *bound, struct list *exposed) {
    hawser_addr addresses[2];
    ssize_t count = hawser_getsocknames(sock, addresses, 2);
    if (count < 0)
        add(bound, " and ", "an address that cannot be told");
    for (ssize_t i = 0; i < count && i < 2; i++) {
        bool both = takes_ipv4_too(sock, &addresses[i]);
        int port = (int)hawser_addr_port(&addresses[i]);
        char plain[32];
        snprintf(plain, sizeof plain, "0.0.0.0:%d", port);
        if (both)
            add(bound, " and ", plain);
        add(bound, " and ", hawser_addr_str(&addresses[i]));
        if (is_any(&addresses[i]))
            add_interfaces(exposed, both ? AF_UNSPEC : hawser_addr_family(&addresses[i]), port);
        else if (!hawser_addr_is_loopback(&addresses[i]))
            add(exposed, ", ", hawser_addr_str(&addresses[i]));
    }
}

void serve_describe(struct place *place) {
    struct list bound = {.used = 0}, exposed = {.used = 0};
    for (size_t i = 0; i < place->count; i++)
        describe_socket(place->sock[i], &bound, &exposed);
    serve_log_note("listening on %s%s   (Ctrl-C to stop)", bound.text, place->udp ? ", datagrams" : "");
    if (exposed.count > 0)
        serve_log_note("  other machines can reach %s", exposed.text);
    else if (place->everywhere)
        serve_log_note("  this machine has no address that others can reach");
}
