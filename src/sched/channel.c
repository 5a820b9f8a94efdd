/* SPDX-License-Identifier: MIT */
/* Channels: the calls on one. The state is described in sched/channel.h. */
#include "sched/channel.h"

#include "base/error.h"
#include "base/mem.h"

#define MOST_BYTES 65536

hawser_channel *hawser_channel_new(size_t item_size, size_t capacity) {
    size_t size;
    hawser_channel *channel = NULL;
    if (item_size == 0 || item_size > MOST_BYTES) {
        hawser__fail(EINVAL, "make channel for items of %zu bytes", item_size);
        return NULL;
    }
    if (!__builtin_mul_overflow(item_size, capacity, &size) && !__builtin_add_overflow(size, sizeof *channel, &size))
        channel = hawser__alloc(size);
    if (channel)
        *channel = (hawser_channel){.item_size = item_size, .capacity = capacity};
    else
        hawser__fail(ENOMEM, "make channel for %zu items of %zu bytes", capacity, item_size);
    return channel;
}

/* Waits at the end of LINE for somebody from the other side, who sets the result. The lock is held, and dropped here. */
static int wait_in(hawser_channel *channel, hawser__waiters *line, hawser__task *task, void *item, const char *what) {
    hawser__party party = {.waiter = {.task = task}, .item = item};
    hawser__waiters_add(line, &party.waiter);
    hawser__lock_drop(&channel->lock);
    int code = hawser__waiters_wait(line, &party.waiter, &channel->lock, what, channel);
    return code < 0 ? code : party.result;
}

/* Ends what was begun under the lock. */
static int leave(hawser_channel *channel, hawser__party *served, int result) {
    hawser__lock_drop(&channel->lock);
    if (served)
        hawser__waiter_grant(&served->waiter);
    return result;
}

static inline int pass_or_wait(hawser_channel *channel, void *item, bool sends) {
    hawser__task *task = hawser__task_current();
    hawser__party *served;
    if (hawser__task_cut(task))
        return -ECANCELED;
    hawser__lock_take(&channel->lock);
    int code = sends ? hawser__channel_send_now(channel, item, &served) : hawser__channel_recv_now(channel, item, &served);
    if (code == -EAGAIN && task->held) {   /* sent before it stands in line, where an item may be given to it */
        hawser__lock_drop(&channel->lock);
        (void)hawser__task_send_held(task);
        hawser__lock_take(&channel->lock);
        code = sends ? hawser__channel_send_now(channel, item, &served) : hawser__channel_recv_now(channel, item, &served);
    }
    if (code == -EAGAIN)
        return wait_in(channel, sends ? &channel->senders : &channel->receivers, task, item,
                       sends ? "channel send" : "channel receive");
    code = leave(channel, served, code);
    hawser__channel_spend(task);
    return code;
}

/* One function for both: where two fibers take turns, the processor expects the one that goes on to return to where the one
 * that stopped was called from, and here that is mostly right. */
static __attribute__((noinline)) int pass(hawser_channel *channel, void *item, bool sends) {
    int code = pass_or_wait(channel, item, sends);
    if (code < 0)
        hawser__channel_spend(hawser__task_current());
    return code < 0 ? hawser__fail(code, sends ? "send to channel" : "receive from channel") : code;
}

int hawser_channel_send(hawser_channel *channel, const void *item) {
    return pass(channel, (void *)item, true);
}

int hawser_channel_recv(hawser_channel *channel, void *item) {
    return pass(channel, item, false);
}

int hawser_channel_trysend(hawser_channel *channel, const void *item) {
    hawser__party *served;
    hawser__lock_take(&channel->lock);
    int code = hawser__channel_send_now(channel, item, &served);
    code = leave(channel, served, code);
    return code < 0 ? hawser__fail(code, "send to channel") : 0;
}

int hawser_channel_tryrecv(hawser_channel *channel, void *item) {
    hawser__party *served;
    hawser__lock_take(&channel->lock);
    int result = hawser__channel_recv_now(channel, item, &served);
    result = leave(channel, served, result);
    return result < 0 ? hawser__fail(result, "receive from channel") : result;
}

/* Everybody in LINE, off it, with RESULT; joined by `next` in front of REST. */
static hawser__waiter *take_everybody(hawser__waiters *line, int result, hawser__waiter *rest) {
    hawser__waiter *all = NULL, **end = &all;
    for (hawser__party *party; (party = hawser__channel_take(line, result)); end = &party->waiter.next)
        *end = &party->waiter;
    *end = rest;
    return all;
}

void hawser_channel_close(hawser_channel *channel) {
    hawser__lock_take(&channel->lock);
    channel->closed = true;
    hawser__waiter *all = take_everybody(&channel->receivers, 0, NULL);
    all = take_everybody(&channel->senders, -EPIPE, all);
    hawser__lock_drop(&channel->lock);
    hawser__waiters_grant_all(all);
}

size_t hawser_channel_count(hawser_channel *channel) {
    hawser__lock_take(&channel->lock);
    size_t count = channel->count;
    hawser__lock_drop(&channel->lock);
    return count;
}

void hawser_channel_free(hawser_channel *channel) {
    hawser__free(channel);
}
