/* SPDX-License-Identifier: MIT */
/*
 * How long an end of a TCP connection waits for what: the timers, all of them in one event at the first of their times.
 *
 *   retry    what was sent, and not answered, is sent again, twice as late each time (200 ms and a round trip, at most 120 s).
 *            While the receiver has no room it is asked whether it has some by now.
 *   keep     SO_KEEPALIVE: after a time without a word the peer is asked whether it is still there.
 *   leave    a socket that its program has closed, and whose peer never ends, goes after a minute; so does what reset.c leaves
 *            in TIME_WAIT.
 *   open     a slow reader (read_rate) has room again.
 *
 * Between sockets of one host nothing is ever lost, so that they need none of these but `leave`.
 */
#include "world/socket_inside.h"

#include <netinet/in.h>
#include <netinet/tcp.h>

#define SYN_TRIES 6                  /* tcp_syn_retries */
#define ANSWER_TRIES 5               /* tcp_synack_retries */
#define TRIES 15                     /* tcp_retries2 */
#define ORPHAN_TRIES 8               /* tcp_orphan_retries */
#define SHORTEST (HAWSER__SECOND / 5)
#define LONGEST (120 * HAWSER__SECOND)
#define LEAVE (60 * HAWSER__SECOND)    /* tcp_fin_timeout */

static int64_t soonest(int64_t a, int64_t b) {
    return a == 0 || (b != 0 && b < a) ? b : a;
}

void hawser__tcp_timer(hawser__socket *socket) {
    struct hawser__flow *flow = &socket->flow;
    int64_t at = soonest(soonest(flow->retry_at, flow->keep_at), soonest(flow->leave_at, flow->open_at));
    if (at == 0)
        hawser__world_forget(&flow->timer);
    else if (flow->timer.place == 0 || flow->timer.at != at) {
        int64_t now = hawser__world_now();
        flow->timer.happen = hawser__tcp_timer_happens;
        hawser__world_after(&flow->timer, at > now ? at - now : 0);
    }
}

void hawser__tcp_quiet(hawser__socket *socket) {
    struct hawser__flow *flow = &socket->flow;
    flow->retry_at = flow->keep_at = flow->leave_at = flow->open_at = 0;
    hawser__world_forget(&flow->timer);
}

static bool is_far(const hawser__socket *socket) {
    return socket->state == HAWSER__CONNECTING || !socket->peer || socket->peer->host != socket->host;
}

static bool is_under_way(const struct hawser__flow *flow) {
    return flow->sent > flow->acked && !(flow->end_acked && flow->acked == flow->written);
}

static int64_t interval(const struct hawser__flow *flow) {
    int64_t swing = 4 * flow->deviation;
    int64_t time = flow->smoothed + (swing > SHORTEST ? swing : SHORTEST);
    for (unsigned i = 0; i < flow->patience && time < LONGEST; i++)
        time *= 2;
    return time < LONGEST ? time : LONGEST;
}

static int64_t user_timeout(const hawser__socket *socket) {
    return (int64_t)hawser__option(socket, IPPROTO_TCP, TCP_USER_TIMEOUT) * (HAWSER__SECOND / 1000);
}

/* TCP_USER_TIMEOUT may be over before the next try. */
static int64_t limited(const hawser__socket *socket, int64_t at) {
    int64_t most = user_timeout(socket), since = socket->flow.unanswered;
    return most > 0 && since > 0 && since + most < at ? since + most : at;
}

static bool hand_shakes(const hawser__socket *socket) {
    return socket->state == HAWSER__CONNECTING || socket->state == HAWSER__ANSWERED;
}

/* The time that what was sent last takes is known here, which no kernel has: only an answer is waited for. */
void hawser__tcp_await(hawser__socket *socket) {
    struct hawser__flow *flow = &socket->flow;
    int64_t now = hawser__world_now();
    bool waits = hand_shakes(socket) || is_under_way(flow) || flow->sent < flow->written;
    if (socket->state == HAWSER__CLOSED || socket->state == HAWSER__GONE || !is_far(socket))
        return;
    if (!waits) {
        flow->retry_at = flow->unanswered = 0;
        hawser__tcp_timer(socket);
        return;
    }
    if (flow->unanswered == 0 && (hand_shakes(socket) || is_under_way(flow)))
        flow->unanswered = hawser__tcp_mark();
    if (hand_shakes(socket))
        flow->retry_at = now + (HAWSER__SECOND << flow->tries);
    else if (flow->retry_at == 0)
        flow->retry_at = now + (is_under_way(flow) ? flow->delay : 0) + interval(flow);
    flow->retry_at = limited(socket, flow->retry_at);
    hawser__tcp_timer(socket);
}

/* Keep-alive. */

static int64_t seconds(const hawser__socket *socket, int name) {
    return hawser__option(socket, IPPROTO_TCP, name) * HAWSER__SECOND;
}

void hawser__tcp_keepalive(hawser__socket *socket) {
    struct hawser__flow *flow = &socket->flow;
    if (socket->state != HAWSER__CONNECTED)
        return;
    bool wanted = hawser__option(socket, SOL_SOCKET, SO_KEEPALIVE) && is_far(socket);
    flow->probes = 0;
    flow->keep_at = wanted ? flow->heard_at + seconds(socket, TCP_KEEPIDLE) : 0;
    hawser__tcp_timer(socket);
}

/* Any word from the peer. The timer is not moved for it: it looks when its time has come. */
void hawser__tcp_heard(hawser__socket *socket) {
    socket->flow.heard_at = hawser__world_now();
    socket->flow.probes = 0;
}

/* The handshake is over. */
void hawser__tcp_settle(hawser__socket *socket) {
    struct hawser__flow *flow = &socket->flow;
    hawser__tcp_heard(socket);
    flow->tries = flow->patience = 0;
    flow->timed_at = flow->retry_at = flow->unanswered = 0;
    hawser__tcp_keepalive(socket);
}

static void time_out(hawser__socket *socket, bool tell_peer) {
    hawser__trace(socket->host, "time out %s", hawser__tcp_name(socket, (char[32]){0}));
    if (tell_peer)
        hawser__tcp_reset(socket, ETIMEDOUT);
    else
        hawser__tcp_fails(socket, ETIMEDOUT);
}

static bool has_had_enough(const hawser__socket *socket) {
    const struct hawser__flow *flow = &socket->flow;
    int64_t most = user_timeout(socket);
    if (most > 0)
        return flow->probes > 0 && hawser__world_now() - flow->heard_at >= most;
    return flow->probes >= (unsigned)hawser__option(socket, IPPROTO_TCP, TCP_KEEPCNT);
}

static void keep(hawser__socket *socket) {
    struct hawser__flow *flow = &socket->flow;
    int64_t now = hawser__world_now(), idle = seconds(socket, TCP_KEEPIDLE);
    if (is_under_way(flow) || flow->sent < flow->written) {
        flow->keep_at = now + idle;
        return;
    }
    if (now < flow->heard_at + idle) {
        flow->keep_at = flow->heard_at + idle;
        return;
    }
    if (has_had_enough(socket)) {
        time_out(socket, true);
        return;
    }
    flow->probes++;
    flow->keep_at = now + seconds(socket, TCP_KEEPINTVL);
    hawser__tcp_say(socket, HAWSER__PROBE, 0, NULL, 0, 0);
}

/* Trying again. */

static unsigned most_tries(const hawser__socket *socket) {
    if (socket->state == HAWSER__CONNECTING)
        return SYN_TRIES;
    if (socket->state == HAWSER__ANSWERED)
        return ANSWER_TRIES;
    return hawser__sock_is_orphan(socket) ? ORPHAN_TRIES : TRIES;
}

static bool gives_up(const hawser__socket *socket) {
    int64_t most = user_timeout(socket), since = socket->flow.unanswered;
    return socket->flow.tries >= most_tries(socket) || (most > 0 && since > 0 && hawser__world_now() - since >= most);
}

static void send_again(hawser__socket *socket) {
    struct hawser__flow *flow = &socket->flow;
    bool lost = is_under_way(flow);
    flow->sent = flow->acked;
    flow->cursor = flow->first;
    flow->timed_at = 0;
    flow->patience++;
    if (flow->unanswered == 0)
        flow->unanswered = hawser__tcp_mark();
    if (lost || flow->edge > flow->sent)
        hawser__tcp_push(socket);
    else {
        hawser__tcp_say(socket, HAWSER__PROBE, 0, NULL, 0, 0);
        hawser__tcp_await(socket);
    }
}

static void retry(hawser__socket *socket) {
    socket->flow.retry_at = 0;
    if (gives_up(socket)) {
        time_out(socket, false);
        return;
    }
    socket->flow.tries++;
    if (hand_shakes(socket))
        hawser__tcp_syn(socket);
    else
        send_again(socket);
}

static void leave(hawser__socket *socket) {
    if (socket->state == HAWSER__CLOSED) {   /* TIME_WAIT is over */
        hawser__sock_vanish(socket);
        return;
    }
    hawser__trace(socket->host, "leave %s", hawser__tcp_name(socket, (char[32]){0}));
    hawser__tcp_fails(socket, 0);
}

static void open_window(hawser__socket *socket) {
    struct hawser__flow *flow = &socket->flow;
    flow->held -= flow->opening;
    flow->opening = 0;
    flow->open_at = 0;
    hawser__tcp_read(socket, 0);
    if (flow->held == 0 && hawser__tcp_window(socket) > flow->offered)
        hawser__tcp_answer(socket);
}

static const struct {
    size_t at;
    void (*act)(hawser__socket *socket);
} actions[] = {{offsetof(hawser__socket, flow.retry_at), retry},
               {offsetof(hawser__socket, flow.keep_at), keep},
               {offsetof(hawser__socket, flow.leave_at), leave},
               {offsetof(hawser__socket, flow.open_at), open_window}};

void hawser__tcp_timer_happens(hawser__event *event) {
    hawser__socket *socket = (hawser__socket *)(void *)((char *)event - offsetof(hawser__socket, flow.timer));
    int64_t now = hawser__world_now();
    hawser__sock_hold(socket);
    for (size_t i = 0; i < sizeof actions / sizeof *actions; i++) {
        int64_t *at = (int64_t *)(void *)((char *)socket + actions[i].at);
        if (*at != 0 && *at <= now)
            actions[i].act(socket);
    }
    if (socket->state != HAWSER__GONE && socket->state != HAWSER__CLOSED)
        hawser__tcp_timer(socket);
    hawser__sock_release(socket);
    hawser__wire_run();
}
