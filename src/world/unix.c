/* SPDX-License-Identifier: MIT */
/*
 * Unix sockets: names and connections. They reach no further than their host, so a connection is made and ended at once, and a
 * peer that is gone is still known by its memory, which has its name.
 */
#include "world/socket_inside.h"

#include <stdio.h>
#include <unistd.h>

#define NAME_AT offsetof(struct sockaddr_un, sun_path)

/* Names. */

static int name_in(struct hawser__unix_name *name, const struct sockaddr *sa, socklen_t len) {
    *name = (struct hawser__unix_name){0};
    if (len <= NAME_AT || len > sizeof(struct sockaddr_un) || sa->sa_family != AF_UNIX)
        return -EINVAL;
    const char *bytes = ((const struct sockaddr_un *)(const void *)sa)->sun_path;
    size_t size = len - NAME_AT;
    name->len = (uint8_t)(bytes[0] ? strnlen(bytes, size) : size);
    memcpy(name->bytes, bytes, name->len);
    return name->len < sizeof name->bytes || !name->bytes[0] ? 0 : -EINVAL;   /* a path keeps its NUL */
}

int hawser__unix_check_name(const struct sockaddr *sa, socklen_t len) {
    return name_in(&(struct hawser__unix_name){0}, sa, len);
}

void hawser__unix_name_out(const struct hawser__unix_name *name, struct sockaddr *sa, socklen_t *len) {
    struct sockaddr_un full = {.sun_family = AF_UNIX};
    bool path = name->len > 0 && name->bytes[0];
    socklen_t size = (socklen_t)(NAME_AT + name->len + (path ? 1 : 0));
    memcpy(full.sun_path, name->bytes, name->len);
    if (*len > 0)
        memcpy(sa, &full, *len < size ? *len : size);
    *len = size;
}

/* Abstract names of one type are apart from those of another. */
static hawser__socket *named(const hawser__host *host, const struct hawser__unix_name *name, int type) {
    uint64_t file = name->bytes[0] ? hawser__host_file(host, name->bytes) : 0;
    for (hawser__socket *socket = host->sockets; socket; socket = socket->next) {
        bool same = file ? socket->file == file : socket->type == type && socket->name.len == name->len && !name->bytes[0];
        if (socket->family == AF_UNIX && socket->bound && same && memcmp(socket->name.bytes, name->bytes, name->len) == 0)
            return socket;
    }
    return NULL;
}

/* An abstract name that nobody has. */
static void choose_name(hawser__socket *socket, struct hawser__unix_name *name) {
    do {
        char text[8];
        snprintf(text, sizeof text, "%05x", (unsigned)(socket->host->next_name++ & 0xfffff));
        *name = (struct hawser__unix_name){.len = 6};
        memcpy(name->bytes + 1, text, 5);
    } while (named(socket->host, name, socket->type));
}

int hawser__unix_bind(hawser__socket *socket, const struct sockaddr *sa, socklen_t len) {
    struct hawser__unix_name name;
    bool any = len == NAME_AT && sa->sa_family == AF_UNIX;
    int result = any ? 0 : name_in(&name, sa, len);
    if (result < 0)
        return result;
    bool path = !any && name.bytes[0];
    if (path && hawser__host_file(socket->host, name.bytes))
        return -EADDRINUSE;
    if (socket->name.len > 0)   /* its own, or its listener's */
        return any ? 0 : -EINVAL;
    if (any)
        choose_name(socket, &name);
    else if (!path && named(socket->host, &name, socket->type))
        return -EADDRINUSE;
    if (path && (socket->file = hawser__file_make(socket->host, name.bytes, true)) == 0)
        return -ENOMEM;
    socket->name = name;
    socket->bound = true;
    return 0;
}

int hawser__unix_find(hawser__socket *socket, const struct sockaddr *sa, socklen_t len, hawser__socket **ret) {
    struct hawser__unix_name name;
    int result = name_in(&name, sa, len);
    if (result < 0)
        return result;
    if (name.bytes[0] && !hawser__host_file(socket->host, name.bytes))
        return -ENOENT;
    hawser__socket *found = named(socket->host, &name, socket->type);
    if (!found)
        return -ECONNREFUSED;
    if (found->type != socket->type)
        return -EPROTOTYPE;
    *ret = found;
    return 0;
}

/* Connections. */

void hawser__unix_join(hawser__socket *a, hawser__socket *b) {
    const struct ucred own = {.pid = getpid(), .uid = getuid(), .gid = getgid()};
    a->state = b->state = HAWSER__CONNECTED;
    a->credentials = b->credentials = own;
    hawser__sock_set_peer(a, b);
    hawser__sock_set_peer(b, a);
}

int hawser__unix_listen(hawser__socket *socket, int backlog) {
    if (!socket->bound || (socket->state != HAWSER__CLOSED && socket->state != HAWSER__LISTENS))
        return -EINVAL;
    socket->state = HAWSER__LISTENS;
    socket->backlog = hawser__listener_limit(backlog);
    hawser__unix_admit_waiting(socket);
    return 0;
}

static bool has_room(const hawser__socket *listener) {
    return listener->queued <= listener->backlog;
}

/* The socket that accept will give is made now, since the client may send at once. */
static int admit(hawser__socket *listener, hawser__socket *client) {
    hawser__socket *server = hawser__sock_new(listener->host, AF_UNIX, listener->type, 0);
    if (!server)
        return -ENOMEM;
    /* The one option that it has of its listener. */
    hawser__option_keep(server, SOL_SOCKET, SO_PASSCRED, hawser__option(listener, SOL_SOCKET, SO_PASSCRED));
    server->name = listener->name;
    server->listener = listener;
    hawser__unix_join(client, server);
    hawser__queue_put(&listener->ready, &listener->ready_last, server);
    listener->queued++;
    hawser__sock_tell(listener);
    return 0;
}

static void wait_in_line(hawser__socket *listener, hawser__socket *client) {
    client->state = HAWSER__CONNECTING;
    client->listener = listener;
    hawser__queue_put(&listener->line, &listener->line_last, client);
}

void hawser__unix_leave_line(hawser__socket *socket) {
    hawser__socket *listener = socket->listener;
    if (!listener || socket->state != HAWSER__CONNECTING)
        return;
    hawser__queue_remove(&listener->line, &listener->line_last, socket);
    socket->listener = NULL;
    socket->state = HAWSER__CLOSED;
}

void hawser__unix_admit_waiting(hawser__socket *listener) {
    while (listener->line && has_room(listener)) {
        hawser__socket *client = listener->line;
        hawser__unix_leave_line(client);
        client->error = -admit(listener, client);
        hawser__sock_tell(client);
    }
}

/* PEER (NULL: none) is it from now on. Datagrams that came from the one before are lost, and if that one is still connected to
 * us it learns it. */
void hawser__unix_turn(hawser__socket *socket, hawser__socket *peer) {
    hawser__socket *before = socket->peer;
    if (before)
        hawser__sock_hold(before);
    hawser__sock_set_peer(socket, peer);
    socket->state = peer ? HAWSER__CONNECTED : HAWSER__CLOSED;
    if (before && before != peer && socket->input.first) {
        hawser__input_clear(socket);
        if (before->state == HAWSER__CONNECTED && before->peer == socket) {
            before->error = ECONNRESET;
            hawser__sock_tell(before);
        }
    }
    hawser__sock_release(before);
}

static int connect_datagrams(hawser__socket *socket, const struct sockaddr *sa, socklen_t len) {
    hawser__socket *peer = NULL;
    bool none = sa->sa_family == AF_UNSPEC;
    int result = none ? 0 : hawser__unix_find(socket, sa, len, &peer);
    if (result < 0)
        return result;
    if (peer && peer->state == HAWSER__CONNECTED && peer->peer != socket)
        return -EPERM;
    hawser__unix_turn(socket, peer);
    return 0;
}

/* Where a kernel would have the caller wait (EAGAIN, without a sign when to come back) the client stands in line. */
int hawser__unix_connect(hawser__socket *socket, const struct sockaddr *sa, socklen_t len) {
    hawser__socket *listener;
    if (socket->type == SOCK_DGRAM)
        return connect_datagrams(socket, sa, len);
    int result = hawser__unix_find(socket, sa, len, &listener);
    if (result < 0)
        return result;
    if (listener->state != HAWSER__LISTENS || listener->no_receive)
        return -ECONNREFUSED;
    if (socket->state == HAWSER__CONNECTED)
        return -EISCONN;
    if (socket->state != HAWSER__CLOSED)
        return socket->state == HAWSER__CONNECTING ? -EALREADY : -EINVAL;
    if (has_room(listener))
        return admit(listener, socket);
    wait_in_line(listener, socket);
    return -EINPROGRESS;
}

/* The end. */

static void refuse_line(hawser__socket *listener) {
    while (listener->line) {
        hawser__socket *client = listener->line;
        hawser__unix_leave_line(client);
        client->error = ECONNREFUSED;
        hawser__sock_tell(client);
    }
}

/* Unread input, or a connection that nobody ever accepted: the peer is told so. A single empty packet is no input, as on Linux
 * 6.18. */
static void leave_peer(hawser__socket *socket, bool reset) {
    hawser__socket *peer = socket->peer;
    if (socket->type == SOCK_DGRAM || !peer || peer->state != HAWSER__CONNECTED || peer->peer != socket)
        return;
    peer->no_send = peer->no_receive = peer->ended = true;
    if (reset || socket->input.bytes > 0 || socket->input.count > 1)
        peer->error = ECONNRESET;
    hawser__sock_tell(peer);
}

void hawser__unix_unlisten(hawser__socket *listener) {
    refuse_line(listener);
    while (listener->ready) {
        hawser__socket *server = listener->ready;
        hawser__queue_remove(&listener->ready, &listener->ready_last, server);
        server->listener = NULL;
        leave_peer(server, true);
        hawser__sock_vanish(server);
    }
    listener->queued = 0;
}

void hawser__unix_close(hawser__socket *socket) {
    hawser__unix_leave_line(socket);
    if (socket->state == HAWSER__LISTENS)
        hawser__unix_unlisten(socket);
    leave_peer(socket, false);
    hawser__sock_vanish(socket);
}

int hawser__unix_shutdown(hawser__socket *socket, int how) {
    bool receiving = how != SHUT_WR, sending = how != SHUT_RD;
    hawser__socket *peer = socket->peer;
    socket->no_receive |= receiving;
    socket->no_send |= sending;
    if (socket->state == HAWSER__LISTENS && receiving)
        refuse_line(socket);
    if (socket->type != SOCK_DGRAM && peer && peer->state == HAWSER__CONNECTED) {
        peer->no_send |= receiving;
        peer->no_receive |= sending;
        peer->ended |= sending;
        hawser__sock_tell(peer);
    }
    hawser__sock_tell(socket);
    return 0;
}
