/* SPDX-License-Identifier: MIT */
/*
 * How connections of TCP begin.
 *
 *   client                         listener's host
 *   CLOSED                         LISTENS
 *     | connect       -- SYN -->     | a socket for the connection, if there is room in the queue; else nothing happens
 *   CONNECTING                     ANSWERED
 *     |              <-- SYN_ACK --  |
 *   CONNECTED         -- ACK -->   CONNECTED, in the queue of the listener; the first data does as well as the ACK
 *
 * Each side says it again after 1, 3, 7 ... seconds, as Linux does; patience.c gives up. A connection that waits in the queue
 * has no handle, but takes data.
 */
#include "world/socket_inside.h"

#define MOST_BACKLOG 4096

int hawser__listener_limit(int backlog) {
    return backlog < 0 || backlog > MOST_BACKLOG ? MOST_BACKLOG : backlog;
}

/* What a connect begins with. */
static void begin(hawser__socket *socket) {
    struct hawser__flow *flow = &socket->flow;
    unsigned attempt = flow->attempt + 1;
    hawser__tcp_forget_sent(socket);
    hawser__input_clear(socket);
    *flow = (struct hawser__flow){.attempt = attempt, .name = ++hawser__world_here->connections, .client = true};
    flow->offered = socket->options.receive;
    socket->state = HAWSER__CONNECTING;
    socket->attempt = HAWSER__TRYING;
    socket->error = 0;
}

/* Dangers of the network are drawn for what leaves the host. */
static void draw_fate(hawser__socket *socket, const hawser__host *target) {
    const struct hawser__limits *limits = &hawser__world_here->limits;
    if (target == socket->host)
        return;
    socket->flow.black_hole = !target || hawser__chance_hits(hawser__world_chance(), limits->black_hole);
    socket->flow.refused = !socket->flow.black_hole && hawser__chance_hits(hawser__world_chance(), limits->refuse);
}

/* Its own name is the peer's: both sides open at once, and are the same socket. */
static void meet_itself(hawser__socket *socket) {
    hawser__sock_set_peer(socket, socket);
    socket->flow.edge = socket->flow.offered;
    hawser__tcp_established(socket);
    if (socket->no_send)
        hawser__tcp_end_sending(socket);
}

static int start(hawser__socket *socket, const hawser__place *to) {
    if (socket->address_chosen && hawser__place_is_v4(&socket->own) && !hawser__place_is_v4(to))
        return -EAFNOSUPPORT;
    if (socket->family == AF_INET6 && hawser__place_is_v4(to) && hawser__option(socket, IPPROTO_IPV6, IPV6_V6ONLY))
        return -ENETUNREACH;
    hawser__host *target = hawser__host_at(socket->host, to);
    if (target != socket->host && socket->address_chosen && hawser__place_is_loopback(&socket->own))
        return -EINVAL;
    int result = hawser__sock_bind_any(socket, to);
    if (result < 0)
        return result == -EADDRINUSE ? -EADDRNOTAVAIL : result;
    bool itself = hawser__place_same(&socket->own, to);
    socket->remote = *to;
    begin(socket);
    hawser__trace(socket->host, "connect %s %s > %s", hawser__tcp_name(socket, (char[32]){0}),
                hawser__place_str(&socket->own, &(hawser_addr){0}), hawser__place_str(to, &(hawser_addr){0}));
    if (itself)
        meet_itself(socket);
    else {
        draw_fate(socket, target);
        hawser__tcp_syn(socket);
    }
    return -EINPROGRESS;
}

/* The end of whatever there was, as connect with AF_UNSPEC has it. What was shut is open again. */
void hawser__tcp_dissolve(hawser__socket *socket) {
    if (socket->state == HAWSER__CONNECTING)
        hawser__tcp_fails(socket, ECONNRESET);
    else if (socket->state == HAWSER__CONNECTED)
        hawser__tcp_reset(socket, ECONNRESET);
    else if (socket->state == HAWSER__LISTENS)
        hawser__listener_close(socket);
    hawser__input_clear(socket);
    if (!socket->address_chosen)
        memcpy(socket->own.ip, hawser__place_any(socket->family == AF_INET).ip, sizeof socket->own.ip);
    socket->attempt = HAWSER__UNTRIED;
    socket->no_receive = socket->no_send = socket->ended = false;
}

/* Connect asked again tells once how the attempt went. */
static int result_of_attempt(hawser__socket *socket) {
    if (socket->state == HAWSER__CONNECTING)
        return -EALREADY;
    if (socket->state == HAWSER__CONNECTED) {
        socket->attempt = HAWSER__MADE;
        return 0;
    }
    int result = hawser__sock_take_error(socket);
    hawser__tcp_dissolve(socket);
    return result < 0 ? result : -ECONNABORTED;
}

int hawser__tcp_connect(hawser__socket *socket, const struct sockaddr *sa, socklen_t len) {
    hawser__place to;
    if (sa->sa_family == AF_UNSPEC) {
        hawser__tcp_dissolve(socket);
        return 0;
    }
    int result = hawser__place_in(&to, socket->family, sa, len);
    if (socket->attempt == HAWSER__TRYING)
        return result_of_attempt(socket);
    if (socket->attempt == HAWSER__SPOILT)
        return -EINVAL;
    if (socket->attempt == HAWSER__MADE || socket->state != HAWSER__CLOSED)
        return -EISCONN;
    if (result < 0)
        return result;
    to = hawser__sock_meaning(socket, &to);
    if (hawser__place_is_many(&to))
        return -ENETUNREACH;
    return start(socket, &to);
}

/* The handshake. */

static void send_syn(hawser__socket *socket) {
    hawser__host *target = hawser__host_at(socket->host, &socket->remote);
    hawser__packet *packet = socket->flow.black_hole ? NULL : hawser__packet_new(socket, NULL, target, NULL, 0, 0);
    int64_t delay;
    if (socket->flow.tries > 0)
        hawser__trace(socket->host, "again %s syn", hawser__tcp_name(socket, (char[32]){0}));
    if (!packet)
        return;
    packet->kind = HAWSER__SYN;
    packet->arrive = hawser__tcp_syn_arrives;
    packet->source = socket->own;
    packet->target = socket->remote;
    packet->attempt = socket->flow.attempt;
    packet->again = socket->flow.tries > 0;
    packet->marked = socket->flow.refused;
    packet->edge = socket->flow.offered;
    packet->sent = hawser__world_now();
    if (hawser__packet_travels(packet, &delay))
        hawser__wire_put(packet, delay);
    else
        hawser__packet_free(packet);
}

void hawser__tcp_syn(hawser__socket *socket) {
    if (socket->state == HAWSER__ANSWERED)
        hawser__tcp_say(socket, HAWSER__SYN_ACK, 0, NULL, 0, 0);
    else
        send_syn(socket);
    hawser__tcp_await(socket);
}

/* The socket that an earlier SYN of the same attempt has made. */
static hawser__socket *made_before(const hawser__packet *packet) {
    for (hawser__socket *socket = packet->host->sockets; socket; socket = socket->next)
        if (socket->peer == packet->from && socket->flow.attempt == packet->attempt && !socket->flow.client)
            return socket;
    return NULL;
}

/* A connection of LISTENER with the sender of SYN. */
static hawser__socket *new_connection(hawser__socket *listener, const hawser__packet *syn) {
    hawser__socket *socket = hawser__sock_new(listener->host, listener->family, listener->type, listener->proto);
    if (!socket)
        return NULL;
    socket->options = listener->options;
    socket->own = syn->target;
    socket->remote = syn->source;
    socket->bound = true;
    socket->address_chosen = listener->address_chosen;
    socket->state = HAWSER__ANSWERED;
    socket->attempt = HAWSER__MADE;
    socket->listener = listener;
    socket->no_receive = listener->no_receive;   /* shut before it listened */
    socket->no_send = listener->no_send;
    socket->flow.attempt = syn->attempt;
    socket->flow.name = syn->from->flow.name;
    socket->flow.edge = syn->edge;
    socket->flow.offered = socket->options.receive;
    socket->flow.took = hawser__world_now() - syn->sent;
    hawser__sock_set_peer(socket, syn->from);
    listener->half_open++;
    return socket;
}

static void answer_syn(hawser__packet *packet) {
    hawser__socket *socket = packet->again ? made_before(packet) : NULL;
    hawser__socket *listener = socket ? NULL : hawser__listener_for(packet->host, &packet->target);
    if (!socket && (!listener || packet->marked)) {
        hawser__trace(packet->host, "refuse %s", hawser__tcp_name(packet->from, (char[32]){0}));
        hawser__tcp_refuse(packet);
        return;
    }
    if (!socket && listener->queued + listener->half_open > listener->backlog) {
        hawser__trace(packet->host, "drop %s: the queue is full", hawser__tcp_name(packet->from, (char[32]){0}));
        return;
    }
    if (!socket)
        socket = new_connection(listener, packet);
    if (socket && socket->state == HAWSER__ANSWERED)
        hawser__tcp_syn(socket);
    else if (socket && socket->state == HAWSER__CONNECTED)
        hawser__tcp_say(socket, HAWSER__SYN_ACK, 0, NULL, 0, 0);
}

void hawser__tcp_syn_arrives(hawser__packet *packet) {
    if (hawser__host_answers(packet->host) && packet->from->state == HAWSER__CONNECTING)
        answer_syn(packet);
    hawser__packet_free(packet);
}

void hawser__tcp_established(hawser__socket *socket) {
    hawser__socket *listener = socket->listener;
    bool client = socket->state == HAWSER__CONNECTING;
    socket->state = HAWSER__CONNECTED;
    hawser__tcp_settle(socket);
    if (client) {
        hawser__trace(socket->host, "established %s", hawser__tcp_name(socket, (char[32]){0}));
        hawser__tcp_fate(socket);
        hawser__sock_tell(socket);
        return;
    }
    listener->half_open--;
    listener->queued++;
    hawser__queue_put(&listener->ready, &listener->ready_last, socket);
    hawser__sock_tell(listener);
    if (socket->no_send)
        hawser__tcp_end_sending(socket);
}

/* Those that nobody accepted are reset, as on Linux. */
void hawser__listener_close(hawser__socket *listener) {
    hawser__socket *next;
    for (hawser__socket *socket = listener->host->sockets; socket; socket = next) {
        next = socket->next;
        if (socket->listener != listener)
            continue;
        hawser__sock_hold(socket);
        socket->listener = NULL;
        hawser__tcp_reset(socket, ECONNRESET);
        hawser__sock_vanish(socket);
        hawser__sock_release(socket);
    }
    listener->ready = listener->ready_last = NULL;
    listener->queued = listener->half_open = 0;
    listener->state = HAWSER__CLOSED;
    hawser__sock_give_up_port(listener);
}
