/* SPDX-License-Identifier: MIT */
#include "world/event.h"

#include "base/mem.h"

#include <errno.h>

static bool sooner(const hawser__event *a, const hawser__event *b) {
    return a->at != b->at ? a->at < b->at : a->number < b->number;
}

/* Places are counted from 1: the children of N are 2 N and 2 N + 1. */
static void put(hawser__events *events, hawser__event *event, size_t place) {
    events->heap[place - 1] = event;
    event->place = place;
}

static void rise(hawser__events *events, hawser__event *event, size_t place) {
    while (place > 1 && sooner(event, events->heap[place / 2 - 1])) {
        put(events, events->heap[place / 2 - 1], place);
        place /= 2;
    }
    put(events, event, place);
}

static void sink(hawser__events *events, hawser__event *event, size_t place) {
    for (size_t child; (child = 2 * place) <= events->count; place = child) {
        if (child < events->count && sooner(events->heap[child], events->heap[child - 1]))
            child++;
        if (!sooner(events->heap[child - 1], event))
            break;
        put(events, events->heap[child - 1], place);
    }
    put(events, event, place);
}

static int grow(hawser__events *events) {
    size_t room = events->room > 0 ? 2 * events->room : 64;
    hawser__event **heap = hawser__realloc(events->heap, room * sizeof(hawser__event *));
    if (!heap)
        return -ENOMEM;
    events->heap = heap;
    events->room = room;
    return 0;
}

int hawser__events_add(hawser__events *events, hawser__event *event, int64_t at) {
    hawser__events_remove(events, event);
    if (events->count == events->room && grow(events) < 0)
        return -ENOMEM;
    event->at = at;
    event->number = events->asked++;
    rise(events, event, ++events->count);
    return 0;
}

void hawser__events_remove(hawser__events *events, hawser__event *event) {
    size_t place = event->place;
    if (place == 0)
        return;
    hawser__event *last = events->heap[--events->count];
    event->place = 0;
    if (last == event)
        return;
    if (place > 1 && sooner(last, events->heap[place / 2 - 1]))
        rise(events, last, place);
    else
        sink(events, last, place);
}

hawser__event *hawser__events_first(const hawser__events *events) {
    return events->count > 0 ? events->heap[0] : NULL;
}

void hawser__events_done(hawser__events *events) {
    hawser__free(events->heap);
    *events = (hawser__events){0};
}
