/* SPDX-License-Identifier: MIT */
/*
 * hawser_create_server: what HOST means decides how many addresses are bound.
 *
 *   ""           one IPv6 socket that serves IPv4 too; IPv4 alone where the system has no IPv6
 *   "localhost"  two sockets with the same port behind one handle
 *   unix:...     one, its file claimed first (engine/unix_file.c)
 *   otherwise    the first address of the name that binds
 */
#include "base/error.h"
#include "base/sys.h"
#include "engine/engines.h"
#include "net/handle.h"
#include "net/option.h"
#include "net/target.h"
#include "net/timeout.h"

#include <hawser/listen.h>

#include <stddef.h>
#include <string.h>
#include <sys/un.h>

#define BACKLOG 128
#define SAME_PORT_TRIES 16

struct plan {
    hawser__engine *engine;
    hawser_listen_options options;
    bool dual;                              /* IPv6 sockets serve IPv4 as well */
    struct hawser__unix_file unix_file;
    bool bound;                             /* the last address was bound, whatever came after */
    hawser_addr failed;                     /* the address that the failure is about */
};

/* The mode of the socket becomes that of its file, less the umask: there is no moment at which others could connect. */
static int set_mode(const struct plan *plan, hawser__endpoint *endpoint) {
    int fd = plan->engine->ops->descriptor(endpoint);
    if (fd < 0)
        return fd == -EOPNOTSUPP ? 0 : fd;
    return hawser__sys_fchmod(fd, plan->options.mode & 0777);
}

/* V6ONLY is always said: its default differs from system to system. REUSEADDR only for streams: with datagrams it would let two
 * servers share a port. */
static int prepare(const struct plan *plan, hawser__endpoint *endpoint, int family) {
    int result = 0;
    if (plan->options.type == SOCK_STREAM && family != AF_UNIX) {
        result = hawser__endpoint_set_int(endpoint, SOL_SOCKET, SO_REUSEADDR, 1);
        hawser__endpoint_tune(endpoint);
    }
    if (result == 0 && family == AF_INET6)
        result = hawser__endpoint_set_int(endpoint, IPPROTO_IPV6, IPV6_V6ONLY, !plan->dual);
    if (result == 0 && plan->options.reuse_port && family != AF_UNIX)
        result = hawser__endpoint_set_int(endpoint, SOL_SOCKET, SO_REUSEPORT, 1);
    if (result == 0 && plan->options.mode && family == AF_UNIX)
        result = set_mode(plan, endpoint);
    return result;
}

static int bind_and_listen(struct plan *plan, hawser__endpoint *endpoint, const hawser_addr *addr) {
    const struct hawser__engine_ops *ops = plan->engine->ops;
    int backlog = plan->options.backlog;
    int result = ops->bind(endpoint, (const struct sockaddr *)&addr->ss, addr->len);
    plan->bound = result == 0;
    if (result < 0 || plan->options.type == SOCK_DGRAM)
        return result;
    return ops->listen(endpoint, backlog == 0 ? BACKLOG : backlog < 0 ? 0 : backlog);
}

static int open_one(struct plan *plan, const hawser_addrinfo *at, hawser__endpoint **ret) {
    plan->failed = at->addr;
    hawser__endpoint *endpoint;
    int result = plan->engine->ops->open(plan->engine, at->family, at->type, at->proto, &endpoint);
    if (result < 0)
        return result;
    result = prepare(plan, endpoint, at->family);
    if (result == 0)
        result = bind_and_listen(plan, endpoint, &at->addr);
    if (result < 0)
        plan->engine->ops->close(endpoint);
    else
        *ret = endpoint;
    return result;
}

static int family_missing(int result) {
    return result == -EAFNOSUPPORT || result == -EADDRNOTAVAIL;
}

/* The first address that binds; the first failure is the one worth telling. */
static int open_first(struct plan *plan, const hawser_addrinfo *list, hawser__endpoint **ret) {
    int first = -EADDRNOTAVAIL;
    hawser_addr about = list->addr;
    for (const hawser_addrinfo *at = list; at; at = at->next) {
        int result = open_one(plan, at, ret);
        if (result == 0)
            return 0;
        if (at == list)
            first = result;
    }
    plan->failed = about;
    return first;
}

/* "": a taken port is a failure; only a missing family makes it fall back to IPv4. */
static int open_any(struct plan *plan, const hawser_addrinfo *list, hawser__endpoint **ret) {
    int result = -EAFNOSUPPORT;
    plan->dual = plan->options.family == AF_UNSPEC;
    for (const hawser_addrinfo *at = list; at && family_missing(result); at = at->next)
        result = open_one(plan, at, ret);
    return result;
}

static in_port_t *port_of(hawser_addr *addr) {
    return addr->ss.ss_family == AF_INET6 ? &((struct sockaddr_in6 *)&addr->ss)->sin6_port
                                          : &((struct sockaddr_in *)&addr->ss)->sin_port;
}

/* Binds the second loopback to the port that the first one got. 1 = the system has no such address. */
static int open_second(struct plan *plan, const hawser_addrinfo *at, hawser__endpoint *first, hawser__endpoint **ret) {
    hawser_addr got = {.len = sizeof got.ss};
    hawser_addrinfo second = *at;
    int result = plan->engine->ops->getsockname(first, (struct sockaddr *)&got.ss, &got.len);
    if (result < 0)
        return result;
    *port_of(&second.addr) = *port_of(&got);
    result = open_one(plan, &second, ret);
    return family_missing(result) ? 1 : result;
}

/* Both loopbacks with one port. A port that the kernel chose for the first may be taken on the second: then another is
 * drawn. */
static int open_loopbacks(struct plan *plan, const hawser_addrinfo *v4, const hawser_addrinfo *v6, hawser__endpoint *ret[2]) {
    hawser_addr wanted = v4->addr;
    for (int tries = 0;; tries++) {
        int result = open_one(plan, v4, &ret[0]);
        if (family_missing(result))
            return open_one(plan, v6, &ret[0]);
        if (result < 0)
            return result;
        result = open_second(plan, v6, ret[0], &ret[1]);
        if (result >= 0)
            return result;
        plan->engine->ops->close(ret[0]);
        ret[0] = ret[1] = NULL;
        if (result != -EADDRINUSE || *port_of(&wanted) != 0 || tries == SAME_PORT_TRIES)
            return result;
    }
}

bool hawser__unix_file_at(const hawser_addr *addr, struct hawser__unix_file *ret) {
    const char *path = ((const struct sockaddr_un *)&addr->ss)->sun_path;
    size_t head = offsetof(struct sockaddr_un, sun_path), length = addr->len > head ? addr->len - head : 0;
    *ret = (struct hawser__unix_file){.lock = -1};
    if (addr->ss.ss_family != AF_UNIX || length == 0 || path[0] == '\0')
        return false;
    memcpy(ret->path, path, length < sizeof ret->path ? length : sizeof ret->path - 1);
    return true;
}

static int open_unix_file(struct plan *plan, const hawser_addrinfo *at, hawser__endpoint **ret) {
    const struct hawser__engine_ops *ops = plan->engine->ops;
    plan->failed = at->addr;
    int result = ops->unix_claim(plan->engine, &plan->unix_file, hawser__default_deadline());
    if (result < 0)
        return result;
    result = open_one(plan, at, ret);
    /* So that undo() removes what a failed listen leaves behind. */
    ops->unix_settle(plan->engine, &plan->unix_file, plan->bound);
    return result;
}

/* Finds the addresses and opens them into ENDPOINTS. 0 or more; a code with plan->failed set; -1 with the sentence set
 * already is told apart by SAID. */
static int open_host(struct plan *plan, const char *host, int port, hawser__endpoint *endpoints[2], bool *said) {
    bool loopbacks = strcmp(host, "localhost") == 0 && plan->options.family == AF_UNSPEC &&
                     plan->options.type != SOCK_DGRAM;   /* only accept knows how to wait on two sockets */
    hawser_addrinfo *list = NULL, *second = NULL;
    int result;
    *said = hawser__targets("listen on", loopbacks ? "127.0.0.1" : host, port, plan->options.family, plan->options.type, true,
                            hawser__default_deadline(), &list) < 0 ||
            (loopbacks && hawser__targets("listen on", "::1", port, AF_UNSPEC, plan->options.type, true,
                                          hawser__default_deadline(), &second) < 0);
    if (*said)
        result = -errno;
    else if (loopbacks)
        result = open_loopbacks(plan, list, second, endpoints);
    else if (hawser__unix_file_at(&list->addr, &plan->unix_file))
        result = open_unix_file(plan, list, &endpoints[0]);
    else if (host[0] == '\0')
        result = open_any(plan, list, &endpoints[0]);
    else
        result = open_first(plan, list, &endpoints[0]);
    hawser_freeaddrinfo(list);
    hawser_freeaddrinfo(second);
    return result;
}

static hawser_sock *handle_for(struct plan *plan, hawser__endpoint *endpoints[2]) {
    hawser_addr own = {.len = sizeof own.ss};
    plan->engine->ops->getsockname(endpoints[0], (struct sockaddr *)&own.ss, &own.len);
    if (plan->unix_file.owner)
        return hawser__handle_with_file(endpoints[0], &plan->unix_file, plan->options.type);
    if (endpoints[1])
        return hawser__handle_around_both(endpoints, own.ss.ss_family, plan->options.type);
    return hawser__handle_around(endpoints[0], own.ss.ss_family, plan->options.type, 0);
}

static void undo(struct plan *plan, hawser__endpoint *endpoints[2]) {
    plan->engine->ops->unix_remove(plan->engine, &plan->unix_file);
    for (size_t i = 0; i < 2; i++)
        if (endpoints[i])
            plan->engine->ops->close(endpoints[i]);
}

hawser_sock *hawser_create_server(const char *host, int port, const hawser_listen_options *options) {
    struct plan plan = {.engine = hawser__engine_current()};
    hawser__endpoint *endpoints[2] = {NULL, NULL};
    char target[HAWSER_ADDR_TEXT];
    bool said = false;
    if (!host) {   /* an unset variable must not mean the whole world, as "" does */
        hawser__fail(EINVAL, "listen on no host, port %d", port);
        return NULL;
    }
    if (options)
        plan.options = *options;
    if (plan.options.type == 0)
        plan.options.type = SOCK_STREAM;
    int result = open_host(&plan, host, port, endpoints, &said);
    hawser_sock *sock = result < 0 ? NULL : handle_for(&plan, endpoints);
    if (sock)
        return sock;
    undo(&plan, endpoints);
    if (!said)
        hawser__fail(result < 0 ? result : ENOMEM, "listen on %s",
                     plan.failed.len ? hawser_addr_str(&plan.failed)
                                     : hawser__target_text(host, port, plan.options.family, target, sizeof target));
    return NULL;
}

static bool can_open(bool dual) {
    hawser__engine *engine = hawser__engine_current();
    hawser__endpoint *endpoint;
    if (engine->ops->open(engine, AF_INET6, SOCK_STREAM, 0, &endpoint) < 0)
        return false;
    bool can = !dual || hawser__endpoint_set_int(endpoint, IPPROTO_IPV6, IPV6_V6ONLY, 0) == 0;
    engine->ops->close(endpoint);
    return can;
}

bool hawser_has_dualstack_ipv6(void) {
    return can_open(true);
}

bool hawser_has_ipv6(void) {
    return can_open(false);
}
