/* SPDX-License-Identifier: MIT */
#include "server/children.h"

#include "base/mem.h"
#include "base/sys.h"
#include "base/sys_process.h"
#include "sched/park.h"

#include <hawser/world.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#define LOOK (HAWSER__SECOND / 50)

struct child {
    struct child *next;
    pid_t pid;
    hawser_sock *line;
    bool counted;                /* in the table of peers */
    bool datagram;
    bool cut;                    /* a stop has asked it to end */
    hawser_addr peer;
};

/* In the child. */

static void close_here(hawser_sock *sock) {
    if (sock)
        hawser_close(hawser_ref(sock));   /* what a request points to is still there, closed */
}

static void become_child(hawser_server *server) {
    static const struct sigaction ignored = {.sa_handler = SIG_IGN};
    struct hawser__loop *loop = server->loop;
    server->is_child = true;
    hawser__signals_in_child(server);
    (void)hawser__sys_sigaction(SIGINT, &ignored, NULL);   /* of the terminal: the server says when its children end */
    (void)hawser_interrupt_on_signal(SIGTERM);
    for (struct child *child = loop->children; child; child = child->next)
        close_here(child->line);
    for (struct hawser__connection *other = loop->lingering; other; other = other->next)
        close_here(other->sock);
    close_here(server->bell[0]);
    close_here(server->bell[1]);
    server->bell_fd = -1;
}

/* A datagram's child answers by the server's own socket. */
static void close_listeners(hawser_server *server, const hawser_sock *needed) {
    for (size_t i = 0; i < server->listener_count; i++)
        if (server->listeners[i]->sock != needed)
            close_here(server->listeners[i]->sock);
}

/* What another thread of the server was writing to at the fork stays locked here, on other C libraries than the GNU one. */
_Noreturn static void end_child(void) {
    bool free_stdout = ftrylockfile(stdout) == 0, free_stderr = ftrylockfile(stderr) == 0;
    if (free_stdout && free_stderr)
        fflush(NULL);
    else if (free_stdout)
        fflush(stdout);
    hawser__sys_end_child();
}

_Noreturn static void run_connection(hawser_server *server, struct hawser__connection *connection) {
    become_child(server);
    close_listeners(server, NULL);
    hawser__connection_run(connection);
    end_child();
}

_Noreturn static void run_letter(hawser_server *server, struct hawser__letter *letter) {
    become_child(server);
    close_listeners(server, letter->call.request.listener);
    hawser__letter_serve(letter);
    end_child();
}

/* In the server. */

static struct child *new_child(const hawser_addr *peer, hawser_sock **ret_line) {
    hawser_sock *pair[2];
    struct child *child = hawser__zalloc(sizeof *child);
    if (!child) {
        hawser__fail(ENOMEM, "start a process");
        return NULL;
    }
    if (hawser_socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0) {
        hawser__free(child);
        return NULL;
    }
    child->line = pair[0];
    child->peer = *peer;
    *ret_line = pair[1];
    return child;
}

static void free_child(struct child *child) {
    hawser_close(child->line);
    hawser__free(child);
}

static int wait_for_room(hawser_server *server);

/* 0 in the server, 1 in the child, -1 with errno. What stdio holds back is the server's to write. */
static int split(hawser_server *server, const hawser_addr *peer, struct child **ret) {
    hawser_sock *line;
    if (!hawser__loop_get(server) || wait_for_room(server) < 0)
        return -1;
    struct child *child = new_child(peer, &line);
    if (!child)
        return -1;
    fflush(NULL);
    child->pid = hawser__sys_fork();
    if (child->pid == 0)
        return 1;   /* its end of the line is open until it ends */
    hawser_close(line);
    if (child->pid < 0) {
        hawser__fail(child->pid, "start a process");
        free_child(child);
        return -1;
    }
    child->next = server->loop->children;
    server->loop->children = child;
    server->loop->child_count++;
    *ret = child;
    return 0;
}

/* The connection is the child's now: its record goes, its place stays taken until the child ends. */
static void give_away(struct hawser__connection *connection) {
    hawser__connection_close(connection);
    hawser_unref(connection->sock);
    hawser__connection_unref(connection);
}

int hawser__children_start(hawser_server *server, struct hawser__connection *connection) {
    hawser_addr peer;
    struct child *child;
    hawser__connection_peer(connection, &peer);
    int result = split(server, &peer, &child);
    if (result < 0)
        return -1;
    if (result == 1)
        run_connection(server, connection);
    child->counted = connection->counted;
    give_away(connection);
    return 0;
}

int hawser__children_start_letter(hawser_server *server, struct hawser__letter *letter) {
    struct child *child;
    int result = split(server, &letter->call.request.peer, &child);
    if (result < 0)
        return -1;
    if (result == 1)
        run_letter(server, letter);
    child->datagram = true;
    hawser__letter_done(letter);
    hawser__free(letter);
    return 0;
}

/* A child that has come to its end has counted for itself; one that was killed, or that a handler has ended, could not. */
static void count_lost(hawser_server *server, struct child *child, int status) {
    struct hawser__call call = {.request = {.server = server, .peer = child->peer}};
    char sentence[128];
    if (WIFEXITED(status) && WEXITSTATUS(status) == HAWSER__CHILD_DONE)
        return;
    hawser__tally_add(&server->tally->finished, 1);
    if (child->cut)
        hawser__tally_add(&server->tally->cut, 1);
    if (!WIFSIGNALED(status))
        return;
    snprintf(sentence, sizeof sentence, "its process %d was ended by signal %d (%s)", (int)child->pid, WTERMSIG(status),
             hawser__sys_signal_name(WTERMSIG(status)));
    hawser__call_fail(&call, sentence);
    hawser__call_report(&call);
}

static void leave(hawser_server *server, struct child *child) {
    if (child->counted)
        hawser__peers_remove(server->peers, &child->peer);
    hawser__tally_add(&server->tally->active, (uint64_t)-1);
    atomic_fetch_sub(&server->active, 1);
    if (!child->datagram)
        hawser_semaphore_release(server->room);
    server->loop->child_count--;
    free_child(child);
}

/* Does nothing where there are none, and in a child, whose they are not. */
void hawser__children_reap(hawser_server *server) {
    struct child **at = server->loop && !server->is_child ? &server->loop->children : NULL;
    while (at && *at) {
        struct child *child = *at;
        int status = 0, result = hawser__sys_waitpid(child->pid, &status);
        if (result == 0) {
            at = &child->next;
            continue;
        }
        *at = child->next;
        if (result > 0)
            count_lost(server, child, status);
        leave(server, child);
    }
}

size_t hawser__children_interests(const hawser_server *server, struct hawser__interest *interests, size_t n) {
    size_t count = 0;
    for (struct child *child = server->loop->children; child && count < n; child = child->next)
        interests[count++] = (struct hawser__interest){.endpoint = child->line->endpoints[0], .direction = HAWSER__IN};
    return count;
}

/* The loop itself does not come here with all of them at work; hawser_handle_request may. */
static int wait_for_room(hawser_server *server) {
    struct hawser__interest interests[HAWSER__PARK_MAX];
    hawser__children_reap(server);
    while (server->loop->child_count >= (size_t)server->options.max_children) {
        size_t n = hawser__children_interests(server, interests, HAWSER__PARK_MAX);
        int result = server->engine->ops->await(interests, n, hawser__server_now(server) + LOOK);
        if (result < 0 && result != -ETIMEDOUT)
            return hawser__fail(result, "wait for a process to end");
        hawser__children_reap(server);
    }
    return 0;
}

void hawser__children_signal(hawser_server *server, int signo) {
    for (struct child *child = server->loop->children; child; child = child->next) {
        child->cut = true;
        (void)hawser__sys_kill(child->pid, signo);
    }
}
