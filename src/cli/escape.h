/* SPDX-License-Identifier: MIT */
/*
 * The terminal escaper: bytes from a peer in, bytes that no terminal acts upon out.
 *
 * Passed on: printable characters, newline, tab, and a carriage return that stands before a newline. Made visible: every other
 * control character (C0, DEL, C1), a lone carriage return (it would let later text overwrite earlier), characters that
 * reorder text (bidi controls), and bytes that are not valid UTF-8. A byte becomes \xHH, a character \uHHHH, a lone carriage
 * return \r. Input may be cut anywhere: what may still become a character is held back until the rest arrives.
 */
#ifndef CLI_ESCAPE_H
#define CLI_ESCAPE_H

#include <stdbool.h>
#include <stddef.h>

struct escaper {
    bool ascii_only;           /* the terminal's character set is not UTF-8 */
    unsigned held_count;
    unsigned char held[4];     /* an unfinished character, or a carriage return */
};

/* Room for the output of SIZE bytes: four characters a byte, those held back included. */
#define ESCAPE_ROOM(SIZE) (4 * ((SIZE) + 4))

/* Escaped SIZE bytes of DATA into OUT, which has ESCAPE_ROOM(SIZE) bytes. Returns how many were written; no NUL is added. */
size_t escape_bytes(struct escaper *escaper, const void *data, size_t size, char *out);

/* What is still held back, at the end of the input; OUT has ESCAPE_ROOM(0) bytes. */
size_t escape_end(struct escaper *escaper, char *out);

/* An escaper for the character set of the locale. Where nothing is known (the "C" locale) UTF-8 is assumed, as terminals do. */
struct escaper escape_for_locale(void);

#endif
