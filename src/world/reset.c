/* SPDX-License-Identifier: MIT */
/*
 * How connections of TCP end.
 *
 * In order: each side sends its end (FIN) behind its last byte, and when both have arrived the socket is no connection any
 * more. Out of order: by a reset, for unread data that its program has thrown away, for data that comes too late, by time, or
 * by the model. What had come in before can still be read in either case, as on Linux.
 *
 * A socket that its program has closed goes on by itself until its last byte has arrived, or patience.c loses it.
 */
#include "world/socket_inside.h"

#include <netinet/in.h>

#define LEAVE (60 * HAWSER__SECOND)    /* tcp_fin_timeout, and TCP_TIMEWAIT_LEN */

/* One that is established can still be accepted, as on Linux. */
static void leave_queue(hawser__socket *socket) {
    if (!socket->listener || socket->state != HAWSER__ANSWERED)
        return;
    socket->listener->half_open--;
    socket->listener = NULL;
}

void hawser__tcp_fails(hawser__socket *socket, int error) {
    if (socket->state == HAWSER__CLOSED || socket->state == HAWSER__GONE)
        return;
    hawser__sock_hold(socket);
    leave_queue(socket);
    hawser__tcp_quiet(socket);
    hawser__world_forget(&socket->flow.reset);
    hawser__tcp_forget_sent(socket);
    socket->state = HAWSER__CLOSED;
    hawser__sock_give_up_port(socket);
    socket->no_receive = socket->no_send = true;
    if (error)
        socket->error = error;
    hawser__sock_set_peer(socket, NULL);
    if (hawser__sock_is_orphan(socket))
        hawser__sock_vanish(socket);
    else
        hawser__sock_tell(socket);
    hawser__sock_release(socket);
}

void hawser__tcp_reset(hawser__socket *socket, int error) {
    hawser__tcp_say(socket, HAWSER__RST, 0, NULL, 0, 0);
    hawser__tcp_fails(socket, error);
}

/* Linux: a broken pipe when the peer had ended before. */
static int error_of_reset(const hawser__socket *socket) {
    if (socket->state == HAWSER__CONNECTING)
        return ECONNREFUSED;
    return socket->flow.end_got && !socket->flow.ending ? EPIPE : ECONNRESET;
}

void hawser__tcp_reset_arrives(hawser__packet *packet) {
    hawser__socket *socket = packet->to;
    bool connecting = socket->state == HAWSER__CONNECTING;
    bool connected = (socket->state == HAWSER__CONNECTED || socket->state == HAWSER__ANSWERED) && socket->peer == packet->from;
    if ((!connecting && !connected) || packet->attempt != socket->flow.attempt)
        return;
    hawser__trace(socket->host, "%s %s", connecting ? "refused" : "reset", hawser__tcp_name(socket, (char[32]){0}));
    hawser__tcp_fails(socket, error_of_reset(socket));
}

/* TIME_WAIT: who ended first leaves its address taken for a minute. One socket that nobody has, and that only waits to leave,
 * stands for all connections of an address whose options are the same. Ports that were chosen for clients are left out: they
 * are of no use to anybody else. */

static bool has_same(const hawser__socket *a, const hawser__socket *b, int level, int name) {
    return hawser__option(a, level, name) == hawser__option(b, level, name);
}

static bool stands_for(const hawser__socket *stay, const hawser__socket *socket) {
    return stay->state == HAWSER__CLOSED && stay->flow.leave_at != 0 && stay->family == socket->family &&
           hawser__place_same(&stay->own, &socket->own) && has_same(stay, socket, SOL_SOCKET, SO_REUSEADDR) &&
           has_same(stay, socket, SOL_SOCKET, SO_REUSEPORT) && has_same(stay, socket, IPPROTO_IPV6, IPV6_V6ONLY);
}

static void hold_address(const hawser__socket *socket) {
    if (!socket->flow.ended_first || (socket->flow.client && !socket->port_chosen))
        return;
    hawser__socket *stay = socket->host->sockets;
    while (stay && !stands_for(stay, socket))
        stay = stay->next;
    if (!stay && (stay = hawser__sock_new(socket->host, socket->family, socket->type, socket->proto))) {
        stay->options = socket->options;
        stay->own = socket->own;
        stay->bound = true;
    }
    if (!stay)
        return;
    stay->flow.leave_at = hawser__world_now() + LEAVE;
    hawser__tcp_timer(stay);
}

void hawser__tcp_finish(hawser__socket *socket) {
    struct hawser__flow *flow = &socket->flow;
    if (socket->state != HAWSER__CONNECTED || !flow->end_acked)
        return;
    if (flow->end_got) {
        hawser__trace(socket->host, "end %s", hawser__tcp_name(socket, (char[32]){0}));
        flow->quiet = true;
        hold_address(socket);
        hawser__tcp_fails(socket, 0);
    } else if (hawser__sock_is_orphan(socket) && flow->leave_at == 0) {
        flow->leave_at = hawser__world_now() + LEAVE;
        hawser__tcp_timer(socket);
    }
}

void hawser__tcp_end_sending(hawser__socket *socket) {
    socket->no_send = true;
    if (socket->flow.ending)
        return;
    socket->flow.ending = true;
    hawser__tcp_push(socket);
}

static bool throws_away(const hawser__socket *socket) {
    const struct linger *linger = &socket->options.linger;
    return socket->input.bytes > 0 || (linger->l_onoff && linger->l_linger == 0);
}

void hawser__tcp_close(hawser__socket *socket) {
    if (socket->state != HAWSER__CLOSED && socket->state != HAWSER__LISTENS)
        hawser__trace(socket->host, "close %s", hawser__tcp_name(socket, (char[32]){0}));
    if (socket->state == HAWSER__LISTENS)
        hawser__listener_close(socket);
    if (socket->state == HAWSER__CONNECTED && !throws_away(socket)) {
        hawser__tcp_end_sending(socket);
        hawser__tcp_finish(socket);
    } else if (socket->state == HAWSER__CONNECTED)
        hawser__tcp_reset(socket, 0);
    else if (socket->state == HAWSER__CONNECTING)
        hawser__tcp_fails(socket, 0);
    else
        hawser__sock_vanish(socket);
}

static int shut_listener(hawser__socket *socket, bool receiving) {
    if (receiving)
        hawser__tcp_dissolve(socket);
    hawser__sock_tell(socket);
    return 0;
}

/* It can be tried again at once. */
static int shut_attempt(hawser__socket *socket) {
    hawser__tcp_dissolve(socket);
    return 0;
}

int hawser__tcp_shutdown(hawser__socket *socket, int how) {
    bool receiving = how != SHUT_WR, sending = how != SHUT_RD;
    if (socket->state == HAWSER__LISTENS)
        return shut_listener(socket, receiving);
    if (socket->state == HAWSER__CONNECTING)
        return shut_attempt(socket);
    socket->no_receive |= receiving;
    if (socket->attempt == HAWSER__TRYING)
        socket->attempt = socket->state == HAWSER__CLOSED ? HAWSER__SPOILT : HAWSER__MADE;
    if (socket->state == HAWSER__CLOSED) {
        socket->no_send |= sending;
        return -ENOTCONN;
    }
    if (sending)
        hawser__tcp_end_sending(socket);
    hawser__sock_tell(socket);
    return 0;
}

/* What the model and scenarios do. */

static bool is_pair(const hawser__socket *socket) {
    return hawser__sock_is_tcp(socket) && socket->peer && socket->peer->peer == socket &&
           (socket->state == HAWSER__CONNECTED || socket->state == HAWSER__ANSWERED);
}

static void break_off(hawser__socket *socket) {
    if (socket->state != HAWSER__CONNECTED && socket->state != HAWSER__ANSWERED)
        return;
    hawser__trace(socket->host, "break %s", hawser__tcp_name(socket, (char[32]){0}));
    hawser__tcp_fails(socket, error_of_reset(socket));
}

static void reset_happens(hawser__event *event) {
    hawser__socket *socket = (hawser__socket *)(void *)((char *)event - offsetof(hawser__socket, flow.reset));
    hawser__socket *peer = socket->peer;
    if (!is_pair(socket))
        return;
    bool one = hawser__chance_hits(hawser__world_chance(), hawser__world_here->limits.half_open);
    bool ours = !one || hawser__chance_below(hawser__world_chance(), 2) == 0;
    hawser__sock_hold(peer);
    if (ours)
        break_off(socket);
    if (!one || !ours)
        break_off(peer);
    hawser__sock_release(peer);
    hawser__wire_run();
}

void hawser__tcp_fate(hawser__socket *socket) {
    int64_t mean = hawser__world_here->limits.reset_every;
    if (mean == 0 || !socket->peer || socket->peer->host == socket->host)
        return;
    socket->flow.reset.happen = reset_happens;
    hawser__world_after(&socket->flow.reset, hawser__chance_wait(hawser__world_chance(), mean));
}

static hawser__socket *next_between(const hawser__host *a, const hawser__host *b) {
    for (hawser__socket *socket = a->sockets; socket; socket = socket->next)
        if (is_pair(socket) && socket->peer->host == b)
            return socket;
    return NULL;
}

void hawser__sockets_reset(hawser__host *a, hawser__host *b, bool one_sided) {
    for (hawser__socket *socket; (socket = next_between(a, b));) {
        hawser__socket *peer = socket->peer;
        hawser__sock_hold(peer);
        break_off(socket);
        if (!one_sided)
            break_off(peer);
        hawser__sock_release(peer);
    }
    hawser__wire_run();
}
