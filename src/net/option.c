/* SPDX-License-Identifier: MIT */
/* Socket options: option.h. */
#include "base/error.h"
#include "net/handle.h"
#include "net/option.h"

#include <netinet/tcp.h>

int hawser__endpoint_set_int(hawser__endpoint *endpoint, int level, int name, int value) {
    return endpoint->engine->ops->setsockopt(endpoint, level, name, &value, sizeof value);
}

/* The options that dialled and accepted TCP connections have. An engine without them (a Unix socket, a model) goes without. */
int hawser__endpoint_keepalive(hawser__endpoint *endpoint, int idle) {
    int result = hawser__endpoint_set_int(endpoint, SOL_SOCKET, SO_KEEPALIVE, idle > 0);
    if (result < 0 || idle <= 0)
        return result;
    result = hawser__endpoint_set_int(endpoint, IPPROTO_TCP, TCP_KEEPIDLE, idle);
    return result < 0 ? result : hawser__endpoint_set_int(endpoint, IPPROTO_TCP, TCP_KEEPINTVL, idle);
}

void hawser__endpoint_tune(hawser__endpoint *endpoint) {
    hawser__endpoint_set_int(endpoint, IPPROTO_TCP, TCP_NODELAY, 1);
    hawser__endpoint_keepalive(endpoint, HAWSER__KEEPALIVE);
}

int hawser_setsockopt(hawser_sock *sock, int level, int name, const void *value, socklen_t size) {
    int result = hawser__enter(sock, HAWSER__SHORT);
    if (result == 0) {
        for (size_t i = 0; i < sock->endpoint_count && result == 0; i++)
            result = hawser__sock_ops(sock)->setsockopt(sock->endpoints[i], level, name, value, size);
        hawser__leave(sock, HAWSER__SHORT);
    }
    return result < 0 ? hawser__fail(result, "set socket option %d of level %d", name, level) : 0;
}

int hawser_getsockopt(hawser_sock *sock, int level, int name, void *value, socklen_t *size) {
    int result = hawser__enter(sock, HAWSER__SHORT);
    if (result == 0) {
        result = hawser__sock_ops(sock)->getsockopt(sock->endpoints[0], level, name, value, size);
        hawser__leave(sock, HAWSER__SHORT);
    }
    return result < 0 ? hawser__fail(result, "get socket option %d of level %d", name, level) : 0;
}

int hawser_setsockopt_int(hawser_sock *sock, int level, int name, int value) {
    return hawser_setsockopt(sock, level, name, &value, sizeof value);
}

int hawser_getsockopt_int(hawser_sock *sock, int level, int name, int *ret) {
    int value = 0;
    socklen_t size = sizeof value;
    int result = hawser_getsockopt(sock, level, name, &value, &size);
    if (result == 0)
        *ret = value;
    return result;
}

/* Typed helpers name the option in their sentence instead of its number. */
static int set_named(hawser_sock *sock, int level, int option, int value, const char *name) {
    return hawser_setsockopt_int(sock, level, option, value) < 0 ? hawser__fail(errno, "set %s to %d", name, value) : 0;
}

int hawser_set_nodelay(hawser_sock *sock, bool on) {
    return set_named(sock, IPPROTO_TCP, TCP_NODELAY, on, "TCP_NODELAY");
}

int hawser_set_keepalive(hawser_sock *sock, int idle) {
    int result = idle < 0 ? -EINVAL : hawser__enter(sock, HAWSER__SHORT);
    if (result == 0) {
        for (size_t i = 0; i < sock->endpoint_count && result == 0; i++)
            result = hawser__endpoint_keepalive(sock->endpoints[i], idle);
        hawser__leave(sock, HAWSER__SHORT);
    }
    return result < 0 ? hawser__fail(result, "set keep-alive to %d seconds", idle) : 0;
}

int hawser_set_reuseaddr(hawser_sock *sock, bool on) {
    return set_named(sock, SOL_SOCKET, SO_REUSEADDR, on, "SO_REUSEADDR");
}

int hawser_set_reuseport(hawser_sock *sock, bool on) {
    return set_named(sock, SOL_SOCKET, SO_REUSEPORT, on, "SO_REUSEPORT");
}

int hawser_set_broadcast(hawser_sock *sock, bool on) {
    return set_named(sock, SOL_SOCKET, SO_BROADCAST, on, "SO_BROADCAST");
}

int hawser_set_v6only(hawser_sock *sock, bool on) {
    return set_named(sock, IPPROTO_IPV6, IPV6_V6ONLY, on, "IPV6_V6ONLY");
}

int hawser_set_rcvbuf(hawser_sock *sock, int bytes) {
    return set_named(sock, SOL_SOCKET, SO_RCVBUF, bytes, "SO_RCVBUF");
}

int hawser_set_sndbuf(hawser_sock *sock, int bytes) {
    return set_named(sock, SOL_SOCKET, SO_SNDBUF, bytes, "SO_SNDBUF");
}

int hawser_getpeercred(hawser_sock *sock, pid_t *pid, uid_t *uid, gid_t *gid) {
    struct ucred who;
    socklen_t size = sizeof who;
    if (sock->family != AF_UNIX)
        return hawser__fail(EOPNOTSUPP, "get peer credentials");
    if (hawser_getsockopt(sock, SOL_SOCKET, SO_PEERCRED, &who, &size) < 0)
        return hawser__fail(errno, "get peer credentials");
    if (pid)
        *pid = who.pid;
    if (uid)
        *uid = who.uid;
    if (gid)
        *gid = who.gid;
    return 0;
}
