/* SPDX-License-Identifier: MIT */
/* The server that follows another, until it serves. */
#include "server/follower.h"

#include "base/mem.h"
#include "base/sys.h"
#include "base/task.h"
#include "engine/engines.h"
#include "net/addr.h"

#include <hawser/dial.h>
#include <hawser/io.h>
#include <hawser/message.h>
#include <hawser/option.h>
#include <hawser/world.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define CALL_TRIES 5             /* of a name without a file, with a pause after each */
#define CALL_PAUSE 0.01
#define CLAIM_TRIES 2            /* the second is for a server that ended after the first had found it */

/* What both sides use. */

void hawser__handover_name(char name[static HAWSER__HANDOVER_TEXT], const struct hawser__address *address, int64_t port) {
    static const char *const schemes[] = {"tcp", "udp", "unix", "unix-datagram", "systemd", "fd"};
    snprintf(name, HAWSER__HANDOVER_TEXT, "%lld %s %s", (long long)port, schemes[address->scheme], address->host);
}

void hawser__handover_host(char host[static HAWSER__HANDOVER_TEXT], const char *path) {
    snprintf(host, HAWSER__HANDOVER_TEXT, "unix:%s", strncmp(path, "unix:", 5) == 0 ? path + 5 : path);
}

bool hawser__handover_is_ours(hawser_sock *peer) {
    uid_t uid;
    return hawser_getpeercred(peer, NULL, &uid, NULL) == 0 && (uid == geteuid() || uid == 0);
}

/* Asking. */

/* The two endpoints of "localhost" become one listener again. NULL: nothing is left of them. */
static hawser_sock *join(const int fds[2]) {
    hawser__engine *engine = hawser__engine_current();
    hawser__endpoint *endpoints[2] = {NULL, NULL};
    for (size_t i = 0; i < 2; i++)
        if (engine->ops->adopt(engine, fds[i], &endpoints[i]) < 0)
            hawser__sys_close(fds[i]);
    hawser_sock *sock = NULL;
    if (endpoints[0] && endpoints[1])
        sock = hawser__handle_around_both(endpoints, AF_INET, SOCK_STREAM);
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
    struct hawser__handed *made = hawser__alloc(sizeof *made);
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
    char name[HAWSER__HANDOVER_TEXT];
    for (;;) {
        int fds[2];
        size_t count = 2;
        ssize_t n = hawser_recv_fds(handover->before, name, sizeof name - 1, fds, &count, 0, NULL);
        if (n <= 0)
            return n < 0 ? -1 : hawser__fail(ECONNRESET, "take over the listeners");
        name[n] = '\0';
        if (strcmp(name, HAWSER__END) == 0)
            return 0;
        if (keep(handover, name, fds, count) < 0)
            return -1;
    }
}

static hawser_sock *call(const char *host) {
    hawser_sock *sock = hawser_socket(AF_UNIX, SOCK_SEQPACKET, 0);
    if (!sock)
        return NULL;
    hawser_settimeout(sock, HAWSER__HANDOVER_PATIENCE);
    if (hawser_connect(sock, host, 0) == 0)
        return sock;
    int code = errno;
    hawser_close(sock);
    errno = code;
    return NULL;
}

/* Who is about to listen has claimed the file, and claiming it waits for him. A name without a file tells nothing of that. */
static bool may_listen_yet(const char *host, int tries) {
    hawser__engine *engine = hawser__engine_current();
    struct hawser__unix_file file;
    hawser_addr addr;
    if (hawser__addr_parse(&addr, host) < 0 || !hawser__unix_file_at(&addr, &file))
        return tries < CALL_TRIES && hawser_sleep(CALL_PAUSE) == 0;
    int result = engine->ops->unix_claim(engine, &file, hawser__task_deadline(HAWSER__NEVER));
    if (result == 0)
        engine->ops->unix_settle(engine, &file, false);
    errno = result == 0 ? ECONNREFUSED : -result;
    return result == -EADDRINUSE && tries < CLAIM_TRIES;
}

/* A path that refuses is a server's that is about to listen, or one that is gone. */
static hawser_sock *call_server(const char *path) {
    char host[HAWSER__HANDOVER_TEXT];
    hawser__handover_host(host, path);
    hawser_sock *line = call(host);
    bool refused = !line && errno == ECONNREFUSED;
    for (int tries = 1; !line && errno == ECONNREFUSED && may_listen_yet(host, tries); tries++)
        line = call(host);
    if (refused && !line && errno != ECONNREFUSED)
        hawser__fail(errno, "take over from the server at %s", path);
    return line;
}

static int ask(hawser_server *server, struct hawser__handover *handover) {
    handover->before = call_server(server->options.handover);
    if (!handover->before)
        return errno == ENOENT || errno == ECONNREFUSED ? 0 : -1;
    if (!hawser__handover_is_ours(handover->before))
        return hawser__fail(EPERM, "take over from a server of another user at %s", server->options.handover);
    if (hawser_sendall(handover->before, HAWSER__TAKE, sizeof HAWSER__TAKE - 1) < 0 || receive_all(handover) < 0)
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

/* Who asks for any free port gets the one that there is. */
static bool is_same(const char *name, const char *wanted) {
    const char *rest = strchr(name, ' ');
    bool any_port = strncmp(wanted, "0 ", 2) == 0;
    return strcmp(name, wanted) == 0 || (any_port && rest && strcmp(rest, wanted + 1) == 0);
}

hawser_sock *hawser__handover_take(hawser_server *server, const struct hawser__address *address, int port) {
    char name[HAWSER__HANDOVER_TEXT];
    hawser__handover_name(name, address, port);
    for (struct hawser__handed *at = server->handover ? server->handover->handed : NULL; at; at = at->next)
        if (at->sock && is_same(at->name, name)) {
            hawser_sock *sock = at->sock;
            at->sock = NULL;
            return sock;
        }
    return NULL;
}

void hawser__follower_drop(struct hawser__handover *handover) {
    while (handover->handed) {
        struct hawser__handed *at = handover->handed;
        handover->handed = at->next;
        hawser_close(at->sock);
        hawser__free(at);
    }
}

/* Whether it answers or not: it has been told, or is gone. */
void hawser__follower_relieve(hawser_server *server) {
    struct hawser__handover *handover = server->handover;
    char answer[16];
    if (!handover->before)
        return;
    if (hawser_sendall(handover->before, HAWSER__SERVING, sizeof HAWSER__SERVING - 1) < 0 ||
        hawser_recv(handover->before, answer, sizeof answer) < 0)
        hawser__log_failure(server, HAWSER_LOG_WARNING, "the server before this one did not answer");
    hawser_close(handover->before);
    handover->before = NULL;
}
