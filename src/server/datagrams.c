/* SPDX-License-Identifier: MIT */
/*
 * Receiving datagrams in batches, in fibers.
 *
 * The receiver is not in the group that a stop cancels, because it runs handlers, which are to end in peace: it is cancelled by
 * itself while it waits for more.
 */
#include "server/datagrams.h"

#include "base/mem.h"
#include "base/wake.h"
#include "server/batch.h"

#include <hawser/error.h>
#include <hawser/group.h>
#include <hawser/world.h>

#include <errno.h>

#define PAUSE 0.01

/* The reading of one listener; only one fiber at a time has it. */
struct receiver {
    hawser_server *server;
    size_t listener;
    hawser_sock *sock;
    hawser__lock lock;               /* guards `waiting` */
    hawser__task *waiting;           /* for more, and to be cancelled by a stop */
    bool last_look;
    struct hawser__batch *batch;
    struct hawser__outbox *outbox;
};

/* A fiber that reads, for as long as no handler makes it wait. */
struct reader {
    struct hawser__held held;        /* what it does before it waits: hand the rest on */
    struct receiver *receiver;
    struct hawser__letter letter;
    struct hawser__batch *batch;     /* of the letter, when the rest was handed on */
};

static void set_waiting(struct receiver *receiver, hawser__task *task) {
    hawser__lock_take(&receiver->lock);
    receiver->waiting = task;
    hawser__lock_drop(&receiver->lock);
}

/* A stop that came before `waiting` was set is seen here, one that comes after cancels the task. */
static int receive(struct receiver *receiver) {
    set_waiting(receiver, hawser__task_current());
    if (hawser__stopping(receiver->server))
        receiver->last_look = true;
    int n = hawser__batch_read(receiver->batch, receiver->sock, receiver->last_look ? HAWSER__NOW : HAWSER__NEVER);
    set_waiting(receiver, NULL);
    return n;
}

static void cancel_waiting(struct receiver *receiver) {
    hawser__lock_take(&receiver->lock);
    if (receiver->waiting) {
        atomic_store(&receiver->waiting->cancelled, true);
        hawser__task_wake(receiver->waiting);
    }
    hawser__lock_drop(&receiver->lock);
}

void hawser__datagrams_stop(hawser_server *server) {
    for (size_t i = 0; i < server->listener_count; i++)
        if (server->listeners[i]->receiver)
            cancel_waiting(server->listeners[i]->receiver);
}

/* Letters. */

static void count_letter(hawser_request *r) {
    if (!r->truncated)
        return;
    hawser__tally_add(&r->server->tally->datagrams_truncated, 1);
    hawser__log(r->server, HAWSER_LOG_INFO, "a datagram from %s was cut to %zu bytes", hawser_addr_str(&r->peer), r->size);
}

static void begin_round(struct hawser__letter *letter) {
    letter->round = (struct hawser__round){.began = hawser__clock_monotonic()};
}

static void end_round(struct hawser__letter *letter) {
    struct hawser__tally *tally = letter->call.request.server->tally;
    const struct hawser__round *round = &letter->round;
    hawser__tally_add(&tally->datagrams, round->letters);
    hawser__tally_add(&tally->finished, round->finished);
    hawser__tally_calls(tally, round->calls, hawser__clock_monotonic() - round->began);
}

/* Handing on. */

static int read_on(void *arg);

static struct reader *new_reader(struct receiver *receiver) {
    struct reader *reader = hawser__alloc(sizeof *reader);
    if (!reader)
        return NULL;
    *reader = (struct reader){.receiver = receiver};
    hawser__letter_init(&reader->letter, receiver->server, receiver->sock);
    reader->letter.outbox = receiver->outbox;
    return reader;
}

static void free_reader(struct reader *reader) {
    if (reader)
        hawser__letter_done(&reader->letter);
    hawser__free(reader);
}

/* Before the reader's handler waits: what has been answered goes out, and another fiber takes the rest. Without memory for one
 * they have to wait, until there is. */
static bool hand_on(struct hawser__held *held) {
    struct reader *reader = (struct reader *)held;
    struct receiver *receiver = reader->receiver;
    hawser_server *server = receiver->server;
    hawser_go_options options = {.name = "receive", .group = server->requests};
    struct reader *next = new_reader(receiver);
    hawser__outbox_flush(receiver->outbox);
    end_round(&reader->letter);
    begin_round(&reader->letter);
    atomic_fetch_add(&server->active, 1);
    reader->batch = hawser__batch_ref(receiver->batch);
    reader->letter.outbox = NULL;
    reader->receiver = NULL;
    if (next && hawser_go_with(&options, read_on, next) == 0) {
        hawser__tally_add(&server->tally->active, 1);
        return false;
    }
    free_reader(next);
    atomic_fetch_sub(&server->active, 1);
    hawser__batch_unref(reader->batch);
    reader->batch = NULL;
    reader->letter.outbox = receiver->outbox;
    reader->receiver = receiver;
    return false;
}

/* Only what follows in this fiber is told to wait for: a letter whose rest was handed on is on its own. False: it was. */
static bool answer(struct reader *reader) {
    hawser__task *task = hawser__task_current();
    reader->held = (struct hawser__held){.next = task->held, .send = hand_on};
    task->held = &reader->held;
    hawser__letter_run(&reader->letter);
    for (struct hawser__held **at = &task->held; *at; at = &(*at)->next)
        if (*at == &reader->held) {
            *at = reader->held.next;
            break;
        }
    return reader->receiver != NULL;
}

static bool answer_batch(struct reader *reader) {
    bool reads = true;
    begin_round(&reader->letter);
    while (reads && hawser__batch_next(reader->receiver->batch, &reader->letter)) {
        count_letter(&reader->letter.call.request);
        reader->letter.round.letters++;
        reads = answer(reader);
    }
    end_round(&reader->letter);
    if (reads)
        hawser__outbox_flush(reader->receiver->outbox);
    return reads;
}

/* Cancelled by the stop: true for the last look. By the end of the run: then the server stops as well. */
static bool looks_again(struct receiver *receiver) {
    hawser_server *server = receiver->server;
    if (!hawser__stopping(server))
        hawser_server_stop(server, 0);
    hawser_cancel_clear();
    return !receiver->last_look && !hawser__is_cut(server);
}

/* True: go on. A shortage passes; a socket that was closed does not. What else a socket may say is waited out: the error of an
 * earlier answer, as a rule, which is told once. */
static bool bear(struct receiver *receiver, int code) {
    hawser_server *server = receiver->server;
    if (code == -ECANCELED)
        return looks_again(receiver);
    if (code == -EBADF || (code == -EAGAIN && receiver->last_look))
        return false;
    if (code == -EAGAIN || code == -ECONNREFUSED)
        return true;
    hawser__tally_add(&server->tally->shortages, code == -ENOMEM || code == -ENOBUFS || code == -ENOSPC);
    hawser__log(server, HAWSER_LOG_DEBUG, "receiving datagrams: %s", hawser_strerror(-code));
    return hawser_sleep(PAUSE) == 0 || looks_again(receiver);
}

/* False: this fiber is no reader any more. */
static bool read_batches(struct reader *reader) {
    struct receiver *receiver = reader->receiver;
    if (!answer_batch(reader))
        return false;
    for (;;) {
        int n = hawser__batch_have(&receiver->batch, receiver->server);
        if (n == 0)
            n = receive(receiver);
        if (n < 0 && !bear(receiver, n)) {
            errno = -n;
            return true;
        }
        if (n > 0)
            hawser__tally_add(&receiver->server->tally->bytes_in, hawser__batch_size(receiver->batch));
        if (n > 0 && !answer_batch(reader))
            return false;
    }
}

static void end_letter(hawser_server *server, struct reader *reader) {
    hawser__batch_unref(reader->batch);
    hawser__tally_add(&server->tally->active, (uint64_t)-1);
    if (atomic_fetch_sub(&server->active, 1) == 1 && hawser__stopping(server))
        hawser__bell_ring(server);
}

static void free_receiver(struct receiver *receiver) {
    hawser__outbox_free(receiver->outbox);
    hawser__batch_unref(receiver->batch);
    hawser__free(receiver);
}

static void end_receiver(struct receiver *receiver) {
    hawser_server *server = receiver->server;
    server->listeners[receiver->listener]->receiver = NULL;
    int code = errno;
    free_receiver(receiver);
    errno = code;
    if (!hawser__stopping(server)) {
        hawser__fail(errno, "receive datagrams");
        hawser__give_up(server);
    }
    atomic_fetch_sub(&server->accepting, 1);
    hawser__bell_ring(server);
}

static int read_on(void *arg) {
    struct reader *reader = arg;
    struct receiver *receiver = reader->receiver;
    hawser_server *server = receiver->server;
    if (read_batches(reader))
        end_receiver(receiver);
    else
        end_letter(server, reader);
    free_reader(reader);
    return 0;
}

/* A program's own get_request, and threads, take one letter after the other. */
static int take_letters(void *arg) {
    struct receiver *receiver = arg;
    hawser_server *server = receiver->server;
    const void *before = hawser__serves(server);
    int code = 0;
    while (code == 0 || bear(receiver, code)) {
        set_waiting(receiver, hawser__task_current());
        receiver->last_look |= hawser__stopping(server);
        code = hawser__take_letter(server, receiver->listener, !receiver->last_look) < 0 ? -errno : 0;
        set_waiting(receiver, NULL);
    }
    hawser__serves_not(before);
    end_receiver(receiver);
    return 0;
}

bool hawser__takes_batches(const hawser_server *server) {
    return server->options.concurrency == HAWSER_FIBERS && server->options.get_request == hawser_server_get_request;
}

static int start(struct receiver *receiver) {
    hawser_server *server = receiver->server;
    hawser_go_options options = {.name = "receive", .group = server->requests};
    if (!hawser__takes_batches(server))
        return hawser_go_with(&options, take_letters, receiver);
    receiver->outbox = hawser__outbox_new(server, receiver->sock);
    bool ready = receiver->outbox && hawser__batch_have(&receiver->batch, server) == 0;
    struct reader *reader = ready ? new_reader(receiver) : NULL;
    int result = reader ? hawser_go_with(&options, read_on, reader) : hawser__fail(ENOMEM, "serve");
    if (result < 0)
        free_reader(reader);
    return result;
}

int hawser__datagrams_start(hawser_server *server, size_t listener) {
    struct receiver *receiver = hawser__zalloc(sizeof *receiver);
    if (!receiver)
        return hawser__fail(ENOMEM, "serve");
    receiver->server = server;
    receiver->listener = listener;
    receiver->sock = server->listeners[listener]->sock;
    server->listeners[listener]->receiver = receiver;
    atomic_fetch_add(&server->accepting, 1);
    if (start(receiver) == 0)
        return 0;
    atomic_fetch_sub(&server->accepting, 1);
    server->listeners[listener]->receiver = NULL;
    free_receiver(receiver);
    return -1;
}
