/* SPDX-License-Identifier: MIT */
/*
 * Simulated sockets from birth to end: socket.h, and the rules in socket_inside.h. What a kind of socket does differently is in
 * the files of that kind; here is which of them is asked.
 */
#include "base/mem.h"
#include "world/descriptors.h"
#include "world/socket_inside.h"

#include <netinet/in.h>

/* Birth. */

static int check_kind(int family, int type, int proto) {
    bool ip = family == AF_INET || family == AF_INET6;
    if (!ip && family != AF_UNIX)
        return -EAFNOSUPPORT;
    if (!ip && type != SOCK_STREAM && type != SOCK_DGRAM && type != SOCK_SEQPACKET)
        return -ESOCKTNOSUPPORT;
    if (!ip)
        return proto == 0 || proto == AF_UNIX ? 0 : -EPROTONOSUPPORT;
    if (type == SOCK_RAW)
        return -EPROTONOSUPPORT;
    if (type != SOCK_STREAM && type != SOCK_DGRAM)
        return -ESOCKTNOSUPPORT;
    return proto == 0 || proto == (type == SOCK_STREAM ? IPPROTO_TCP : IPPROTO_UDP) ? 0 : -EPROTONOSUPPORT;
}

static void enlist(hawser__socket *socket) {
    hawser__socket **list = &socket->host->sockets;
    socket->next = *list;
    socket->link = list;
    if (*list)
        (*list)->link = &socket->next;
    *list = socket;
}

hawser__socket *hawser__sock_new(hawser__host *host, int family, int type, int proto) {
    hawser__socket *socket = hawser__zalloc(sizeof *socket);
    if (!socket)
        return NULL;
    socket->host = host;
    socket->family = family;
    socket->type = type;
    socket->proto = proto || family == AF_UNIX ? proto : type == SOCK_STREAM ? IPPROTO_TCP : IPPROTO_UDP;
    socket->own = socket->remote = hawser__place_any(family == AF_INET);
    socket->credentials = (struct ucred){.pid = 0, .uid = (uid_t)-1, .gid = (gid_t)-1};
    hawser__options_init(socket);
    enlist(socket);
    return socket;
}

static bool is_full(const hawser__host *host) {
    return host->most_sockets > 0 && host->socket_count >= host->most_sockets;
}

static void give(hawser__socket *socket) {
    socket->refs = 1;
    socket->host->socket_count++;
}

int hawser__socket_open(hawser__host *host, int family, int type, int proto, hawser__socket **ret) {
    int result = check_kind(family, type, proto);
    if (result < 0)
        return result;
    if (is_full(host))
        return -EMFILE;
    hawser__socket *socket = hawser__sock_new(host, family, type, proto);
    if (!socket)
        return -ENOMEM;
    give(socket);
    *ret = socket;
    return 0;
}

int hawser__socket_pair(hawser__socket *a, hawser__socket *b) {
    if (a->family != AF_UNIX || b->family != AF_UNIX)
        return -EOPNOTSUPP;
    if (a->type != b->type || a->host != b->host || a->peer || b->peer)
        return -EINVAL;
    hawser__unix_join(a, b);
    return 0;
}

/* References. Those of the program count, as descriptors do; those of messages on their way do not. */

static void free_if_unused(hawser__socket *socket) {
    if (socket->state == HAWSER__GONE && socket->refs == 0 && socket->holds == 0)
        hawser__free(socket);
}

void hawser__sock_hold(hawser__socket *socket) {
    socket->holds++;
}

void hawser__sock_release(hawser__socket *socket) {
    if (!socket)
        return;
    socket->holds--;
    free_if_unused(socket);
}

void hawser__sock_set_peer(hawser__socket *socket, hawser__socket *peer) {
    hawser__socket *before = socket->peer;
    if (peer)
        hawser__sock_hold(peer);
    socket->peer = peer;
    hawser__sock_release(before);
}

void hawser__sock_tell(hawser__socket *socket) {
    if (socket->refs > 0)
        hawser__world_here->changed(socket);
}

int hawser__sock_take_error(hawser__socket *socket) {
    int error = socket->error;
    socket->error = 0;
    return -error;
}

void hawser__queue_put(hawser__socket **first, hawser__socket **last, hawser__socket *socket) {
    socket->behind = NULL;
    *(*last ? &(*last)->behind : first) = socket;
    *last = socket;
}

void hawser__queue_remove(hawser__socket **first, hawser__socket **last, hawser__socket *socket) {
    hawser__socket **at = first, *before = NULL;
    while (*at && *at != socket) {
        before = *at;
        at = &before->behind;
    }
    if (*at)
        *at = socket->behind;
    if (*last == socket)
        *last = before;
    socket->behind = NULL;
}

/* The end. */

int hawser__socket_ref(hawser__socket *socket) {
    if (is_full(socket->host))
        return -EMFILE;
    socket->refs++;
    socket->host->socket_count++;
    return 0;
}

void hawser__sock_vanish(hawser__socket *socket) {
    if (socket->state == HAWSER__GONE)
        return;
    hawser__sock_hold(socket);
    *socket->link = socket->next;
    if (socket->next)
        socket->next->link = socket->link;
    socket->state = HAWSER__GONE;
    hawser__tcp_quiet(socket);
    hawser__world_forget(&socket->flow.reset);
    hawser__tcp_forget_sent(socket);
    hawser__input_clear(socket);
    if (socket->family == AF_UNIX)
        hawser__unix_unblock(socket);
    hawser__sock_release(socket->blocked_on);
    socket->blocked_on = NULL;
    hawser__sock_set_peer(socket, NULL);
    hawser__sock_release(socket);
}

/* The program has let go of it. */
static void shut(hawser__socket *socket) {
    hawser__sock_hold(socket);
    if (socket->family == AF_UNIX)
        hawser__unix_close(socket);
    else if (socket->type == SOCK_STREAM)
        hawser__tcp_close(socket);
    else
        hawser__sock_vanish(socket);
    hawser__sock_release(socket);
}

/* All references are gone at once when their host ends, before what holds them: then there is none left to give back. */
static void drop_ref(hawser__socket *socket) {
    if (socket->refs > 0 && --socket->refs == 0)
        shut(socket);
}

void hawser__socket_unref(hawser__socket *socket) {
    socket->host->socket_count--;
    drop_ref(socket);
    hawser__wire_run();
}

void hawser__sock_pin(hawser__socket *socket) {
    hawser__sock_hold(socket);
    socket->refs++;
}

void hawser__sock_unpin(hawser__socket *socket) {
    drop_ref(socket);
    hawser__sock_release(socket);
}

/* The caller may be no more when the host ends, so it holds nothing beyond that. */
void hawser__socket_pin(hawser__socket *socket) {
    socket->refs++;
}

void hawser__socket_unpin(hawser__socket *socket) {
    drop_ref(socket);
    hawser__wire_run();
}

/* What closing one does may take others off the list: then it is begun again, with fewer. */
static void close_all(hawser__host *host) {
    hawser__socket *next;
    for (hawser__socket *socket = host->sockets; socket; socket = next) {
        next = socket->next;
        if (next)
            hawser__sock_hold(next);
        if (socket->refs > 0) {
            socket->refs = 0;
            shut(socket);
        }
        hawser__socket *after = next && next->state == HAWSER__GONE ? host->sockets : next;
        hawser__sock_release(next);
        next = after;
    }
}

void hawser__sockets_drop(hawser__host *host, bool polite) {
    for (hawser__socket *socket = host->sockets; socket; socket = socket->next)
        socket->attendance = (struct hawser__attendance){0};
    if (polite)
        close_all(host);
    while (!polite && host->sockets) {
        hawser__socket *socket = host->sockets;
        socket->refs = 0;
        socket->crashed = true;
        hawser__sock_vanish(socket);
    }
    host->socket_count = 0;
    host->dark = !polite;
    hawser__wire_run();
    hawser__descriptors_drop(host);
}

void hawser__sockets_end(void) {
    hawser__wire_clear();
}

struct hawser__attendance *hawser__socket_attendance(hawser__socket *socket) {
    return &socket->attendance;
}

bool hawser__socket_is_blocking(const hawser__socket *socket) {
    return socket->blocking;
}

void hawser__socket_set_blocking(hawser__socket *socket, bool blocking) {
    socket->blocking = blocking;
}

/* Connections. */

static bool is_connected_kind(const hawser__socket *socket) {
    return socket->type != SOCK_DGRAM;
}

int hawser__socket_accept(hawser__socket *listener, hawser__socket **ret) {
    if (!is_connected_kind(listener))
        return -EOPNOTSUPP;
    if (is_full(listener->host))
        return -EMFILE;
    if (listener->state != HAWSER__LISTENS)
        return -EINVAL;
    hawser__socket *socket = listener->ready;
    if (!socket)
        return listener->no_receive && listener->family == AF_UNIX ? -ESHUTDOWN : -EAGAIN;
    hawser__queue_remove(&listener->ready, &listener->ready_last, socket);
    listener->queued--;
    socket->listener = NULL;
    socket->accepted = true;
    give(socket);
    if (listener->family == AF_UNIX)
        hawser__unix_admit_waiting(listener);
    else
        hawser__trace(socket->host, "accept %s", hawser__tcp_name(socket, (char[32]){0}));
    hawser__wire_run();
    *ret = socket;
    return 0;
}

int hawser__socket_connect(hawser__socket *socket, const struct sockaddr *sa, socklen_t len) {
    int result = len < sizeof sa->sa_family         ? -EINVAL
                 : socket->family == AF_UNIX         ? hawser__unix_connect(socket, sa, len)
                 : socket->type == SOCK_STREAM       ? hawser__tcp_connect(socket, sa, len)
                                                     : hawser__udp_connect(socket, sa, len);
    hawser__wire_run();
    return result;
}

bool hawser__socket_connecting(const hawser__socket *socket) {
    return socket->state == HAWSER__CONNECTING;
}

int hawser__socket_connect_result(hawser__socket *socket) {
    return socket->state == HAWSER__CONNECTING ? -EINPROGRESS : hawser__sock_take_error(socket);
}

int hawser__socket_shutdown(hawser__socket *socket, int how) {
    if (how != SHUT_RD && how != SHUT_WR && how != SHUT_RDWR)
        return -EINVAL;
    int result = socket->family == AF_UNIX     ? hawser__unix_shutdown(socket, how)
                 : socket->type == SOCK_STREAM ? hawser__tcp_shutdown(socket, how)
                                               : hawser__udp_shutdown(socket, how);
    hawser__wire_run();
    return result;
}
