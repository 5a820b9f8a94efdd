/* SPDX-License-Identifier: MIT */
/*
 * One call of a handler: setup, handle, finish, and what they leave behind, the same in every mode and for every transport.
 *
 * What the handler defers runs when it returns, on whatever task that is; what it has written goes out then; and how its last
 * wait for the peer ended says what the connection is counted as.
 */
#include "server/connection.h"

#include "sched/defer.h"
#include "server/datagrams.h"

#include <hawser/deadline.h>
#include <hawser/group.h>
#include <hawser/world.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

void hawser__call_begin(struct hawser__call *call, struct hawser__connection *connection) {
    hawser_server *server = connection->server;
    hawser_request *r = &call->request;
    r->sock = connection->sock;
    hawser__connection_peer(connection, &r->peer);
    r->rfile = r->wfile = NULL;
    r->data = NULL;
    r->size = 0;
    r->truncated = false;
    r->server = server;
    r->listener = server->listeners[connection->listener]->sock;
    r->user = connection->user;
    call->connection = connection;
    call->open = call->keep = call->failed = call->handed_over = call->offered = false;
}

/* Both files have the connection by one share, so that a handler which closes the socket can still answer, as in Python. */
static void open_files(struct hawser__call *call) {
    hawser_request *r = &call->request;
    const hawser_server_options *options = &r->server->options;
    const struct sockaddr *peer = (const struct sockaddr *)&r->peer.ss;
    call->open = hawser__file_attach(r->sock) == 0;
    hawser__source_open_known(&call->rfile.source, r->sock, peer, r->peer.len);
    hawser__source_open_known(&call->wfile.source, r->sock, peer, r->peer.len);
    hawser__file_init(&call->rfile, true, false, options->rbufsize);
    hawser__file_init(&call->wfile, false, true, options->wbufsize);
    hawser_file_tie(&call->rfile, &call->wfile);
    hawser__file_gather(&call->wfile);
    r->rfile = &call->rfile;
    r->wfile = &call->wfile;
}

/* What is left goes out: of a request that was cut, as much as can go at once. */
static void send_rest(struct hawser__call *call) {
    struct hawser__connection *connection = call->connection;
    hawser_file *wfile = &call->wfile;
    size_t moved = 0;
    int result = hawser__file_flush(wfile, connection->cut ? HAWSER__NOW : HAWSER__NEVER, &moved);
    size_t unsent = result < 0 ? hawser__buffer_used(&wfile->out) : wfile->failed ? wfile->unsent : 0;
    if (unsent == 0)
        return;
    hawser__log(connection->server, HAWSER_LOG_INFO, "%zu bytes of the answer to %s were not sent: %s", unsent,
                hawser_addr_str(&call->request.peer), hawser_strerror(result < 0 ? -result : -wfile->failed));
}

void hawser__call_close_files(struct hawser__call *call) {
    hawser_request *r = &call->request;
    if (!r->wfile || !call->connection)
        return;
    if (call->rfile.line_too_long)
        hawser__tally_add(&r->server->tally->lines_too_long, 1);
    hawser__file_done(&call->rfile);
    hawser__file_done(&call->wfile);
    if (call->open)
        hawser__file_detach(r->sock);
    r->rfile = r->wfile = NULL;
    call->open = false;
}

/* Failing. */

void hawser__call_fail(struct hawser__call *call, const char *sentence) {
    if (call->failed)
        return;
    call->failed = true;
    snprintf(call->sentence, sizeof call->sentence, "%s", sentence);
}

void hawser__call_fail_as_told(struct hawser__call *call, const char *otherwise) {
    const char *sentence = hawser_error();
    hawser__call_fail(call, *sentence ? sentence : errno ? hawser_strerror(errno) : otherwise);
}

void hawser_request_vfail(hawser_request *r, const char *format, va_list args) {
    struct hawser__call *call = hawser__call_of(r);
    if (call->failed)
        return;
    call->failed = true;
    vsnprintf(call->sentence, sizeof call->sentence, format, args);
}

void hawser_request_fail(hawser_request *r, const char *format, ...) {
    va_list args;
    va_start(args, format);
    hawser_request_vfail(r, format, args);
    va_end(args);
}

const char *hawser_request_error(const hawser_request *r) {
    const struct hawser__call *call = hawser__call_of((hawser_request *)(uintptr_t)r);
    return call->failed ? call->sentence : NULL;
}

void hawser__call_report(struct hawser__call *call) {
    hawser_request *r = &call->request;
    if (!call->failed)
        return;
    hawser__tally_add(&r->server->tally->failed, 1);
    r->server->options.handle_error(r, call->sentence);
}

void hawser_server_handle_error(hawser_request *r, const char *sentence) {
    hawser__log(r->server, HAWSER_LOG_WARNING, "request from %s failed: %s", hawser_addr_str(&r->peer), sentence);
}

/* Calling. */

void hawser_keep(hawser_request *r) {
    struct hawser__call *call = hawser__call_of(r);
    call->keep = call->connection != NULL;
}

void hawser__call_handle(struct hawser__call *call) {
    hawser_request *r = &call->request;
    int64_t began = hawser__clock_monotonic();
    r->server->handle(r);
    hawser__defers_run(hawser__task_current());
    hawser__tally_calls(r->server->tally, 1, hawser__clock_monotonic() - began);
}

/* A child of forks is told by a signal. */
static bool is_cut(const hawser_server *server) {
    return hawser_cancelled() || (server->is_child && hawser_interrupted());
}

/* A task that was cancelled could not even say goodbye. */
static void note_cut(struct hawser__call *call) {
    if (!is_cut(call->request.server))
        return;
    if (!hawser__stopping(call->request.server) && !call->request.server->is_child)
        hawser_server_stop(call->request.server, 0);   /* the run that it is in was cancelled, and is to end */
    call->connection->cut = true;
    hawser_cancel_clear();
    if (call->request.server->is_child)
        hawser_interrupt_clear();
    hawser__tally_add(&call->request.server->tally->cut, 1);
    hawser__call_fail(call, "cut by the end of the server");
}

static void note_deadline(struct hawser__call *call) {
    char sentence[96];
    if (call->request.server->limits.request == HAWSER__NEVER || hawser_deadline_left() > 0)
        return;
    hawser__tally_add(&call->request.server->tally->timed_out_request, 1);
    snprintf(sentence, sizeof sentence, "not done within %g s", call->request.server->options.request_timeout);
    call->connection->cause = HAWSER__NO_CAUSE;
    hawser__call_fail(call, sentence);
}

static void note_cause(struct hawser__call *call) {
    static const char *const names[] = {
        [HAWSER__PEER_GONE] = "the peer is gone",
        [HAWSER__PEER_IDLE] = "the peer was idle",
        [HAWSER__PEER_SLOW] = "the peer was slow"};
    struct hawser__tally *tally = call->request.server->tally;
    enum hawser__cause cause = call->connection->cause;
    if (cause == HAWSER__NO_CAUSE)
        return;
    hawser__tally_add(cause == HAWSER__PEER_GONE ? &tally->broken : cause == HAWSER__PEER_IDLE ? &tally->timed_out_idle
                                                                                              : &tally->timed_out_rate, 1);
    hawser__log(call->request.server, HAWSER_LOG_INFO, "connection with %s broke: %s", hawser_addr_str(&call->request.peer),
                names[cause]);
}

static bool may_be_kept(const struct hawser__call *call) {
    const struct hawser__connection *connection = call->connection;
    return call->keep && !call->offered && !call->failed && !connection->cut && connection->cause == HAWSER__NO_CAUSE &&
           !hawser__is_closed(connection->sock) && !hawser__stopping(connection->server);
}

/* Whether the handler is to be called, once more: for what is left in rfile it is at once. */
static void call_as_often_as_needed(struct hawser__call *call) {
    do {
        call->keep = false;
        hawser__call_handle(call);
    } while (may_be_kept(call) && hawser_buffered(&call->rfile) > 0);
}

bool hawser__call_set_up(struct hawser__call *call) {
    hawser_request *r = &call->request;
    hawser__failure_forget(hawser__task_current());
    errno = 0;
    if (!r->server->options.setup || r->server->options.setup(r) >= 0)
        return true;
    hawser__call_fail_as_told(call, "setup failed");
    return false;
}

static bool set_up(struct hawser__call *call) {
    struct hawser__connection *connection = call->connection;
    connection->set_up = connection->set_up || hawser__call_set_up(call);
    return connection->set_up;
}

static void finish(struct hawser__call *call) {
    hawser_request *r = &call->request;
    if (r->server->options.finish)
        r->server->options.finish(r);
    hawser__defers_run(hawser__task_current());
    call->connection->user = r->user;
    send_rest(call);
}

/* All of it within request_timeout, also sending the answer. */
static void work(struct hawser__call *call) {
    struct hawser__connection *connection = call->connection;
    int64_t outer = hawser_deadline_push(hawser__timeout_seconds(connection->server->limits.request));
    bool ready = set_up(call);
    if (ready && hawser__connection_goes_on(connection))
        call_as_often_as_needed(call);
    else
        hawser__defers_run(hawser__task_current());
    size_t moved = 0;
    if (ready && hawser__file_flush(&call->wfile, HAWSER__NEVER, &moved) < 0)
        call->keep = false;
    note_deadline(call);
    hawser_deadline_pop(outer);
    note_cut(call);
    note_cause(call);
    connection->user = call->request.user;
    call->keep = may_be_kept(call);
    if (ready && !call->keep)
        finish(call);
}

void hawser_server_finish_request(hawser_request *r) {
    struct hawser__call *call = hawser__call_of(r);
    hawser__task *task = hawser__task_current();
    struct hawser__defer *defers = task->defers;
    bool may_defer = task->may_defer;
    task->defers = NULL;
    task->may_defer = true;
    if (!call->connection) {
        hawser__letter_work(call);
    } else {
        if (!r->wfile)
            open_files(call);
        work(call);
    }
    task->defers = defers;
    task->may_defer = may_defer;
}

/* The end. */

void hawser__call_close(struct hawser__connection *connection) {
    struct hawser__call call;
    hawser__call_begin(&call, connection);
    connection->server->options.close_request(&call.request);
    hawser__connection_look(connection);
}

void hawser_server_shutdown_request(hawser_request *r) {
    struct hawser__call *call = hawser__call_of(r);
    if (call->handed_over)
        return;
    hawser__call_close_files(call);
    call->handed_over = call->connection && hawser__linger_elsewhere(call->connection);
    if (call->handed_over)
        return;
    if (call->connection)
        hawser__connection_linger(call->connection);
    r->server->options.close_request(r);
}

void hawser_server_close_request(hawser_request *r) {
    struct hawser__call *call = hawser__call_of(r);
    if (call->connection && !call->handed_over)
        hawser__connection_close(call->connection);
}
