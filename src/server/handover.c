/* SPDX-License-Identifier: MIT */
/* The server that is followed. One thread answers at the path, whatever the mode of the server is. */
#include "server/follower.h"

#include "base/mem.h"

#include <hawser/io.h>
#include <hawser/listen.h>
#include <hawser/message.h>
#include <hawser/world.h>

#include <errno.h>
#include <string.h>

#define ACCEPT_PAUSE 0.02

static int give_one(hawser_sock *follower, const struct hawser__listener *listener) {
    char name[HAWSER__HANDOVER_TEXT];
    int fds[2];
    size_t count = 0;
    hawser_addr own;
    int64_t port = hawser_getsockname(listener->sock, &own) == 0 ? hawser_addr_port(&own) : -1;
    hawser__handover_name(name, &listener->address, port < 0 ? listener->address.port : port);
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
    char message[HAWSER__HANDOVER_TEXT];
    hawser_settimeout(follower, HAWSER__HANDOVER_PATIENCE);
    ssize_t n = hawser__handover_is_ours(follower) ? hawser_recv(follower, message, sizeof message) : -1;
    if (n != sizeof HAWSER__TAKE - 1 || memcmp(message, HAWSER__TAKE, (size_t)n) != 0)
        return false;
    for (size_t i = 0; i < server->listener_count; i++)
        if (give_one(follower, server->listeners[i]) < 0)
            return false;
    if (!all_given(server->handover) || hawser_sendall(follower, HAWSER__END, sizeof HAWSER__END - 1) < 0)
        return false;
    hawser_settimeout(follower, HAWSER_NO_TIMEOUT);
    n = hawser_recv(follower, message, sizeof message);
    return n == sizeof HAWSER__SERVING - 1 && memcmp(message, HAWSER__SERVING, (size_t)n) == 0;
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
    hawser_settimeout(follower, HAWSER__HANDOVER_PATIENCE);
    (void)hawser_sendall(follower, HAWSER__YOURS, sizeof HAWSER__YOURS - 1);
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
    char host[HAWSER__HANDOVER_TEXT];
    hawser_listen_options options = {.type = SOCK_SEQPACKET, .mode = 0600};
    hawser__handover_host(host, server->options.handover);
    handover->listener = hawser_create_server(host, 0, &options);
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
    hawser__follower_relieve(server);
    hawser__follower_drop(server->handover);
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
    hawser__follower_drop(handover);
    hawser_close(handover->before);
    hawser__free(handover);
    server->handover = NULL;
}
