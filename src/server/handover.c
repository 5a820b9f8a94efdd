/* SPDX-License-Identifier: MIT */
/*
 * One thread answers at the path, whatever the mode of the server is. A message is a packet; those with a listener carry its
 * descriptors, two for "localhost".
 */
#include "server/handover.h"

#include "base/mem.h"
#include "base/sys.h"
#include "base/thread.h"
#include "engine/engines.h"
#include "net/timeout.h"

#include <hawser/dial.h>
#include <hawser/io.h>
#include <hawser/listen.h>
#include <hawser/message.h>
#include <hawser/option.h>
#include <hawser/world.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PATIENCE 5.0             /* for a peer that is at it, in seconds */
#define MESSAGE (HAWSER_ADDR_TEXT + 64)
#define TAKE "hawser handover 1: take"
#define SERVING "serving"
#define YOURS "yours"
#define END "end"
#define CALL_TRIES 5
#define CALL_PAUSE 0.01
#define ACCEPT_PAUSE 0.02

/* A listener that was handed over. */
struct handed {
    struct handed *next;
    hawser_sock *sock;           /* NULL: it has been taken */
    char name[MESSAGE];
};

struct hawser__handover {
    struct handed *handed;
    hawser_sock *before;         /* the line to the server that serves still; NULL = there is none */
    hawser_sock *listener;       /* at the path, while this one serves: closed by who takes it; under the lock */
    hawser_sock *accepting;      /* the same, for the thread that answers; its own reference */
    hawser_sock *follower;       /* who is being answered; under the lock */
    bool given;                  /* that one has, or is about to have, all listeners; under the lock */
    hawser__lock lock;
    bool running, over;
    hawser__thread thread;
};

/* What both sides call a listener: the port, asked for or as it turned out, and the rest as it was asked for. */
static void name_of(char name[static MESSAGE], const struct hawser__address *address, int64_t port) {
    static const char *const schemes[] = {"tcp", "udp", "unix", "unix-datagram", "systemd", "fd"};
    snprintf(name, MESSAGE, "%lld %s %s", (long long)port, schemes[address->scheme], address->host);
}

/* Who asks for any free port gets the one that there is. */
static bool is_same(const char *name, const char *wanted) {
    const char *rest = strchr(name, ' ');
    bool any_port = strncmp(wanted, "0 ", 2) == 0;
    return strcmp(name, wanted) == 0 || (any_port && rest && strcmp(rest, wanted + 1) == 0);
}

static const char *bare(const char *path) {
    return strncmp(path, "unix:", 5) == 0 ? path + 5 : path;
}

static hawser_sock *packet_socket(const char *path, bool listening) {
    char host[MESSAGE];
    hawser_listen_options options = {.type = SOCK_SEQPACKET, .mode = 0600};
    snprintf(host, sizeof host, "unix:%s", bare(path));
    if (listening)
        return hawser_create_server(host, 0, &options);
    hawser_sock *sock = hawser_socket(AF_UNIX, SOCK_SEQPACKET, 0);
    if (!sock)
        return NULL;
    hawser_settimeout(sock, PATIENCE);
    if (hawser_connect(sock, host, 0) == 0)
        return sock;
    int code = errno;
    hawser_close(sock);
    errno = code;
    return NULL;
}

/* Somebody of another user could hand over a listener of his own, or take ours. */
static bool is_ours(hawser_sock *peer) {
    uid_t uid;
    return hawser_getpeercred(peer, NULL, &uid, NULL) == 0 && (uid == geteuid() || uid == 0);
}

/* The follower. */

/* The two endpoints of "localhost" become one listener again. NULL: nothing is left of them. */
static hawser_sock *join(const int fds[2]) {
    hawser__engine *engine = hawser__engine_current();
    hawser__endpoint *endpoints[2] = {NULL, NULL};
    for (size_t i = 0; i < 2; i++)
        if (engine->ops->adopt(engine, fds[i], &endpoints[i]) < 0)
            hawser__sys_close(fds[i]);
    hawser_sock *sock = NULL;
    if (endpoints[0] && endpoints[1])
        sock = hawser__handle_around_both(endpoints[0], endpoints[1], AF_INET, SOCK_STREAM, 0);
    for (size_t i = 0; i < 2 && !sock; i++)
        if (endpoints[i])
            engine->ops->close(endpoints[i]);
    return sock;
}

static hawser_sock *adopt(const int fds[2], size_t count) {
    if (count == 2)
        return join(fds);
    hawser_sock *sock = count == 1 ? hawser_sock_from_fd(fds[0]) : NULL;
    if (!sock && count == 1)
        hawser__sys_close(fds[0]);
    return sock;
}

static int keep(struct hawser__handover *handover, const char *name, const int *fds, size_t count) {
    struct handed *made = hawser__alloc(sizeof *made);
    hawser_sock *sock = adopt(fds, count);
    if (!sock || !made) {
        hawser_close(sock);
        hawser__free(made);
        return hawser__fail(EPROTO, "take over \"%s\"", name);
    }
    made->sock = sock;
    snprintf(made->name, sizeof made->name, "%s", name);
    made->next = handover->handed;
    handover->handed = made;
    return 0;
}

static int receive_all(struct hawser__handover *handover) {
    char name[MESSAGE];
    for (;;) {
        int fds[2];
        size_t count = 2;
        ssize_t n = hawser_recv_fds(handover->before, name, sizeof name - 1, fds, &count, 0, NULL);
        if (n <= 0)
            return n < 0 ? -1 : hawser__fail(ECONNRESET, "take over the listeners");
        name[n] = '\0';
        if (strcmp(name, END) == 0)
            return 0;
        if (keep(handover, name, fds, count) < 0)
            return -1;
    }
}

/* A path that refuses is a server's that is about to listen, or one that is gone. Who is about to listen has claimed the file,
 * and claiming it waits for him. A name without a file tells nothing of that. */
static bool may_listen_yet(const char *path) {
    hawser__engine *engine = hawser__engine_current();
    struct hawser__unix_file file = {.lock = -1};
    int result = -EADDRINUSE;
    bool whole = (size_t)snprintf(file.path, sizeof file.path, "%s", bare(path)) < sizeof file.path;
    if (file.path[0] != '@' && whole)
        result = engine->ops->unix_claim(engine, &file, hawser__default_deadline());
    if (result == 0) {
        engine->ops->unix_settle(engine, &file, false);
        errno = ECONNREFUSED;
    } else if (result != -EADDRINUSE) {
        hawser__fail(result, "take over from the server at %s", path);
    }
    return result == -EADDRINUSE && hawser_sleep(CALL_PAUSE) == 0;
}

static hawser_sock *call_server(const char *path) {
    hawser_sock *line = packet_socket(path, false);
    for (int tries = 1; !line && tries < CALL_TRIES && errno == ECONNREFUSED && may_listen_yet(path); tries++)
        line = packet_socket(path, false);
    return line;
}

static int ask(hawser_server *server, struct hawser__handover *handover) {
    handover->before = call_server(server->options.handover);
    if (!handover->before)
        return errno == ENOENT || errno == ECONNREFUSED ? 0 : -1;
    if (!is_ours(handover->before))
        return hawser__fail(EPERM, "take over from a server of another user at %s", server->options.handover);
    if (hawser_sendall(handover->before, TAKE, sizeof TAKE - 1) < 0 || receive_all(handover) < 0)
        return -1;
    hawser__log(server, HAWSER_LOG_INFO, "taking over from the server at %s", server->options.handover);
    return 0;
}

int hawser__handover_ask(hawser_server *server) {
    if (!server->options.handover)
        return 0;
    server->handover = hawser__zalloc(sizeof *server->handover);
    return server->handover ? ask(server, server->handover) : hawser__fail(ENOMEM, "make a server");
}

hawser_sock *hawser__handover_take(hawser_server *server, const struct hawser__address *address, int port) {
    char name[MESSAGE];
    name_of(name, address, port);
    for (struct handed *at = server->handover ? server->handover->handed : NULL; at; at = at->next)
        if (at->sock && is_same(at->name, name)) {
            hawser_sock *sock = at->sock;
            at->sock = NULL;
            return sock;
        }
    return NULL;
}

static void drop_handed(struct hawser__handover *handover) {
    while (handover->handed) {
        struct handed *at = handover->handed;
        handover->handed = at->next;
        hawser_close(at->sock);
        hawser__free(at);
    }
}

/* Whether it answers or not: it has been told, or is gone. */
static void relieve(hawser_server *server, struct hawser__handover *handover) {
    char answer[16];
    if (!handover->before)
        return;
    if (hawser_sendall(handover->before, SERVING, sizeof SERVING - 1) < 0 ||
        hawser_recv(handover->before, answer, sizeof answer) < 0)
        hawser__log_failure(server, HAWSER_LOG_WARNING, "the server before this one did not answer");
    hawser_close(handover->before);
    handover->before = NULL;
}

/* The server. */

static int give_one(hawser_sock *follower, const struct hawser__listener *listener) {
    char name[MESSAGE];
    int fds[2];
    size_t count = 0;
    hawser_addr own;
    int64_t port = hawser_getsockname(listener->sock, &own) == 0 ? hawser_addr_port(&own) : -1;
    name_of(name, &listener->address, port < 0 ? listener->address.port : port);
    for (; count < listener->sock->endpoint_count && count < 2; count++) {
        hawser__endpoint *endpoint = listener->sock->endpoints[count];
        fds[count] = endpoint->engine->ops->descriptor(endpoint);
    }
    return hawser_send_fds(follower, name, strlen(name), fds, count, 0) < 0 ? -1 : 0;
}

/* From here on the follower may serve. False: the turn ends, and he is not to. */
static bool all_given(struct hawser__handover *handover) {
    hawser__lock_take(&handover->lock);
    handover->given = !handover->over;
    bool given = handover->given;
    hawser__lock_drop(&handover->lock);
    return given;
}

/* True: the follower serves. */
static bool give_all(hawser_server *server, hawser_sock *follower) {
    char message[MESSAGE];
    hawser_settimeout(follower, PATIENCE);
    ssize_t n = is_ours(follower) ? hawser_recv(follower, message, sizeof message) : -1;
    if (n != sizeof TAKE - 1 || memcmp(message, TAKE, (size_t)n) != 0)
        return false;
    for (size_t i = 0; i < server->listener_count; i++)
        if (give_one(follower, server->listeners[i]) < 0)
            return false;
    if (!all_given(server->handover) || hawser_sendall(follower, END, sizeof END - 1) < 0)
        return false;
    hawser_settimeout(follower, HAWSER_NO_TIMEOUT);
    n = hawser_recv(follower, message, sizeof message);
    return n == sizeof SERVING - 1 && memcmp(message, SERVING, (size_t)n) == 0;
}

/* By the thread that answers, or by the one that ends the turn, whichever comes first. The other one finds it closed, and not
 * only taken: it is about to say so to the follower. */
static void close_path(struct hawser__handover *handover) {
    hawser__lock_take(&handover->lock);
    hawser_close(handover->listener);
    handover->listener = NULL;
    hawser__lock_drop(&handover->lock);
}

/* The files of Unix listeners are the follower's now. */
static void leave_files(hawser_server *server) {
    for (size_t i = 0; i < server->listener_count; i++)
        hawser__leave_unix_file(server->listeners[i]->sock);
}

static void yield(hawser_server *server, hawser_sock *follower) {
    leave_files(server);
    close_path(server->handover);
    hawser_settimeout(follower, PATIENCE);
    (void)hawser_sendall(follower, YOURS, sizeof YOURS - 1);
    hawser__log(server, HAWSER_LOG_INFO, "another server has taken over");
    hawser_server_stop(server, hawser__timeout_seconds(server->limits.drain));
}

/* The one who ends the turn may close it from outside, on a reference of its own. */
static bool set_follower(struct hawser__handover *handover, hawser_sock *follower) {
    hawser__lock_take(&handover->lock);
    bool over = handover->over;
    handover->follower = over ? NULL : follower;
    if (!over)
        handover->given = false;
    hawser__lock_drop(&handover->lock);
    return !over;
}

/* After a failure to accept. A full descriptor table, say, is so for a while only. */
static bool goes_on(struct hawser__handover *handover) {
    int code = errno;
    hawser__lock_take(&handover->lock);
    bool over = handover->over;
    hawser__lock_drop(&handover->lock);
    return !over && code != EBADF && code != EINVAL && hawser_sleep(ACCEPT_PAUSE) == 0;
}

/* NULL: the path is closed. */
static hawser_sock *next_follower(struct hawser__handover *handover) {
    hawser_sock *follower;
    while (!(follower = hawser_accept(handover->accepting, NULL)) && goes_on(handover))
        ;
    return follower;
}

static void *answer(void *argument) {
    hawser_server *server = argument;
    struct hawser__handover *handover = server->handover;
    hawser_sock *follower;
    bool taken = false;
    while (!taken && (follower = next_follower(handover))) {
        hawser_ref(follower);
        if (set_follower(handover, follower))
            taken = give_all(server, follower);
        (void)set_follower(handover, NULL);
        if (taken)
            yield(server, follower);
        hawser_close(follower);
        hawser_unref(follower);
    }
    return NULL;
}

/* Nobody answers any more. */
static void leave_path(struct hawser__handover *handover) {
    close_path(handover);
    hawser_unref(handover->accepting);
    handover->accepting = NULL;
    handover->running = false;
}

/* The one before has closed the path by now; one that is gone without a word may have left it to be cleaned up. */
static int open_path(hawser_server *server) {
    struct hawser__handover *handover = server->handover;
    handover->listener = packet_socket(server->options.handover, true);
    if (!handover->listener)
        return -1;
    handover->over = false;
    handover->accepting = hawser_ref(handover->listener);
    int result = hawser__thread_begin(answer, server, &handover->thread);
    handover->running = result == 0;
    if (result < 0)
        leave_path(handover);
    return result < 0 ? hawser__fail(result, "listen on %s", server->options.handover) : 0;
}

int hawser__handover_serve(hawser_server *server) {
    if (!server->handover)
        return 0;
    relieve(server, server->handover);
    drop_handed(server->handover);
    return open_path(server);
}

/* A follower who has the listeners but has not said so yet serves them all the same. If he gives up, their files are stale, and
 * the next server's to remove. */
static void interrupt(hawser_server *server) {
    struct hawser__handover *handover = server->handover;
    hawser__lock_take(&handover->lock);
    handover->over = true;
    hawser_sock *follower = handover->follower ? hawser_ref(handover->follower) : NULL;
    if (follower && handover->given)
        leave_files(server);
    hawser__lock_drop(&handover->lock);
    if (follower)
        hawser_shutdown(follower, SHUT_RDWR);
    hawser_unref(follower);
}

void hawser__handover_stop(hawser_server *server) {
    struct hawser__handover *handover = server->handover;
    if (!handover || !handover->running)
        return;
    close_path(handover);   /* first: a follower that is let go of listens there himself */
    interrupt(server);
    hawser__thread_join(handover->thread);
    leave_path(handover);
}

void hawser__handover_free(hawser_server *server) {
    struct hawser__handover *handover = server->handover;
    if (!handover)
        return;
    hawser__handover_stop(server);
    drop_handed(handover);
    hawser_close(handover->before);
    hawser__free(handover);
    server->handover = NULL;
}
