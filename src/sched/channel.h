/* SPDX-License-Identifier: MIT */
/*
 * The inside of a channel: a ring of items, a line of senders, a line of receivers. channel.c has the plain calls and
 * channel_select.c the choice among several; what both do under the lock is here, inline, because a hand-off is counted in
 * nanoseconds.
 *
 *   senders in line --item--> [ ring, oldest first ] --item--> receivers in line
 *
 * 1. A receiver waits only while the ring is empty, a sender only while it is full: an item passes from task to task straight,
 *    or through the ring in its turn, and never overtakes another. With capacity 0 the ring is empty and full.
 * 2. Items are copied under the lock, into or out of the memory of a task that waits and cannot leave.
 * 3. A select stands in several lines at once, sharing a `choice`. Who takes one of its parties off a line sets the choice, or
 *    finds it set and goes on to the next in line.
 */
#ifndef HAWSER__CHANNEL_H
#define HAWSER__CHANNEL_H

#include "sched/waiters.h"
#include "sched/worker.h"

#include <hawser/channel.h>

#include <string.h>

struct hawser_channel {
    hawser__lock lock;
    bool closed;
    size_t item_size, capacity;
    size_t count, first;             /* items in the ring, and the place of the oldest */
    hawser__waiters senders, receivers;
    unsigned char ring[];
};

/* No case has been chosen; the select has given up. Otherwise the choice is the index of a case. */
#define HAWSER__OPEN (-1)
#define HAWSER__WITHDRAWN (-2)

/* One who waits at a channel. */
typedef struct hawser__party {
    hawser__waiter waiter;   /* first: a waiter in a channel's line is a party */
    void *item;
    int result;              /* what its call gives; written by who takes it off the line */
    int index;
    atomic_int *choice;      /* NULL: it waits for nothing else */
} hawser__party;

static inline bool hawser__party_choose(hawser__party *party) {
    int open = HAWSER__OPEN;
    return !party->choice || atomic_compare_exchange_strong(party->choice, &open, party->index);
}

/* The first of LINE that is still to be had, off it, its call giving RESULT; NULL without one. It is granted when the lock has
 * been dropped. */
static inline hawser__party *hawser__channel_take(hawser__waiters *line, int result) {
    hawser__party *party;
    do
        party = (hawser__party *)hawser__waiters_take(line);
    while (party && !hawser__party_choose(party));
    if (party)
        party->result = result;
    return party;
}

/* What went through without waiting counts against the turn of a fiber, as it does on sockets (hawser__worker_spend, without
 * its search for the fiber). */
static inline void hawser__channel_spend(const hawser__task *task) {
    hawser__fiber *fiber = task->fiber;
    if (fiber && --fiber->worker->spending == 0)
        hawser__worker_yield(fiber);
}

/* Pointers and numbers, which most items are, without a call. */
static inline void hawser__channel_copy(const hawser_channel *channel, void *to, const void *from) {
    if (channel->item_size == sizeof(uint64_t))
        memcpy(to, from, sizeof(uint64_t));
    else
        memcpy(to, from, channel->item_size);
}

/* The place of the item that N others are in front of. */
static inline unsigned char *hawser__channel_place(hawser_channel *channel, size_t n) {
    size_t place = channel->first + n;
    if (place >= channel->capacity)
        place -= channel->capacity;
    return channel->ring + place * channel->item_size;
}

/* Sends *ITEM if that can be done at once: 0, -EPIPE, or -EAGAIN. *SERVED, unless NULL, has then received it, and is to be
 * granted. Under the lock. */
static inline int hawser__channel_send_now(hawser_channel *channel, const void *item, hawser__party **served) {
    *served = NULL;
    if (channel->closed)
        return -EPIPE;
    hawser__party *receiver = hawser__channel_take(&channel->receivers, 1);
    if (receiver)
        hawser__channel_copy(channel, receiver->item, item);
    else if (channel->count < channel->capacity)
        hawser__channel_copy(channel, hawser__channel_place(channel, channel->count++), item);
    else
        return -EAGAIN;
    *served = receiver;
    return 0;
}

/* Receives into *ITEM if that can be done at once: 1, 0 at the end, or -EAGAIN. *SERVED, unless NULL, has then sent, and is to
 * be granted. Under the lock. */
static inline int hawser__channel_recv_now(hawser_channel *channel, void *item, hawser__party **served) {
    hawser__party *sender = *served = hawser__channel_take(&channel->senders, 0);
    if (channel->count > 0) {
        hawser__channel_copy(channel, item, hawser__channel_place(channel, 0));
        channel->first = channel->first + 1 == channel->capacity ? 0 : channel->first + 1;
        channel->count--;
        if (sender)
            hawser__channel_copy(channel, hawser__channel_place(channel, channel->count++), sender->item);
        return 1;
    }
    if (sender)
        hawser__channel_copy(channel, item, sender->item);
    return sender ? 1 : channel->closed ? 0 : -EAGAIN;
}

#endif
