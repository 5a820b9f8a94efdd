/* SPDX-License-Identifier: MIT */
/*
 * Channels: items of one size, handed from tasks to tasks, fibers of any worker and plain threads, in the order they were sent.
 *
 * A channel holds up to CAPACITY items that nobody has received yet; a sender waits for room, a receiver for an item. With
 * capacity 0 each sender waits until a receiver has taken its item. Closing is the end of the stream: what is in the channel is
 * still received, then comes the end. Waits are bounded by the task's deadline (deadline.h) and end when the task is cancelled.
 *
 * Items are copied in and out. Of pointers the channel passes the value on: the receiver then owns what the sender owned.
 */
#ifndef HAWSER_CHANNEL_H
#define HAWSER_CHANNEL_H

#include <hawser/common.h>

HAWSER_BEGIN

typedef struct hawser_channel hawser_channel;

/* A new channel for items of ITEM_SIZE bytes (1 to 65536). NULL with ENOMEM, EINVAL. Python: queue.Queue(maxsize). */
hawser_channel *hawser_channel_new(size_t item_size, size_t capacity);

/* Sends a copy of *ITEM. 0; -1 with EPIPE (closed), ETIMEDOUT, EAGAIN, ECANCELED: the item was then not sent. Python:
 * queue.put. */
int hawser_channel_send(hawser_channel *channel, const void *item);
/* The same without waiting: EAGAIN when there is no room. Python: put_nowait. */
int hawser_channel_trysend(hawser_channel *channel, const void *item);

/* Receives the next item into *ITEM. 1; 0 at the end (closed and empty); -1 with ETIMEDOUT, EAGAIN, ECANCELED. Python:
 * queue.get. */
int hawser_channel_recv(hawser_channel *channel, void *item);
/* The same without waiting: EAGAIN when there is none. Python: get_nowait. */
int hawser_channel_tryrecv(hawser_channel *channel, void *item);

/* One of several things to do with channels. */
typedef struct hawser_case {
    hawser_channel *channel;   /* NULL: never goes */
    void *item;                /* received into, or sent from */
    bool send;
} hawser_case;

/* Waits until one of the COUNT cases (at most 64) can go, does that one and no other, and gives its index; when several can,
 * each has the same chance. *RESULT, unless NULL, is what that call alone would have given: 1 or 0 for a receipt, 0 or -1
 * (EPIPE) for a sending; errno is not set by that. -1 with EINVAL, ETIMEDOUT, EAGAIN, ECANCELED. Go: select. */
int hawser_channel_select(const hawser_case *cases, size_t count, int *result);

/* No more items come in: senders, waiting ones too, fail with EPIPE; receivers get what is left, then the end. Once is
 * enough. */
void hawser_channel_close(hawser_channel *channel);

/* Items in the channel now. */
size_t hawser_channel_count(hawser_channel *channel);

/* Frees the channel and the items in it. Nobody may be inside. NULL does nothing. */
void hawser_channel_free(hawser_channel *channel);

HAWSER_END

#endif
