/* SPDX-License-Identifier: MIT */
#include "sim/heap.h"

#include "base/mem.h"

#include <errno.h>
#include <stdbool.h>

static size_t place_of(const hawser__heap *heap, uintptr_t memory) {
    uint64_t mixed = ((uint64_t)memory >> 4) * UINT64_C(0x9e3779b97f4a7c15);
    return (size_t)(mixed >> 32) & (heap->room - 1);
}

static void put(hawser__heap *heap, void *memory, int owner) {
    size_t at = place_of(heap, (uintptr_t)memory);
    while (heap->entries[at].memory)
        at = (at + 1) & (heap->room - 1);
    heap->entries[at] = (struct hawser__heap_entry){memory, owner};
    heap->count++;
}

static int grow(hawser__heap *heap) {
    hawser__heap larger = {.room = heap->room > 0 ? 2 * heap->room : 256};
    larger.entries = hawser__zalloc(larger.room * sizeof larger.entries[0]);
    if (!larger.entries)
        return -ENOMEM;
    for (size_t i = 0; i < heap->room; i++)
        if (heap->entries[i].memory)
            put(&larger, heap->entries[i].memory, heap->entries[i].owner);
    hawser__free(heap->entries);
    *heap = larger;
    return 0;
}

int hawser__heap_add(hawser__heap *heap, void *memory, int owner) {
    if (2 * (heap->count + 1) > heap->room && grow(heap) < 0)
        return -ENOMEM;
    put(heap, memory, owner);
    return 0;
}

/* Those behind it that would not be found across the gap move into it. */
static void close_gap(hawser__heap *heap, size_t gap) {
    for (size_t at = (gap + 1) & (heap->room - 1); heap->entries[at].memory; at = (at + 1) & (heap->room - 1)) {
        size_t wanted = place_of(heap, (uintptr_t)heap->entries[at].memory);
        if (((at - wanted) & (heap->room - 1)) < ((at - gap) & (heap->room - 1)))
            continue;
        heap->entries[gap] = heap->entries[at];
        gap = at;
    }
    heap->entries[gap].memory = NULL;
}

void hawser__heap_remove(hawser__heap *heap, uintptr_t memory) {
    if (heap->count == 0)
        return;
    size_t at = place_of(heap, memory);
    while (heap->entries[at].memory && (uintptr_t)heap->entries[at].memory != memory)
        at = (at + 1) & (heap->room - 1);
    if (!heap->entries[at].memory)
        return;
    heap->count--;
    close_gap(heap, at);
}

/* An entry that is taken out may bring another to its place, from the other end of the table even: then the pass is made
 * again. */
void hawser__heap_free_of(hawser__heap *heap, int owner) {
    bool found = true;
    while (found) {
        found = false;
        for (size_t at = 0; at < heap->room; at++) {
            struct hawser__heap_entry entry = heap->entries[at];
            if (!entry.memory || entry.owner != owner)
                continue;
            found = true;
            heap->count--;
            close_gap(heap, at--);
            hawser__free(entry.memory);
        }
    }
}

void hawser__heap_done(hawser__heap *heap) {
    hawser__free(heap->entries);
    *heap = (hawser__heap){0};
}
