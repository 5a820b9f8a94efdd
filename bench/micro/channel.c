/* SPDX-License-Identifier: MIT */
/* An item handed from a fiber to another on the same worker: through a channel of one slot, of none, and of 64. */
#include "micro.h"
#include "serve.h"

#define TIMES 500000

static int produce(void *channel) {
    for (uint64_t item = 0; hawser_channel_send(channel, &item) == 0; item++)
        ;
    return 0;
}

static void receive_many(void *channel, size_t times) {
    uint64_t item;
    for (size_t i = 0; i < times; i++)
        hawser_channel_recv(channel, &item);
}

static void measure_slots(const char *name, size_t slots) {
    hawser_group *group = hawser_group_open(NULL);
    hawser_channel *channel = hawser_channel_new(sizeof(uint64_t), slots);
    if (!group || !channel || hawser_group_go(group, produce, channel) < 0)
        serve_die();
    micro_print(name, micro_best(receive_many, channel, TIMES), "ns");
    hawser_channel_close(channel);
    hawser_group_close(group);
    hawser_channel_free(channel);
}

static int measure(void *arg) {
    (void)arg;
    measure_slots("handoff", 1);
    measure_slots("handoff_no_slot", 0);
    measure_slots("handoff_64_slots", 64);
    return 0;
}

int main(void) {
    return serve_run(1, measure, NULL);
}
