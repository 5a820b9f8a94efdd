/* SPDX-License-Identifier: MIT */
/*
 * Copying few bytes, sixteen at a time and mostly without a call. libc's functions are made for many: with lines of 32
 * bytes the two of them that a line takes cost 6 ns more than this. The vectors are the compiler's; every processor has
 * them in some form.
 */
#ifndef HAWSER__BYTES_H
#define HAWSER__BYTES_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>
#if defined __SSE2__
#include <emmintrin.h>
#endif

#define HAWSER__CHUNK 16

typedef unsigned char hawser__chunk __attribute__((vector_size(HAWSER__CHUNK)));

/* As memcpy. The first and the last chunk may overlap. */
static inline void hawser__copy_few(char *to, const char *from, size_t size) {
    hawser__chunk first, last;
    if (size < HAWSER__CHUNK || size > 2 * HAWSER__CHUNK) {
        memcpy(to, from, size);
        return;
    }
    memcpy(&first, from, sizeof first);
    memcpy(&last, from + size - sizeof last, sizeof last);
    memcpy(to, &first, sizeof first);
    memcpy(to + size - sizeof last, &last, sizeof last);
}

/* The place of the first "\n" in CHUNK; HAWSER__CHUNK: there is none. */
#if defined __SSE2__
static inline size_t hawser__find_newline(hawser__chunk chunk) {
    unsigned found = (unsigned)_mm_movemask_epi8((__m128i)(chunk == (unsigned char)'\n'));
    return (size_t)__builtin_ctz(found | 1u << HAWSER__CHUNK);
}
#else
static inline size_t hawser__first_byte(uint64_t half) {
    return (size_t)(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? __builtin_ctzll(half) : __builtin_clzll(half)) / 8;
}
static inline size_t hawser__find_newline(hawser__chunk chunk) {
    typedef uint64_t halves __attribute__((vector_size(HAWSER__CHUNK)));
    halves found = (halves)(chunk == (unsigned char)'\n');
    if (found[0])
        return hawser__first_byte(found[0]);
    return HAWSER__CHUNK / 2 + (found[1] ? hawser__first_byte(found[1]) : HAWSER__CHUNK / 2);
}
#endif

/* Copies from FROM to TO, at most MOST bytes, until a "\n" has been. The bytes up to it and with it; 0: there is none in the
 * whole chunks of MOST. The bytes of TO behind that, up to MOST, mean nothing. */
static inline size_t hawser__copy_line(char *to, const char *from, size_t most) {
    for (size_t at = 0; at + HAWSER__CHUNK <= most; at += HAWSER__CHUNK) {
        hawser__chunk chunk;
        memcpy(&chunk, from + at, sizeof chunk);
        memcpy(to + at, &chunk, sizeof chunk);
        size_t found = hawser__find_newline(chunk);
        if (found < HAWSER__CHUNK)
            return at + found + 1;
    }
    return 0;
}

#endif
