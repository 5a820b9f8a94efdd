/* SPDX-License-Identifier: MIT */
/*
 * Segments of TCP: how they leave, and what they do where they arrive.
 *
 * Segments of one direction never overtake each other. One is lost at most by chance, or because the path is cut: then those
 * behind it do not fit, are thrown away, and are sent again after it (go back N). So nothing is delivered twice or out of
 * order. The receiver answers every one with what it has got and up to where it takes more. Answers may be lost as well: the
 * next one says the same and more, and who waits for one in vain sends again.
 */
#include "world/socket_inside.h"

#include <stdio.h>

static const char *const verbs[] = {"syn", "syn+ack", "segment", "fin", "ack", "probe", "reset"};

/* A connection and a direction: "c1>" is from its client to its server. */
const char *hawser__tcp_name(const hawser__socket *socket, char out[32]) {
    snprintf(out, 32, "c%llu%s", (unsigned long long)socket->flow.name, socket->flow.client ? ">" : "<");
    return out;
}

static bool is_answer(enum hawser__kind kind) {
    return kind == HAWSER__ACK || kind == HAWSER__PROBE;
}

/* Acknowledgements and probes are no news, and would be most of the trace. */
static void note(const hawser__host *host, const hawser__packet *packet, const char *what) {
    char name[32];
    if (is_answer(packet->kind) || !hawser__world_here->put_line || !packet->from)
        return;
    hawser__tcp_name(packet->from, name);
    if (packet->kind == HAWSER__DATA)
        hawser__trace_line(host, "%s %s %llu+%zu", what, name, (unsigned long long)packet->at, packet->size);
    else
        hawser__trace_line(host, "%s %s %s", what, name, verbs[packet->kind]);
}

/* In order: nothing arrives before what was sent earlier. */
static void dispatch(hawser__socket *socket, hawser__packet *packet) {
    struct hawser__flow *flow = &socket->flow;
    int64_t delay, now = hawser__world_now();
    if (!hawser__packet_travels(packet, &delay)) {
        note(socket->host, packet, "lose");
        hawser__packet_free(packet);
        return;
    }
    if (now + delay < flow->arrival)
        delay = flow->arrival - now;
    flow->arrival = now + delay;
    flow->delay = delay;
    hawser__wire_put(packet, delay);
}

/* A SYN came again: it is answered again, at once. */
static bool has_answered(const hawser__socket *socket) {
    return socket->flow.unanswered > 0 || socket->state == HAWSER__CONNECTED;
}

void hawser__tcp_say(hawser__socket *socket, enum hawser__kind kind, uint64_t at, struct hawser__block *block, size_t offset,
                   size_t size) {
    hawser__socket *peer = socket->peer;
    struct hawser__flow *flow = &socket->flow;
    if (!peer)
        return;
    hawser__packet *packet = hawser__packet_new(socket, peer, peer->host, block, offset, size);
    if (!packet)
        return;
    packet->kind = kind;
    packet->arrive = hawser__tcp_arrives;
    packet->at = at;
    packet->attempt = flow->attempt;
    packet->again = flow->tries > 0 || (kind == HAWSER__SYN_ACK && has_answered(socket));
    packet->ack = flow->got + (flow->end_got ? 1 : 0);
    packet->edge = flow->offered = hawser__tcp_window(socket);
    packet->sent = hawser__world_now();
    packet->took = flow->took;
    note(socket->host, packet, packet->again ? "again" : "send");
    dispatch(socket, packet);
}

/* To whoever sent PACKET, which may have been for no socket at all. */
void hawser__tcp_refuse(hawser__packet *packet) {
    hawser__packet *reset = hawser__packet_new(packet->to, packet->from, packet->source_host, NULL, 0, 0);
    int64_t delay;
    if (!reset)
        return;
    reset->kind = HAWSER__RST;
    reset->arrive = hawser__tcp_arrives;
    reset->source_host = packet->host;
    reset->attempt = packet->attempt;
    if (packet->to)
        dispatch(packet->to, reset);
    else if (hawser__packet_travels(reset, &delay))
        hawser__wire_put(reset, delay);
    else
        hawser__packet_free(reset);
}

void hawser__tcp_answer(hawser__socket *socket) {
    hawser__tcp_say(socket, HAWSER__ACK, 0, NULL, 0, 0);
}

/* Arrival. */

/* The first round trip, as RFC 6298 (2.2) has it. Each packet of a handshake says how long the one took that it answers, so
 * that no retry is measured with it. Linux has timestamps (RFC 7323) to that end; only without them it begins with the 3
 * seconds of RFC 6298 (5.7) after a retry. */
static void measure(hawser__socket *socket, const hawser__packet *packet) {
    struct hawser__flow *flow = &socket->flow;
    flow->took = hawser__world_now() - packet->sent;
    flow->smoothed = flow->took + packet->took;
    flow->deviation = flow->smoothed / 2;
}

static void become_established(hawser__socket *socket, hawser__packet *packet) {
    if (socket->state != HAWSER__CONNECTING || packet->attempt != socket->flow.attempt) {
        if (socket->peer == packet->from)
            hawser__tcp_answer(socket);
        else if (packet->from->state == HAWSER__ANSWERED)
            hawser__tcp_refuse(packet);
        return;
    }
    hawser__sock_set_peer(socket, packet->from);
    socket->flow.edge = packet->edge;
    measure(socket, packet);
    hawser__tcp_established(socket);
    hawser__tcp_answer(socket);
}

/* What of PACKET is new goes to the program. */
static void take_data(hawser__socket *socket, hawser__packet *packet) {
    struct hawser__flow *flow = &socket->flow;
    uint64_t end = packet->at + packet->size;
    if (packet->at > flow->got || end <= flow->got || flow->end_got) {
        hawser__tcp_answer(socket);
        hawser__packet_free(packet);
        return;
    }
    size_t known = (size_t)(flow->got - packet->at);
    packet->offset += known;
    packet->size -= known;
    note(socket->host, packet, "deliver");
    flow->got = end;
    hawser__input_put(socket, packet);
    hawser__tcp_answer(socket);
    hawser__sock_tell(socket);
}

static void take_end(hawser__socket *socket, const hawser__packet *packet) {
    struct hawser__flow *flow = &socket->flow;
    bool fits = packet->at == flow->got && !flow->end_got;
    if (fits) {
        note(socket->host, packet, "deliver");
        flow->end_got = socket->ended = true;
        flow->ended_first = flow->ending;
    }
    hawser__tcp_answer(socket);
    if (!fits)
        return;
    hawser__tcp_finish(socket);
    hawser__sock_tell(socket);
}

/* What came for a socket that is no end of this connection any more. */
static void turn_away(hawser__packet *packet) {
    hawser__socket *socket = packet->to;
    if (!hawser__host_answers(socket->host) || packet->kind == HAWSER__ACK)
        return;
    if (packet->kind == HAWSER__FIN && socket->flow.quiet && !socket->crashed) {
        hawser__packet *answer = hawser__packet_new(socket, packet->from, packet->from->host, NULL, 0, 0);
        if (!answer)
            return;
        answer->kind = HAWSER__ACK;
        answer->arrive = hawser__tcp_arrives;
        answer->attempt = packet->attempt;
        answer->ack = packet->at + 1;
        dispatch(socket, answer);
        return;
    }
    hawser__tcp_refuse(packet);
}

static bool is_between_them(const hawser__packet *packet) {
    const hawser__socket *socket = packet->to;
    bool open = socket->state == HAWSER__CONNECTED || socket->state == HAWSER__ANSWERED;
    return open && socket->peer == packet->from && socket->flow.attempt == packet->attempt;
}

/* The program will not read it any more: it has closed the socket, or shut both directions. */
static bool is_unwanted(const hawser__socket *socket, const hawser__packet *packet) {
    bool shut = hawser__sock_is_orphan(socket) || (socket->no_receive && socket->flow.ending);
    return packet->kind == HAWSER__DATA && shut && packet->at + packet->size > socket->flow.got;
}

static void refuse_data(hawser__packet *packet) {
    note(packet->to->host, packet, "refuse");
    hawser__tcp_refuse(packet);
    hawser__tcp_fails(packet->to, ECONNRESET);
    hawser__packet_free(packet);
}

static void take(hawser__packet *packet) {
    hawser__socket *socket = packet->to;
    if (socket->state == HAWSER__ANSWERED) {
        measure(socket, packet);
        hawser__tcp_established(socket);
    }
    hawser__tcp_heard(socket);
    if (is_unwanted(socket, packet)) {
        refuse_data(packet);
        return;
    }
    if (packet->kind == HAWSER__DATA) {
        take_data(socket, packet);
        return;
    }
    if (packet->kind == HAWSER__FIN)
        take_end(socket, packet);
    else if (packet->kind == HAWSER__PROBE)
        hawser__tcp_answer(socket);
    else
        hawser__tcp_acked(socket, packet->ack, packet->edge);
    hawser__packet_free(packet);
}

void hawser__tcp_arrives(hawser__packet *packet) {
    hawser__socket *socket = packet->to;
    hawser__sock_hold(socket);
    if (packet->kind == HAWSER__RST)
        hawser__tcp_reset_arrives(packet);
    else if (packet->kind == HAWSER__SYN_ACK && socket->state != HAWSER__GONE)
        become_established(socket, packet);
    else if (is_between_them(packet) && packet->kind != HAWSER__SYN_ACK)
        packet = (take(packet), NULL);
    else
        turn_away(packet);
    hawser__packet_free(packet);
    hawser__sock_release(socket);
}
