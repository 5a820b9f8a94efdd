/* SPDX-License-Identifier: MIT */
/*
 * The bytes of a TCP connection at one of its ends.
 *
 *   0 ........ acked ........ sent ........ written          the sender: pieces from `acked` on are kept
 *              |  under way   |  to be sent |
 *                                    edge: up to here the receiver takes them
 *
 * The receiver offers room for what it may hold, less what waits in it. It does not speak of every byte that is read: only
 * when a quarter of its buffer has come free.
 */
#include "base/mem.h"
#include "world/socket_inside.h"

#define MOST_SEGMENT 65536

/* Sending. */

size_t hawser__tcp_room(const hawser__socket *socket) {
    uint64_t kept = socket->flow.written - socket->flow.acked;
    return kept < socket->options.send ? socket->options.send - (size_t)kept : 0;
}

static size_t size_of(const struct hawser__piece *piece) {
    return piece->block->size;
}

static void free_piece(struct hawser__piece *piece) {
    hawser__block_drop(piece->block);
    hawser__free(piece);
}

void hawser__tcp_forget_sent(hawser__socket *socket) {
    struct hawser__flow *flow = &socket->flow;
    while (flow->first) {
        struct hawser__piece *piece = flow->first;
        flow->first = piece->next;
        free_piece(piece);
    }
    flow->last = flow->cursor = NULL;
}

static bool append(hawser__socket *socket, const struct msghdr *msg, size_t at, size_t size) {
    struct hawser__flow *flow = &socket->flow;
    struct hawser__piece *piece = hawser__alloc(sizeof *piece);
    struct hawser__block *block = piece ? hawser__gather(msg, at, size) : NULL;
    if (!block) {
        hawser__free(piece);
        return false;
    }
    *piece = (struct hawser__piece){.block = block, .at = flow->written};
    *(flow->last ? &flow->last->next : &flow->first) = piece;
    flow->last = piece;
    if (!flow->cursor)
        flow->cursor = piece;
    flow->written += size;
    return true;
}

static size_t append_all(hawser__socket *socket, const struct msghdr *msg, size_t size) {
    size_t done = 0;
    while (done < size) {
        size_t n = size - done < MOST_SEGMENT ? size - done : MOST_SEGMENT;
        if (!append(socket, msg, done, n))
            break;
        done += n;
    }
    return done;
}

static int may_send(hawser__socket *socket, int flags) {
    if (flags & MSG_OOB)
        return -EOPNOTSUPP;
    if (socket->state == HAWSER__CONNECTING)
        return -EAGAIN;
    if (socket->error)
        return hawser__sock_take_error(socket);
    return socket->state != HAWSER__CONNECTED || socket->no_send ? -EPIPE : 0;
}

ssize_t hawser__tcp_send(hawser__socket *socket, const struct msghdr *msg, int flags) {
    int result = may_send(socket, flags);
    if (result < 0)
        return result;
    if (msg->msg_controllen > 0)
        return -EINVAL;
    size_t size = hawser__message_size(msg), room = hawser__tcp_room(socket);
    if (size == 0)
        return 0;
    if (room == 0)
        return -EAGAIN;
    size = size < room ? size : room;
    hawser__short(hawser__world_here->limits.short_writes, &size);
    size = append_all(socket, msg, size);
    if (size == 0)
        return -ENOBUFS;
    hawser__tcp_push(socket);
    return (ssize_t)size;
}

/* One segment: of one piece, up to the window's edge. */
static void send_next(hawser__socket *socket) {
    struct hawser__flow *flow = &socket->flow;
    struct hawser__piece *piece = flow->cursor;
    uint64_t end = piece->at + size_of(piece);
    size_t n = (size_t)((end < flow->edge ? end : flow->edge) - flow->sent);
    if (flow->timed_at == 0 && flow->tries == 0) {
        flow->timed = flow->sent + n;
        flow->timed_at = hawser__tcp_mark();
    }
    hawser__tcp_say(socket, HAWSER__DATA, flow->sent, piece->block, (size_t)(flow->sent - piece->at), n);
    flow->sent += n;
    if (flow->sent == end)
        flow->cursor = piece->next;
}

/* After a try without an answer, one thing at a time. */
void hawser__tcp_push(hawser__socket *socket) {
    struct hawser__flow *flow = &socket->flow;
    if (socket->state != HAWSER__CONNECTED)
        return;
    while (flow->sent < flow->written && flow->sent < flow->edge && (flow->tries == 0 || flow->sent == flow->acked))
        send_next(socket);
    if (flow->ending && flow->sent == flow->written && !flow->end_acked && (flow->tries == 0 || flow->sent == flow->acked)) {
        hawser__tcp_say(socket, HAWSER__FIN, flow->written, NULL, 0, 0);
        flow->sent++;
    }
    hawser__tcp_await(socket);
}

static void drop_acked(struct hawser__flow *flow) {
    while (flow->first && flow->first->at + size_of(flow->first) <= flow->acked) {
        struct hawser__piece *piece = flow->first;
        flow->first = piece->next;
        if (flow->cursor == piece)
            flow->cursor = piece->next;
        if (flow->last == piece)
            flow->last = NULL;
        free_piece(piece);
    }
}

/* How long an answer takes, smoothed as RFC 6298 has it; not from what was sent twice (Karn). */
static void time_answer(struct hawser__flow *flow) {
    if (flow->timed_at == 0 || flow->acked < flow->timed)
        return;
    int64_t took = hawser__world_now() - flow->timed_at;
    int64_t off = took - flow->smoothed;
    flow->timed_at = 0;
    flow->deviation += ((off < 0 ? -off : off) - flow->deviation) / 4;
    flow->smoothed += off / 8;
}

static void advance(hawser__socket *socket, uint64_t ack) {
    struct hawser__flow *flow = &socket->flow;
    uint64_t end = flow->written + (flow->ending ? 1 : 0);
    if (ack <= flow->acked || ack > end)
        return;
    if (flow->ending && ack == end) {
        flow->end_acked = true;
        ack = flow->written;
    }
    flow->acked = ack;
    if (flow->sent < ack)
        flow->sent = ack;
    flow->tries = flow->patience = 0;
    flow->unanswered = 0;
    flow->retry_at = 0;
    time_answer(flow);
    drop_acked(flow);
    while (flow->cursor && flow->cursor->at + size_of(flow->cursor) <= flow->sent)
        flow->cursor = flow->cursor->next;
}

void hawser__tcp_acked(hawser__socket *socket, uint64_t ack, uint64_t edge) {
    struct hawser__flow *flow = &socket->flow;
    bool full = hawser__tcp_room(socket) == 0;
    advance(socket, ack);
    if (flow->sent == flow->acked)
        flow->tries = 0;   /* an answer to a probe */
    if (edge > flow->edge) {
        flow->edge = edge;
        flow->patience = 0;
    }
    hawser__tcp_push(socket);
    if (full && hawser__tcp_room(socket) > 0)
        hawser__sock_tell(socket);
    hawser__tcp_finish(socket);
}

/* Receiving. */

uint64_t hawser__tcp_window(hawser__socket *socket) {
    struct hawser__flow *flow = &socket->flow;
    size_t used = socket->input.bytes + flow->held;
    uint64_t edge = flow->got + (used < socket->options.receive ? socket->options.receive - used : 0);
    return edge > flow->offered ? edge : flow->offered;
}

/* The model's slow reader: what it has read is held back until its time has come. */
static void hold_back(hawser__socket *socket, size_t size) {
    struct hawser__flow *flow = &socket->flow;
    int64_t rate = hawser__world_here->limits.read_rate;
    if (rate == 0 || !socket->peer || socket->peer->host == socket->host)
        return;
    flow->held += size;
    if (flow->open_at != 0 || flow->held == 0)
        return;
    flow->opening = flow->held;
    flow->open_at = hawser__world_now() + (int64_t)((uint64_t)flow->opening * HAWSER__SECOND / (uint64_t)rate);
    hawser__tcp_timer(socket);
}

void hawser__tcp_read(hawser__socket *socket, size_t size) {
    struct hawser__flow *flow = &socket->flow;
    if (socket->state != HAWSER__CONNECTED)
        return;
    hold_back(socket, size);
    uint64_t more = hawser__tcp_window(socket) - flow->offered;
    bool waits = hawser__option(socket, SOL_SOCKET, SO_RCVLOWAT) > 1;
    if (more > 0 && !flow->end_got && (waits || more >= socket->options.receive / 4))
        hawser__tcp_answer(socket);
}

/* On success only: a call that is made again finds its message as it was. */
static void fill_in(struct msghdr *msg) {
    msg->msg_namelen = 0;
    msg->msg_controllen = 0;
    msg->msg_flags = 0;
}

static ssize_t nothing_there(hawser__socket *socket) {
    if (socket->ended)
        return 0;
    if (socket->state == HAWSER__LISTENS)
        return -ENOTCONN;
    if (socket->error)
        return hawser__sock_take_error(socket);
    if (socket->no_receive)
        return 0;
    return socket->state == HAWSER__CLOSED ? -ENOTCONN : -EAGAIN;
}

ssize_t hawser__tcp_receive(hawser__socket *socket, struct msghdr *msg, int flags) {
    size_t size = hawser__message_size(msg);
    if (flags & MSG_OOB)
        return -EINVAL;
    ssize_t result = socket->input.bytes == 0 ? nothing_there(socket) : 0;
    if (result < 0)
        return result;
    fill_in(msg);
    size = size < socket->input.bytes ? size : socket->input.bytes;
    hawser__short(hawser__world_here->limits.short_reads, &size);
    return hawser__input_bytes(socket, msg, size, flags);
}
