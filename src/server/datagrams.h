/* SPDX-License-Identifier: MIT */
/*
 * Datagrams: what comes is taken many at a time, each is answered by a call of the handler, and the answers go out many at a
 * time.
 *
 * A letter is one datagram and the call for it. In fibers the receiving fiber calls the handler itself, one letter after the
 * other, as long as no handler waits: one that is about to hands the rest of the batch to a new fiber first, and has only its
 * own letter from then on. So handlers that just compute cost no fiber, and those that wait hold nobody up.
 */
#ifndef HAWSER__DATAGRAMS_H
#define HAWSER__DATAGRAMS_H

#include "server/connection.h"

#define HAWSER__LETTER_CONTROL 128   /* bytes of ancillary data: where it was sent to, and how the kernel joined it */
#define HAWSER__LARGEST_ANSWER 65507

struct hawser__outbox;

/* What the letters of a batch add to the tally: all at once, since each of them costs little. */
struct hawser__round {
    uint64_t letters, calls, finished;
    int64_t began;
};

struct hawser__letter {
    struct hawser__call call;            /* first: a request is part of a call, which is part of a letter */
    struct hawser__buffer answer;
    struct hawser__outbox *outbox;       /* NULL: the answer goes out at once */
    bool alone;                          /* in memory of its own, and to be started where the mode says */
    struct hawser__round round;          /* of those that are not alone */
    bool *started;                       /* set when process_request has done that, or had it answered: it may be gone then */
    size_t control_size;
    _Alignas(struct cmsghdr) char control[HAWSER__LETTER_CONTROL];   /* as it came; the answer goes back with it */
};

static inline struct hawser__letter *hawser__letter_of(hawser_request *r) {
    return (struct hawser__letter *)(uintptr_t)r;
}

/* letter.c */
void hawser__letter_init(struct hawser__letter *letter, hawser_server *server, hawser_sock *listener);
void hawser__letter_done(struct hawser__letter *letter);
/* All that happens to a letter of a batch: verify_request, process_request, and what that calls. */
void hawser__letter_run(struct hawser__letter *letter);
/* hawser_server_process_request of datagrams. */
int hawser__letter_start(struct hawser__letter *letter);
/* The handler, the answer, the counts and the end: in the task that it is to run in. */
void hawser__letter_serve(struct hawser__letter *letter);
/* hawser_server_get_request, and hawser_server_finish_request, of datagrams. */
int hawser__letter_take(hawser_request *r);
void hawser__letter_work(struct hawser__call *call);
/* Takes one letter from the listener of that number and has it answered where the mode says. 0; 1: it was refused; -1 with
 * errno: nothing came. */
int hawser__take_letter(hawser_server *server, size_t listener, bool waits);

/* datagrams.c */
/* Starts the fiber that answers what comes to a listener, until the server stops. 0; -1 with errno. */
int hawser__datagrams_start(hawser_server *server, size_t listener);
/* Whether datagrams are read many at a time, which the kernel may have joined. */
bool hawser__takes_batches(const hawser_server *server);
/* The stop: those that wait for more stop doing so. */
void hawser__datagrams_stop(hawser_server *server);

/* outbox.c */
struct hawser__outbox *hawser__outbox_new(hawser_server *server, hawser_sock *sock);
void hawser__outbox_free(struct hawser__outbox *outbox);
/* A copy of the SIZE bytes of DATA goes to where LETTER came from, with the next flush. */
void hawser__outbox_add(struct hawser__outbox *outbox, const struct hawser__letter *letter, const void *data, size_t size);
void hawser__outbox_flush(struct hawser__outbox *outbox);
/* The same for one answer, at once. */
void hawser__answer_now(const struct hawser__letter *letter, const void *data, size_t size);
/* Ancillary data that came with a datagram becomes what is to go out with the answer. Its size. */
size_t hawser__answer_control(char *control, size_t size);

#endif
