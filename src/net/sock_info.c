/* SPDX-License-Identifier: MIT */
/* What a socket can say about itself: addresses, descriptor, kind, inheritance, and the line for logs. */
#include "base/error.h"
#include "base/sys.h"
#include "net/handle.h"
#include "net/sock.h"

#include <hawser/listen.h>

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

struct name {
    int number;
    const char *text;
};

static const struct name families[] = {
    {AF_INET, "AF_INET"},   {AF_INET6, "AF_INET6"}, {AF_UNIX, "AF_UNIX"}, {AF_NETLINK, "AF_NETLINK"}, {AF_PACKET, "AF_PACKET"},
    {AF_VSOCK, "AF_VSOCK"}, {AF_CAN, "AF_CAN"},     {AF_RDS, "AF_RDS"},   {AF_ALG, "AF_ALG"},         {AF_TIPC, "AF_TIPC"},
};
static const struct name types[] = {
    {SOCK_STREAM, "SOCK_STREAM"}, {SOCK_DGRAM, "SOCK_DGRAM"}, {SOCK_RAW, "SOCK_RAW"},
    {SOCK_SEQPACKET, "SOCK_SEQPACKET"}, {SOCK_RDM, "SOCK_RDM"},
};

static const char *name_of(const struct name *table, size_t n, int number, const char *otherwise, char *room, size_t size) {
    for (size_t i = 0; i < n; i++)
        if (table[i].number == number)
            return table[i].text;
    snprintf(room, size, "%s %d", otherwise, number);
    return room;
}

#define NAME_OF(table, number, otherwise, room) \
    name_of(table, sizeof(table) / sizeof *(table), number, otherwise, room, sizeof(room))

const char *hawser__kind_text(int family, int type, int proto, char *out, size_t size) {
    char family_room[24], type_room[24];
    type &= ~(SOCK_CLOEXEC | SOCK_NONBLOCK);
    const char *family_text = NAME_OF(families, family, "family", family_room);
    const char *type_text = NAME_OF(types, type, "type", type_room);
    if (proto)
        snprintf(out, size, "%s %s protocol %d", family_text, type_text, proto);
    else
        snprintf(out, size, "%s %s", family_text, type_text);
    return out;
}

void hawser__addr_take(hawser_addr *ret, const hawser_addr *filled) {
    socklen_t len = filled->len < sizeof ret->ss ? filled->len : sizeof ret->ss;
    ret->len = len;
    ret->text[0] = '\0';
    memset(&ret->ss, 0, sizeof ret->ss);
    memcpy(&ret->ss, &filled->ss, len);
}

static int ask_addr(hawser_sock *sock, size_t index, bool peer, hawser_addr *ret) {
    hawser_addr addr = {.len = sizeof addr.ss};
    const struct hawser__engine_ops *ops = hawser__sock_ops(sock);
    int result = (peer ? ops->getpeername : ops->getsockname)(sock->endpoints[index], (struct sockaddr *)&addr.ss, &addr.len);
    if (result == 0)
        hawser__addr_take(ret, &addr);
    return result;
}

static int query_addr(hawser_sock *sock, bool peer, hawser_addr *ret) {
    int result = hawser__enter(sock, HAWSER__SHORT);
    if (result < 0)
        return result;
    result = ask_addr(sock, 0, peer, ret);
    hawser__leave(sock, HAWSER__SHORT);
    return result;
}

int hawser_getsockname(hawser_sock *sock, hawser_addr *ret) {
    int result = query_addr(sock, false, ret);
    return result < 0 ? hawser__fail(result, "get own address") : 0;
}

int hawser_getpeername(hawser_sock *sock, hawser_addr *ret) {
    int result = query_addr(sock, true, ret);
    return result < 0 ? hawser__fail(result, "get peer address") : 0;
}

ssize_t hawser_getsocknames(hawser_sock *sock, hawser_addr *out, size_t n) {
    int result = hawser__enter(sock, HAWSER__SHORT);
    if (result < 0)
        return hawser__fail(result, "get own addresses");
    size_t count = sock->endpoint_count;
    for (size_t i = 0; i < count && i < n && result == 0; i++)
        result = ask_addr(sock, i, false, &out[i]);
    hawser__leave(sock, HAWSER__SHORT);
    return result < 0 ? hawser__fail(result, "get own addresses") : (ssize_t)count;
}

/* The count of those inside is not part of what const promises. */
static int descriptor(const hawser_sock *sock) {
    hawser_sock *counted = (hawser_sock *)sock;
    int fd = hawser__enter(counted, HAWSER__SHORT);
    if (fd < 0)
        return fd;
    fd = hawser__sock_ops(sock)->descriptor(sock->endpoints[0]);
    hawser__leave(counted, HAWSER__SHORT);
    return fd;
}

int hawser_fileno(const hawser_sock *sock) {
    int fd = descriptor(sock);
    return fd < 0 ? -1 : fd;
}

int hawser_family(const hawser_sock *sock) {
    return sock->family;
}

int hawser_type(const hawser_sock *sock) {
    return sock->type;
}

int hawser_proto(const hawser_sock *sock) {
    return sock->proto;
}

int hawser_set_inheritable(hawser_sock *sock, bool inheritable) {
    int result = hawser__enter(sock, HAWSER__SHORT);
    if (result == 0) {
        for (size_t i = 0; i < sock->endpoint_count && result >= 0; i++) {
            int fd = hawser__sock_ops(sock)->descriptor(sock->endpoints[i]);
            result = fd < 0 ? fd : hawser__sys_fcntl(fd, F_SETFD, inheritable ? 0 : FD_CLOEXEC);
        }
        if (inheritable && result >= 0)
            hawser__leave_unix_file(sock);
        hawser__leave(sock, HAWSER__SHORT);
    }
    return result < 0 ? hawser__fail(result, "set inheritable") : 0;
}

int hawser_get_inheritable(hawser_sock *sock) {
    int result = hawser__enter(sock, HAWSER__SHORT);
    if (result == 0) {
        int fd = hawser__sock_ops(sock)->descriptor(sock->endpoints[0]);
        result = fd < 0 ? fd : hawser__sys_fcntl(fd, F_GETFD, 0);
        hawser__leave(sock, HAWSER__SHORT);
    }
    return result < 0 ? hawser__fail(result, "get inheritable") : !(result & FD_CLOEXEC);
}

size_t hawser_repr(hawser_sock *sock, char *out, size_t size) {
    char line[2 * HAWSER_ADDR_TEXT + 160], kind[96];
    hawser_addr own, peer;
    int fd = hawser_fileno(sock);
    hawser__kind_text(sock->family, sock->type, sock->proto, kind, sizeof kind);
    int length = fd < 0 ? snprintf(line, sizeof line, "<hawser_sock closed %s", kind)
                        : snprintf(line, sizeof line, "<hawser_sock fd=%d %s", fd, kind);
    if (fd >= 0 && query_addr(sock, false, &own) == 0)
        length += snprintf(line + length, sizeof line - (size_t)length, " laddr=%s", hawser_addr_str(&own));
    if (fd >= 0 && query_addr(sock, true, &peer) == 0)
        length += snprintf(line + length, sizeof line - (size_t)length, " raddr=%s", hawser_addr_str(&peer));
    length += snprintf(line + length, sizeof line - (size_t)length, ">");
    if (size > 0)
        snprintf(out, size, "%s", line);
    return size == 0 ? 0 : (size_t)length < size ? (size_t)length : size - 1;
}
