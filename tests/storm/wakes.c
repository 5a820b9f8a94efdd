/* SPDX-License-Identifier: MIT */
/*
 * Who waits is woken: fibers on different workers hand each other items through everything that makes them wait. A wake-up that
 * gets lost leaves the world stuck, or, when a timer comes along that has nothing to do with it, late.
 */
#include "storm.h"

#include <hawser/channel.h>
#include <hawser/group.h>
#include <hawser/sync.h>

#include <errno.h>

#define ITEMS 4
#define LATE 0.4   /* seconds: a worker looks about by itself once a second */

struct exchange {
    hawser_channel *channel;
    hawser_mutex *mutex;
    hawser_cond *changed;
    hawser_semaphore *taken;
    int sum, turn;
};

static int give(void *arg) {
    struct exchange *exchange = arg;
    for (int i = 1; i <= ITEMS; i++) {
        MUST(hawser_channel_send(exchange->channel, &i) == 0);
        if (hawser_sim_random(2))
            hawser_yield();
    }
    return 0;
}

static int take(void *arg) {
    struct exchange *exchange = arg;
    for (int i = 0, item; i < ITEMS; i++) {
        MUST(hawser_channel_recv(exchange->channel, &item) == 1);
        exchange->sum += item;
        hawser_semaphore_release(exchange->taken);
    }
    return 0;
}

/* Two of them take turns under the mutex. */
static int take_turns(struct exchange *exchange, int mine) {
    for (int i = 0; i < ITEMS; i++) {
        MUST(hawser_mutex_lock(exchange->mutex) == 0);
        while (exchange->turn != mine)
            MUST(hawser_cond_wait(exchange->changed, exchange->mutex) == 0);
        exchange->turn = !mine;
        hawser_cond_notify_all(exchange->changed);
        hawser_mutex_unlock(exchange->mutex);
    }
    return 0;
}

static int even(void *arg) {
    return take_turns(arg, 0);
}

static int odd(void *arg) {
    return take_turns(arg, 1);
}

static int wait_for_all(void *arg) {
    struct exchange *exchange = arg;
    for (int i = 0; i < ITEMS; i++)
        MUST(hawser_semaphore_acquire(exchange->taken) == 0);
    return 0;
}

static void start(hawser_group *group, int workers, hawser_fn fn, struct exchange *exchange) {
    hawser_go_options options = {.group = group, .worker = 1 + (int)hawser_sim_random((uint64_t)workers)};
    MUST(hawser_go_with(&options, fn, exchange) == 0);
}

static int exchange_items(void *arg) {
    const int *workers = arg;
    struct exchange exchange = {.channel = hawser_channel_new(sizeof(int), hawser_sim_random(3)), .mutex = hawser_mutex_new(),
                                .changed = hawser_cond_new(), .taken = hawser_semaphore_new(0)};
    hawser_group *group = hawser_group_open(NULL);
    start(group, *workers, give, &exchange);
    start(group, *workers, take, &exchange);
    start(group, *workers, wait_for_all, &exchange);
    start(group, *workers, even, &exchange);
    start(group, *workers, odd, &exchange);
    MUST(hawser_group_wait(group) == 0);
    hawser_group_close(group);
    MUST(exchange.sum == ITEMS * (ITEMS + 1) / 2);
    hawser_channel_free(exchange.channel);
    hawser_mutex_free(exchange.mutex);
    hawser_cond_free(exchange.changed);
    hawser_semaphore_free(exchange.taken);
    return 0;
}

static int scenario(void *arg) {
    int workers = storm_workers();
    hawser_run_options options = {.workers = workers};
    (void)arg;
    int result = hawser_run(exchange_items, &workers, &options);
    MUST(hawser_sim_now() < LATE);
    return result;
}

const struct scene storm_wakes = {.name = "wakes", .scenario = scenario};
