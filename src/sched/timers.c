/* SPDX-License-Identifier: MIT */
#include "sched/timers.h"

#include "base/mem.h"

#include <errno.h>
#include <string.h>

#define WIDTH 4
#define FIRST_ROOM 64

void hawser__timers_done(hawser__timers *timers) {
    hawser__free(timers->heap);
    hawser__free(timers->spare);
    timers->heap = timers->spare = NULL;
}

/* Allocates outside the lock, which is one for a few instructions; of two that do so at once the smaller array is not used. */
static int make_spare(hawser__timers *timers, size_t room) {
    struct hawser__timer_entry *made = hawser__alloc(room * sizeof *made), *unused = made;
    if (!made)
        return -ENOMEM;
    hawser__lock_take(&timers->lock);
    if (room > atomic_load(&timers->capacity)) {
        unused = timers->spare;
        timers->spare = made;
        timers->spare_room = room;
        atomic_store(&timers->capacity, room);
    }
    hawser__lock_drop(&timers->lock);
    hawser__free(unused);
    return 0;
}

int hawser__timers_reserve(hawser__timers *timers, size_t count) {
    if (count <= atomic_load_explicit(&timers->capacity, memory_order_relaxed))
        return 0;
    return make_spare(timers, count < FIRST_ROOM ? FIRST_ROOM : 2 * count);
}

/* Moves into the array that was put beside. */
static void move(hawser__timers *timers) {
    hawser__lock_take(&timers->lock);
    struct hawser__timer_entry *old = timers->heap;
    if (timers->count > 0)
        memcpy(timers->spare, old, timers->count * sizeof *old);
    timers->heap = timers->spare;
    timers->room = timers->spare_room;
    timers->spare = NULL;
    hawser__lock_drop(&timers->lock);
    hawser__free(old);
}

static void put(hawser__timers *timers, size_t at, struct hawser__timer_entry entry) {
    timers->heap[at] = entry;
    entry.timer->place = at + 1;
}

static void sift_up(hawser__timers *timers, size_t at, struct hawser__timer_entry entry) {
    while (at > 0 && entry.at < timers->heap[(at - 1) / WIDTH].at) {
        put(timers, at, timers->heap[(at - 1) / WIDTH]);
        at = (at - 1) / WIDTH;
    }
    put(timers, at, entry);
}

static size_t earliest_child(const hawser__timers *timers, size_t at) {
    size_t first = at * WIDTH + 1, best = first;
    for (size_t i = first + 1; i < first + WIDTH && i < timers->count; i++)
        if (timers->heap[i].at < timers->heap[best].at)
            best = i;
    return best;
}

static void sift_down(hawser__timers *timers, size_t at, struct hawser__timer_entry entry) {
    while (at * WIDTH + 1 < timers->count) {
        size_t child = earliest_child(timers, at);
        if (entry.at <= timers->heap[child].at)
            break;
        put(timers, at, timers->heap[child]);
        at = child;
    }
    put(timers, at, entry);
}

void hawser__timers_add(hawser__timers *timers, hawser__timer *timer, hawser__deadline at) {
    if (timers->count == timers->room)
        move(timers);
    sift_up(timers, timers->count++, (struct hawser__timer_entry){at, timer});
}

void hawser__timers_remove(hawser__timers *timers, hawser__timer *timer) {
    if (timer->place == 0)
        return;
    size_t at = timer->place - 1;
    timer->place = 0;
    struct hawser__timer_entry last = timers->heap[--timers->count];
    if (last.timer == timer)
        return;
    if (at > 0 && last.at < timers->heap[(at - 1) / WIDTH].at)
        sift_up(timers, at, last);
    else
        sift_down(timers, at, last);
}

hawser__deadline hawser__timers_first(const hawser__timers *timers) {
    return timers->count > 0 ? timers->heap[0].at : HAWSER__NEVER;
}

hawser__timer *hawser__timers_take(hawser__timers *timers, int64_t now) {
    if (timers->count == 0 || timers->heap[0].at > now)
        return NULL;
    hawser__timer *timer = timers->heap[0].timer;
    hawser__timers_remove(timers, timer);
    return timer;
}
