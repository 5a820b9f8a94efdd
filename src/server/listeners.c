/* SPDX-License-Identifier: MIT */
/* Where a server listens: binding in two steps, as Python has them, and what comes already bound. */
#include "server/server.h"

#include "base/mem.h"
#include "base/udp.h"
#include "net/option.h"
#include "server/datagrams.h"
#include "server/handover.h"

#include <hawser/activation.h>
#include <hawser/listen.h>
#include <hawser/option.h>

#include <errno.h>
#include <netinet/tcp.h>
#include <string.h>

#define MOST_ACTIVATED 64

static bool is_ip(const struct hawser__address *address) {
    return address->scheme == HAWSER__TCP || address->scheme == HAWSER__UDP;
}

static int add(hawser_server *server, const struct hawser__listener *model) {
    struct hawser__listener **more =
        hawser__realloc(server->listeners, (server->listener_count + 1) * sizeof *server->listeners);
    if (more)
        server->listeners = more;
    struct hawser__listener *made = more ? hawser__alloc(sizeof *made) : NULL;
    if (!made)
        return hawser__fail(ENOMEM, "listen");
    *made = *model;
    server->listeners[server->listener_count++] = made;
    return 0;
}

/* The port that the others have, for one that has none of its own. */
static int port_of_others(hawser_server *server) {
    hawser_addr own;
    for (size_t i = 0; i < server->listener_count; i++) {
        hawser_sock *sock = server->listeners[i]->sock;
        if (sock && hawser_getsockname(sock, &own) == 0 && hawser_addr_port(&own) > 0)
            return (int)hawser_addr_port(&own);
    }
    return 0;
}

/* Whether connections queue is the socket's own to say: it may be a listener or wait for datagrams. */
static int add_activated(hawser_server *server, const struct hawser__address *address, hawser_sock *sock) {
    int type = 0;
    socklen_t size = sizeof type;
    struct hawser__listener model = {.address = *address, .sock = sock, .activated = true};
    if (hawser_getsockopt(sock, SOL_SOCKET, SO_TYPE, &type, &size) < 0)
        return -1;
    model.datagrams = type == SOCK_DGRAM;
    return add(server, &model);
}

static int add_handed(hawser_server *server, const struct hawser__address *address) {
    hawser_sock *socks[MOST_ACTIVATED];
    ssize_t n = hawser_listen_fds(address->host[0] ? address->host : NULL, socks, MOST_ACTIVATED);
    int result = n < 0 ? -1 : 0;
    if (n == 0)
        result = hawser__fail_sentence(ENOTCONN, "listen on the service manager's sockets: it has handed over none%s%s",
                                       address->host[0] ? " called " : "", address->host);
    for (ssize_t i = 0; i < n; i++) {
        if (result == 0)
            result = add_activated(server, address, socks[i]);
        if (result < 0)
            hawser_close(socks[i]);
    }
    return result;
}

static int add_descriptor(hawser_server *server, const struct hawser__address *address) {
    hawser_sock *sock = hawser_sock_from_fd(address->port);
    int result = sock ? add_activated(server, address, sock) : -1;
    if (result < 0)
        hawser_close(sock);
    return result;
}

int hawser__listeners_add(hawser_server *server, const struct hawser__address *address) {
    struct hawser__listener model = {.address = *address};
    if (address->scheme == HAWSER__SYSTEMD)
        return add_handed(server, address);
    if (address->scheme == HAWSER__FD)
        return add_descriptor(server, address);
    model.datagrams = address->scheme == HAWSER__UDP || address->scheme == HAWSER__UNIX_DATAGRAM;
    return add(server, &model);
}

static bool is_every_address(hawser_sock *sock) {
    hawser_addr own;
    char host[HAWSER_ADDR_TEXT];
    return hawser_getsockname(sock, &own) == 0 && hawser_addr_host(&own, host, sizeof host) > 0 &&
           (strcmp(host, "::") == 0 || strcmp(host, "0.0.0.0") == 0);
}

/* On a socket for every address the kernel has to say which one a datagram was for, so that the answer comes from there. On
 * others it is clear, and telling would cost a tenth of a datagram. */
static void prepare_datagrams(hawser_server *server, hawser_sock *sock) {
    bool every = is_every_address(sock);
    if (every && hawser_family(sock) == AF_INET6)
        (void)hawser_setsockopt_int(sock, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
    if (every && hawser_family(sock) == AF_INET)
        (void)hawser_setsockopt_int(sock, IPPROTO_IP, IP_PKTINFO, 1);
    if (server->options.segmentation && hawser__takes_batches(server) && hawser_family(sock) != AF_UNIX)
        (void)hawser_setsockopt_int(sock, IPPROTO_UDP, UDP_GRO, 1);
}

/* Connections have what their listener has. */
static void prepare_stream(hawser_server *server, hawser_sock *sock) {
    if (server->options.nagle_algorithm)
        for (size_t i = 0; i < sock->endpoint_count; i++)
            (void)hawser__endpoint_set_int(sock->endpoints[i], IPPROTO_TCP, TCP_NODELAY, 0);
}

static int bind_one(hawser_server *server, struct hawser__listener *listener) {
    const hawser_server_options *options = &server->options;
    hawser_listen_options how = {.type = listener->datagrams ? SOCK_DGRAM : SOCK_STREAM,
                                 .family = is_ip(&listener->address) ? options->address_family : 0,
                                 .backlog = options->request_queue_size,
                                 .reuse_port = options->allow_reuse_port,
                                 .mode = options->mode};
    int port = listener->address.port;
    if (is_ip(&listener->address) && port == 0)
        port = port_of_others(server);
    listener->sock = hawser__handover_take(server, &listener->address, port);
    listener->activated = listener->sock != NULL;
    if (!listener->sock)
        listener->sock = hawser_create_server(listener->address.host, is_ip(&listener->address) ? port : 0, &how);
    return listener->sock ? 0 : -1;
}

int hawser__listeners_bind(hawser_server *server) {
    for (size_t i = 0; i < server->listener_count; i++)
        if (!server->listeners[i]->sock && bind_one(server, server->listeners[i]) < 0)
            return -1;
    return 0;
}

/* What has been bound listens already: between the two nobody could connect, and nobody would be the wiser. What is left is
 * what can only be said to a socket that is there. */
int hawser__listeners_activate(hawser_server *server) {
    for (size_t i = 0; i < server->listener_count; i++) {
        struct hawser__listener *listener = server->listeners[i];
        if (!listener->sock)
            return hawser__fail(EINVAL, "activate a server that is not bound");
        if (listener->datagrams)
            prepare_datagrams(server, listener->sock);
        else
            prepare_stream(server, listener->sock);
    }
    return 0;
}

void hawser__listeners_close(hawser_server *server) {
    for (size_t i = 0; i < server->listener_count; i++) {
        hawser_close(server->listeners[i]->sock);
        hawser__free(server->listeners[i]);
    }
    hawser__free(server->listeners);
    server->listeners = NULL;
    server->listener_count = 0;
}

/* The public side. */

int hawser_server_bind(hawser_server *server) {
    return hawser__listeners_bind(server);
}

int hawser_server_activate(hawser_server *server) {
    return hawser__listeners_activate(server);
}

hawser_sock *hawser_server_socket(const hawser_server *server) {
    return server->listener_count > 0 ? server->listeners[0]->sock : NULL;
}

int hawser_server_fileno(const hawser_server *server) {
    hawser_sock *sock = hawser_server_socket(server);
    return sock ? hawser_fileno(sock) : -1;
}

ssize_t hawser_server_addresses(hawser_server *server, hawser_addr *out, size_t n) {
    size_t count = 0;
    for (size_t i = 0; i < server->listener_count; i++) {
        hawser_sock *sock = server->listeners[i]->sock;
        ssize_t own = sock ? hawser_getsocknames(sock, count < n ? out + count : NULL, count < n ? n - count : 0) : 0;
        if (own < 0)
            return -1;
        count += (size_t)own;
    }
    return (ssize_t)count;
}
