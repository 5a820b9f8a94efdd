/* SPDX-License-Identifier: MIT */
/*
 * Receiving datagrams in batches, in fibers.
 *
 * A batch belongs to the receiver that reads it and to every letter of it that a handler waits in. The receiver is not in the group
 * that a stop cancels, because it runs handlers, which are to end in peace: it is cancelled by itself while it waits for more.
 */
#include "server/datagrams.h"

#include "base/mem.h"
#include "base/wake.h"
#include "server/acceptor.h"

#include <hawser/error.h>
#include <hawser/group.h>
#include <hawser/message.h>
#include <hawser/world.h>

#include <errno.h>
#include <netinet/udp.h>
#include <string.h>

#ifndef UDP_GRO
#define UDP_GRO 104
#endif

#define BATCH 64
#define PAUSE 0.01

struct batch {
    atomic_uint owners;
    size_t packet_size;
    int count;
    struct mmsghdr messages[BATCH];
    struct iovec pieces[BATCH];
    struct sockaddr_storage names[BATCH];
    _Alignas(struct cmsghdr) char controls[BATCH][HAWSER__LETTER_CONTROL];
    char data[];                     /* packet_size each: pages that no datagram reaches are never touched */
};

/* The reading of one listener; only one fiber at a time has it. */
struct receiver {
    hawser_server *server;
    size_t listener;
    hawser_sock *sock;
    hawser__lock lock;               /* guards `waiting` */
    hawser__task *waiting;           /* for more, and to be cancelled by a stop */
    bool last_look;
    struct batch *batch;
    int next;                        /* of the batch */
    size_t offset;                   /* in that message, when the kernel has joined several */
    struct hawser__outbox *outbox;
};

/* A fiber that reads, for as long as no handler makes it wait. */
struct reader {
    struct hawser__held held;        /* what it does before it waits: hand the rest on */
    struct receiver *receiver;
    struct hawser__letter letter;
    struct batch *batch;             /* of the letter, when the rest was handed on */
};

static void unref_batch(struct batch *batch) {
    if (batch && atomic_fetch_sub(&batch->owners, 1) == 1)
        hawser__free(batch);
}

static struct batch *new_batch(size_t packet_size) {
    struct batch *batch = hawser__alloc(sizeof *batch + BATCH * packet_size);
    if (!batch)
        return NULL;
    batch->owners = 1;
    batch->packet_size = packet_size;
    batch->count = 0;
    return batch;
}

static void prepare(struct batch *batch) {
    for (int i = 0; i < BATCH; i++) {
        batch->pieces[i] = (struct iovec){.iov_base = batch->data + (size_t)i * batch->packet_size, .iov_len = batch->packet_size};
        batch->messages[i].msg_hdr = (struct msghdr){.msg_name = &batch->names[i],
                                                     .msg_namelen = sizeof batch->names[i],
                                                     .msg_iov = &batch->pieces[i],
                                                     .msg_iovlen = 1,
                                                     .msg_control = batch->controls[i],
                                                     .msg_controllen = sizeof batch->controls[i]};
    }
}

/* A batch that a letter still lies in stays with that; the receiver goes on with another. 0 or -ENOMEM. */
static int have_batch(struct receiver *receiver) {
    if (receiver->batch && atomic_load(&receiver->batch->owners) == 1)
        return 0;
    unref_batch(receiver->batch);
    receiver->batch = new_batch(receiver->server->options.max_packet_size);
    return receiver->batch ? 0 : -ENOMEM;
}

static void set_waiting(struct receiver *receiver, hawser__task *task) {
    hawser__lock_take(&receiver->lock);
    receiver->waiting = task;
    hawser__lock_drop(&receiver->lock);
}

static int receive_now(struct receiver *receiver, hawser__deadline deadline) {
    hawser_sock *sock = receiver->sock;
    int n = hawser__enter(sock, HAWSER__RECEIVER);
    if (n < 0)
        return n;
    hawser__endpoint *endpoint = sock->endpoints[0];
    n = endpoint->engine->ops->recvmmsg(endpoint, receiver->batch->messages, BATCH, 0, deadline);
    hawser__leave(sock, HAWSER__RECEIVER);
    return n;
}

/* A stop that came before `waiting` was set is seen here, one that comes after cancels the task. */
static int receive(struct receiver *receiver) {
    prepare(receiver->batch);
    set_waiting(receiver, hawser__task_current());
    if (hawser__stopping(receiver->server))
        receiver->last_look = true;
    int n = receive_now(receiver, receiver->last_look ? HAWSER__NOW : HAWSER__NEVER);
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

static size_t segment_size(const struct msghdr *message, size_t whole) {
    for (struct cmsghdr *part = CMSG_FIRSTHDR(message); part; part = CMSG_NXTHDR((struct msghdr *)(uintptr_t)message, part)) {
        int size;
        if (part->cmsg_level != IPPROTO_UDP || part->cmsg_type != UDP_GRO)
            continue;
        memcpy(&size, CMSG_DATA(part), sizeof size);
        return size > 0 && (size_t)size < whole ? (size_t)size : whole;
    }
    return whole;
}

/* The next datagram of the batch is in the reader's letter: true. */
static bool next_letter(struct reader *reader) {
    struct receiver *receiver = reader->receiver;
    struct batch *batch = receiver->batch;
    hawser_request *r = &reader->letter.call.request;
    if (receiver->next == batch->count)
        return false;
    int i = receiver->next;
    const struct msghdr *message = &batch->messages[i].msg_hdr;
    size_t whole = batch->messages[i].msg_len, left = whole - receiver->offset;
    size_t segment = receiver->server->options.segmentation ? segment_size(message, whole) : whole;
    memcpy(&r->peer.ss, message->msg_name, message->msg_namelen);
    r->peer.len = message->msg_namelen;
    r->data = batch->data + (size_t)i * batch->packet_size + receiver->offset;
    r->size = left < segment ? left : segment;
    r->truncated = message->msg_flags & MSG_TRUNC;
    reader->letter.control_size = message->msg_controllen;
    if (message->msg_controllen > 0)
        memcpy(reader->letter.control, message->msg_control, message->msg_controllen);
    receiver->offset += r->size;
    if (receiver->offset >= whole) {
        receiver->offset = 0;
        receiver->next++;
    }
    return true;
}

static void count_letter(hawser_request *r) {
    if (!r->truncated)
        return;
    hawser__tally_add(&r->server->tally->datagrams_truncated, 1);
    hawser__log(r->server, HAWSER_LOG_INFO, "a datagram from %s was cut to %zu bytes", hawser_addr_str(&r->peer), r->size);
}

static void count_batch(struct receiver *receiver, int count) {
    uint64_t bytes = 0;
    for (int i = 0; i < count; i++)
        bytes += receiver->batch->messages[i].msg_len;
    hawser__tally_add(&receiver->server->tally->bytes_in, bytes);
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

/* Before the reader's handler waits: what has been answered goes out, and another fiber takes the rest. Without memory for one they
 * have to wait, until there is. */
static bool hand_on(struct hawser__held *held) {
    struct reader *reader = (struct reader *)held;
    struct receiver *receiver = reader->receiver;
    hawser_server *server = receiver->server;
    hawser_go_options options = {.name = "receive", .group = server->requests};
    hawser__outbox_flush(receiver->outbox);
    end_round(&reader->letter);
    begin_round(&reader->letter);
    atomic_fetch_add(&receiver->batch->owners, 1);
    atomic_fetch_add(&server->active, 1);
    reader->batch = receiver->batch;
    reader->letter.outbox = NULL;
    reader->receiver = NULL;
    if (hawser_go_with(&options, read_on, receiver) == 0) {
        hawser__tally_add(&server->tally->active, 1);
        return false;
    }
    atomic_fetch_sub(&server->active, 1);
    atomic_fetch_sub(&receiver->batch->owners, 1);
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
    while (reads && next_letter(reader)) {
        count_letter(&reader->letter.call.request);
        reader->letter.round.letters++;
        reads = answer(reader);
    }
    end_round(&reader->letter);
    if (reads)
        hawser__outbox_flush(reader->receiver->outbox);
    return reads;
}

/* True: go on. A full table of something passes; a socket that was closed does not. */
static bool bear(struct receiver *receiver, int code) {
    hawser_server *server = receiver->server;
    if (code == -ECANCELED && hawser__stopping(server)) {
        hawser_cancel_clear();
        return !receiver->last_look;
    }
    if (code == -EBADF || code == -ECANCELED || (code == -EAGAIN && receiver->last_look))
        return false;
    hawser__tally_add(&server->tally->shortages, code == -ENOMEM || code == -ENOBUFS);
    return code != -ENOMEM || hawser_sleep(PAUSE) == 0;
}

/* False: this fiber is no reader any more. */
static bool read_batches(struct reader *reader) {
    struct receiver *receiver = reader->receiver;
    if (!answer_batch(reader))
        return false;
    for (;;) {
        int n = have_batch(receiver);
        if (n == 0)
            n = receive(receiver);
        receiver->next = 0;
        receiver->offset = 0;
        if (receiver->batch)
            receiver->batch->count = n > 0 ? n : 0;
        if (n < 0 && !bear(receiver, n)) {
            errno = -n;
            return true;
        }
        if (n > 0)
            count_batch(receiver, n);
        if (n > 0 && !answer_batch(reader))
            return false;
    }
}

static void end_letter(hawser_server *server, struct reader *reader) {
    unref_batch(reader->batch);
    hawser__tally_add(&server->tally->active, (uint64_t)-1);
    if (atomic_fetch_sub(&server->active, 1) == 1 && hawser__stopping(server))
        hawser__bell_ring(server);
}

static void end_receiver(struct receiver *receiver) {
    hawser_server *server = receiver->server;
    server->listeners[receiver->listener]->receiver = NULL;
    hawser__outbox_free(receiver->outbox);
    unref_batch(receiver->batch);
    hawser__free(receiver);
    if (!hawser__stopping(server)) {
        hawser__fail(errno, "receive datagrams");
        hawser__give_up(server);
    }
    atomic_fetch_sub(&server->accepting, 1);
    hawser__bell_ring(server);
}

static int read_on(void *arg) {
    struct receiver *receiver = arg;
    hawser_server *server = receiver->server;
    struct reader *reader = hawser__alloc(sizeof *reader);
    if (!reader) {
        hawser__fail(ENOMEM, "receive datagrams");
        end_receiver(receiver);
        return -1;
    }
    *reader = (struct reader){.receiver = receiver};
    hawser__letter_init(&reader->letter, server, receiver->sock);
    reader->letter.outbox = receiver->outbox;
    bool reads = read_batches(reader);
    hawser__letter_done(&reader->letter);
    if (reads)
        end_receiver(receiver);
    else
        end_letter(server, reader);
    hawser__free(reader);
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

int hawser__datagrams_start(hawser_server *server, size_t listener) {
    bool batches = server->options.concurrency == HAWSER_FIBERS && server->options.get_request == hawser_server_get_request;
    hawser_go_options options = {.name = "receive", .group = server->requests};
    struct receiver *receiver = hawser__zalloc(sizeof *receiver);
    if (!receiver)
        return hawser__fail(ENOMEM, "serve");
    receiver->server = server;
    receiver->listener = listener;
    receiver->sock = server->listeners[listener]->sock;
    receiver->outbox = hawser__outbox_new(server, receiver->sock);
    int result = receiver->outbox && have_batch(receiver) == 0 ? 0 : hawser__fail(ENOMEM, "serve");
    atomic_fetch_add(&server->accepting, 1);
    server->listeners[listener]->receiver = receiver;
    if (result == 0)
        result = hawser_go_with(&options, batches ? read_on : take_letters, receiver);
    if (result == 0)
        return 0;
    server->listeners[listener]->receiver = NULL;
    atomic_fetch_sub(&server->accepting, 1);
    hawser__outbox_free(receiver->outbox);
    unref_batch(receiver->batch);
    hawser__free(receiver);
    return -1;
}
