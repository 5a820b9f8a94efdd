/* SPDX-License-Identifier: MIT */
/*
 * The choice among several channels.
 *
 *   look    in random order, one channel at a time: the first case that can go does
 *   stand   all channels locked, in the order of their addresses: look again, then line up in every one of them
 *   wait    until somebody sets the choice
 *   leave   every line, one channel at a time
 *
 * Between looking again and lining up nothing can happen, since all the locks are held, and a select that looks is in no line
 * itself: so no two of them can each wait for the other, and a case never meets another case of the same select.
 */
#include "sched/channel.h"

#include "base/error.h"
#include "base/machine.h"
#include "base/sys.h"
#include "sched/park.h"

#define MOST 64
#define FEW 8

struct selection {
    const hawser_case *cases;
    size_t count;
    atomic_int choice;
    uint8_t order[MOST];        /* in which the cases are looked at */
    uint8_t by_address[MOST];   /* those with a channel, in the order of locking */
    size_t channels;            /* how many these are */
    hawser__party *parties;
};

/* A number below N (at most 2^16), from a generator of the thread's own: good enough for fairness and nothing else. */
static __attribute__((noinline)) unsigned random_below(unsigned n) {
    static _Thread_local uint32_t state;
    if (hawser__machine_here)
        (void)hawser__sys_random(&state, sizeof state);
    if (state == 0)
        state = (uint32_t)((uintptr_t)&state >> 4) ^ (uint32_t)hawser__clock_monotonic() ^ UINT32_C(0x9e3779b9);
    state ^= state << 13;
    state ^= state >> 17;
    state ^= state << 5;
    return (unsigned)(((state >> 16) * (uint64_t)n) >> 16);
}

static void shuffle(uint8_t *order, size_t count) {
    for (size_t i = 0; i < count; i++) {
        size_t other = random_below((unsigned)i + 1);
        order[i] = order[other];
        order[other] = (uint8_t)i;
    }
}

static int go_now(const hawser_case *one, hawser__party **served) {
    return one->send ? hawser__channel_send_now(one->channel, one->item, served)
                     : hawser__channel_recv_now(one->channel, one->item, served);
}

/* The index of a case that went, its result in *RESULT; -EAGAIN when none can. */
static int look(const struct selection *self, int *result) {
    for (size_t i = 0; i < self->count; i++) {
        const hawser_case *one = &self->cases[self->order[i]];
        hawser__party *served;
        if (!one->channel)
            continue;
        hawser__lock_take(&one->channel->lock);
        *result = go_now(one, &served);
        hawser__lock_drop(&one->channel->lock);
        if (served)
            hawser__waiter_grant(&served->waiter);
        if (*result != -EAGAIN)
            return self->order[i];
    }
    return -EAGAIN;
}

static hawser_channel *channel_of(const struct selection *self, size_t place) {
    return self->cases[self->by_address[place]].channel;
}

/* By insertion: there are seldom more than a few. */
static void sort(struct selection *self) {
    for (size_t i = 0; i < self->count; i++) {
        size_t at = self->channels;
        if (!self->cases[i].channel)
            continue;
        for (; at > 0 && (uintptr_t)channel_of(self, at - 1) > (uintptr_t)self->cases[i].channel; at--)
            self->by_address[at] = self->by_address[at - 1];
        self->by_address[at] = (uint8_t)i;
        self->channels++;
    }
}

/* A channel that occurs several times is locked once. */
static bool is_repeated(const struct selection *self, size_t place) {
    return place > 0 && channel_of(self, place) == channel_of(self, place - 1);
}

static void lock_all(const struct selection *self) {
    for (size_t i = 0; i < self->channels; i++)
        if (!is_repeated(self, i))
            hawser__lock_take(&channel_of(self, i)->lock);
}

static void unlock_all(const struct selection *self) {
    for (size_t i = 0; i < self->channels; i++)
        if (!is_repeated(self, i))
            hawser__lock_drop(&channel_of(self, i)->lock);
}

static hawser__waiters *line_of(const hawser_case *one) {
    return one->send ? &one->channel->senders : &one->channel->receivers;
}

static void line_up(struct selection *self, hawser__task *task) {
    for (size_t i = 0; i < self->channels; i++) {
        int index = self->by_address[i];
        const hawser_case *one = &self->cases[index];
        hawser__party *party = &self->parties[index];
        *party = (hawser__party){.waiter = {.task = task}, .item = one->item, .index = index, .choice = &self->choice};
        hawser__waiters_add(line_of(one), &party->waiter);
    }
}

/* Looks a last time, and lines up where nothing can go: -EAGAIN. */
static int stand(struct selection *self, hawser__task *task, int *result) {
    hawser__party *served = NULL;
    int index = -EAGAIN;
    lock_all(self);
    for (size_t i = 0; i < self->count && index < 0; i++) {
        const hawser_case *one = &self->cases[self->order[i]];
        *result = one->channel ? go_now(one, &served) : -EAGAIN;
        if (*result != -EAGAIN)
            index = self->order[i];
    }
    if (index < 0)
        line_up(self, task);
    unlock_all(self);
    if (served)
        hawser__waiter_grant(&served->waiter);
    return index;
}

/* The choice, or why the wait ended without one: then nobody can make it any more. */
static int wait_for_choice(struct selection *self) {
    hawser__deadline deadline = hawser__task_deadline(HAWSER__NEVER);
    for (;;) {
        int code = hawser__wait("select", -1, deadline);
        int choice = HAWSER__OPEN;
        if (code < 0 && atomic_compare_exchange_strong(&self->choice, &choice, HAWSER__WITHDRAWN))
            return code;
        if (code >= 0)
            choice = atomic_load(&self->choice);
        if (choice != HAWSER__OPEN)
            return choice;
    }
}

/* Holding each lock once also waits for those who have just found that the choice is made. */
static void leave(struct selection *self) {
    for (size_t i = 0; i < self->channels; i++) {
        const hawser_case *one = &self->cases[self->by_address[i]];
        hawser__lock_take(&one->channel->lock);
        hawser__waiters_remove(line_of(one), &self->parties[self->by_address[i]].waiter);
        hawser__lock_drop(&one->channel->lock);
    }
}

static int stand_and_wait(struct selection *self, int *result) {
    sort(self);
    int index = stand(self, hawser__task_current(), result);
    if (index >= 0)
        return index;
    index = wait_for_choice(self);
    leave(self);
    if (index >= 0) {
        hawser__waiter_settle(&self->parties[index].waiter);
        *result = self->parties[index].result;
    }
    return index;
}

/* Two functions, so that a fiber which waits for a few channels does not need a page more of its stack. */
static __attribute__((noinline)) int wait_at_few(struct selection *self, int *result) {
    hawser__party parties[FEW];
    self->parties = parties;
    return stand_and_wait(self, result);
}

static __attribute__((noinline)) int wait_at_many(struct selection *self, int *result) {
    hawser__party parties[MOST];
    self->parties = parties;
    return stand_and_wait(self, result);
}

static int check(const hawser_case *cases, size_t count) {
    if (count > MOST)
        return -EINVAL;
    for (size_t i = 0; i < count; i++)
        if (cases[i].channel && !cases[i].item)
            return -EINVAL;
    return hawser__interrupt_check();
}

static int select_one(const hawser_case *cases, size_t count, int *result) {
    struct selection self = {.cases = cases, .count = count, .choice = HAWSER__OPEN};
    shuffle(self.order, count);
    int index = look(&self, result);
    if (index >= 0) {
        hawser__channel_spend(hawser__task_current());
        return index;
    }
    return count <= FEW ? wait_at_few(&self, result) : wait_at_many(&self, result);
}

int hawser_channel_select(const hawser_case *cases, size_t count, int *result) {
    int code = check(cases, count), given;
    int index = code < 0 ? code : select_one(cases, count, &given);
    if (index < 0)
        return hawser__fail(index, "select among %zu channels", count);
    if (result)
        *result = given < 0 ? -1 : given;
    return index;
}
