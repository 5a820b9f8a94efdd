/* SPDX-License-Identifier: MIT */
#include "server/loop.h"

#include "base/mem.h"
#include "sched/park.h"
#include "server/acceptor.h"
#include "server/children.h"
#include "server/connection.h"
#include "server/datagrams.h"
#include "server/handover.h"
#include "server/pool.h"

#include <hawser/activation.h>
#include <hawser/deadline.h>

#include <errno.h>
#include <signal.h>

#define MOST_LINGERING 24        /* so that they, the listeners and the children are few enough to be waited for */
#define MOST_LISTENERS 32
#define LOOK (HAWSER__SECOND / 50)   /* at children, when there are more than can be waited for */
#define GRACE HAWSER__SECOND     /* between asking children to end and making them */

struct hawser__loop *hawser__loop_get(hawser_server *server) {
    if (!server->loop)
        server->loop = hawser__zalloc(sizeof *server->loop);
    if (!server->loop)
        hawser__fail(ENOMEM, "serve");
    return server->loop;
}

void hawser__loop_free(hawser_server *server) {
    hawser__free(server->loop);
    server->loop = NULL;
}

/* Lingering. */

bool hawser__loop_linger(hawser_server *server, struct hawser__connection *connection) {
    struct hawser__loop *loop = server->loop;
    if (loop->lingering_count == MOST_LINGERING || hawser_shutdown(connection->sock, SHUT_WR) < 0 ||
        hawser__enter(connection->sock, HAWSER__RECEIVER) < 0)
        return false;
    connection->since = hawser__server_now(server) + server->limits.linger;
    connection->next = loop->lingering;
    loop->lingering = connection;
    loop->lingering_count++;
    return true;
}

/* Drops what has come. True: the peer has ended, or its time is up. Who lingers has the receiver's side of its socket taken, so
 * that the descriptor stays while the loop watches it. */
static bool has_lingered(struct hawser__connection *connection, int64_t now) {
    char dropped[4096];
    hawser_sock *sock = connection->sock;
    ssize_t n;
    do
        n = sock->transport->recv(sock, dropped, sizeof dropped, 0, HAWSER__NOW);
    while (n > 0);
    return n != -EAGAIN || now >= connection->since;
}

static void mind_lingering(hawser_server *server, bool all) {
    struct hawser__loop *loop = server->loop;
    struct hawser__connection **at = &loop->lingering;
    int64_t now = hawser__server_now(server);
    while (*at) {
        struct hawser__connection *connection = *at;
        if (!has_lingered(connection, now) && !all) {
            at = &connection->next;
            continue;
        }
        *at = connection->next;
        loop->lingering_count--;
        hawser__leave(connection->sock, HAWSER__RECEIVER);
        hawser__call_close(connection);
        hawser__connection_leave(connection);
    }
}

void hawser__loop_hand_over(hawser_server *server) {
    struct hawser__loop *loop = server->loop;
    while (loop && loop->lingering) {
        struct hawser__connection *connection = loop->lingering;
        loop->lingering = connection->next;
        loop->lingering_count--;
        hawser__leave(connection->sock, HAWSER__RECEIVER);
        hawser__linger_in_fiber(connection);
    }
}

/* Waiting. */

struct watched {
    struct hawser__interest interests[HAWSER__PARK_MAX];
    size_t count;
    hawser__deadline until;
};

static void watch(struct watched *watched, hawser__endpoint *endpoint) {
    if (watched->count < HAWSER__PARK_MAX)
        watched->interests[watched->count++] = (struct hawser__interest){.endpoint = endpoint, .direction = HAWSER__IN};
}

static void leave_listeners(hawser_server *server, size_t count) {
    for (size_t i = 0; i < count; i++)
        hawser__leave(server->listeners[i]->sock, HAWSER__SHORT);
}

/* The program may close one while it is watched. False: it has already. */
static bool enter_listeners(hawser_server *server) {
    for (size_t i = 0; i < server->listener_count; i++)
        if (hawser__enter(server->listeners[i]->sock, HAWSER__SHORT) < 0) {
            leave_listeners(server, i);
            return false;
        }
    return true;
}

static void watch_listeners(hawser_server *server, struct watched *watched) {
    for (size_t i = 0; i < server->listener_count; i++)
        for (size_t k = 0; k < server->listeners[i]->sock->endpoint_count; k++)
            watch(watched, server->listeners[i]->sock->endpoints[k]);
}

static void watch_lingering(hawser_server *server, struct watched *watched) {
    for (struct hawser__connection *at = server->loop->lingering; at; at = at->next) {
        watch(watched, at->sock->endpoints[0]);
        if (at->since < watched->until)
            watched->until = at->since;
    }
}

/* Where an end matters most it is looked for as well: a process that a handler has forked may hold the child's line open. */
static void watch_children(hawser_server *server, struct watched *watched) {
    size_t room = HAWSER__PARK_MAX - watched->count;
    size_t n = hawser__children_interests(server, watched->interests + watched->count, room);
    hawser__deadline look = hawser__server_now(server) + LOOK;
    bool needed = n < server->loop->child_count || hawser__stopping(server) ||
                  server->loop->child_count >= (size_t)server->options.max_children;
    watched->count += n;
    if (server->loop->child_count > 0 && needed && look < watched->until)
        watched->until = look;
}

/* Without room the listeners are not even watched: they would be ready all the time. */
static bool has_room(hawser_server *server) {
    bool full = atomic_load(&server->active) >= server->options.max_connections;
    if (full && !server->loop->full)
        hawser__note_pause(server);
    server->loop->full = full;
    return !full &&
           (server->options.concurrency != HAWSER_FORKS || server->loop->child_count < (size_t)server->options.max_children);
}

/* The bell is first; the listeners, if there is room for what they have, come right behind it. */
static void mark_ready(hawser_server *server, const struct watched *watched) {
    size_t at = 1;
    for (size_t i = 0; i < server->listener_count; i++)
        for (size_t k = 0; k < server->listeners[i]->sock->endpoint_count; k++, at++)
            if (watched->interests[at].ready || watched->interests[at].ended)
                server->loop->ready |= UINT64_C(1) << i;
}

/* Until something has happened, or UNTIL. A negative code when the task is cancelled. */
static int wait_for_anything(hawser_server *server, hawser__deadline until, bool listening) {
    struct watched watched = {.until = until};
    if (listening && !enter_listeners(server)) {
        server->loop->ready = ~UINT64_C(0);   /* the closed one will say so */
        return 0;
    }
    watch(&watched, server->bell[0]->endpoints[0]);
    if (listening)
        watch_listeners(server, &watched);
    watch_lingering(server, &watched);
    watch_children(server, &watched);
    int result = server->engine->ops->await(watched.interests, watched.count, watched.until);
    if (listening) {
        mark_ready(server, &watched);
        leave_listeners(server, server->listener_count);
    }
    if (watched.interests[0].ready || result < 0)
        (void)hawser__bell_wait(server, HAWSER__NOW);
    mind_lingering(server, false);
    hawser__children_reap(server);
    if (result == -EBADF)   /* somebody has closed a socket that lingers, which is gone now; or a listener, which will say so */
        server->loop->ready = ~UINT64_C(0);
    return result == -ETIMEDOUT || result == -EAGAIN || result == -EBADF ? 0 : result;
}

/* Serving. */

enum { SERVED = 1, REFUSED };

/* One request of a listener. SERVED; REFUSED; 0: there is none, or it has to wait; -1 with errno. */
static int take_from(hawser_server *server, size_t i) {
    bool datagrams = server->listeners[i]->datagrams;
    if (!datagrams && hawser_semaphore_tryacquire(server->room) < 0)
        return 0;
    int taken = datagrams ? hawser__take_letter(server, i, false) : hawser__take_request(server, i, false);
    if (taken >= 0)
        return taken == 0 ? SERVED : REFUSED;
    int code = errno;
    if (!datagrams)
        hawser_semaphore_release(server->room);
    if (code == EAGAIN)
        server->loop->ready &= ~(UINT64_C(1) << i);
    errno = code;
    return code == EAGAIN || hawser__bear(server) ? 0 : -1;
}

/* At most one request of each listener, so that none starves. As above. */
static int take_round(hawser_server *server) {
    int taken = 0;
    for (size_t i = 0; i < server->listener_count && has_room(server); i++) {
        int result = server->loop->ready >> i & 1 ? take_from(server, i) : 0;
        if (result < 0)
            return -1;
        taken |= result;
    }
    return taken;
}

static hawser__deadline next_action(const hawser_server *server) {
    return server->options.service_actions ? hawser__server_now(server) + server->limits.poll_interval : HAWSER__NEVER;
}

static int turn(hawser_server *server) {
    int taken = take_round(server);
    int result = 0;
    if (taken < 0)
        return -1;
    if (taken == 0)
        result = wait_for_anything(server, next_action(server), has_room(server));
    else
        hawser__children_reap(server);
    if (server->options.service_actions)
        server->options.service_actions(server);
    return result < 0 ? hawser__fail(result, "serve") : 0;
}

/* A task that is cancelled stops serving. */
static void serve(hawser_server *server) {
    while (!hawser__stopping(server))
        if (turn(server) < 0) {
            if (errno == ECANCELED && !hawser__stopping(server))
                hawser_server_stop(server, 0);
            else
                hawser__give_up(server);
        }
}

/* Until nothing is left in any queue, which shows only when there is room to take it. */
static void take_queued(hawser_server *server) {
    server->loop->ready = ~UINT64_C(0);
    while (server->loop->ready && !hawser__is_cut(server)) {
        bool room = has_room(server);
        if (!room)
            (void)wait_for_anything(server, atomic_load(&server->cut_at), false);
        else if (take_round(server) <= 0 && has_room(server))
            break;
    }
}

/* They are asked to end at the time for it, and made to a while later. */
static void end_children(hawser_server *server) {
    static const int signals[] = {SIGTERM, SIGKILL};
    hawser__deadline until = HAWSER__NEVER;
    for (size_t asked = 0; server->loop->child_count > 0;) {
        int64_t now = hawser__server_now(server);
        until = asked == 0 ? atomic_load(&server->cut_at) : until;
        if (asked < 2 && now >= until) {
            hawser__children_signal(server, signals[asked++]);
            until = now + GRACE;
        }
        (void)wait_for_anything(server, asked < 2 ? until : now + LOOK, false);
    }
}

static void drain(hawser_server *server) {
    hawser__result_begin(server);
    take_queued(server);
    end_children(server);
    while (server->loop->lingering && hawser__server_now(server) < atomic_load(&server->cut_at))
        (void)wait_for_anything(server, atomic_load(&server->cut_at), false);
    mind_lingering(server, true);
    hawser__result_end(server);
}

static int check(hawser_server *server) {
    if (server->options.concurrency == HAWSER_FORKS && hawser_worker() > 0)
        return hawser__fail(EINVAL, "serve with forks inside of hawser_run");
    size_t sockets = 0;
    for (size_t i = 0; i < server->listener_count; i++) {
        if (!server->listeners[i]->sock)
            return hawser__fail(EINVAL, "serve before the server is bound");
        sockets += server->listeners[i]->sock->endpoint_count;
    }
    if (sockets > MOST_LISTENERS)
        return hawser__fail(EINVAL, "serve %zu listeners without fibers", sockets);
    return hawser__loop_get(server) ? 0 : -1;
}

static int begin(hawser_server *server) {
    if (check(server) < 0)
        return -1;
    if (server->options.concurrency == HAWSER_SEQUENTIAL && hawser__guard_start(server) < 0)
        return -1;
    return hawser__handover_serve(server);
}

int hawser__loop_serve(hawser_server *server) {
    const void *before = hawser__serves(server);
    int result = begin(server);
    if (result == 0) {
        server->loop->ready = ~UINT64_C(0);
        hawser__tell_manager(server, "READY=1");
        serve(server);
        hawser__tell_manager(server, "STOPPING=1");
        hawser__handover_stop(server);
        drain(server);
    }
    if (server->loop)
        hawser__guard_stop(server);
    hawser__serves_not(before);
    if (result < 0)
        return -1;
    return server->failure.code ? hawser__failure_tell(&server->failure) : 0;
}

/* One request. */

static hawser__deadline one_deadline(hawser_server *server) {
    int64_t least = server->limits.timeout;
    for (size_t i = 0; i < server->listener_count; i++) {
        int64_t own = atomic_load(&server->listeners[i]->sock->timeout);
        least = own < least ? own : least;
    }
    return hawser__deadline_in(hawser__server_now(server), least);
}

/* SERVED, REFUSED, 0 when DEADLINE has passed or the server is to stop, -1 with errno. */
static int take_one(hawser_server *server, hawser__deadline deadline) {
    server->loop->ready = ~UINT64_C(0);
    for (;;) {
        for (size_t i = 0; i < server->listener_count; i++) {
            int taken = server->loop->ready >> i & 1 ? take_from(server, i) : 0;
            if (taken != 0)
                return taken;
        }
        if (hawser__stopping(server) || hawser__server_now(server) >= deadline)
            return 0;
        int result = wait_for_anything(server, deadline, true);
        if (result < 0)
            return hawser__fail(result, "handle a request");
    }
}

static int handle_one(hawser_server *server) {
    if (check(server) < 0)
        return -1;
    if (server->options.concurrency == HAWSER_THREADS && !server->pool && hawser__pool_open(server) < 0)
        return -1;
    const void *before = hawser__serves(server);
    int result = take_one(server, one_deadline(server));
    if (result == 0 && !hawser__stopping(server) && server->options.handle_timeout)
        server->options.handle_timeout(server);
    hawser__serves_not(before);
    return result == REFUSED ? 0 : result;
}

int hawser_handle_request(hawser_server *server) {
    int begun = server ? hawser__turn_begin(server) : -1;
    if (begun < 0)
        return -1;
    int result = begun == 0 ? handle_one(server) : 0;
    int code = errno;
    hawser__turn_end(server);
    errno = code;
    return result;
}

void hawser__loop_settle(hawser_server *server) {
    hawser__pool_free(server);
    if (!server->loop)
        return;
    atomic_store(&server->cut_at, HAWSER__NEVER);
    while (server->loop->lingering || server->loop->child_count > 0)
        if (wait_for_anything(server, HAWSER__NEVER, false) < 0)
            break;
    mind_lingering(server, true);
}
