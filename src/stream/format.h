/* SPDX-License-Identifier: MIT */
/*
 * The conversions that servers print most, without the price of the general ones: %s, %c, %d, %i, %u and %x, the last four also
 * with l, ll or z, and %%. No flags, widths or precisions.
 */
#ifndef HAWSER__FORMAT_H
#define HAWSER__FORMAT_H

#include "base/bytes.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/types.h>

/* Arguments that are handed from function to function as they are used up, which a va_list alone does not say. */
struct hawser__arguments {
    va_list list;
};

/* FORMAT from behind the "%" of a conversion on. As hawser__format. */
char *hawser__format_rest(char *at, char *end, const char *format, struct hawser__arguments *arguments);

/* Bytes of a literal that are copied without asking for each whether there is room. */
#define HAWSER__STRIDE 4

/* Copies plain text from FORMAT to AT, a stride at most: "%" and the few bytes sorted before it are not plain. How many. */
static inline size_t hawser__format_plain(char *at, const char *format) {
#pragma GCC unroll 4
    for (size_t n = 0; n < HAWSER__STRIDE; n++) {
        if ((unsigned char)format[n] <= '%')
            return n;
        at[n] = format[n];
    }
    return HAWSER__STRIDE;
}

/* Writes FORMAT with ARGUMENTS to AT, not beyond END, without a NUL. Where it ends; NULL: it has something else, or does not
 * fit, and what was written means nothing.
 * Only the most common conversion is in the loop: each other one costs it 2 ns. */
static inline char *hawser__format(char *at, char *end, const char *format, struct hawser__arguments *arguments) {
    for (;;) {
        size_t plain = end - at >= HAWSER__STRIDE ? hawser__format_plain(at, format) : 0;
        at += plain;
        format += plain;
        if (plain == HAWSER__STRIDE)
            continue;
        if (!*format)
            return at;
        if (*format != '%') {
            if (at == end)
                return NULL;
            *at++ = *format++;
            continue;
        }
        if (format[1] != 's')
            return hawser__format_rest(at, end, format + 1, arguments);
        const char *text = va_arg(arguments->list, const char *);
        size_t length = text ? strlen(text) : SIZE_MAX;
        if (length > (size_t)(end - at))
            return NULL;
        hawser__copy_few(at, text, length);
        at += length;
        format += 2;
    }
}

#endif
