/* SPDX-License-Identifier: MIT */
#include "stream/format.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define DIGITS 20   /* of the largest number */

struct output {
    char *at, *end;
};

static inline bool put(struct output *output, const char *text, size_t size) {
    if ((size_t)(output->end - output->at) < size)
        return false;
    memcpy(output->at, text, size);
    output->at += size;
    return true;
}

static bool put_number(struct output *output, uint64_t number, unsigned base, bool negative) {
    char digits[DIGITS + 1], *first = digits + sizeof digits;
    do
        *--first = "0123456789abcdef"[number % base];
    while (number /= base);
    if (negative)
        *--first = '-';
    return put(output, first, (size_t)(digits + sizeof digits - first));
}

static bool put_signed(struct output *output, int64_t number) {
    return put_number(output, number < 0 ? -(uint64_t)number : (uint64_t)number, 10, number < 0);
}

enum length { INT, LONG, LONG_LONG, SIZE };

static int64_t take_signed(struct hawser__arguments *args, enum length length) {
    if (length == INT)
        return va_arg(args->list, int);
    return length == LONG ? va_arg(args->list, long)
                          : length == SIZE ? va_arg(args->list, ssize_t) : va_arg(args->list, long long);
}

static uint64_t take_unsigned(struct hawser__arguments *args, enum length length) {
    if (length == INT)
        return va_arg(args->list, unsigned);
    return length == LONG ? va_arg(args->list, unsigned long)
                          : length == SIZE ? va_arg(args->list, size_t) : va_arg(args->list, unsigned long long);
}

static bool put_text(struct output *output, const char *text) {
    return text && put(output, text, strlen(text));
}

static bool put_character(struct output *output, int character) {
    return put(output, &(char){(char)character}, 1);
}

/* What follows "%" and a LENGTH. False: not one of ours, or no room. */
static bool put_conversion(struct output *output, char conversion, enum length length, struct hawser__arguments *args) {
    switch (conversion) {
    case 's':
        return length == INT && put_text(output, va_arg(args->list, const char *));
    case 'c':
        return length == INT && put_character(output, va_arg(args->list, int));
    case 'd':
    case 'i':
        return put_signed(output, take_signed(args, length));
    case 'u':
        return put_number(output, take_unsigned(args, length), 10, false);
    case 'x':
        return put_number(output, take_unsigned(args, length), 16, false);
    default:
        return conversion == '%' && length == INT && put(output, "%", 1);
    }
}

static inline enum length take_length(const char **format) {
    if (**format == 'z')
        return ++*format, SIZE;
    if (**format != 'l')
        return INT;
    bool twice = (*format)[1] == 'l';
    *format += twice ? 2 : 1;
    return twice ? LONG_LONG : LONG;
}

char *hawser__format_rest(char *at, char *end, const char *format, struct hawser__arguments *arguments) {
    struct output output = {.at = at, .end = end};
    do {
        enum length length = take_length(&format);
        if (!put_conversion(&output, *format++, length, arguments))
            return NULL;
        for (; *format && *format != '%'; format++)
            if (!put_character(&output, *format))
                return NULL;
    } while (*format++);
    return output.at;
}
