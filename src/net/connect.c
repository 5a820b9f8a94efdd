/* SPDX-License-Identifier: MIT */
/* Connecting one socket to one address; racing several is in dial.c. */
#include "net/connect.h"

#include "base/error.h"
#include "net/handle.h"
#include "net/target.h"

int hawser__connect(hawser__endpoint *endpoint, const struct sockaddr *sa, socklen_t len, hawser__deadline deadline) {
    const struct hawser__engine_ops *ops = endpoint->engine->ops;
    int result = ops->connect_begin(endpoint, sa, len);
    if (result != -EINPROGRESS)
        return result;
    if (deadline == HAWSER__NOW)   /* a Unix listener with a full queue is the one case where nothing is under way */
        return sa->sa_family == AF_UNIX ? -EAGAIN : -EINPROGRESS;
    int finished = ops->connect_wait(&endpoint, 1, deadline);
    return finished < 0 ? finished : ops->connect_result(endpoint);
}

static int connect_within(hawser_sock *sock, const hawser_addr *addr, hawser__deadline deadline) {
    int result = hawser__enter(sock, HAWSER__SENDER);
    if (result == 0) {
        const struct sockaddr *sa = (const struct sockaddr *)&addr->ss;
        result = sock->endpoint_count != 1 ? -EISCONN : hawser__connect(sock->endpoints[0], sa, addr->len, deadline);
        hawser__leave(sock, HAWSER__SENDER);
    }
    hawser_addr copy = *addr;
    return result < 0 ? hawser__fail(result, "connect to %s", hawser_addr_str(&copy)) : 0;
}

int hawser_connect_addr(hawser_sock *sock, const hawser_addr *addr) {
    return connect_within(sock, addr, hawser__sock_deadline(sock));
}

int hawser_connect(hawser_sock *sock, const char *host, int port) {
    hawser_addr addr;
    char text[HAWSER_ADDR_TEXT];
    hawser__deadline deadline = hawser__sock_deadline(sock);
    if (hawser__target("connect to", host, port, sock->family, false, deadline, &addr) < 0)
        return -1;
    if (connect_within(sock, &addr, deadline) == 0)
        return 0;
    return hawser__fail(errno, "connect to %s", hawser__target_text(host, port, sock->family, text, sizeof text));
}

int hawser_connect_ex(hawser_sock *sock, const char *host, int port) {
    return hawser_connect(sock, host, port) < 0 ? errno : 0;
}

int hawser_connect_ex_addr(hawser_sock *sock, const hawser_addr *addr) {
    return hawser_connect_addr(sock, addr) < 0 ? errno : 0;
}
