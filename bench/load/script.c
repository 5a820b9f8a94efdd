/* SPDX-License-Identifier: MIT */
/* What is said: deterministic, so that a fault can be looked at twice. */
#include "load.h"

#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VARIETY 61 /* different requests; a prime, so that connections do not march in step */
#define LINE_SIZE 32
#define PREFIX "OK..."

static char *allocate(size_t size) {
    char *memory = malloc(size);
    if (!memory)
        bench_die("memory");
    return memory;
}

struct script script_echo(size_t size) {
    char *data = allocate(VARIETY * size);
    uint64_t state = 88172645463325252; /* xorshift64 */
    for (size_t i = 0; i < VARIETY * size; i++) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        data[i] = (char)(state >> 32);
    }
    return (struct script){.requests = data, .replies = data, .request_size = size, .reply_size = size, .count = VARIETY};
}

struct script script_lines(size_t depth) {
    size_t reply_line = LINE_SIZE + strlen(PREFIX), lines = VARIETY * depth;
    char *requests = allocate(lines * LINE_SIZE + 1), *replies = allocate(lines * reply_line + 1);
    for (size_t i = 0; i < lines; i++) {
        char *line = requests + i * LINE_SIZE;
        snprintf(line, LINE_SIZE + 1, "set key:%08zu value:%08x\n", i % 100000000, (unsigned)i * 2654435761u);
        mempcpy(mempcpy(replies + i * reply_line, PREFIX, strlen(PREFIX)), line, LINE_SIZE);
    }
    return (struct script){.requests = requests,
                           .replies = replies,
                           .request_size = depth * LINE_SIZE,
                           .reply_size = depth * reply_line,
                           .count = VARIETY};
}
