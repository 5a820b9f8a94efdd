/* SPDX-License-Identifier: MIT */
/* What sockets of the model carry: bytes and datagrams, options; and the files that stand in a bind's way. */
#include "memory_model.h"

#include "base/mem.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define MODEL_FILES 32

static uint64_t next_number = 1;
static struct {
    char path[108];
    uint64_t number; /* 0 = free */
    bool is_socket;
} files[MODEL_FILES];

void model_forget_packets(model_socket *socket) {
    while (socket->first) {
        model_packet *packet = socket->first;
        socket->first = packet->next;
        hawser__free(packet);
    }
    socket->last = NULL;
    socket->waiting = 0;
}

int model_take_error(model_socket *socket) {
    int error = socket->error;
    socket->error = 0;
    return -error;
}

static size_t size_of(const struct msghdr *msg) {
    size_t size = 0;
    for (size_t i = 0, parts = (size_t)msg->msg_iovlen; i < parts; i++)
        size += msg->msg_iov[i].iov_len;
    return size;
}

/* Receiving. */

/* Copies up to SIZE bytes into MSG, AT bytes behind its start. The bytes copied. */
static size_t scatter(const struct msghdr *msg, size_t at, const unsigned char *data, size_t size) {
    size_t copied = 0;
    for (size_t i = 0, parts = (size_t)msg->msg_iovlen; i < parts && copied < size; i++) {
        size_t room = msg->msg_iov[i].iov_len;
        if (at >= room) {
            at -= room;
            continue;
        }
        size_t n = room - at < size - copied ? room - at : size - copied;
        memcpy((char *)msg->msg_iov[i].iov_base + at, data + copied, n);
        copied += n;
        at = 0;
    }
    return copied;
}

static void drop_first(model_socket *socket) {
    model_packet *packet = socket->first;
    socket->first = packet->next;
    if (!socket->first)
        socket->last = NULL;
    socket->waiting -= packet->size - packet->taken;
    hawser__free(packet);
}

static void give_name(struct msghdr *msg, const hawser_addr *from) {
    socklen_t room = msg->msg_namelen;
    msg->msg_namelen = msg->msg_name ? from->len : 0;
    if (msg->msg_name)
        memcpy(msg->msg_name, &from->ss, from->len < room ? from->len : room);
}

static ssize_t take_datagram(model_socket *socket, struct msghdr *msg, int flags) {
    model_packet *packet = socket->first;
    size_t copied = scatter(msg, 0, packet->bytes, packet->size);
    size_t full = packet->size;
    give_name(msg, &packet->from);
    msg->msg_flags = (copied < full ? MSG_TRUNC : 0) | (socket->type == SOCK_SEQPACKET ? MSG_EOR : 0);
    if (!(flags & MSG_PEEK))
        drop_first(socket);
    return (ssize_t)(flags & MSG_TRUNC ? full : copied);
}

static ssize_t take_bytes(model_socket *socket, struct msghdr *msg, int flags) {
    size_t done = 0, wanted = size_of(msg);
    for (model_packet *packet = socket->first, *next; packet && done < wanted; packet = next) {
        next = packet->next;
        size_t n = scatter(msg, done, packet->bytes + packet->taken, packet->size - packet->taken);
        done += n;
        if (flags & MSG_PEEK)
            continue;
        packet->taken += n;
        socket->waiting -= n;
        if (packet->taken == packet->size)
            drop_first(socket);
    }
    msg->msg_namelen = 0;
    msg->msg_flags = 0;
    return (ssize_t)done;
}

static bool at_end(const model_socket *socket) {
    return socket->receive_ended || !socket->peer || socket->peer->send_ended;
}

ssize_t model_receive(model_socket *socket, struct msghdr *msg, int flags) {
    bool datagrams = socket->type == SOCK_DGRAM;
    if (flags & (MSG_OOB | MSG_ERRQUEUE))
        return flags & MSG_OOB ? -EINVAL : -EAGAIN;
    if (!datagrams && socket->state != MODEL_CONNECTED)
        return -ENOTCONN;
    msg->msg_controllen = 0;
    bool enough = socket->first && (!(flags & MSG_WAITALL) || socket->type != SOCK_STREAM || (flags & MSG_PEEK) ||
                                    socket->waiting >= size_of(msg) || socket->waiting == MODEL_CAPACITY);
    bool end = !datagrams && at_end(socket);
    if (!socket->first && socket->error)
        return model_take_error(socket);
    if (!enough && !(end && socket->first))
        return end ? (msg->msg_flags = 0) : -EAGAIN;
    model_changed = true; /* there is room again */
    return socket->type == SOCK_STREAM ? take_bytes(socket, msg, flags) : take_datagram(socket, msg, flags);
}

ssize_t model_unread(model_socket *socket) {
    if (socket->state == MODEL_LISTENING)
        return -EINVAL;
    return (ssize_t)(socket->type == SOCK_STREAM ? socket->waiting : socket->first ? socket->first->size : 0);
}

/* Sending. */

static int append(model_socket *to, const struct msghdr *msg, size_t size, const hawser_addr *from) {
    model_packet *packet = hawser__alloc(sizeof *packet + size);
    if (!packet)
        return -ENOMEM;
    *packet = (model_packet){.size = size, .from = *from};
    for (size_t i = 0, at = 0; at < size; i++) {
        size_t n = msg->msg_iov[i].iov_len < size - at ? msg->msg_iov[i].iov_len : size - at;
        if (n > 0)
            memcpy(packet->bytes + at, msg->msg_iov[i].iov_base, n);
        at += n;
    }
    *(to->last ? &to->last->next : &to->first) = packet;
    to->last = packet;
    to->waiting += size;
    model_changed = true;
    return 0;
}

ssize_t model_room(model_socket *socket) {
    if (socket->state != MODEL_CONNECTED)
        return socket->family == AF_UNIX ? -ENOTCONN : -EPIPE;
    if (socket->error)
        return model_take_error(socket);
    if (socket->send_ended || !socket->peer || socket->peer->receive_ended)
        return -EPIPE;
    return (ssize_t)(MODEL_CAPACITY - socket->peer->waiting);
}

static ssize_t send_connected(model_socket *socket, const struct msghdr *msg, size_t size) {
    ssize_t room = model_room(socket);
    if (room < 0)
        return room;
    bool whole = socket->type != SOCK_STREAM;
    if (whole && size > MODEL_CAPACITY)
        return -EMSGSIZE;
    if (size == 0 && !whole)
        return 0;
    if (whole ? (size_t)room < size : room == 0)
        return -EAGAIN;
    size = size < (size_t)room ? size : (size_t)room;
    int result = append(socket->peer, msg, size, &socket->own);
    return result < 0 ? result : (ssize_t)size;
}

/* A full receiver of UDP loses the datagram; over a Unix socket the sender waits. */
static ssize_t send_datagram(model_socket *socket, const struct msghdr *msg, size_t size) {
    hawser_addr to = socket->remote;
    if (msg->msg_name && hawser_addr_from_sockaddr(&to, msg->msg_name, msg->msg_namelen) < 0)
        return -EINVAL;
    if (to.len == 0)
        return socket->family == AF_UNIX ? -ENOTCONN : -EDESTADDRREQ;
    if (size > MODEL_CAPACITY - 1)
        return -EMSGSIZE;
    int result = model_bind_for(socket, to.ss.ss_family);
    if (result < 0)
        return result;
    model_socket *receiver = model_find(SOCK_DGRAM, &to);
    if (!receiver && socket->family == AF_UNIX)
        return model_is_path(&to) && !model_file(model_path(&to)) ? -ENOENT : -ECONNREFUSED;
    bool fits = receiver && receiver->waiting + size <= MODEL_CAPACITY;
    if (receiver && !fits && socket->family == AF_UNIX)
        return -EAGAIN;
    if (fits)
        result = append(receiver, msg, size, &socket->own);
    return result < 0 ? result : (ssize_t)size;
}

ssize_t model_send(model_socket *socket, const struct msghdr *msg, int flags) {
    if (msg->msg_controllen > 0 || (flags & MSG_OOB))
        return -EOPNOTSUPP;
    bool named = socket->type == SOCK_DGRAM && (msg->msg_name || !socket->peer);
    return named ? send_datagram(socket, msg, size_of(msg)) : send_connected(socket, msg, size_of(msg));
}

ssize_t model_splice(model_socket *from, model_socket *to, size_t size) {
    static unsigned char moving[MODEL_CAPACITY];
    struct iovec part = {moving, size < sizeof moving ? size : sizeof moving};
    struct msghdr msg = {.msg_iov = &part, .msg_iovlen = 1};
    ssize_t room = model_room(to);
    if (room <= 0)
        return room < 0 ? room : -EAGAIN;
    part.iov_len = part.iov_len < (size_t)room ? part.iov_len : (size_t)room;
    ssize_t n = model_receive(from, &msg, MSG_PEEK);
    if (n <= 0)
        return n;
    part.iov_len = (size_t)n;
    n = model_send(to, &msg, 0);
    return n > 0 ? model_receive(from, &msg, 0) : n;
}

/* Options. */

static const struct {
    int level, name;
} known[] = {
    {SOL_SOCKET, SO_REUSEADDR},  {SOL_SOCKET, SO_REUSEPORT},   {SOL_SOCKET, SO_KEEPALIVE}, {SOL_SOCKET, SO_BROADCAST},
    {SOL_SOCKET, SO_RCVBUF},     {SOL_SOCKET, SO_SNDBUF},      {SOL_SOCKET, SO_LINGER},    {IPPROTO_TCP, TCP_NODELAY},
    {IPPROTO_TCP, TCP_KEEPIDLE}, {IPPROTO_TCP, TCP_KEEPINTVL}, {IPPROTO_TCP, TCP_KEEPCNT}, {IPPROTO_IPV6, IPV6_V6ONLY},
};

static int fill(void *value, socklen_t *size, const void *from, socklen_t full) {
    *size = *size < full ? *size : full;
    memcpy(value, from, *size);
    return 0;
}

/* What the kernel answers by itself; -1 = nothing. */
static int computed(model_socket *socket, int name) {
    const int pairs[][2] = {{SO_TYPE, socket->type},
                            {SO_DOMAIN, socket->family},
                            {SO_PROTOCOL, socket->proto},
                            {SO_ACCEPTCONN, socket->state == MODEL_LISTENING}};
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        if (pairs[i][0] == name)
            return pairs[i][1];
    return name == SO_ERROR ? -model_take_error(socket) : -1;
}

int model_getsockopt(model_socket *socket, int level, int name, void *value, socklen_t *size) {
    static const unsigned char unset[16];
    const struct ucred self = {getpid(), getuid(), getgid()};
    int answer = level == SOL_SOCKET ? computed(socket, name) : -1;
    if (answer >= 0)
        return fill(value, size, &answer, sizeof answer);
    if (level == SOL_SOCKET && name == SO_PEERCRED)
        return fill(value, size, &self, sizeof self);
    for (size_t i = 0; i < MODEL_OPTIONS; i++)
        if (socket->options[i].size && socket->options[i].level == level && socket->options[i].name == name)
            return fill(value, size, socket->options[i].value, socket->options[i].size);
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (known[i].level == level && known[i].name == name)
            return fill(value, size, unset, name == SO_LINGER ? sizeof(struct linger) : sizeof(int));
    return -ENOPROTOOPT;
}

static bool is_known(const model_socket *socket, int level, int name) {
    bool tcp = socket->family != AF_UNIX && socket->type == SOCK_STREAM;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (known[i].level == level && known[i].name == name)
            return level != IPPROTO_TCP || tcp;
    return false;
}

int model_setsockopt(model_socket *socket, int level, int name, const void *value, socklen_t size) {
    if (!is_known(socket, level, name))
        return level == IPPROTO_TCP && socket->family == AF_UNIX ? -EOPNOTSUPP : -ENOPROTOOPT;
    if (size < sizeof(int) || size > sizeof socket->options[0].value)
        return -EINVAL;
    for (size_t i = 0; i < MODEL_OPTIONS; i++) {
        bool same = socket->options[i].level == level && socket->options[i].name == name;
        if (socket->options[i].size && !same)
            continue;
        socket->options[i].level = level;
        socket->options[i].name = name;
        socket->options[i].size = size;
        memcpy(socket->options[i].value, value, size);
        return 0;
    }
    return -ENOMEM;
}

/* Files. */

static int file_index(const char *path) {
    for (int i = 0; i < MODEL_FILES; i++)
        if (files[i].number && strcmp(files[i].path, path) == 0)
            return i;
    return -1;
}

uint64_t model_file(const char *path) {
    int i = file_index(path);
    return i < 0 ? 0 : files[i].number;
}

uint64_t model_make_file(const char *path, bool is_socket) {
    for (int i = 0; i < MODEL_FILES; i++)
        if (!files[i].number) {
            snprintf(files[i].path, sizeof files[i].path, "%s", path);
            files[i].is_socket = is_socket;
            return files[i].number = next_number++;
        }
    return 0;
}

bool model_file_is_socket(const char *path) {
    int i = file_index(path);
    return i >= 0 && files[i].is_socket;
}

void model_remove_file(const char *path) {
    int i = file_index(path);
    if (i >= 0)
        files[i].number = 0;
}
