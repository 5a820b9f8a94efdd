/* SPDX-License-Identifier: MIT */
/*
 * Wrong as "race nobody": fibers of two workers add to a plain int, and nothing keeps one from the other. Right as "race
 * mutex", under a mutex, and as "race channel", where only the one that has received the token may add.
 *
 * Both begin at the same time: what one did before the other was started would come before it, and be no race. They meet at an
 * atomic that has no order, so that the meeting orders nothing either. Whoever runs this sets a bound to their waiting.
 */
#include <hawser.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TIMES 500

static int count;
static atomic_int present;
static hawser_mutex *mutex;
static hawser_channel *channel;

static void need(bool done) {
    if (!done)
        abort();
}

static void take_nothing(void) {
}

static void lock(void) {
    need(hawser_mutex_lock(mutex) == 0);
}

static void unlock(void) {
    need(hawser_mutex_unlock(mutex) == 0);
}

static void receive_token(void) {
    char token;
    need(hawser_channel_recv(channel, &token) == 1);
}

static void send_token(void) {
    need(hawser_channel_send(channel, "t") == 0);
}

static const struct way {
    const char *name;
    void (*take)(void);
    void (*give)(void);
} ways[] = {{"nobody", take_nothing, take_nothing}, {"mutex", lock, unlock}, {"channel", receive_token, send_token}};

static void meet(void) {
    atomic_fetch_add_explicit(&present, 1, memory_order_relaxed);
    while (atomic_load_explicit(&present, memory_order_relaxed) < 2)
        sched_yield();
}

static int add(void *arg) {
    const struct way *way = arg;
    meet();
    for (int i = 0; i < TIMES; i++) {
        way->take();
        count++;
        way->give();
    }
    return 0;
}

static int command(void *arg) {
    send_token();
    need(hawser_go_on(1, add, arg) == 0);
    need(hawser_go_on(2, add, arg) == 0);
    return 0;
}

int main(int argc, char **argv) {
    const struct way *way = ways;
    need(argc == 2);
    while (strcmp(way->name, argv[1]) != 0)
        need(++way < ways + sizeof ways / sizeof *ways);
    need((mutex = hawser_mutex_new()) && (channel = hawser_channel_new(1, 1)));
    need(hawser_run(command, (void *)way, &(hawser_run_options){.workers = 2}) == 0);
    hawser_mutex_free(mutex);
    hawser_channel_free(channel);
    printf("%d\n", count);
    return 0;
}
