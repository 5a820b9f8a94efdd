/* SPDX-License-Identifier: MIT */
/*
 * The wire: packet.h. What takes no time is a queue, not a call, so that two sockets which answer each other need no stack. The
 * queue is empty whenever nothing of this folder runs.
 */
#include "base/mem.h"
#include "world/socket_inside.h"

static _Thread_local struct {
    hawser__packet *first, *last;
    bool running;
} wire __attribute__((tls_model("initial-exec")));

struct hawser__block *hawser__block_new(size_t size) {
    struct hawser__block *block = hawser__alloc(sizeof *block + size);
    if (block)
        *block = (struct hawser__block){.refs = 1, .size = size};
    return block;
}

void hawser__block_drop(struct hawser__block *block) {
    if (block && --block->refs == 0)
        hawser__free(block);
}

static hawser__packet *take_parts(hawser__packet *packet) {
    if (packet->from)
        hawser__sock_hold(packet->from);
    if (packet->to)
        hawser__sock_hold(packet->to);
    if (packet->block)
        packet->block->refs++;
    return packet;
}

hawser__packet *hawser__packet_new(hawser__socket *from, hawser__socket *to, hawser__host *host, struct hawser__block *block,
                               size_t offset, size_t size) {
    hawser__packet *packet = hawser__alloc(sizeof *packet);
    if (!packet)
        return NULL;
    *packet = (hawser__packet){.from = from, .to = to, .host = host, .block = block, .offset = offset, .size = size};
    if (from)
        packet->source_host = from->host;
    return take_parts(packet);
}

hawser__packet *hawser__packet_copy(const hawser__packet *packet) {
    hawser__packet *copy = hawser__alloc(sizeof *copy);
    if (!copy)
        return NULL;
    *copy = *packet;
    copy->event = (hawser__event){0};
    copy->next = NULL;
    return take_parts(copy);
}

void hawser__packet_free(hawser__packet *packet) {
    if (!packet)
        return;
    hawser__sock_release(packet->from);
    hawser__sock_release(packet->to);
    hawser__block_drop(packet->block);
    hawser__free(packet);
}

bool hawser__packet_travels(hawser__packet *packet, int64_t *delay) {
    *delay = 0;
    if (packet->source_host == packet->host)
        return true;
    return hawser__path_carries(hawser__path_between(packet->source_host, packet->host), packet->size, delay);
}

static void happen(hawser__event *event) {
    hawser__packet *packet = (hawser__packet *)event;
    packet->arrive(packet);
    hawser__wire_run();
}

void hawser__wire_put(hawser__packet *packet, int64_t delay) {
    packet->next = NULL;
    if (delay > 0) {
        packet->event.happen = happen;
        hawser__world_after(&packet->event, delay);
        if (packet->event.place == 0)
            hawser__packet_free(packet);   /* no memory: the run has failed */
        return;
    }
    *(wire.last ? &wire.last->next : &wire.first) = packet;
    wire.last = packet;
}

void hawser__wire_run(void) {
    if (wire.running)
        return;
    wire.running = true;
    for (hawser__packet *packet; (packet = wire.first);) {
        wire.first = packet->next;
        if (!wire.first)
            wire.last = NULL;
        packet->next = NULL;
        packet->arrive(packet);
    }
    wire.running = false;
}

void hawser__wire_clear(void) {
    hawser__events *events = &hawser__world_here->events;
    while (wire.first) {
        hawser__packet *packet = wire.first;
        wire.first = packet->next;
        hawser__packet_free(packet);
    }
    wire.last = NULL;
    wire.running = false;
    for (hawser__event *event; (event = hawser__events_first(events));) {
        hawser__events_remove(events, event);
        if (event->happen == happen)
            hawser__packet_free((hawser__packet *)event);
    }
}
