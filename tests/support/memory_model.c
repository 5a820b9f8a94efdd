/* SPDX-License-Identifier: MIT */
/* Sockets of the model from birth to end: names, connections, files. What they carry is in memory_packets.c. */
#include "memory_model.h"

#include "base/mem.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#define FIRST_PORT 40000

bool model_changed;
static model_socket *sockets;
static uint16_t next_port = FIRST_PORT;
static unsigned next_name = 1;

static bool is_stream(const model_socket *socket) {
    return socket->type == SOCK_STREAM;
}

static bool is_connected_kind(const model_socket *socket) {
    return socket->type != SOCK_DGRAM;
}

model_socket *model_open(int family, int type, int proto, int *error) {
    bool known_family = family == AF_INET || family == AF_INET6 || family == AF_UNIX;
    bool known_type = type == SOCK_STREAM || type == SOCK_DGRAM || (type == SOCK_SEQPACKET && family == AF_UNIX);
    *error = !known_family ? -EAFNOSUPPORT : !known_type ? -ESOCKTNOSUPPORT : -ENOMEM;
    model_socket *socket = known_family && known_type ? hawser__zalloc(sizeof *socket) : NULL;
    if (!socket)
        return NULL;
    *socket = (model_socket){.next = sockets, .refs = 1, .family = family, .type = type};
    socket->proto = proto || family == AF_UNIX ? proto : type == SOCK_STREAM ? IPPROTO_TCP : IPPROTO_UDP;
    socket->own.ss.ss_family = (sa_family_t)family;
    socket->own.len = family == AF_INET ? sizeof(struct sockaddr_in) : family == AF_INET6 ? sizeof(struct sockaddr_in6) : 2;
    sockets = socket;
    return socket;
}

static void join(model_socket *a, model_socket *b) {
    a->state = b->state = MODEL_CONNECTED;
    a->peer = b;
    b->peer = a;
}

int model_pair(model_socket *a, model_socket *b) {
    if (a->family != AF_UNIX)
        return -EOPNOTSUPP;
    join(a, b);
    a->remote = b->remote = a->own;
    return 0;
}

size_t model_sockets(void) {
    size_t count = 0;
    for (model_socket *socket = sockets; socket; socket = socket->next)
        count++;
    return count;
}

/* Addresses. */

static const struct sockaddr_in6 *as_ipv6(const hawser_addr *addr) {
    return (const struct sockaddr_in6 *)&addr->ss;
}

static bool is_any(const hawser_addr *addr) {
    if (addr->ss.ss_family == AF_INET)
        return ((const struct sockaddr_in *)&addr->ss)->sin_addr.s_addr == htonl(INADDR_ANY);
    return addr->ss.ss_family == AF_INET6 && IN6_IS_ADDR_UNSPECIFIED(&as_ipv6(addr)->sin6_addr);
}

static void set_port(hawser_addr *addr, uint16_t port) {
    if (addr->ss.ss_family == AF_INET)
        ((struct sockaddr_in *)&addr->ss)->sin_port = htons(port);
    else
        ((struct sockaddr_in6 *)&addr->ss)->sin6_port = htons(port);
}

static bool v6_only(model_socket *socket) {
    int on = 0;
    socklen_t size = sizeof on;
    return model_getsockopt(socket, IPPROTO_IPV6, IPV6_V6ONLY, &on, &size) == 0 && on;
}

/* Whether SOCKET occupies its address: the connections that a listener made share its port. */
static bool occupies(const model_socket *socket, int type) {
    bool endpoint = type == SOCK_DGRAM || socket->state == MODEL_FRESH || socket->state == MODEL_LISTENING;
    return socket->bound && socket->type == type && endpoint;
}

/* Whether what is sent to ADDR arrives at SOCKET. */
static bool hears(model_socket *socket, int type, const hawser_addr *addr) {
    if (!occupies(socket, type))
        return false;
    if (socket->family == AF_UNIX || addr->ss.ss_family == AF_UNIX)
        return hawser_addr_equal(&socket->own, addr);
    if (hawser_addr_port(&socket->own) != hawser_addr_port(addr))
        return false;
    bool same_family = socket->family == addr->ss.ss_family;
    if (is_any(&socket->own))
        return same_family || (socket->family == AF_INET6 && !v6_only(socket));
    return hawser_addr_equal(&socket->own, addr);
}

model_socket *model_find(int type, const hawser_addr *addr) {
    for (model_socket *socket = sockets; socket; socket = socket->next)
        if (hears(socket, type, addr))
            return socket;
    return NULL;
}

static bool taken(model_socket *asker, const hawser_addr *addr) {
    for (model_socket *socket = sockets; socket; socket = socket->next) {
        bool both =
            is_any(addr) && socket->family == addr->ss.ss_family && hawser_addr_port(&socket->own) == hawser_addr_port(addr);
        if (occupies(socket, asker->type) && (both || hears(socket, asker->type, addr)))
            return true;
    }
    return false;
}

static int take_port(model_socket *socket, hawser_addr *addr) {
    for (int tries = 0; tries < 20000; tries++) {
        set_port(addr, next_port);
        next_port = next_port == 65535 ? FIRST_PORT : next_port + 1;
        if (!taken(socket, addr))
            return 0;
    }
    return -EADDRINUSE;
}

bool model_is_path(const hawser_addr *addr) {
    return addr->ss.ss_family == AF_UNIX && addr->len > 2 && ((const struct sockaddr_un *)&addr->ss)->sun_path[0];
}

const char *model_path(const hawser_addr *addr) {
    return ((const struct sockaddr_un *)&addr->ss)->sun_path;
}

static void take_abstract_name(hawser_addr *addr) {
    char name[8];
    name[0] = '\0';
    int length = snprintf(name + 1, sizeof name - 1, "%05x", next_name++ & 0xfffff);
    hawser_addr_unix(addr, name, (size_t)length + 1);
}

static int bind_unix(model_socket *socket, hawser_addr *addr) {
    if (addr->len == 2)
        take_abstract_name(addr);
    if (model_is_path(addr) ? model_file(model_path(addr)) != 0 : taken(socket, addr))
        return -EADDRINUSE;
    if (model_is_path(addr) && (socket->file = model_make_file(model_path(addr), true)) == 0)
        return -ENOSPC;
    return 0;
}

static int bind_ip(model_socket *socket, hawser_addr *addr) {
    if (!is_any(addr) && !hawser_addr_is_loopback(addr))
        return -EADDRNOTAVAIL;
    if (hawser_addr_port(addr) == 0)
        return take_port(socket, addr);
    return taken(socket, addr) ? -EADDRINUSE : 0;
}

int model_bind(model_socket *socket, const struct sockaddr *sa, socklen_t len) {
    hawser_addr addr;
    if (socket->bound || hawser_addr_from_sockaddr(&addr, sa, len) < 0)
        return -EINVAL;
    if (sa->sa_family != socket->family)
        return socket->family == AF_UNIX ? -EINVAL : -EAFNOSUPPORT;
    int result = socket->family == AF_UNIX ? bind_unix(socket, &addr) : bind_ip(socket, &addr);
    if (result < 0)
        return result;
    socket->own = addr;
    socket->bound = true;
    return 0;
}

/* A client that did not bind gets the loopback address and a free port. */
int model_bind_for(model_socket *socket, int remote_family) {
    if (socket->bound || socket->family == AF_UNIX)
        return 0;
    hawser_addr addr;
    const char *host = remote_family == AF_INET ? "127.0.0.1" : "::1";
    if (hawser_addr_ip(&addr, host, 0) < 0)
        return -ENOMEM;
    int result = take_port(socket, &addr);
    socket->own = addr;
    socket->bound = result == 0;
    return result;
}

/* Listening and connecting. */

int model_listen(model_socket *socket, int backlog) {
    if (!is_connected_kind(socket))
        return -EOPNOTSUPP;
    if (socket->state != MODEL_FRESH && socket->state != MODEL_LISTENING)
        return -EINVAL;
    if (!socket->bound && socket->family == AF_UNIX)
        return -EINVAL;
    int result = model_bind_for(socket, socket->family);
    if (result < 0)
        return result;
    socket->backlog = backlog < 0 ? 0 : backlog;
    socket->state = MODEL_LISTENING;
    return 0;
}

/* CLIENT enters the queue of LISTENER; the socket that accept will give is made now, as the client may send at once. */
static int admit(model_socket *listener, model_socket *client) {
    int error;
    model_socket *server = model_open(listener->family, listener->type, listener->proto, &error);
    if (!server)
        return error;
    server->own = listener->family == AF_UNIX ? listener->own : client->remote;
    server->remote = client->own;
    server->bound = true;
    join(server, client);
    model_socket **end = &listener->queue;
    while (*end)
        end = &(*end)->queue_next;
    *end = server;
    listener->queued++;
    model_changed = true;
    return 0;
}

static bool has_room(const model_socket *listener) {
    return listener->queued <= listener->backlog;
}

static void admit_waiting(model_socket *listener) {
    for (model_socket *client = sockets; client && has_room(listener); client = client->next)
        if (client->state == MODEL_CONNECTING && hears(listener, client->type, &client->remote))
            admit(listener, client);
}

int model_accept(model_socket *listener, model_socket **ret) {
    if (!is_connected_kind(listener))
        return -EOPNOTSUPP;
    if (listener->state != MODEL_LISTENING)
        return -EINVAL;
    model_socket *server = listener->queue;
    if (!server)
        return -EAGAIN;
    listener->queue = server->queue_next;
    listener->queued--;
    admit_waiting(listener);
    *ret = server;
    return 0;
}

static int connect_stream(model_socket *socket, const hawser_addr *addr) {
    bool answers = addr->ss.ss_family == AF_UNIX || is_any(addr) || hawser_addr_is_loopback(addr);
    model_socket *listener = model_find(socket->type, addr);
    if (answers && (!listener || listener->state != MODEL_LISTENING)) {
        if (model_is_path(addr) && !model_file(model_path(addr)))
            return -ENOENT;
        return -ECONNREFUSED;
    }
    int result = model_bind_for(socket, addr->ss.ss_family);
    if (result < 0)
        return result;
    socket->remote = *addr;
    socket->state = MODEL_CONNECTING;
    return listener && has_room(listener) ? admit(listener, socket) : -EINPROGRESS;
}

int model_connect(model_socket *socket, const struct sockaddr *sa, socklen_t len) {
    hawser_addr addr;
    if (hawser_addr_from_sockaddr(&addr, sa, len) < 0)
        return -EINVAL;
    if (sa->sa_family != socket->family)
        return socket->family == AF_UNIX ? -EINVAL : -EAFNOSUPPORT;
    if (is_connected_kind(socket) && socket->state != MODEL_FRESH && socket->state != MODEL_FAILED)
        return socket->state == MODEL_CONNECTING ? -EALREADY : -EISCONN;
    if (is_connected_kind(socket))
        return connect_stream(socket, &addr);
    int result = model_bind_for(socket, addr.ss.ss_family);
    if (result < 0)
        return result;
    socket->remote = addr;
    socket->state = MODEL_CONNECTED;
    return 0;
}

int model_connect_result(model_socket *socket) {
    if (socket->state == MODEL_CONNECTING)
        return -EINPROGRESS;
    return model_take_error(socket);
}

int model_shutdown(model_socket *socket, int how) {
    if (how != SHUT_RD && how != SHUT_WR && how != SHUT_RDWR)
        return -EINVAL;
    if (socket->state != MODEL_CONNECTED)
        return -ENOTCONN;
    socket->send_ended |= how != SHUT_RD;
    socket->receive_ended |= how != SHUT_WR;
    model_changed = true;
    return 0;
}

/* The end. */

static void leave_peer(model_socket *socket) {
    struct linger linger = {0};
    socklen_t size = sizeof linger;
    model_getsockopt(socket, SOL_SOCKET, SO_LINGER, &linger, &size);
    if (!socket->peer)
        return;
    if (is_stream(socket) && (socket->waiting > 0 || (linger.l_onoff && linger.l_linger == 0)))
        socket->peer->error = ECONNRESET;
    socket->peer->peer = NULL;
}

static void refuse_waiting(model_socket *listener) {
    for (model_socket *client = sockets; client; client = client->next)
        if (client->state == MODEL_CONNECTING && hears(listener, client->type, &client->remote)) {
            client->state = MODEL_FAILED;
            client->error = ECONNREFUSED;
        }
}

void model_release(model_socket *socket) {
    if (--socket->refs > 0)
        return;
    model_changed = true;
    if (socket->state == MODEL_LISTENING)
        refuse_waiting(socket);
    while (socket->queue) {
        model_socket *unaccepted = socket->queue;
        socket->queue = unaccepted->queue_next;
        if (unaccepted->peer)
            unaccepted->peer->error = ECONNRESET;
        model_release(unaccepted);
    }
    leave_peer(socket);
    model_forget_packets(socket);
    model_socket **link = &sockets;
    while (*link != socket)
        link = &(*link)->next;
    *link = socket->next;
    hawser__free(socket);
}

bool model_file_is_live(const char *path) {
    for (model_socket *socket = sockets; socket; socket = socket->next)
        if (socket->file && socket->state == MODEL_LISTENING && socket->file == model_file(path))
            return true;
    return false;
}
