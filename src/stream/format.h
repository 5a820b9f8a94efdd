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

/* Writes FORMAT with ARGUMENTS to AT, not beyond END, without a NUL. Where it ends; NULL: it has something else, or does not
 * fit, and what was written means nothing.
 * Byte by byte, because what stands between two conversions is short; with only the most common of them in the loop, each
 * other one costs it 2 ns. */
static inline char *hawser__format(char *at, char *end, const char *format, struct hawser__arguments *arguments) {
    for (;;) {
        unsigned char c;
        for (; (c = (unsigned char)*format) > '%' && at < end; format++)
            *at++ = (char)c;
        if (!c)
            return at;
        if (c == '%') {
            if (*++format != 's')
                return hawser__format_rest(at, end, format, arguments);
            const char *text = va_arg(arguments->list, const char *);
            size_t length = text ? strlen(text) : SIZE_MAX;
            if (length > (size_t)(end - at))
                return NULL;
            hawser__copy_few(at, text, length);
            at += length;
        } else if (at < end) {
            *at++ = (char)c;
        } else {
            return NULL;
        }
        format++;
    }
}

#endif
