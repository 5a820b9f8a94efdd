/* SPDX-License-Identifier: MIT */
#include "base/mem.h"

#include "base/fault.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static bool fails(void) {
    return hawser__faults && hawser__faults->alloc && hawser__faults->alloc();
}

static void *counted(void *memory, int delta) {
    if (memory && hawser__faults && hawser__faults->count)
        hawser__faults->count(delta);
    return memory;
}

/* malloc sets errno on failure; a success of the caller (who may do without the memory) has to leave it alone. */
void *hawser__alloc(size_t size) {
    int saved = errno;
    void *memory = fails() ? NULL : counted(malloc(size ? size : 1), 1);
    errno = saved;
    return memory;
}

void *hawser__zalloc(size_t size) {
    void *memory = hawser__alloc(size);
    return memory ? memset(memory, 0, size) : NULL;
}

void *hawser__realloc(void *memory, size_t size) {
    int saved = errno;
    void *grown = fails() ? NULL : realloc(memory, size ? size : 1);
    if (!memory)
        counted(grown, 1);
    errno = saved;
    return grown;
}

char *hawser__strdup(const char *text) {
    if (!text)
        return NULL;
    size_t size = strlen(text) + 1;
    char *copy = hawser__alloc(size);
    return copy ? memcpy(copy, text, size) : NULL;
}

void hawser__free(void *memory) {
    int saved = errno;
    counted(memory, -1);
    free(memory);
    errno = saved;
}
