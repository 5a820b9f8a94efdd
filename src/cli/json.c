/* SPDX-License-Identifier: MIT */
#include "cli/json.h"

#include "cli/output.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static void push(struct json *json) {
    if (json->error == 0 && output_all(json->fd, json->buffer, json->used) < 0)
        json->error = errno;
    json->used = 0;
}

static void put(struct json *json, const char *data, size_t size) {
    for (size_t i = 0; i < size; i++) {
        if (json->used == sizeof json->buffer)
            push(json);
        json->buffer[json->used++] = data[i];
    }
}

static void puts_raw(struct json *json, const char *text) {
    put(json, text, strlen(text));
}

/* How many bytes of valid UTF-8 stand at TEXT: 1 to 4, 0 when they are none. Overlong forms and surrogates are none. */
static size_t character(const unsigned char *text) {
    static const struct {
        unsigned char lead_first, lead_last, next_first, next_last, length;
    } forms[] = {
        {0x00, 0x7f, 0, 0, 1},          {0xc2, 0xdf, 0x80, 0xbf, 2},    {0xe0, 0xe0, 0xa0, 0xbf, 3},
        {0xe1, 0xec, 0x80, 0xbf, 3},    {0xed, 0xed, 0x80, 0x9f, 3},    {0xee, 0xef, 0x80, 0xbf, 3},
        {0xf0, 0xf0, 0x90, 0xbf, 4},    {0xf1, 0xf3, 0x80, 0xbf, 4},    {0xf4, 0xf4, 0x80, 0x8f, 4},
    };
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        if (text[0] < forms[i].lead_first || text[0] > forms[i].lead_last)
            continue;
        for (size_t k = 1; k < forms[i].length; k++) {
            unsigned char first = k == 1 ? forms[i].next_first : 0x80, last = k == 1 ? forms[i].next_last : 0xbf;
            if (text[k] < first || text[k] > last)   /* the final NUL is out of every range */
                return 0;
        }
        return forms[i].length;
    }
    return 0;
}

static void put_escaped(struct json *json, unsigned char byte) {
    static const char shorts[] = "\b\f\n\r\t\"\\", letters[] = "bfnrt\"\\";
    const char *found = strchr(shorts, byte);
    if (found && byte != '\0') {
        put(json, (char[]){'\\', letters[found - shorts]}, 2);
        return;
    }
    char text[8];
    snprintf(text, sizeof text, "\\u%04x", byte);
    puts_raw(json, text);
}

static void put_string(struct json *json, const char *value) {
    puts_raw(json, "\"");
    for (const unsigned char *at = (const unsigned char *)value; *at;) {
        size_t length = character(at);
        if (length == 0)
            puts_raw(json, "\xef\xbf\xbd");
        else if (length == 1 && (*at < 0x20 || *at == '"' || *at == '\\' || *at == 0x7f))
            put_escaped(json, *at);
        else
            put(json, (const char *)at, length);
        at += length ? length : 1;
    }
    puts_raw(json, "\"");
}

static void put_name(struct json *json, const char *name) {
    puts_raw(json, ",");
    put_string(json, name);
    puts_raw(json, ":");
}

void json_begin(struct json *json, const char *event) {
    puts_raw(json, "{\"v\":1");
    json_text(json, "event", event);
}

void json_text(struct json *json, const char *name, const char *value) {
    if (!value) {
        json_null(json, name);
        return;
    }
    put_name(json, name);
    put_string(json, value);
}

void json_number(struct json *json, const char *name, int64_t value) {
    char text[24];
    snprintf(text, sizeof text, "%" PRId64, value);
    put_name(json, name);
    puts_raw(json, text);
}

void json_null(struct json *json, const char *name) {
    put_name(json, name);
    puts_raw(json, "null");
}

void json_end(struct json *json) {
    puts_raw(json, "}\n");
}

int json_flush(struct json *json) {
    push(json);
    if (json->error == 0)
        return 0;
    errno = json->error;
    return -1;
}
