/* SPDX-License-Identifier: MIT */
#include "sim/strand.h"

#include "base/mem.h"
#include "sched/lend.h"
#include "sim/simulation.h"

#include <errno.h>
#include <pthread.h>

#define STACK ((size_t)1 << 20)
#define CALLS 1000                 /* that end a turn */
#define CALL 100                   /* nanoseconds for each of them, */
#define ROUNDS 100                 /* until so many such turns have gone by without a wait: then twice as long, and so on, */
#define DOUBLINGS 20               /* so that who spins for ever comes to the end of the world's time in seconds of ours */

static hawser__strands *strands_here(void) {
    return &hawser__simulation_here->strands;
}

static void nobody(void *arg) {
    (void)arg;
}

int hawser__strands_warm_up(void) {
    static atomic_bool warm;
    hawser__context context;
    size_t size;
    if (atomic_load(&warm))
        return 0;
    hawser__stacks *stacks = hawser__stacks_new(HAWSER__STRAND_STACK);
    void *stack = stacks ? hawser__stacks_take(stacks, &size) : NULL;
    if (stack) {
        hawser__context_make(&context, stack, size, nobody, NULL);   /* some switches take a signal for themselves */
        hawser__context_release(&context);
        hawser__stacks_give(stacks, stack);
        atomic_store(&warm, true);
    }
    hawser__stacks_free(stacks);
    return stack ? 0 : -ENOMEM;
}

int hawser__strands_open(hawser__strands *strands) {
    strands->stacks = hawser__stacks_new(HAWSER__STRAND_STACK);
    return strands->stacks ? 0 : -ENOMEM;
}

void hawser__strands_close(hawser__strands *strands) {
    hawser__stacks_free(strands->stacks);
    hawser__free(strands->ready);
    *strands = (hawser__strands){0};
}

/* The ready. */

void hawser__strand_ready(hawser__strand *strand) {
    hawser__strands *strands = strands_here();
    if (strand->state != HAWSER__STRAND_WAITS && strand->state != HAWSER__STRAND_RUNNING)
        return;
    hawser__world_forget(&strand->timer);
    strand->state = HAWSER__STRAND_READY;
    strand->place = strands->count;
    strands->ready[strands->count++] = strand;   /* there is room for every strand */
}

static void take_out(hawser__strands *strands, hawser__strand *strand) {
    hawser__strand *last = strands->ready[--strands->count];
    strands->ready[strand->place] = last;
    last->place = strand->place;
}

/* Switching. */

/* What belongs to a thread is put away, and found again afterwards. */
static void leave(hawser__strand *self) {
    int saved = errno;
    hawser__host *host = hawser__simulation_here->host;   /* another one's while a signal is sent to it */
    bool inside = hawser__simulation_here->inside;
    hawser__task *task = hawser__task_current();
    self->current = task == &self->task ? NULL : task;
    self->worker = hawser__worker_switch(NULL);
    hawser__context_adopt(&self->context);
    hawser__context_switch(&self->context, &strands_here()->loop);
    hawser__task_settle(&self->task);
    hawser__task_switch(self->current);
    (void)hawser__worker_switch(self->worker);
    hawser__simulation_here->host = host;
    (void)hawser__simulation_inside(inside);
    errno = saved;
}

static void enter(hawser__strands *strands, hawser__strand *next) {
    strands->running = next;
    hawser__context_adopt(&strands->loop);
    next->state = HAWSER__STRAND_RUNNING;
    hawser__simulation_enter_host(next->host);
    hawser__context_switch(&strands->loop, &next->context);
    hawser__simulation_leave_host();
    strands->running = NULL;
    hawser__task_switch(NULL);
    hawser__task_settle(NULL);
}

bool hawser__strands_turn(hawser__strands *strands) {
    if (strands->count == 0)
        return false;
    hawser__strand *next = strands->ready[hawser__chance_below(hawser__world_chance(), strands->count)];
    take_out(strands, next);
    enter(strands, next);
    hawser__strand *ended = strands->ended;
    strands->ended = NULL;
    if (ended)
        hawser__host_strand_ended(ended);
    return true;
}

/* Birth and end. */

static void first(void *argument) {
    hawser__strand *self = argument;
    hawser__task_settle(&self->task);
    hawser__task_switch(NULL);
    (void)hawser__worker_switch(NULL);
    errno = 0;
    self->run(self->argument);
    hawser__lend_return(&self->task);
    hawser__task_done(&self->task);
    hawser__strands *strands = strands_here();
    self->state = HAWSER__STRAND_ENDED;
    strands->ended = self;
    hawser__context_exit(&self->context, &strands->loop);
}

static void wake(hawser__task *task) {
    hawser__strand *strand = (hawser__strand *)((char *)task - offsetof(hawser__strand, task));
    atomic_store(&task->woken, true);
    if (strand->state == HAWSER__STRAND_WAITS)
        hawser__strand_ready(strand);
}

static void expire(hawser__event *event) {
    hawser__strand *strand = (hawser__strand *)((char *)event - offsetof(hawser__strand, timer));
    strand->expired = true;
    hawser__strand_ready(strand);
}

static int make_room(hawser__strands *strands, size_t count) {
    if (count <= strands->room)
        return 0;
    size_t room = strands->room > 0 ? 2 * strands->room : 64;
    hawser__strand **ready = hawser__realloc(strands->ready, room * sizeof(hawser__strand *));
    if (!ready)
        return -ENOMEM;
    strands->ready = ready;
    strands->room = room;
    return 0;
}

hawser__strand *hawser__strand_new(hawser__host *host, void *(*run)(void *), void *argument) {
    hawser__strands *strands = strands_here();
    size_t size;
    bool room = make_room(strands, ++hawser__simulation_here->strand_count) == 0;
    hawser__strand *made = room ? hawser__zalloc(sizeof *made) : NULL;
    void *stack = made ? hawser__stacks_take(strands->stacks, &size) : NULL;
    if (!stack) {
        hawser__simulation_here->strand_count--;
        hawser__free(made);
        return NULL;
    }
    hawser__task_init(&made->task, made->sentence);
    made->task.wake = wake;
    made->task.registered = true;
    made->timer.happen = expire;
    made->host = host;
    made->run = run;
    made->argument = argument;
    made->stack = stack;
    made->next = host->strands;
    host->strands = made;
    hawser__context_make(&made->context, stack, size, first, made);
    made->born = made->context;
    made->state = HAWSER__STRAND_WAITS;
    hawser__strand_ready(made);
    return made;
}

void hawser__strand_free(hawser__strand *strand) {
    hawser__strands *strands = strands_here();
    hawser__strand **at = &strand->host->strands;
    while (*at != strand)
        at = &(*at)->next;
    *at = strand->next;
    if (strand->state == HAWSER__STRAND_READY)
        take_out(strands, strand);
    hawser__world_forget(&strand->timer);
    hawser__context_release(&strand->born);
    hawser__stacks_give(strands->stacks, strand->stack);
    hawser__free(strand);
    hawser__simulation_here->strand_count--;
}

/* Waiting. */

bool hawser__strand_wait(hawser__deadline deadline) {
    hawser__strand *self = strands_here()->running;
    self->calls = self->rounds = 0;
    self->expired = false;
    self->state = HAWSER__STRAND_WAITS;
    if (deadline != HAWSER__NEVER)
        hawser__world_at(&self->timer, hawser__host_to_world(self->host, deadline));
    leave(self);
    return !self->expired;
}

void hawser__strand_yield(void) {
    hawser__strand *self = strands_here()->running;
    hawser__strand_ready(self);
    leave(self);
}

void hawser__strand_give_way(void) {
    bool inside = hawser__simulation_inside(true);
    if (strands_here()->running)
        hawser__strand_yield();
    hawser__simulation_inside(inside);
}

void hawser__strand_pace(void) {
    hawser__strand *self = strands_here()->running;
    if (!self || ++self->calls < CALLS)
        return;
    unsigned doublings = self->rounds++ / ROUNDS;
    hawser__world_here->now += (int64_t)CALLS * CALL << (doublings < DOUBLINGS ? doublings : DOUBLINGS);
    self->calls = 0;
    hawser__strand_give_way();
}

int hawser__strand_doze(struct hawser__task *task, int64_t deadline) {
    bool inside = hawser__simulation_inside(true);
    int woken = atomic_load(&task->woken) || (deadline != HAWSER__NOW && hawser__strand_wait(deadline));
    hawser__simulation_inside(inside);
    return woken;
}

/* Threads. */

int hawser__strand_begin(void *(*run)(void *), void *argument, void **ret) {
    bool inside = hawser__simulation_inside(true);
    hawser__strand *made = hawser__strand_new(strands_here()->running->host, run, argument);
    if (made)
        made->detached = !ret;
    if (made && ret)
        *ret = made;
    hawser__simulation_inside(inside);
    return made ? 0 : -ENOMEM;
}

void hawser__strand_join(void *argument) {
    bool inside = hawser__simulation_inside(true);
    hawser__strand *strand = argument;
    while (strand->state != HAWSER__STRAND_ENDED) {
        strand->joiner = strands_here()->running;
        (void)hawser__strand_wait(HAWSER__NEVER);
    }
    hawser__strand_free(strand);
    hawser__simulation_inside(inside);
}

/* Conditions: the list is in the order of coming. */

static void append(void **waiters, hawser__strand *self) {
    hawser__strand *last = *waiters;
    self->behind = NULL;
    self->signalled = false;
    while (last && last->behind)
        last = last->behind;
    if (last)
        last->behind = self;
    else
        *waiters = self;
}

static void withdraw(void **waiters, hawser__strand *self) {
    hawser__strand *before = *waiters;
    while (before != self && before->behind != self)
        before = before->behind;
    if (before == self)
        *waiters = self->behind;
    else
        before->behind = self->behind;
}

int hawser__strand_condition_wait(void **waiters, void *lock, int64_t deadline) {
    bool inside = hawser__simulation_inside(true), in_time = true;
    hawser__strand *self = strands_here()->running;
    append(waiters, self);
    pthread_mutex_unlock(lock);
    while (!self->signalled && in_time)
        in_time = hawser__strand_wait(deadline);
    if (!self->signalled)
        withdraw(waiters, self);
    while (pthread_mutex_trylock(lock) != 0)
        hawser__strand_yield();
    hawser__simulation_inside(inside);
    return self->signalled ? 0 : ETIMEDOUT;
}

void hawser__strand_condition_signal(void **waiters, bool all) {
    bool inside = hawser__simulation_inside(true);
    hawser__strand *first_one;
    do {
        first_one = *waiters;
        if (!first_one)
            break;
        *waiters = first_one->behind;
        first_one->signalled = true;
        hawser__strand_ready(first_one);
    } while (all);
    hawser__simulation_inside(inside);
}
