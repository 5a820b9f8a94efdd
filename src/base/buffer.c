/* SPDX-License-Identifier: MIT */
#include "base/buffer.h"

#include "base/mem.h"

#include <errno.h>
#include <string.h>

void hawser__buffer_init(struct hawser__buffer *buffer, size_t max) {
    *buffer = (struct hawser__buffer){.max = max};
}

static void give_memory_back(struct hawser__buffer *buffer) {
    if (buffer->memory)
        hawser__free(buffer->memory);
    buffer->memory = NULL;
    buffer->capacity = 0;
}

void hawser__buffer_done(struct hawser__buffer *buffer) {
    give_memory_back(buffer);
    buffer->start = buffer->stop = buffer->ready = 0;
}

static void move_to_front(struct hawser__buffer *buffer) {
    size_t used = hawser__buffer_used(buffer);
    if (buffer->start > 0)
        memmove(buffer->memory, buffer->memory + buffer->start, used);
    buffer->start = buffer->ready = 0;
    buffer->stop = used;
}

/* Doubled, so that growing byte by byte costs a constant number of copies a byte. */
static size_t grown_capacity(const struct hawser__buffer *buffer, size_t needed) {
    size_t capacity = buffer->capacity > 0 ? 2 * buffer->capacity : HAWSER__BUFFER_KEPT;
    if (capacity < needed)
        capacity = needed;
    return capacity < buffer->max ? capacity : buffer->max;
}

int hawser__buffer_reserve(struct hawser__buffer *buffer, size_t size) {
    if (size > buffer->max - hawser__buffer_used(buffer))
        return -ENOBUFS;
    if (size <= hawser__buffer_room(buffer))
        return 0;
    move_to_front(buffer);
    size_t needed = hawser__buffer_used(buffer) + size;
    if (needed <= buffer->capacity)
        return 0;
    size_t capacity = grown_capacity(buffer, needed);
    char *memory = hawser__realloc(buffer->memory, capacity);
    if (!memory)
        return -ENOMEM;
    buffer->memory = memory;
    buffer->capacity = capacity;
    return 0;
}

int hawser__buffer_append(struct hawser__buffer *buffer, const void *data, size_t size) {
    int result = hawser__buffer_reserve(buffer, size);
    if (result < 0)
        return result;
    if (size > 0)
        memcpy(hawser__buffer_end(buffer), data, size);
    hawser__buffer_commit(buffer, size);
    return 0;
}

void *hawser__buffer_give_up(struct hawser__buffer *buffer) {
    void *memory = buffer->memory;
    *buffer = (struct hawser__buffer){.max = buffer->max};
    return memory;
}

void hawser__buffer_adopt(struct hawser__buffer *buffer, void *memory, size_t capacity, size_t size) {
    hawser__buffer_done(buffer);
    buffer->memory = memory;
    buffer->capacity = capacity;
    buffer->stop = size;
}
