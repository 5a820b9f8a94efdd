/* SPDX-License-Identifier: MIT */
#include "cli/serve_open.h"

#include "cli/holder.h"
#include "cli/report.h"
#include "cli/serve.h"
#include "cli/serve_log.h"

#include <ifaddrs.h>
#include <stdio.h>
#include <string.h>

#define PORT_TRIES 16   /* for a free port that is free on both loopbacks */
#define BACKLOG 4096    /* a crowd that comes at once does not wait for the second SYN; the kernel may allow less */
#define MOST_SHOWN 8

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

static bool is_missing(int code) {
    return code == EADDRNOTAVAIL || code == EAFNOSUPPORT;
}

/* One socket on each loopback that the machine has, with the same port. NULL with errno. */
static hawser_server *open_both(const struct place *place, hawser_handler handle, const hawser_server_options *options) {
    char second[32];
    hawser_server *server = hawser_udp_server("127.0.0.1", place->address.port, handle, options);
    if (!server)
        return is_missing(errno) ? hawser_udp_server("::1", place->address.port, handle, options) : NULL;
    snprintf(second, sizeof second, "udp://[::1]:%d", place->address.port);   /* 0: the one that the first has got */
    if (hawser_server_listen(server, second) == 0 || is_missing(errno))
        return server;
    hawser_server_close(server);
    return NULL;
}

static hawser_server *open_loopbacks(const struct place *place, hawser_handler handle, const hawser_server_options *options) {
    hawser_server *server = open_both(place, handle, options);
    for (int tries = 1; !server && tries < PORT_TRIES && place->address.port == 0 && errno == EADDRINUSE; tries++)
        server = open_both(place, handle, options);
    return server;
}

static hawser_server *open_server(const struct place *place, hawser_handler handle, const hawser_server_options *options) {
    const struct address *address = &place->address;
    if (place->activated)
        return hawser_server_open(place->activated, handle, options);
    if (address->is_unix)
        return place->udp ? hawser_unix_datagram_server(address->host, handle, options)
                          : hawser_unix_stream_server(address->host, handle, options);
    if (!place->udp)
        return hawser_tcp_server(host_of(place), address->port, handle, options);
    if (wants_both_loopbacks(place) && place->family == AF_UNSPEC)
        return open_loopbacks(place, handle, options);
    return hawser_udp_server(host_of(place), address->port, handle, options);
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

/* What the server does not like about the options: only networks are left to it to check. */
static int explain_options(const char *sentence) {
    const char *named = strchr(sentence, '"'), *end = named ? strchr(named + 1, '"') : NULL;
    if (!end)
        return report_error(STATUS_BUG, "cannot %s", sentence);
    return report_usage(&command_serve, "--proxy-from %.*s is no network, such as 10.0.0.0/8, ::1 or unix",
                        (int)(end + 1 - named), named);
}

int serve_open(const struct place *place, hawser_handler handle, hawser_server_options *options, hawser_server **ret) {
    options->request_queue_size = BACKLOG;
    options->address_family = place->family;
    *ret = open_server(place, handle, options);
    if (*ret)
        return 0;
    int code = errno;
    if (code == EINVAL && strncmp(hawser_error(), "make a server: ", 15) == 0)
        return explain_options(hawser_error());
    if (place->activated && code != ENOMEM)
        return report_error(STATUS_CONNECT, "cannot %s", hawser_error());
    return explain(place, code);
}

bool serve_is_activated(const char *text) {
    return strncmp(text, "systemd:", 8) == 0;
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

static bool takes_ipv4_too(hawser_server *server, const hawser_addr *address) {
    int only = 1;
    return hawser_addr_family(address) == AF_INET6 && is_any(address) &&
           hawser_getsockopt_int(hawser_server_socket(server), IPPROTO_IPV6, IPV6_V6ONLY, &only) == 0 && only == 0;
}

static void describe_address(hawser_server *server, hawser_addr *address, struct list *bound, struct list *exposed) {
    bool both = takes_ipv4_too(server, address);
    int port = (int)hawser_addr_port(address);
    char plain[32];
    snprintf(plain, sizeof plain, "0.0.0.0:%d", port);
    if (both)
        add(bound, " and ", plain);
    add(bound, " and ", hawser_addr_str(address));
    if (is_any(address))
        add_interfaces(exposed, both ? AF_UNSPEC : hawser_addr_family(address), port);
    else if (!hawser_addr_is_loopback(address))
        add(exposed, ", ", hawser_addr_str(address));
}

void serve_describe(const struct place *place, hawser_server *server) {
    struct list bound = {.used = 0}, exposed = {.used = 0};
    hawser_addr addresses[MOST_SHOWN];
    ssize_t count = hawser_server_addresses(server, addresses, MOST_SHOWN);
    if (count < 0)
        add(&bound, " and ", "an address that cannot be told");
    for (ssize_t i = 0; i < count && i < MOST_SHOWN; i++)
        describe_address(server, &addresses[i], &bound, &exposed);
    serve_log_note("listening on %s%s%s   (Ctrl-C to stop)", bound.text, count > MOST_SHOWN ? " and more" : "",
                   serve_answers_datagrams(server) ? ", datagrams" : "");
    if (exposed.count > 0)
        serve_log_note("  other machines can reach %s", exposed.text);
    else if (place->everywhere)
        serve_log_note("  this machine has no address that others can reach");
}
