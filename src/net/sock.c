/* SPDX-License-Identifier: MIT */
/* The public calls of sock.h that make, name and end a socket. Connecting is in connect.c, timeouts in timeout.c. */
#include "base/error.h"
#include "base/sys.h"
#include "engine/engines.h"
#include "net/handle.h"
#include "net/sock.h"
#include "net/target.h"

/* What may be given with a type and is no part of it; every socket has both anyway. */
#define TYPE_FLAGS (SOCK_CLOEXEC | SOCK_NONBLOCK)

hawser_sock *hawser_socket(int family, int type, int proto) {
    hawser__engine *engine = hawser__engine_current();
    hawser__endpoint *endpoint;
    int result = engine->ops->open(engine, family, type & ~TYPE_FLAGS, proto, &endpoint);
    hawser_sock *sock = result < 0 ? NULL : hawser__handle_new(endpoint, family, type & ~TYPE_FLAGS, proto);
    if (!sock) {
        char kind[96];
        hawser__kind_text(family, type, proto, kind, sizeof kind);
        hawser__fail(result < 0 ? result : ENOMEM, "create %s socket", kind);
    }
    return sock;
}

int hawser_socketpair(int family, int type, int proto, hawser_sock *ret[2]) {
    hawser__engine *engine = hawser__engine_current();
    hawser__endpoint *endpoints[2];
    char kind[96];
    type &= ~TYPE_FLAGS;
    int result = engine->ops->pair(engine, family, type, proto, endpoints);
    if (result < 0)
        return hawser__fail(result, "create a pair of %s sockets", hawser__kind_text(family, type, proto, kind, sizeof kind));
    hawser_sock *first = hawser__handle_new(endpoints[0], family, type, proto);
    hawser_sock *second = hawser__handle_new(endpoints[1], family, type, proto);
    if (!first || !second) {
        hawser_close(first);
        hawser_close(second);
        return hawser__fail(ENOMEM, "create a pair of %s sockets", hawser__kind_text(family, type, proto, kind, sizeof kind));
    }
    ret[0] = first;
    ret[1] = second;
    return 0;
}

static int int_option(hawser__endpoint *endpoint, int name, int otherwise) {
    int value = otherwise;
    socklen_t size = sizeof value;
    return endpoint->engine->ops->getsockopt(endpoint, SOL_SOCKET, name, &value, &size) < 0 ? otherwise : value;
}

/* The kernel knows what kind of socket it is; where it cannot say (SO_DOMAIN is not everywhere), the address tells. NULL leaves
 * the endpoint to the caller. */
static hawser_sock *identify(hawser__endpoint *endpoint) {
    int family = int_option(endpoint, SO_DOMAIN, AF_UNSPEC);
    if (family == AF_UNSPEC) {
        struct sockaddr_storage sa = {.ss_family = AF_UNSPEC};
        socklen_t len = sizeof sa;
        endpoint->engine->ops->getsockname(endpoint, (struct sockaddr *)&sa, &len);
        family = sa.ss_family;
    }
    return hawser__handle_around(endpoint, family, int_option(endpoint, SO_TYPE, 0), int_option(endpoint, SO_PROTOCOL, 0));
}

hawser_sock *hawser_sock_from_fd(int fd) {
    hawser__engine *engine = hawser__engine_current();
    hawser__endpoint *endpoint;
    int result = engine->ops->adopt(engine, fd, &endpoint);
    hawser_sock *sock = result < 0 ? NULL : identify(endpoint);
    if (result == 0 && !sock) {
        engine->ops->detach(endpoint, false);   /* the descriptor is the caller's again */
        result = -ENOMEM;
    }
    if (result < 0)
        hawser__fail(result, "adopt descriptor %d", fd);
    return sock;
}

/* fcntl(2) duplicates anything; adopting says whether it is a socket, so the copy is adopted. */
hawser_sock *hawser_fromfd(int fd) {
    int copy = hawser__sys_dup(fd);
    if (copy < 0) {
        hawser__fail(copy, "duplicate descriptor %d", fd);
        return NULL;
    }
    hawser_sock *sock = hawser_sock_from_fd(copy);
    if (!sock) {
        hawser__sys_close(copy);
        hawser__fail(errno, "duplicate descriptor %d", fd);
    }
    return sock;
}

static hawser_sock *dup_of(hawser_sock *sock) {
    hawser__endpoint *copy;
    int result = sock->endpoint_count != 1 ? -EOPNOTSUPP : hawser__sock_ops(sock)->dup(sock->endpoints[0], &copy);
    hawser_sock *made = result < 0 ? NULL : hawser__handle_new(copy, sock->family, sock->type, sock->proto);
    if (!made)
        hawser__fail(result < 0 ? result : ENOMEM, "duplicate socket");
    return made;
}

hawser_sock *hawser_dup(hawser_sock *sock) {
    int result = hawser__enter(sock, HAWSER__SHORT);
    if (result < 0) {
        hawser__fail(result, "duplicate socket");
        return NULL;
    }
    hawser_sock *copy = dup_of(sock);
    if (copy) {
        hawser__leave_unix_file(sock);
        atomic_store(&copy->timeout, atomic_load(&sock->timeout));
    }
    hawser__leave(sock, HAWSER__SHORT);
    return copy;
}

static int bind_endpoint(hawser_sock *sock, const hawser_addr *addr) {
    if (sock->endpoint_count != 1)
        return -EINVAL;
    return hawser__sock_ops(sock)->bind(sock->endpoints[0], (const struct sockaddr *)&addr->ss, addr->len);
}

int hawser_bind_addr(hawser_sock *sock, const hawser_addr *addr) {
    int result = hawser__enter(sock, HAWSER__SHORT);
    if (result == 0) {
        result = bind_endpoint(sock, addr);
        hawser__leave(sock, HAWSER__SHORT);
    }
    hawser_addr copy = *addr;
    return result < 0 ? hawser__fail(result, "bind to %s", hawser_addr_str(&copy)) : 0;
}

int hawser_bind(hawser_sock *sock, const char *host, int port) {
    hawser_addr addr;
    if (hawser__target("bind to", host, port, sock->family, true, hawser__sock_deadline(sock), &addr) < 0)
        return -1;
    return hawser_bind_addr(sock, &addr);
}

int hawser_listen(hawser_sock *sock, int backlog) {
    hawser_addr own;
    int result = hawser__enter(sock, HAWSER__SHORT);
    if (result < 0)
        return hawser__fail(result, "listen on %s", hawser__own_text(sock, &own));
    for (size_t i = 0; i < sock->endpoint_count && result == 0; i++)
        result = hawser__sock_ops(sock)->listen(sock->endpoints[i], backlog < 0 ? 0 : backlog);
    if (result < 0)
        hawser__fail(result, "listen on %s", hawser__own_text(sock, &own));
    hawser__leave(sock, HAWSER__SHORT);
    return result < 0 ? -1 : 0;
}

/* Inside, because the listener may be closed and gone when the call has left. */
static int accept_inside(hawser_sock *sock, hawser_addr *peer, hawser_sock **ret) {
    hawser__endpoint *listeners[2], *endpoint;
    size_t count = sock->endpoint_count;
    for (size_t i = 0; i < count; i++)
        listeners[i] = sock->endpoints[(sock->turn + i) % count];
    sock->turn++;
    peer->len = sizeof peer->ss;
    int result = hawser__sock_ops(sock)->accept(listeners, count, (struct sockaddr *)&peer->ss, &peer->len,
                                                hawser__sock_deadline(sock), &endpoint);
    if (result < 0)
        return result;
    *ret = hawser__handle_new(endpoint, sock->family, sock->type, sock->proto);
    return *ret ? 0 : -ENOMEM;
}

hawser_sock *hawser_accept(hawser_sock *sock, hawser_addr *peer) {
    hawser_addr addr, own;
    hawser_sock *accepted = NULL;
    int entered = hawser__enter(sock, HAWSER__RECEIVER), result = entered;
    if (entered == 0)
        result = accept_inside(sock, &addr, &accepted);
    if (result < 0)
        hawser__fail(result, "accept on %s", hawser__own_text(sock, &own));
    if (entered == 0)
        hawser__leave(sock, HAWSER__RECEIVER);
    if (accepted && peer)
        hawser__addr_take(peer, &addr);
    return accepted;
}

int hawser_shutdown(hawser_sock *sock, int how) {
    hawser_addr peer;
    hawser__task *task = hawser__task_current();
    if (how != SHUT_RD)
        (void)hawser__task_send_held(task);
    int entered = hawser__enter(sock, HAWSER__SHORT);
    int result = entered < 0 ? entered : sock->transport->shutdown(sock, how);
    if (result < 0)
        hawser__fail(result, "shut down connection with %s", hawser__peer_text(sock, &peer));
    if (entered == 0)
        hawser__leave(sock, HAWSER__SHORT);
    return result < 0 ? -1 : 0;
}

int hawser_detach(hawser_sock *sock) {
    int fd = hawser__handle_detach(sock);
    return fd < 0 ? hawser__fail(fd, "detach socket") : fd;
}
