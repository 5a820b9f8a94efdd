/* SPDX-License-Identifier: MIT */
/* One datagram: a call of the handler on memory, and the answer that it has written. */
#include "server/datagrams.h"

#include "base/mem.h"
#include "sched/defer.h"
#include "server/children.h"
#include "server/pool.h"

#include <hawser/deadline.h>
#include <hawser/error.h>
#include <hawser/group.h>
#include <hawser/message.h>

#include <errno.h>
#include <string.h>

void hawser__letter_init(struct hawser__letter *letter, hawser_server *server, hawser_sock *listener) {
    hawser_request *r = &letter->call.request;
    struct hawser__call *call = &letter->call;
    r->sock = r->listener = listener;
    r->server = server;
    r->user = NULL;
    r->rfile = r->wfile = NULL;
    call->connection = NULL;
    call->open = call->keep = call->failed = call->handed_over = call->offered = false;
    hawser__file_init(&call->rfile, true, false, server->options.rbufsize);
    hawser__file_init(&call->wfile, false, true, HAWSER__LARGEST_ANSWER);
    hawser__buffer_init(&letter->answer, HAWSER__LARGEST_ANSWER);
    letter->outbox = NULL;
    letter->round = (struct hawser__round){0};
    letter->alone = false;
}

void hawser__letter_done(struct hawser__letter *letter) {
    hawser__file_done(&letter->call.rfile);
    hawser__file_done(&letter->call.wfile);
    hawser__buffer_done(&letter->answer);
}

/* Taking. */

int hawser__letter_take(hawser_request *r) {
    struct hawser__letter *letter = hawser__letter_of(r);
    struct iovec piece = {.iov_base = (void *)(uintptr_t)r->data, .iov_len = r->size};
    struct msghdr message = {.msg_name = &r->peer.ss, .msg_namelen = sizeof r->peer.ss, .msg_iov = &piece, .msg_iovlen = 1,
                             .msg_control = letter->control, .msg_controllen = sizeof letter->control};
    ssize_t n = hawser_recvmsg(r->listener, &message, 0);
    if (n < 0)
        return -1;
    r->sock = r->listener;
    r->peer.text[0] = '\0';
    r->peer.len = message.msg_namelen;
    if (r->peer.len == 0)
        r->peer.ss.ss_family = AF_UNSPEC;
    r->size = (size_t)n;
    r->truncated = message.msg_flags & MSG_TRUNC;
    letter->control_size = message.msg_controllen;
    return 0;
}

/* Answering. */

static void open_files(struct hawser__letter *letter) {
    hawser_request *r = &letter->call.request;
    struct hawser__call *call = &letter->call;
    hawser__buffer_clear(&call->rfile.in);
    hawser__buffer_clear(&call->wfile.out);
    hawser__buffer_clear(&letter->answer);
    hawser__source_open_memory(&call->rfile.source, r->data, r->size, &letter->answer);
    hawser__source_open_memory(&call->wfile.source, NULL, 0, &letter->answer);
    r->rfile = &call->rfile;
    r->wfile = &call->wfile;
    r->user = NULL;
    call->failed = false;
}

static void send_answer(struct hawser__letter *letter, const void *data, size_t size) {
    if (size == 0)
        return;
    if (letter->outbox)
        hawser__outbox_add(letter->outbox, letter, data, size);
    else
        hawser__answer_now(letter, data, size);
}

/* Mostly all of it is in the file's own buffer still. */
static void answer(struct hawser__letter *letter) {
    hawser_file *wfile = &letter->call.wfile;
    size_t moved = 0;
    if (hawser__buffer_used(&letter->answer) == 0) {
        send_answer(letter, hawser__buffer_data(&wfile->out), hawser__buffer_used(&wfile->out));
        return;
    }
    int result = hawser__file_flush(wfile, HAWSER__NEVER, &moved);
    if (result < 0)
        hawser__call_fail(&letter->call, "its answer is too long for a datagram");
    else
        send_answer(letter, hawser__buffer_data(&letter->answer), hawser__buffer_used(&letter->answer));
}

static void note_end(struct hawser__call *call) {
    hawser_server *server = call->request.server;
    if (server->limits.request != HAWSER__NEVER && hawser_deadline_left() <= 0) {
        hawser__tally_add(&server->tally->timed_out_request, 1);
        hawser__call_fail(call, "not done in time");
    }
    if (!hawser_cancelled())
        return;
    hawser__tally_add(&server->tally->cut, 1);
    hawser__call_fail(call, "cut by the end of the server");
}

/* Handlers of a batch that do not wait are timed together: the clock would cost more than some of them. */
static void handle(struct hawser__letter *letter) {
    hawser_request *r = &letter->call.request;
    if (letter->alone) {
        hawser__call_handle(&letter->call);
        return;
    }
    r->server->handle(r);
    hawser__defers_run(hawser__task_current());
    letter->round.calls++;
}

/* hawser_server_finish_request has seen to the defers. */
void hawser__letter_work(struct hawser__call *call) {
    hawser_request *r = &call->request;
    const hawser_server_options *options = &r->server->options;
    struct hawser__letter *letter = (struct hawser__letter *)call;
    hawser__task *task = hawser__task_current();
    hawser__deadline outer = task->deadline;
    open_files(letter);
    if (r->server->limits.request != HAWSER__NEVER)
        (void)hawser_deadline_push(hawser__timeout_seconds(r->server->limits.request));
    bool ready = hawser__call_set_up(call);
    if (ready)
        handle(letter);
    note_end(call);
    task->deadline = outer;   /* also of a handler that has left one behind */
    if (ready && options->finish)
        options->finish(r);
    hawser__defers_run(task);
    answer(letter);
}

/* Its failure is told, it counts, and it ends. */
static void conclude(struct hawser__letter *letter, bool shut_down) {
    hawser_server *server = letter->call.request.server;
    hawser__call_report(&letter->call);
    if (letter->alone)
        hawser__tally_add(&server->tally->finished, 1);
    else
        letter->round.finished++;
    if (shut_down)
        server->options.shutdown_request(&letter->call.request);
}

/* By a task that process_request has brought it to, perhaps. */
void hawser__letter_serve(struct hawser__letter *letter) {
    hawser_server *server = letter->call.request.server;
    const void *before = hawser__serves(server);
    server->options.finish_request(&letter->call.request);
    conclude(letter, true);
    hawser__serves_not(before);
}

/* What has become of a letter. */
enum fate { STARTED, CONCLUDED, REFUSED };

/* STARTED: it is somebody else's now, unless it is of a batch. */
static enum fate offer(struct hawser__letter *letter) {
    hawser_request *r = &letter->call.request;
    hawser_server *server = r->server;
    bool started = false;
    if (!hawser__is_allowed(server, &r->peer)) {
        hawser__tally_add(&server->tally->refused_network, 1);
        return REFUSED;
    }
    if (!server->options.verify_request(r)) {
        hawser__tally_add(&server->tally->refused_verify, 1);
        server->options.shutdown_request(r);
        return REFUSED;
    }
    letter->started = &started;
    int result = hawser__process_request(r);
    if (started)
        return STARTED;
    if (result < 0)
        hawser__call_fail_as_told(&letter->call, "process_request failed");
    conclude(letter, result < 0);
    return CONCLUDED;
}

/* In a fiber that was started to serve, so its hooks know whom. */
void hawser__letter_run(struct hawser__letter *letter) {
    (void)offer(letter);
}

/* One at a time: for the modes without fibers, and for a get_request of the program's own. */

static void leave(struct hawser__letter *letter) {
    hawser_server *server = letter->call.request.server;
    hawser__letter_done(letter);
    hawser__free(letter);
    hawser__tally_add(&server->tally->active, (uint64_t)-1);
    if (atomic_fetch_sub(&server->active, 1) == 1 && hawser__stopping(server))
        hawser__bell_ring(server);
}

static int run_and_leave(void *arg) {
    hawser__letter_serve(arg);
    leave(arg);
    return 0;
}

static int start(hawser_server *server, struct hawser__letter *letter) {
    hawser_go_options options = {.name = "datagram", .group = server->requests};
    switch (server->options.concurrency) {
    case HAWSER_FIBERS:
        return server->requests ? hawser_go_with(&options, run_and_leave, letter) : run_and_leave(letter);
    case HAWSER_THREADS:
        return hawser__pool_submit(server, run_and_leave, letter);
    case HAWSER_FORKS:
        return hawser__children_start_letter(server, letter);
    default:
        return run_and_leave(letter);
    }
}

int hawser__letter_start(struct hawser__letter *letter) {
    bool *started = letter->started;
    int result = 0;
    if (letter->alone)
        result = start(letter->call.request.server, letter);
    else
        hawser__letter_serve(letter);
    *started = result == 0;
    return result;
}

static void count_in(struct hawser__letter *letter) {
    hawser_request *r = &letter->call.request;
    struct hawser__tally *tally = r->server->tally;
    hawser__tally_add(&tally->datagrams, 1);
    hawser__tally_add(&tally->bytes_in, r->size);
    hawser__tally_add(&tally->active, 1);
    atomic_fetch_add(&r->server->active, 1);
    if (r->truncated)
        hawser__tally_add(&tally->datagrams_truncated, 1);
}

/* The letter's memory ends with the datagram, which most do far from its maximum. */
static struct hawser__letter *new_letter(hawser_server *server, hawser_sock *listener) {
    size_t most = server->options.max_packet_size;
    struct hawser__letter *letter = hawser__alloc(sizeof *letter + most);
    if (!letter)
        return NULL;
    hawser__letter_init(letter, server, listener);
    letter->alone = true;
    letter->call.request.data = letter + 1;
    letter->call.request.size = most;
    return letter;
}

int hawser__take_letter(hawser_server *server, size_t listener, bool waits) {
    struct hawser__letter *letter = new_letter(server, server->listeners[listener]->sock);
    if (!letter)
        return hawser__fail(ENOMEM, "receive a datagram");
    if (hawser__get_request(&letter->call.request, waits) < 0) {
        hawser__letter_done(letter);
        hawser__free(letter);
        return -1;
    }
    count_in(letter);
    enum fate fate = offer(letter);
    if (fate != STARTED)
        leave(letter);
    return fate == REFUSED;
}
