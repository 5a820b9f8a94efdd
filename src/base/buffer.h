/* SPDX-License-Identifier: MIT */
/*
 * A byte buffer: bytes come in at its end and leave at its front. It grows when needed, never beyond the maximum given at
 * creation, and the content is always in one piece.
 *
 * Memory is taken with the first byte. An empty buffer keeps up to HAWSER__BUFFER_KEPT bytes of it, so that a loop over short
 * lines allocates once, and gives back anything more, so that one long line does not cost 64 KiB for the rest of a connection.
 */
#ifndef HAWSER__BUFFER_H
#define HAWSER__BUFFER_H

#include <stdbool.h>
#include <stddef.h>

#define HAWSER__BUFFER_KEPT 4096

struct hawser__buffer {
    char *memory;       /* NULL = none */
    size_t start, stop; /* the content is memory[start] to memory[stop - 1] */
    size_t capacity;
    size_t ready; /* bytes may be added up to memory[ready] as they are; what moves, empties or replaces it takes that back */
    size_t max; /* there is never more content */
};

void hawser__buffer_init(struct hawser__buffer *buffer, size_t max);
void hawser__buffer_done(struct hawser__buffer *buffer);

/* The content; never NULL, valid until the buffer is changed. */
static inline const char *hawser__buffer_data(const struct hawser__buffer *buffer) {
    return buffer->memory ? buffer->memory + buffer->start : "";
}

static inline size_t hawser__buffer_used(const struct hawser__buffer *buffer) {
    return buffer->stop - buffer->start;
}

/* Makes room for at least SIZE more bytes behind the content, which may move. 0; -ENOMEM; -ENOBUFS beyond the maximum. */
int hawser__buffer_reserve(struct hawser__buffer *buffer, size_t size);

/* The room behind the content: hawser__buffer_room bytes, of which hawser__buffer_commit makes the first SIZE content. */
static inline char *hawser__buffer_end(const struct hawser__buffer *buffer) {
    return buffer->memory ? buffer->memory + buffer->stop : NULL;
}
static inline size_t hawser__buffer_room(const struct hawser__buffer *buffer) {
    return buffer->capacity - buffer->stop;
}
static inline void hawser__buffer_commit(struct hawser__buffer *buffer, size_t size) {
    buffer->stop += size;
}

/* How many of SIZE more bytes may be added as they are: all or none. */
static inline bool hawser__buffer_is_ready(const struct hawser__buffer *buffer, size_t size) {
    return buffer->ready > buffer->stop && size <= buffer->ready - buffer->stop;
}

/* Adds SIZE bytes. As hawser__buffer_reserve; all or nothing. */
int hawser__buffer_append(struct hawser__buffer *buffer, const void *data, size_t size);

/* The memory, which is the caller's from now on, of an empty buffer; NULL: there is none. */
void *hawser__buffer_give_up(struct hawser__buffer *buffer);

/* The buffer, which is empty, takes over MEMORY of CAPACITY bytes (from hawser__alloc), of which the first SIZE are content. */
void hawser__buffer_adopt(struct hawser__buffer *buffer, void *memory, size_t capacity, size_t size);

/* Drops all of it. */
static inline void hawser__buffer_clear(struct hawser__buffer *buffer) {
    if (buffer->capacity > HAWSER__BUFFER_KEPT)
        hawser__buffer_done(buffer);
    else
        buffer->start = buffer->stop = buffer->ready = 0;
}

/* Drops the first SIZE bytes, at most what is there. */
static inline void hawser__buffer_consume(struct hawser__buffer *buffer, size_t size) {
    if (size < hawser__buffer_used(buffer))
        buffer->start += size;
    else
        hawser__buffer_clear(buffer);
}

#endif
