/* SPDX-License-Identifier: MIT */
/*
 * Datagrams that one system call has brought, and the place in them of who reads them. It belongs to its receiver and to every
 * letter that a handler waits in.
 */
#ifndef HAWSER__BATCH_H
#define HAWSER__BATCH_H

#include "server/datagrams.h"

struct hawser__batch;

/* In *BATCH is one that can be read into: the same, if no letter lies in it any more, else another. 0 or -ENOMEM. */
int hawser__batch_have(struct hawser__batch **batch, const hawser_server *server);
struct hawser__batch *hawser__batch_ref(struct hawser__batch *batch);
void hawser__batch_unref(struct hawser__batch *batch);

/* Reads what SOCK has, by DEADLINE. How many messages, or a negative code; then it holds none. */
int hawser__batch_read(struct hawser__batch *batch, hawser_sock *sock, hawser__deadline deadline);
/* The bytes of all that was read. */
uint64_t hawser__batch_size(const struct hawser__batch *batch);

/* The next datagram is in LETTER, whose data lies in the batch: true. */
bool hawser__batch_next(struct hawser__batch *batch, struct hawser__letter *letter);

#endif
