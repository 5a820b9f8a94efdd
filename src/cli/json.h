/* SPDX-License-Identifier: MIT */
/*
 * JSON out: one object a line, every one with "v":1 first. Nothing is allocated; an object of any length goes out in pieces of
 * the buffer. Failures stick: json_flush tells. In text that is not valid UTF-8, U+FFFD takes the place of each bad byte.
 */
#ifndef CLI_JSON_H
#define CLI_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json {
    int fd;
    int error;               /* errno of the first write that failed */
    size_t used;
    char buffer[1024];
};

void json_begin(struct json *json, const char *event);                       /* {"v":1,"event":EVENT */
void json_text(struct json *json, const char *name, const char *value);      /* a NULL value is null */
void json_number(struct json *json, const char *name, int64_t value);
void json_null(struct json *json, const char *name);
void json_end(struct json *json);                                            /* } and a newline */

/* Writes what is left. 0, or -1 with errno when this or an earlier write failed. */
int json_flush(struct json *json);

#endif
