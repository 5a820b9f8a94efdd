/* SPDX-License-Identifier: MIT */
/* See escape.h. One byte goes through one step; the only state is what is held back. */
#include "cli/escape.h"

#include <langinfo.h>
#include <stdint.h>
#include <string.h>

static size_t put_hex(char *out, char kind, uint32_t value, int digits) {
    size_t used = 0;
    out[used++] = '\\';
    out[used++] = kind;
    while (digits-- > 0)
        out[used++] = "0123456789abcdef"[value >> (4 * digits) & 15];
    return used;
}

static size_t put_held(struct escaper *escaper, char *out) {
    size_t used = 0;
    if (escaper->held_count > 0 && escaper->held[0] == '\r') {
        memcpy(out, "\\r", 2);
        used = 2;
    } else {
        for (unsigned i = 0; i < escaper->held_count; i++)
            used += put_hex(out + used, 'x', escaper->held[i], 2);
    }
    escaper->held_count = 0;
    return used;
}

static unsigned sequence_length(unsigned char lead) {
    if (lead >= 0xc2 && lead <= 0xdf)
        return 2;
    if (lead >= 0xe0 && lead <= 0xef)
        return 3;
    return lead >= 0xf0 && lead <= 0xf4 ? 4 : 1;
}

static uint32_t decode(const unsigned char *bytes, unsigned count) {
    uint32_t point = bytes[0] & (0xffu >> (count + 1));
    for (unsigned i = 1; i < count; i++)
        point = point << 6 | (bytes[i] & 0x3f);
    return point;
}

/* Overlong forms, surrogates and numbers above the last character; 2-byte sequences cannot be any of them. */
static bool invalid(uint32_t point, unsigned count) {
    static const uint32_t first[] = {[2] = 0x80, [3] = 0x800, [4] = 0x10000};
    return point < first[count] || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff);
}

static bool acts_on_terminals(uint32_t point) {
    static const struct {
        uint32_t first, last;
    } ranges[] = {{0x80, 0x9f}, {0x61c, 0x61c}, {0x200e, 0x200f}, {0x202a, 0x202e}, {0x2066, 0x2069}};
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++) {
        if (point >= ranges[i].first && point <= ranges[i].last)
            return true;
    }
    return false;
}

/* A sequence is complete: its character, or its bytes if they are none. */
static size_t put_character(struct escaper *escaper, char *out) {
    unsigned count = escaper->held_count;
    uint32_t point = decode(escaper->held, count);
    if (invalid(point, count))
        return put_held(escaper, out);
    escaper->held_count = 0;
    if (acts_on_terminals(point))
        return put_hex(out, 'u', point, 4);
    memcpy(out, escaper->held, count);
    return count;
}

static size_t hold(struct escaper *escaper, unsigned char byte) {
    escaper->held[escaper->held_count++] = byte;
    return 0;
}

static size_t put_first(struct escaper *escaper, unsigned char byte, char *out) {
    if (byte == '\r' || (byte >= 0x80 && !escaper->ascii_only && sequence_length(byte) > 1))
        return hold(escaper, byte);
    if (byte >= 0x7f || (byte < 0x20 && byte != '\n' && byte != '\t'))
        return put_hex(out, 'x', byte, 2);
    *out = (char)byte;
    return 1;
}

static size_t step(struct escaper *escaper, unsigned char byte, char *out) {
    if (escaper->held_count == 0)
        return put_first(escaper, byte, out);
    if (escaper->held[0] == '\r' && byte == '\n') {
        escaper->held_count = 0;
        memcpy(out, "\r\n", 2);
        return 2;
    }
    if (escaper->held[0] != '\r' && (byte & 0xc0) == 0x80) {
        hold(escaper, byte);
        return escaper->held_count == sequence_length(escaper->held[0]) ? put_character(escaper, out) : 0;
    }
    size_t used = put_held(escaper, out);
    return used + put_first(escaper, byte, out + used);
}

size_t escape_bytes(struct escaper *escaper, const void *data, size_t size, char *out) {
    const unsigned char *bytes = data;
    size_t used = 0;
    for (size_t i = 0; i < size; i++)
        used += step(escaper, bytes[i], out + used);
    return used;
}

size_t escape_end(struct escaper *escaper, char *out) {
    return put_held(escaper, out);
}

struct escaper escape_for_locale(void) {
    const char *set = nl_langinfo(CODESET);
    static const char *const unknown[] = {"", "ANSI_X3.4-1968", "US-ASCII", "ASCII"};   /* what C libraries call none */
    for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++)
        if (strcmp(set, unknown[i]) == 0)
            return (struct escaper){.ascii_only = false};
    return (struct escaper){.ascii_only = strcmp(set, "UTF-8") != 0};
}
