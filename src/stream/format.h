/* SPDX-License-Identifier: MIT */
/*
 * The conversions that servers print most, without the price of the general ones: %s, %c, %d, %i, %u and %x, the last four also
 * with l, ll or z, and %%. No flags, widths or precisions.
 */
#ifndef HAWSER__FORMAT_H
#define HAWSER__FORMAT_H

#include <stdarg.h>
#include <stddef.h>
#include <sys/types.h>

/* Arguments that are handed from function to function as they are used up, which a va_list alone does not say. */
struct hawser__arguments {
    va_list list;
};

/* Writes FORMAT with ARGUMENTS to at most SIZE bytes at OUT, without a NUL. The length; -1: it has something else, or does not
 * fit, and what was written means nothing. */
ssize_t hawser__format(char *out, size_t size, const char *format, struct hawser__arguments *arguments);

#endif
